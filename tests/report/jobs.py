"""Work for processes that are started afresh."""

import os
import signal
import time
from pathlib import Path


def double(number):
    return 2 * number


def odd_ones_die(number):
    if number % 5 == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def some_hang(number):
    if number == 2:
        time.sleep(600)
    return number


def raise_for_all(number):
    raise RuntimeError("broken")


def blocked_signals(_):
    time.sleep(0.2)  # so that every process gets a job
    return os.getpid(), signal.pthread_sigmask(signal.SIG_BLOCK, ())


def slow(path):
    Path(path).touch()
    time.sleep(1.5)
    return "done"

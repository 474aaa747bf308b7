import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from piqa_cli.errors import EngineError
from piqa_cli.report.processes import in_processes
from tests.report import jobs


def run(work, numbers, workers=2, seconds=60.0):
    return list(in_processes(work, numbers, workers, seconds=seconds, lost=lambda reason: reason))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_come_in_order(workers):
    assert run(jobs.double, range(30), workers) == list(range(0, 60, 2))


def test_nothing_to_do():
    assert run(jobs.double, [], 2) == run(jobs.double, [], None) == []


def test_a_job_that_kills_its_process_costs_only_itself():
    found = run(jobs.odd_ones_die, range(10))
    assert [found[i] for i in (0, 1, 2, 4, 5, 6, 7, 9)] == [0, 1, 2, 4, 5, 6, 7, 9]
    assert "SIGKILL" in found[3] and "SIGKILL" in found[8]


def test_a_job_that_hangs_costs_only_itself():
    found = run(jobs.some_hang, range(8), seconds=5.0)
    assert "5 s" in found[2]
    assert found[:2] + found[3:] == [0, 1, 3, 4, 5, 6, 7]


def test_time_that_the_whole_program_was_stopped_for_does_not_count(tmp_path):
    """Ctrl-Z and `fg`, or `docker pause`."""
    begun = tmp_path / "begun"
    code = (
        "from tests.report import jobs, test_processes as t\n"
        f"if __name__ == '__main__': print(t.run(jobs.slow, [{str(begun)!r}], 1, seconds=3.0))"
    )
    script = tmp_path / "stopped.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as program:
        try:
            while not begun.exists():
                assert program.poll() is None
                time.sleep(0.01)
            os.killpg(program.pid, signal.SIGSTOP)
            time.sleep(4)
            os.killpg(program.pid, signal.SIGCONT)
            assert program.communicate(timeout=60)[0] == "['done']\n"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)


def test_who_stops_listening_does_not_wait():
    started = time.monotonic()
    results = in_processes(jobs.some_hang, range(8), 1, seconds=500.0, lost=str)
    assert next(results) == 0
    results.close()
    assert time.monotonic() - started < 120


def test_processes_that_do_not_start_are_an_error(monkeypatch):
    class Unloadable:
        def __reduce__(self):
            return (__import__, ("no_such_module_of_this_name",))

        def __call__(self, job):
            return job

    with pytest.raises(EngineError, match="does not start"):
        run(Unloadable(), range(8))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_no_process_sees_an_interrupt_not_even_the_first_of_a_program():
    program = (
        "from piqa_cli.report.processes import in_processes\n"
        "from tests.report import jobs\n"
        "if __name__ == '__main__':\n"
        "    print(dict(in_processes(jobs.blocked_signals, range(20), 2, seconds=60.0, lost=str)))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert "SIGINT" in found.stdout and "set()" not in found.stdout, (found.stdout, found.stderr)

"""Runs a command and writes what it cost as JSON: `measured.py FILE COMMAND...`.

A small process in between, since Linux counts the memory of whoever starts a process into that process's peak.
"""

import json
import resource
import subprocess
import sys

code = subprocess.call(sys.argv[2:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
cost = {"code": code, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}
with open(sys.argv[1], "w", encoding="ascii") as file:  # noqa: PTH123 - no pathlib, to start quickly
    json.dump(cost, file)

"""Fuzzing: every parser of foreign bytes gets damaged files. Short and seeded in CI, long: `python -m tests.fuzz`."""

"""`piqa` as a process of its own, with the stand-in for the engine.

FAKE_PAUSE is the number of seconds that each batch takes.
"""

from __future__ import annotations

import os
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from piqa_cli.__main__ import main
from piqa_cli.records import PhotoScore
from tests.fake_engine import FakeEngine


def score_files(*args: Any) -> Iterator[list[PhotoScore]]:
    for batch in FakeEngine().score_files(*args):
        time.sleep(float(os.environ.get("FAKE_PAUSE", "0")))
        yield batch


module = types.ModuleType("piqa_cli.scoring.engine")
module.score_files = score_files  # type: ignore[attr-defined]
sys.modules["piqa_cli.scoring.engine"] = module
main()

"""Imports timm and torchvision without torch's compiler: over a second of every start, and it is never used here.

They ask two things of it on import: that some functions be left alone by it, and whether it supports a device, in a
function that piqa does not call. A stand-in answers; where that is not enough, both are imported as they are.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_COMPILER, _UTILITIES = "torch._dynamo", "torch._dynamo.utils"
_QUICK = ("torchvision", "timm")


def _left_alone(function: Any = None, *_: Any, **__: Any) -> Any:
    """Stands for `torch.compiler.disable`, with or without arguments."""
    return _left_alone if function is None else function


def _is_compile_supported(device_type: str) -> bool:
    """Asks the compiler itself, which by then has its own place again."""
    return bool(importlib.import_module(_UTILITIES).is_compile_supported(device_type))


def _load() -> None:
    wanted = [name for name in _QUICK if name not in sys.modules]
    if not wanted or _COMPILER in sys.modules:
        return
    stand_ins = {_COMPILER: ModuleType(_COMPILER), _UTILITIES: ModuleType(_UTILITIES)}
    stand_ins[_COMPILER].__dict__.update(__path__=[], disable=_left_alone, utils=stand_ins[_UTILITIES])
    stand_ins[_UTILITIES].__dict__.update(is_compile_supported=_is_compile_supported)
    sys.modules.update(stand_ins)
    try:
        for name in wanted:
            importlib.import_module(name)
    except (ImportError, AttributeError):  # another version, which asks for more
        for name in [name for name in sys.modules if name.partition(".")[0] in wanted]:
            del sys.modules[name]
    finally:
        for name in stand_ins:
            del sys.modules[name]


_load()

"""What the command line says of finding and scoring photos. Free of polars, numpy and rich."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from piqa_cli.model.store import DEFAULT_MODEL
from piqa_cli.scoring.options import EngineOptions


@dataclass(frozen=True, slots=True)
class Scoring:
    """How photos are found and scored: by `piqa score`, and by the commands that do as it does."""

    recursive: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    apart: tuple[Path, ...] = ()  # folders that are not entered on the way through another
    along: tuple[Path, ...] = ()  # named together with photos, and passed over: see `named_along`
    model: str = DEFAULT_MODEL
    models_dir: Path | None = None
    engine: EngineOptions = field(default_factory=EngineOptions)
    no_cache: bool = False
    cache_dir: Path | None = None

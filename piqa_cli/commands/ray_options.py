"""Options of `piqa score` that choose the engine and set up a run on a cluster; free of Ray."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from piqa_cli.cluster.options import BLOCK_SIZE, ClusterOptions
from piqa_cli.cluster.places import is_uri
from piqa_cli.commands.options import given_name
from piqa_cli.errors import UsageError
from piqa_cli.scoring.options import EngineOptions

_OUTPUT, _CLUSTER = "Results", "Cluster"
_ACTORS = re.compile(r"(\d+)(?:(:)(\d*))?")


class Engine(StrEnum):
    """What `--engine` takes."""

    LOCAL = "local"
    RAY = "ray"


def _actors(text: str | None) -> str | None:
    if text is not None:
        match = _ACTORS.fullmatch(text)
        least, most = actor_range(text) if match else (0, 0)
        if least < 1 or (most is not None and most < least):
            raise typer.BadParameter(f"{text!r} is none of 8, 2:16, 2: and so on")
    return text


def _share(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise typer.BadParameter(f"{value} is no number from 0 on")
    return value


def actor_range(text: str | None) -> tuple[int, int | None]:
    """`8`, `2:16` or `2:` -> least and most actors; no text and no end: as many as there is room for."""
    match = _ACTORS.fullmatch(text or "1:")
    assert match is not None, "checked by the option's callback"
    least = int(match[1])
    return least, (int(match[3]) if match[3] else None) if match[2] else least


Sources = Annotated[
    list[str],
    typer.Argument(
        help="Folders and photos; - reads paths from stdin, one a line or NUL-separated.",
        metavar="PATH",
        parser=given_name,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        help="Write all rows: .csv, .parquet, .jsonl, .json; a folder takes Parquet files.",
        metavar="FILE",
        rich_help_panel=_OUTPUT,
    ),
]
ChosenEngine = Annotated[
    Engine,
    typer.Option(
        "--engine",
        help="local, or ray: on a cluster, from and to folders or s3://bucket/prefix.",
        metavar="ENGINE",
        rich_help_panel=_CLUSTER,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        help="The cluster; otherwise RAY_ADDRESS, or this machine alone.",
        metavar="ADDRESS",
        show_default=False,
        rich_help_panel=_CLUSTER,
    ),
]
BlockSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=f"Photos in each file of the result, {BLOCK_SIZE:,} by default.",
        metavar="N",
        show_default=False,
        rich_help_panel=_CLUSTER,
    ),
]
Actors = Annotated[
    str | None,
    typer.Option(
        help="Processes that hold the model: 8, or 2:16; as many as fit by default.",
        metavar="MIN:MAX",
        callback=_actors,
        show_default=False,
        rich_help_panel=_CLUSTER,
    ),
]
CpusPerActor = Annotated[
    float | None,
    typer.Option(
        help="Cores of each, 1 by default.",
        metavar="N",
        callback=_share,
        show_default=False,
        rich_help_panel=_CLUSTER,
    ),
]
GpusPerActor = Annotated[
    float | None,
    typer.Option(
        help="GPUs of each, none by default; 0.25: four share one.",
        metavar="N",
        callback=_share,
        show_default=False,
        rich_help_panel=_CLUSTER,
    ),
]


def _way_to(uri: str) -> str:
    """What to name in the place of a URI without `--engine ray`."""
    if uri.startswith("file://"):  # as file managers copy it
        return "write the path alone, without file:// and with spaces for %20"
    if uri.startswith(("http://", "https://")):
        return "download it first"
    return "--engine ray reads and writes object stores"


@dataclass(frozen=True, slots=True)
class ClusterRequest:
    """What the options of this module say; None where one was not given."""

    engine: Engine = Engine.LOCAL
    address: str | None = None
    block_size: int | None = None
    actors: str | None = None
    cpus: float | None = None
    gpus: float | None = None
    cache_dir: Path | None = None

    @property
    def asked(self) -> bool:
        """Whether a cluster is to score."""
        return self.engine is Engine.RAY

    def check(self, places: Sequence[str]) -> None:
        """See that a local run is not asked for what a cluster does.

        Args:
            places: named on the command line, to read and to write.

        Raises:
            UsageError: an option of the cluster, or a URI, without `--engine ray`; a cache with it.
        """
        if self.asked:
            if self.cache_dir is not None:
                raise UsageError("--cache-dir is for local runs", hint="the folder of results keeps what is done")
            return
        if place := next(filter(is_uri, places), None):
            raise UsageError(f"{place} is no path on this machine", hint=_way_to(place))
        given = {
            "--ray-address": self.address,
            "--block-size": self.block_size,
            "--actors": self.actors,
            "--cpus-per-actor": self.cpus,
            "--gpus-per-actor": self.gpus,
        }
        if option := next((name for name, value in given.items() if value is not None), None):
            raise UsageError(f"{option} is for runs on a cluster", hint="add --engine ray, or leave it out")

    def options(self, scoring: EngineOptions) -> ClusterOptions:
        """The options of a run on a cluster, defaults filled in."""
        least, most = actor_range(self.actors)
        default = ClusterOptions()
        return ClusterOptions(
            address=self.address,
            block_size=self.block_size or default.block_size,
            least_actors=least,
            most_actors=most,
            cpus=default.cpus if self.cpus is None else self.cpus,
            gpus=default.gpus if self.gpus is None else self.gpus,
            scoring=scoring,
        )

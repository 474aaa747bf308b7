"""How the cost of scoring grows with the number of photos, from stage costs that were measured on one machine.

    python -m benchmarks.scaling                 # print the tables
    python -m benchmarks.scaling --write         # put them into docs/scaling.md
    python -m benchmarks.scaling --check         # exit code 1 where the document says something else
    python -m benchmarks.scaling --measured FILE.json --part scores/part-00000.parquet --device-rate 40

The measured costs are those of `benchmarks.score_dir` (a JSON object with names of `Costs` replaces any of them) and
the bytes of a row of a real part; everything else is arithmetic. What was not measured is an assumption with a name
and a number, and stands in the document as such.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from piqa_cli.outputs.tabular import serialize

DOCUMENT = Path(__file__).parent.parent / "docs/scaling.md"
BEGIN, END = "<!-- made by python -m benchmarks.scaling -->", "<!-- end -->"
COUNTS = (10_000, 1_000_000, 50_000_000)  # photos
CLUSTERS = (16, 256, 4_096)  # cores
PAGE = 1_000  # names in one answer to a list request
REQUESTS_PER_PART = 7  # entry looked for twice, part and entry written, the count of tries read, written, removed
HOUR = 3_600


@dataclass(frozen=True)
class Costs:
    """Measured: two cores of an AMD EPYC (without float16), 12-megapixel JPEGs, piqa-lite; see docs/measurements.md."""

    decode_ms: float = 33.1  # CPU time of one core for each photo, as the next three
    face_ms: float = 39.2
    resize_ms: float = 7.7
    network_ms: float = 68.6
    steady_rate: float = 10.88  # photos a second of the whole program, with everything that runs beside it,
    steady_cores: int = 2  # on so many cores
    photo_mb: float = 3.73
    part_bytes: float = 27_733.0  # of a Parquet part without rows: what its columns take
    row_bytes: float = 66.3  # that each row adds: 296 real photos without EXIF

    @property
    def prepare_s(self) -> float:
        """Core-seconds before the network."""
        return (self.decode_ms + self.face_ms + self.resize_ms) / 1000

    @property
    def stages_s(self) -> float:
        """Core-seconds of all stages."""
        return self.prepare_s + self.network_ms / 1000

    @property
    def whole_s(self) -> float:
        """Core-seconds that the whole program takes for a photo."""
        return self.steady_cores / self.steady_rate


@dataclass(frozen=True)
class Assumptions:
    """Not measured."""

    list_ms: float = 100.0  # one list request, one after the other
    gets_per_s: float = 5_500.0  # that a store serves below one prefix
    machine_gbit: float = 25.0  # network of such a machine
    block_size: int = 1_000

    @property
    def machine_mb_s(self) -> float:
        """Megabytes a second."""
        return self.machine_gbit * 1000 / 8


def main() -> int:
    options = _options()
    costs = Costs(**json.loads(options.measured.read_text())) if options.measured else Costs()
    if options.part:
        part, row = part_and_row_bytes(options.part)
        costs = replace(costs, part_bytes=part, row_bytes=row)
    text = "\n".join(tables(costs, Assumptions()))
    if options.write:
        DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8"), text), encoding="utf-8")
    elif options.check:
        return int(made_part(DOCUMENT.read_text(encoding="utf-8")) != text)
    else:
        print(text)
        if options.device_rate:
            print("\n".join(device_table(options.device_rate, costs)))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path, help="costs of another machine, JSON")
    parser.add_argument("--part", type=Path, help="take the bytes of a part and a row from this Parquet part")
    parser.add_argument("--device-rate", type=float, help="photos a second that one GPU was measured at")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="put the tables into the document")
    action.add_argument("--check", action="store_true", help="compare them with the document")
    return parser.parse_args()


def tables(costs: Costs, assumed: Assumptions) -> list[str]:
    """All tables of the document, as Markdown lines."""
    return [
        *_table("measured for each photo|value", _measured(costs)),
        "",
        *_table("photos|core-hours, stages alone|core-hours, whole program|" + _columns(CLUSTERS), _work(costs)),
        "",
        *_table("photos|read|GET requests|list requests|parts|requests for results|table", _traffic(costs, assumed)),
        "",
        *_table("what feeds the cores|photos a second|cores it keeps busy", _limits(costs, assumed)),
        "",
        *_table("photos|cores|hours|the bottleneck", _bottlenecks(costs, assumed)),
    ]


def device_table(rate: float, costs: Costs) -> list[str]:
    """The same for GPUs that were measured at `rate` photos a second each."""
    rows = [(f"{count:,}", f"{count / rate / HOUR:,.1f}", f"{rate * costs.prepare_s:.0f}") for count in COUNTS]
    return _table("photos|device-hours|cores that prepare photos for each device", rows)


def part_and_row_bytes(part: Path) -> tuple[float, float]:
    """Bytes of a Parquet file without rows, and what each row adds: from the table and each second row written anew."""
    import polars as pl

    table = pl.read_parquet(part)
    half = table.gather_every(2)
    whole_bytes, half_bytes = (len(serialize(frame, "parquet")) for frame in (table, half))
    row = (whole_bytes - half_bytes) / (table.height - half.height)
    return whole_bytes - row * table.height, row


def _measured(costs: Costs) -> Iterable[Sequence[str]]:
    for stage in ("decode", "face", "resize", "network"):
        yield stage, f"{getattr(costs, f'{stage}_ms')} ms of one core"
    yield "all stages", f"{costs.stages_s * 1000:.1f} ms of one core"
    rate = f"{costs.steady_rate} photos/s on {costs.steady_cores} cores"
    yield "the whole program", f"{costs.whole_s * 1000:.0f} ms of one core ({rate})"
    yield "file", f"{costs.photo_mb} MB"
    yield (
        "part of the table",
        f"{costs.part_bytes / 1000:.1f} kB of Parquet, and {costs.row_bytes:.0f} bytes for each row",
    )


def _work(costs: Costs) -> Iterable[Sequence[str]]:
    for count in COUNTS:
        hours = count * costs.whole_s / HOUR
        yield (
            f"{count:,}",
            _hours(count * costs.stages_s / HOUR),
            _hours(hours),
            *(f"{_hours(hours / cores)} h" for cores in CLUSTERS),
        )


def _traffic(costs: Costs, assumed: Assumptions) -> Iterable[Sequence[str]]:
    for count in COUNTS:
        parts = -(-count // assumed.block_size)
        yield (
            f"{count:,}",
            _bytes(count * costs.photo_mb * 1e6),
            f"{count:,}",
            f"{-(-count // PAGE):,}",
            f"{parts:,}",
            f"{parts * REQUESTS_PER_PART:,}",
            _bytes(parts * costs.part_bytes + count * costs.row_bytes),
        )


def _limits(costs: Costs, assumed: Assumptions) -> Iterable[Sequence[str]]:
    network = assumed.machine_mb_s / costs.photo_mb
    name = f"network of one machine, {assumed.machine_gbit:g} Gbit/s"
    for what, rate in ((name, network), *_shared_limits(assumed).items()):
        yield what, f"{rate:,.0f}", f"{rate * costs.whole_s:,.0f}"


def _shared_limits(assumed: Assumptions) -> dict[str, float]:
    """What all machines share -> photos a second."""
    return {
        f"GET requests below one prefix, {assumed.gets_per_s:,.0f}/s": assumed.gets_per_s,
        f"listing, {assumed.list_ms:g} ms a request": PAGE / assumed.list_ms * 1000,
    }


def _bottlenecks(costs: Costs, assumed: Assumptions) -> Iterable[Sequence[str]]:
    for count in COUNTS:
        for cores in CLUSTERS:
            parts = -(-count // assumed.block_size)
            rates = {
                "the cores": cores / costs.whole_s,
                f"{parts:,} parts for {cores:,} cores: smaller ones": parts / costs.whole_s,
                **_shared_limits(assumed),
            }
            slowest = min(rates, key=lambda what: rates[what])
            yield f"{count:,}", f"{cores:,}", _hours(count / rates[slowest] / HOUR), slowest


def _columns(clusters: Iterable[int]) -> str:
    return "|".join(f"on {cores:,} cores" for cores in clusters)


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"


def _bytes(count: float) -> str:
    units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
    while count >= 999.5 and len(units) > 1:
        count /= 1000
        units.pop(0)
    return f"{count:.3g} {units[0]}"


def _table(head: str, rows: Iterable[Sequence[str]]) -> list[str]:
    names = head.split("|")
    return [f"| {' | '.join(row)} |" for row in (names, ["---"] * len(names), *rows)]


def made_part(document: str) -> str:
    """What stands between the marks."""
    return document.partition(f"{BEGIN}\n")[2].partition(f"\n{END}")[0]


def replaced(document: str, text: str) -> str:
    """The document with another text between the marks."""
    before, mark, rest = document.partition(f"{BEGIN}\n")
    return f"{before}{mark}{text}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    sys.exit(main())

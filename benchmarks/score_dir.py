"""Speed and memory of `piqa score` on folders of photos with faces.

    python -m benchmarks.score_dir                              # 200 JPEGs of 12 megapixels
    python -m benchmarks.score_dir --count 200 2000 --mix 100 --compare

Runs the installed program as a real process and prints one table: photos per second, time to the first result, peak
memory of the whole process tree (proportional set size), a fully cached second run, where the time goes, how busy the
device is and what limits the run, and the start of `piqa --help`. `--compare` times other ways beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.score_dir_cached import cached_run
from benchmarks.score_dir_compare import WAYS, installed
from benchmarks.score_dir_photos import make_folder, make_mix
from benchmarks.score_dir_watch import PIQA, report, seconds_of, watch, watch_score

BUSY_ENOUGH = 0.8  # of the time: then the device is what limits a run


def main() -> None:
    options = _options()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count()
    print(f"{cores} cores, load {os.getloadavg()[0]:.1f} before the start")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        photos = options.folder or work / "photos"
        for count in options.count:
            make_folder(photos, count)
            part = _first(photos, count, work / f"first-{count}")
            speed(part, f"{count} JPEGs, 12 MP", work / f"run-{count}", options.rest)
        stages(part, options.device)
        if options.mix:
            make_mix(work / "mix", options.mix)
            speed(work / "mix", f"{options.mix} mixed", work / "run-mix", options.rest)
            stages(work / "mix", options.device)
        if options.compare:
            compare(part, options.compare_count)
        if options.cached:
            report("cached run", f"{cached_run(work, options.cached):.1f} s", f"{options.cached} files, all known")
    report("piqa --help", f"{min(seconds_of([*PIQA, '--help']) for _ in range(5)):.2f} s", "best of five")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=[200], help="12-megapixel photos, one run for each")
    parser.add_argument("--mix", type=int, default=0, help="photos of a mix: 24-megapixel JPEG, HEIC, RAW preview")
    parser.add_argument("--cached", type=int, default=10_000, help="files for the fully cached run; 0: skip")
    parser.add_argument("--compare", action="store_true", help="time the published order, pyiqa and cleanvision, too")
    parser.add_argument("--compare-count", type=int, default=3, help="photos for each of them")
    parser.add_argument("--device", default="auto", help="for the breakdown; the runs take it after --, too")
    parser.add_argument("--folder", type=Path, help="keep the 12-megapixel photos here; a temporary folder otherwise")
    parser.add_argument("rest", nargs="*", help="options for piqa score, after --")
    return parser.parse_args()


def _first(photos: Path, count: int, folder: Path) -> Path:
    """A folder with links to the first photos; hard ones, since folders are searched for files only."""
    folder.mkdir()
    for path in sorted(photos.glob("*.jpg"))[:count]:
        try:
            os.link(path, folder / path.name)
        except OSError:  # another file system
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def speed(photos: Path, name: str, work: Path, rest: Sequence[str]) -> None:
    work.mkdir()
    sizes = [path.stat().st_size for path in photos.iterdir()]
    run = watch_score(photos, work, rest)
    report(
        name,
        f"{len(sizes) / run.seconds:.2f} photos/s",
        f"{run.seconds:.1f} s, {sum(sizes) / len(sizes) / 1e6:.1f} MB each",
    )
    report("  first results", f"{run.first_result_s:.1f} s", "after the start of the process")
    report("  peak memory", f"{run.peak_pss_mb:.0f} MB", "process tree, proportional set size")
    report("  second run", f"{watch_score(photos, work, rest).seconds:.1f} s", "everything cached")


def stages(photos: Path, device: str) -> None:
    """Where the time goes, and what limits the run."""
    found = watch([sys.executable, "-m", "benchmarks.score_dir_stages", str(photos), "--device", device]).answer
    by_stage, busy, workers = found["stages_ms"], found["busy"], found["workers"]
    for stage, milliseconds in by_stage.items():
        report(f"  {stage}", f"{milliseconds:.1f} ms", "for each photo, one thread")
    report("  device busy", f"{busy:.0%}", f"at {found['steady_photos_s']:.2f} photos/s with {workers} workers")
    reading = sum(by_stage[stage] for stage in ("decode", "face", "resize"))
    slowest = max(("decode", "face", "resize"), key=lambda stage: by_stage[stage])
    limit = "the network" if busy >= BUSY_ENOUGH else f"the workers, most of all {slowest}"
    report("  limited by", limit, f"workers {reading:.0f} ms, network {by_stage['network']:.0f} ms for each photo")


def compare(photos: Path, count: int) -> None:
    """The other ways, one process each, on the same photos; `piqa score` on the same number of them, start included."""
    with tempfile.TemporaryDirectory() as temporary:
        few = _first(photos, count, Path(temporary) / "few")
        own = watch_score(few, Path(temporary), [])
        report("piqa score", f"{own.seconds / count:.2f} s/photo", f"{own.peak_pss_mb:.0f} MB, with its start")
        for way in WAYS:
            if not installed(way):
                report(way, "-", "not installed")
                continue
            command = [sys.executable, "-m", "benchmarks.score_dir_compare", way, str(few), "--count", str(count)]
            try:
                run = watch(command)
            except SystemExit as error:
                report(way, "-", str(error)[-120:])
                continue
            report(
                way, f"{run.answer['seconds_per_photo']:.2f} s/photo", f"{run.peak_pss_mb:.0f} MB, without its start"
            )


if __name__ == "__main__":
    main()

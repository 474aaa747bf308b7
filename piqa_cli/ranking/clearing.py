"""Taking back the marks that piqa wrote, and only those, without a journal: the marks say what was there before."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

from piqa_cli.errors import PhotoError
from piqa_cli.photos.embedding import embeddable
from piqa_cli.photos.metadata import read_embedded
from piqa_cli.photos.sidecars import Companions, existing_sidecars
from piqa_cli.ranking.applying import as_problem
from piqa_cli.ranking.marking import clear_file
from piqa_cli.ranking.marks import has_marks
from piqa_cli.ranking.steps import ApplyOptions, ChangeHandler, Outcome, ProgressHandler, Step, untold
from piqa_cli.records import PhotoFile


def clear(
    photos: Iterable[PhotoFile],
    options: ApplyOptions,
    on_progress: ProgressHandler | None = None,
    on_change: ChangeHandler = untold,
) -> Outcome:
    """Take piqa's marks out of sidecars, both namings, and out of the photos themselves, RAW mates included.

    Ratings and labels become what they were before piqa; a value that someone changed since stays. A sidecar that piqa
    made, and that says nothing else, goes. A sidecar like `IMG_1.xmp` is cleared with the shot that it is about, see
    `Companions.shot_of`. Malformed files are reported and left as they are.
    """
    shots = list(photos)
    companions = Companions()
    done: list[Step] = []
    problems: list[PhotoError] = []
    seen: set[Path] = set()
    for count, shot in enumerate(shots):
        files = (shot.path, *([shot.raw_mate] if shot.raw_mate else []))
        for file in files:
            sidecars = [path for path in existing_sidecars(file) if not companions.is_of_another(path, files)]
            for target, embedded in [*((path, False) for path in sidecars), (file, True)]:
                if target in seen:
                    continue
                seen.add(target)
                try:
                    changed = _clear(target, embedded, options, on_change)
                except (PhotoError, OSError) as error:
                    problems.append(as_problem(error, target))
                    continue
                if changed:
                    done.append(Step("embed" if embedded else "mark", target, shot.path))
        if on_progress is not None:
            on_progress(count + 1, len(shots))
    return Outcome(tuple(done), (), tuple(problems))


def _clear(target: Path, embedded: bool, options: ApplyOptions, on_change: ChangeHandler) -> bool:
    if embedded and not (embeddable(target) and has_marks(read_embedded(target).xmp)):
        return False
    part = target.parent / f".piqa-{secrets.token_hex(4)}-clear.part"
    keep = options.keep_modified
    return clear_file(target, embedded=embedded, keep_modified=keep, part=part, on_change=on_change)

"""From ranked photos to a plan: which are marked, which go where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from piqa_cli.photos.absolute import absolute
from piqa_cli.photos.sidecars import Companions
from piqa_cli.ranking.options import FOLDERS, REJECTS, Layout
from piqa_cli.ranking.plan import PLAN_VERSION, Decision, Move, Plan, PlanItem
from piqa_cli.ranking.ranked import RankedPhoto

SET_LABEL = "Purple"  # exposure brackets and panoramas
LABELS: dict[Decision, str | None] = {"pick": "Green", "keep": None, "reject": "Red"}
"""`xmp:Label` of each decision; None: left as it is."""


@dataclass(frozen=True, slots=True)
class Filing:
    """What is asked to be done with the files."""

    mark: bool = False  # write stars, labels, decisions
    move: Move | None = None
    folder: Path | None = None  # where to
    layout: Layout = Layout.PICKS
    everything: bool = False  # also photos that are neither pick nor reject; no choice was asked for
    sinking: bool = False  # groups are named after folders, and the target folder is among those


def make_plan(ranked: Sequence[RankedPhoto], filing: Filing, source: str) -> Plan:
    """The plan for these photos, best first. A photo for which there is nothing to do, or without a score, is left out.

    Args:
        ranked: the shoot.
        filing: what is asked for.
        source: what was ranked, in words.
    """
    companions = Companions()
    taken: set[Path] = set()  # a sidecar of two photos (IMG_1.JPG, IMG_1.HEIC) travels with the first one
    items = [
        item for photo in ranked if photo.score.score is not None and (item := _item(photo, filing, companions, taken))
    ]
    return Plan(PLAN_VERSION, datetime.now(UTC).replace(microsecond=0), source, tuple(items))


def folders_of(ranked: Iterable[RankedPhoto], filing: Filing) -> set[Path]:
    """The folders that this filing may put any of these photos into; none where nothing is filed."""
    if filing.folder is None:
        return set()
    named = FOLDERS.get(filing.layout) or (REJECTS, *(photo.place for photo in ranked))
    return {Path(absolute(filing.folder)) / name for name in named}


def _item(photo: RankedPhoto, filing: Filing, companions: Companions, taken: set[Path]) -> PlanItem | None:
    path = Path(absolute(photo.score.path))
    destination = _destination(photo, path, filing)
    if not filing.mark and destination is None:
        return None
    mates = tuple(mate for mate in _mates(photo, path, companions) if mate not in taken)
    taken.update(mates)
    return PlanItem(
        photo=path,
        mates=mates,
        stars=photo.stars,
        label=SET_LABEL if photo.kept_whole else LABELS[photo.decision],
        decision=photo.decision,
        score=None if photo.score.score is None else round(photo.score.score, 2),
        reasons=(photo.decision_reason, *photo.score.reasons),
        group=photo.group,
        mark=filing.mark,
        move=filing.move if destination else None,
        destination=destination,
    )


def _destination(photo: RankedPhoto, path: Path, filing: Filing) -> Path | None:
    if filing.move is None or filing.folder is None or (photo.decision == "keep" and not filing.everything):
        return None
    if photo.rejected_by_hand and photo.decision != "reject":
        return None
    target = Path(absolute(filing.folder))
    inside = _inside(photo, filing.layout)
    grouped = filing.layout is Layout.GROUP and photo.decision != "reject"
    if filing.sinking and grouped and path.is_relative_to(target):
        return None  # filed by an earlier run: named after the folder that it is in now, it would sink with every run
    wanted = target / inside / path.name
    return None if wanted == path else wanted


def _inside(photo: RankedPhoto, layout: Layout) -> str:
    """The folder within the target folder; rejects have one of their own in every layout."""
    if photo.decision == "reject":
        return REJECTS
    if layout is Layout.GROUP:
        return photo.place
    return FOLDERS[layout][(photo.stars or 1) - 1 if layout is Layout.STARS else 0]


def _mates(photo: RankedPhoto, path: Path, companions: Companions) -> list[Path]:
    raw = Path(absolute(photo.score.raw_mate)) if photo.score.raw_mate else None
    found = [*([raw] if raw else []), *companions.of(path), *(companions.of(raw) if raw else ())]
    return list(dict.fromkeys(found))

"""How a ranking looks to a person: groups with their photos, and the summary's lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from piqa_cli.commands.console import Line, Segment, safe_text, width_of
from piqa_cli.commands.score_run import Run
from piqa_cli.commands.score_view import BAR_COLUMNS, fact_lines, padded, rest_line, score_bar, shortened, time_taken
from piqa_cli.ranking.ranked import RankedPhoto
from piqa_cli.ranking.units import SET_WORDS, SetKind
from piqa_cli.records import counted, score_text
from piqa_cli.scoring.table import path_text

_DECISION_STYLES = {"pick": "bold green", "keep": "dim", "reject": "red"}
_RULE = 72  # columns of a group separator
_KIND_WORDS = {
    "": ("group", "groups"),
    "bracket": ("exposure bracket", "exposure brackets"),
    "burst": ("burst", "bursts"),
    "duplicates": ("group of near-duplicates", "groups of near-duplicates"),
    "panorama": ("panorama", "panoramas"),
}


def ranking_lines(
    ranked: Sequence[RankedPhoto],
    *,
    show: int | None = None,
    why_width: int | None = None,
    draw: bool = False,
    separate: bool = False,
) -> list[Line]:
    """One line for each photo, the path last and never cut or folded.

    Args:
        ranked: the shoot, best first.
        show: photos at most, with a closing line about the others; None: all.
        why_width: columns for the reasons, a longer text is cut; None: as wide as the longest.
        draw: with stars and bars of characters beyond ASCII.
        separate: group by group, the one with the best photo first, with a heading for each; otherwise in the order of
            the ranking, with the group's name in a column.
    """
    photos = _group_by_group(ranked) if separate else list(ranked)
    shown = photos if show is None else photos[:show]
    whys = [_why(photo, why_width, separate=separate) for photo in shown]
    width = max([len("why"), *map(width_of, whys)])
    names = max([len("group"), *(width_of(safe_text(photo.group or "-")) for photo in shown)])
    lines = [_heading(width, names, draw=draw, separate=separate)]
    sizes = Counter(photo.group_number for photo in ranked)
    last: RankedPhoto | None = None
    for photo, why in zip(shown, whys, strict=True):
        if separate and _is_border(last, photo, sizes):
            lines.append(_separator(photo, sizes[photo.group_number], draw))
        group = "" if separate else "  " + padded(safe_text(photo.group or "-"), names)
        lines.append(_row(photo, padded(why, width), group, draw))
        last = photo
    rest = len(photos) - len(shown)
    return [*lines, rest_line(rest)] if rest else lines


def ranking_summary(ranked: Sequence[RankedPhoto], run: Run, saved: Path | None) -> list[Line]:
    """What came out, how long it took and where it went."""
    counts = Counter(photo.decision for photo in ranked if photo.score.status != "error")
    failed = [photo.score for photo in ranked if photo.score.status == "error"]
    decisions = [f"{counts['pick']:,} picked", f"{counts['keep']:,} kept", f"{counts['reject']:,} rejected"]
    facts = [(counted(len(ranked), "photo"), " · ".join(decisions + ([f"{len(failed):,} failed"] if failed else [])))]
    facts.append(("groups", _groups(ranked)))
    facts.append(("time", time_taken(run.seconds, run.progress.scored, run.progress.cached)))
    if saved:
        facts.append(("saved", str(saved)))
    return fact_lines(facts, [(str(score.path), score.reason or "no score") for score in failed])


def _groups(ranked: Sequence[RankedPhoto]) -> str:
    """In words: 1 exposure bracket · 12 bursts · 30 on their own."""
    named = {photo.group_number: photo for photo in ranked if photo.group is not None}
    kinds = Counter(photo.kind or "" for photo in named.values())
    alone = sum(photo.group is None for photo in ranked)
    parts = [f"{count:,} {_KIND_WORDS[kind][count != 1]}" for kind, count in sorted(kinds.items())]
    return " · ".join([*parts, *([f"{alone:,} on their own"] if alone else [])])


def _group_by_group(ranked: Sequence[RankedPhoto]) -> list[RankedPhoto]:
    first: dict[int, int] = {}
    for place, photo in enumerate(ranked):
        first.setdefault(photo.group_number, place)
    return sorted(ranked, key=lambda photo: first[photo.group_number])


def _is_border(last: RankedPhoto | None, photo: RankedPhoto, sizes: Counter[int]) -> bool:
    """Whether a heading stands before this photo: a new group, but not single photo after single photo."""
    if last is None:
        return photo.group is not None
    new = last.group_number != photo.group_number
    return new and (photo.group is not None or sizes[last.group_number] > 1)


def _separator(photo: RankedPhoto, size: int, draw: bool) -> Line:
    line = "─" if draw else "-"
    if photo.group is None:
        return ((line * _RULE, "bright_black"),)
    kind: SetKind | None = photo.kept_whole
    words = f" · {SET_WORDS[kind]}, kept whole" if kind and size > 1 and kind == photo.kind else ""
    text = f" {safe_text(photo.group)} · {counted(size, 'photo')}{words} "
    return ((line * 2, "bright_black"), (text, "bold"), (line * max(_RULE - 2 - width_of(text), 2), "bright_black"))


def _heading(width: int, names: int, *, draw: bool, separate: bool) -> Line:
    bar = " " * BAR_COLUMNS if draw else ""
    group = "" if separate else f"  {'group':<{names}}"
    return ((f" score{bar}  decision  stars   rank{group}  {'why':<{width}}  photo", "dim"),)


def _row(photo: RankedPhoto, why: str, group: str, draw: bool) -> Line:
    value = photo.score.score
    bar: tuple[Segment, ...] = score_bar(value) if draw else ()
    return (
        (f"{score_text(value):>6}" if value is not None else f"{'-':>6}", "bold"),
        *bar,
        (f"  {photo.decision:<8}", _DECISION_STYLES[photo.decision]),
        (f"  {_stars(photo.stars, draw):<5}", "yellow"),
        (f"  {'-' if photo.rank is None else photo.rank:>5}", "dim"),
        (group, "magenta"),
        (f"  {why}", "red" if photo.score.status == "error" else ""),
        (f"  {safe_text(path_text(photo.score.path))}", "cyan"),
    )


def _stars(stars: int | None, draw: bool) -> str:
    if stars is None or stars < 0:
        return "-" if stars is None else ("✗" if draw else "-1")
    return "★" * stars if draw else str(stars)


def _why(photo: RankedPhoto, limit: int | None, *, separate: bool) -> str:
    """The verdict, and what is wrong with the photo: that comes first where it was not picked."""
    verdict = photo.decision_reason.replace(f" in {photo.group}", "") if separate else photo.decision_reason
    parts = [verdict, *photo.score.reasons] if photo.decision == "pick" else [*photo.score.reasons, verdict]
    return shortened(safe_text("; ".join(parts)), limit)

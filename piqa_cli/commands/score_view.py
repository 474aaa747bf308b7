"""How scores look to a person: the table's lines and the summary's lines."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from piqa_cli.commands.console import Line, Segment, safe_text, width_of
from piqa_cli.outputs.summary import Quartiles, Summary
from piqa_cli.records import counted, score_text

_BAR = 12  # cells for a score of 100
BAR_COLUMNS = _BAR + 2
_STATUS_STYLES = {"ok": "dim", "no_face": "yellow", "error": "red"}
_GOOD, _FAIR = 65.0, 40.0  # colours only, no judgement is taken by them
_FAILURES_SHOWN = 5
_DEFECTS_SHOWN = 5


def table_lines(
    frame: pl.DataFrame, *, show: int | None = None, reasons_width: int | None = None, draw: bool = False
) -> list[Line]:
    """The table, one line for each photo, the path last and never cut or folded.

    Args:
        frame: a score table.
        show: rows at most, with a closing line about the others; None: all rows.
        reasons_width: columns for the reasons, a longer text is cut; None: as wide as the longest.
        draw: with a bar of line-drawing characters beside the score.
    """
    rows = frame if show is None else frame.head(show)
    reasons = [_reasons(row, reasons_width) for row in rows.iter_rows(named=True)]
    width = max([len("reasons"), *map(width_of, reasons)])
    lines = [_heading(width, draw)]
    for row, text in zip(rows.iter_rows(named=True), reasons, strict=True):
        lines.append(_row(row, padded(text, width), draw))
    rest = frame.height - rows.height
    return [*lines, rest_line(rest)] if rest else lines


def summary_lines(summary: Summary, *, seconds: float, scored: int, cached: int, saved: str | None) -> list[Line]:
    """What came out, how long it took and where it went.

    Args:
        summary: of the whole table.
        seconds: of the whole run.
        scored: photos that this run scored.
        cached: photos that the cache knew.
        saved: the file written, if any.
    """
    facts: list[tuple[str, str]] = [(counted(summary.total, "photo"), _statuses(summary))]
    if summary.scores:
        facts.append(("scores", _spread(summary.scores)))
    if summary.defects:
        shown = summary.defects[:_DEFECTS_SHOWN]
        facts.append(("faults", " · ".join(f"{word} {_percent(share)}" for word, share in shown)))
    facts.append(("time", time_taken(seconds, scored, cached)))
    if saved:
        facts.append(("saved", saved))
    return fact_lines(facts, summary.failures)


def fact_lines(facts: Sequence[tuple[str, str]], failures: Sequence[tuple[str, str]] = ()) -> list[Line]:
    """A summary below an empty line: facts as (heading, text), and the first of the failures as (path, reason)."""
    width = max(len(name) for name, _ in facts)
    lines: list[Line] = [(), *(((f" {name:<{width}}  ", "bold"), (safe_text(text), "")) for name, text in facts)]
    for place, (path, reason) in enumerate(failures[:_FAILURES_SHOWN]):
        heading = "failed" if place == 0 else ""
        lines.append(((f" {heading:<{width}}  ", "bold"), (f"{safe_text(path)}: {safe_text(reason)}", "red")))
    rest = len(failures) - _FAILURES_SHOWN
    return [*lines, ((f" {'':<{width}}  and {rest:,} more", "red"),)] if rest > 0 else lines


def _heading(width: int, draw: bool) -> Line:
    bar = " " * BAR_COLUMNS if draw else ""
    return ((f" score{bar}  status   faces  {'reasons':<{width}}  photo", "dim"),)


def _row(row: dict[str, object], reasons: str, draw: bool) -> Line:
    score, status, faces = row["score"], str(row["status"]), row["n_faces"]
    number = f"{score_text(score):>6}" if isinstance(score, float) else f"{'-':>6}"
    return (
        (number, "bold"),
        *(score_bar(score if isinstance(score, float) else None) if draw else ()),
        (f"  {status:<7}", _STATUS_STYLES[status]),
        (f"  {'-' if faces is None else faces:>5}", "dim"),
        (f"  {reasons}", "red" if status == "error" else ""),
        (f"  {safe_text(str(row['path']))}", "cyan"),
    )


def score_bar(score: float | None) -> tuple[Segment, ...]:
    """A score from 0 to 100 as a bar, `BAR_COLUMNS` wide with its margin; spaces for none."""
    if score is None:
        return ((" " * BAR_COLUMNS, ""),)
    filled = round(score / 100 * _BAR)
    style = "green" if score >= _GOOD else "yellow" if score >= _FAIR else "red"
    return (("  " + "━" * filled, style), ("─" * (_BAR - filled), "bright_black"))


def _reasons(row: dict[str, object], limit: int | None) -> str:
    text = safe_text(str(row["reasons"] or (row["reason"] if row["status"] == "error" else None) or "-"))
    return shortened(text, limit)


def shortened(text: str, limit: int | None) -> str:
    """The text, cut where it takes more than `limit` columns of a terminal; None: whole."""
    if limit is None or width_of(text) <= limit:
        return text
    while width_of(text) >= limit:
        text = text[:-1]
    return text.rstrip() + "…"


def padded(text: str, width: int) -> str:
    """The text and spaces up to `width` columns of a terminal."""
    return text + " " * (width - width_of(text))


def rest_line(count: int) -> Line:
    """The closing line of a table that leaves rows out."""
    return ((f" … and {count:,} more: -o FILE keeps all of them, --show N shows more", "dim"),)


def _statuses(summary: Summary) -> str:
    parts = [f"{summary.ok:,} ok"]
    parts += [f"{summary.no_face:,} without a face"] if summary.no_face else []
    parts += [f"{summary.failed:,} failed"] if summary.failed else []
    return " · ".join(parts)


def _spread(scores: Quartiles) -> str:
    if score_text(scores.lowest) == score_text(scores.highest):  # of one photo, say
        return score_text(scores.median)
    middle = f"middle half {score_text(scores.lower)} to {score_text(scores.upper)}"
    every = f"all {score_text(scores.lowest)} to {score_text(scores.highest)}"
    return f"median {score_text(scores.median)} · {middle} · {every}"


def _percent(share: float) -> str:
    return "under 1 %" if share < 0.005 else f"{share:.0%}".replace("%", " %")


def time_taken(seconds: float, scored: int, cached: int) -> str:
    """How long a run took, how fast it scored, and how much the cache knew, in words."""
    parts = [f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"]
    speed = scored / max(seconds, 1e-9)
    parts += [f"{speed:.{1 if speed >= 0.1 else 2}f} photos/s"] if scored else []
    parts += [f"{cached:,} from the cache" if scored else "all from the cache"] if cached else []
    return " · ".join(parts)

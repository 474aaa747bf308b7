"""What a whole score table says, in a handful of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Quartiles:
    """Spread of the scores, 0 to 100."""

    lowest: float
    lower: float  # 25 % of the photos score lower
    median: float
    upper: float
    highest: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts by status, the spread of the scores, and what is wrong how often."""

    ok: int
    no_face: int
    failed: int
    scores: Quartiles | None  # None where nothing was scored
    defects: tuple[tuple[str, float], ...]  # (defect in words, share in [0, 1] of the scored photos), most common first
    failures: tuple[tuple[str, str], ...]  # (path, reason), in the table's order

    @property
    def total(self) -> int:
        """All photos, failed ones included."""
        return self.ok + self.no_face + self.failed


def summarize(frame: pl.DataFrame) -> Summary:
    """Sum up a score table; `reason` and `reasons` may be missing.

    A defect counts once for a photo, be it in the face, in the whole photo or in both.
    """
    counts = {status: frame.filter(pl.col("status") == status).height for status in ("ok", "no_face", "error")}
    reason = pl.col("reason") if "reason" in frame.columns else pl.lit(None, pl.String)
    reasons = frame.filter(pl.col("score").is_not_null())["reasons"] if "reasons" in frame.columns else pl.Series()
    failed = frame.filter(pl.col("status") == "error").select("path", reason.fill_null("").alias("reason")).rows()
    return Summary(
        ok=counts["ok"],
        no_face=counts["no_face"],
        failed=counts["error"],
        scores=_quartiles(frame["score"].drop_nulls()),
        defects=_shares(reasons.cast(pl.String)),
        failures=tuple(failed),
    )


def _quartiles(scores: pl.Series) -> Quartiles | None:
    if scores.is_empty():
        return None
    levels = (scores.quantile(q, "linear") for q in (0.0, 0.25, 0.5, 0.75, 1.0))
    return Quartiles(*(float(level or 0.0) for level in levels))


def _shares(reasons: pl.Series) -> tuple[tuple[str, float], ...]:
    """Counted once for each text, of which there are few: splitting those of a million photos would take gigabytes."""
    texts = reasons.drop_nulls().rename("word").value_counts(name="photos")
    words = pl.col("word").str.split("; ").list.eval(pl.element().str.split(": ").list.last()).list.unique()
    counted = texts.with_columns(words).explode("word").drop_nulls("word").group_by("word").agg(pl.col("photos").sum())
    counted = counted.sort("photos", "word", descending=[True, False])
    return tuple((word, photos / len(reasons)) for word, photos in counted.rows())

"""Five levels of every family on every photo: order within a photo, across photos, reasons, calibration, spread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.ranking_photos import Photo
from benchmarks.ranking_scoring import Measured, Rendered, Version, as_image
from benchmarks.ranking_table import mean, middle, number, percent, rank_correlation, table
from benchmarks.recipes import FAMILIES, LEVELS, degrade, family_of
from benchmarks.recipes_base import from_bytes

PAIRS, PAIRS_APART, SRCC = 0.97, 0.99, 0.85  # wanted of every family
NAMED, WITHOUT_REASON = 0.85, 0.95
NAMED_LEVEL, SPREAD_LEVEL = 3, 2
GOOD_PORTRAIT, RUINED = (80.0, 90.0), 20.0

Value = Callable[[Measured], float]


def render_ladders(photos: Sequence[Photo], families: Collection[str] = FAMILIES) -> Iterator[Rendered]:
    """Every photo as it is and at every level of every family."""
    for photo in photos:
        picture = from_bytes(photo.load())
        yield Rendered(Version("ladder", photo.name, "undegraded", kind=photo.kind), as_image(picture))
        for family in families:
            for level in range(1, LEVELS + 1):
                version = Version("ladder", photo.name, family, level, photo.kind)
                yield Rendered(version, as_image(degrade(picture, family, level, photo.seed)))


def families_of(ladders: Sequence[Measured]) -> list[str]:
    """The families that were rendered, in their order."""
    return list(dict.fromkeys(m.version.case for m in ladders if m.version.level > 0))


def ladder_of(family: str, ladders: Sequence[Measured]) -> list[Measured]:
    """The versions of one family, and the undegraded photos as its level 0."""
    return [m for m in ladders if m.version.case in (family, "undegraded")]


def right_order(ladder: Sequence[Measured], value: Value, apart: int, lowest: int = 0) -> float:
    """Share of same-photo pairs, `apart` levels or more apart, whose milder version scores higher; a tie is half."""
    right = []
    for photo in {m.version.photo for m in ladder}:
        own = sorted((m for m in ladder if m.version.photo == photo), key=lambda m: m.version.level)
        for milder, stronger in combinations([m for m in own if m.version.level >= lowest], 2):
            if stronger.version.level - milder.version.level >= apart:
                right.append(0.5 + 0.5 * float(np.sign(value(milder) - value(stronger))))
    return float(np.mean(right))


def correlation(ladder: Sequence[Measured], value: Value, lowest: int = 0) -> float:
    """Spearman's of level and badness over all photos."""
    some = [m for m in ladder if m.version.level >= lowest]
    return -rank_correlation([m.version.level for m in some], [value(m) for m in some])


def judge_ladders(ladders: Sequence[Measured]) -> dict[str, Any]:
    """Everything that the ladders tell."""
    families = {name: _judge_family(name, ladder_of(name, ladders)) for name in families_of(ladders)}
    return {"families": families, "originals": _judge_originals(ladders)}


def _judge_family(name: str, ladder: Sequence[Measured]) -> dict[str, Any]:
    family = family_of(name)
    at = [[m for m in ladder if m.version.level == level] for level in range(LEVELS + 1)]
    named = [m.first_reason in family.defects for m in at[NAMED_LEVEL]] if family.defects else []
    drops = [_score_of(m, at[0]) - m.score for m in at[SPREAD_LEVEL]]
    return {
        "held_out": family.held_out,
        "pairs": right_order(ladder, _score, 1),
        "pairs_two_apart": right_order(ladder, _score, 2),
        "pairs_among_degraded": right_order(ladder, _score, 1, lowest=1),
        "srcc": correlation(ladder, _score),
        "srcc_among_degraded": correlation(ladder, _score, lowest=1),
        "named_first_at_level_3": mean(named),
        "drop_at_level_2": middle(drops),
        "medians": [middle([m.score for m in level]) for level in at],
    }


def _score(measured: Measured) -> float:
    return measured.score


def _score_of(version: Measured, originals: Sequence[Measured]) -> float:
    return next(m.score for m in originals if m.version.photo == version.version.photo)


def _judge_originals(ladders: Sequence[Measured]) -> dict[str, Any]:
    originals = [m for m in ladders if m.version.level == 0]
    portraits = [m for m in originals if m.version.kind == "portrait"]
    level_2 = [_score_of(m, originals) - m.score for m in ladders if m.version.level == SPREAD_LEVEL]
    strongest = [m.score for m in ladders if m.version.level == LEVELS and not family_of(m.version.case).held_out]
    scores = [m.score for m in originals]
    return {
        "without_reason": mean([m.first_reason is None for m in originals]),
        "portraits_without_reason": mean([m.first_reason is None for m in portraits]),
        "median": middle(scores),
        "median_portraits": middle([m.score for m in portraits]),
        "5_to_95_percent": [float(x) for x in np.percentile(scores, [5, 95])],
        "standard_deviation": float(np.std(scores)),
        "standard_deviation_portraits": float(np.std([m.score for m in portraits])) if portraits else None,
        "median_drop_at_level_2": middle(level_2),
        "median_at_level_5": middle(strongest),
    }


def show_ladders(found: dict[str, Any]) -> str:
    """The table of families, held-out ones last, and what is said of the undegraded photos."""
    rows: list[tuple[str, ...]] = [
        ("family", "pairs ", "2 apart ", "SRCC ", "named ", "drop at 2", "median score by level")
    ]
    rows += [_family_row(name, own) for name, own in found["families"].items() if not own["held_out"]]
    rows += [_family_row(f"{name} (held out)", own) for name, own in found["families"].items() if own["held_out"]]
    rows += [_mean_row(found["families"].values())]
    return "\n".join([table(rows), "", *_about_originals(found["originals"])])


def _family_row(name: str, own: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        percent(own["pairs"], PAIRS),
        percent(own["pairs_two_apart"], PAIRS_APART),
        number(own["srcc"], 3, least=SRCC),
        percent(own["named_first_at_level_3"], NAMED),
        number(own["drop_at_level_2"], 1),
        " ".join(f"{median:4.0f}" for median in own["medians"]),
    )


def _mean_row(families: Any) -> tuple[str, ...]:
    def over(key: str) -> float | None:
        return mean([own[key] for own in families if own[key] is not None])

    named = over("named_first_at_level_3")
    figures = (percent(over("pairs")), percent(over("pairs_two_apart")), number(over("srcc"), 3), percent(named))
    return ("mean", *figures, number(over("drop_at_level_2"), 1), "")


def _about_originals(own: dict[str, Any]) -> list[str]:
    low, high = GOOD_PORTRAIT
    spread, drop = own["standard_deviation"], own["median_drop_at_level_2"]
    return [
        f"undegraded photos without a reason: {percent(own['without_reason'], WITHOUT_REASON)}"
        f" portraits: {percent(own['portraits_without_reason'], WITHOUT_REASON)}",
        f"median of undegraded portraits: {number(own['median_portraits'], 1, least=low, most=high)}"
        f" of all: {number(own['median'], 1)} strongest level, families of the training:"
        f" {number(own['median_at_level_5'], 1, most=RUINED)}",
        f"spread of undegraded photos: standard deviation {number(spread, 1, most=drop)}, portraits"
        f" {number(own['standard_deviation_portraits'], 1, most=drop)}, 5 to 95 %"
        f" {own['5_to_95_percent'][0]:.0f} to {own['5_to_95_percent'][1]:.0f}; a level-2 degradation costs"
        f" {number(drop, 1)}",
    ]

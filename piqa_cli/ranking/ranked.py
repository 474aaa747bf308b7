"""The whole of ranking in one call: from scores to a list of photos with group, ranks, stars and verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from piqa_cli.photos.ratings import ByHand
from piqa_cli.ranking.by_hand import NOTHING
from piqa_cli.ranking.choose import best_first, choose
from piqa_cli.ranking.groups import make_groups
from piqa_cli.ranking.options import Choice, GroupOptions
from piqa_cli.ranking.order import overall_order, percentiles
from piqa_cli.ranking.plan import REJECTED, Decision
from piqa_cli.ranking.similarity import Similarity
from piqa_cli.ranking.stars import stars_of
from piqa_cli.ranking.sweeps import Look
from piqa_cli.ranking.units import Group, SetKind
from piqa_cli.records import PhotoScore


@dataclass(frozen=True, slots=True)
class RankedPhoto:
    """A photo in its place in the shoot."""

    score: PhotoScore
    group_number: int  # which group, in the order taken
    group: str | None  # its name; None: on its own, or no grouping
    kind: str | None  # of the group, see `units.Group`
    place: str  # folder for `--into group`, relative, with /
    rank_in_group: int | None  # from 1; None: no score
    best_of_group: bool
    rank: int | None  # in the shoot, from 1
    percentile: float | None  # share of the other photos that it beats, 0 to 100
    stars: int | None  # 1-5, -1 rejected
    kept_whole: SetKind | None  # part of an exposure bracket or a panorama
    decision: Decision
    decision_reason: str
    rejected_by_hand: bool = False


def rank_shoot(
    scores: Sequence[PhotoScore],
    grouping: GroupOptions,
    choice: Choice,
    star_cuts: tuple[float, ...] | None,
    look: Look,
    by_hand: Mapping[int, ByHand] = NOTHING,
) -> list[RankedPhoto]:
    """Group, rank and choose. The best photo of the shoot comes first, photos without a score last.

    `by_hand`, place in `scores` -> what a person said of the photo, bears on the choice, see `choose`.
    """
    order = overall_order(scores)
    ranks = _ranks(scores, order)
    groups = make_groups(scores, grouping, Similarity.of(scores), look)
    verdicts = choose(groups, scores, ranks, choice, by_hand)
    shares = percentiles(scores)
    stars = _stars(scores, shares, groups, ranks, star_cuts)
    number_of = {index: number for number, group in enumerate(groups) for index in group.members}
    kinds = {index: unit.kind for group in groups for unit in group.units for index in unit.members}
    within = _ranks_within(groups, scores, ranks, choice, by_hand)
    return [
        RankedPhoto(
            score=scores[i],
            group_number=number_of[i],
            group=groups[number_of[i]].name,
            kind=groups[number_of[i]].kind,
            place=groups[number_of[i]].place,
            rank_in_group=within[i],
            best_of_group=within[i] == 1,
            rank=ranks[i],
            percentile=shares[i],
            stars=REJECTED if verdicts[i].decision == "reject" else stars[i],
            kept_whole=kinds[i],
            decision=verdicts[i].decision,
            decision_reason=verdicts[i].reason,
            rejected_by_hand=i in by_hand and by_hand[i].rejected,
        )
        for i in order
    ]


def _ranks(scores: Sequence[PhotoScore], order: Sequence[int]) -> list[int | None]:
    ranks: list[int | None] = [None] * len(scores)
    for rank, index in enumerate(order, start=1):
        ranks[index] = None if scores[index].score is None else rank
    return ranks


def _ranks_within(
    groups: Sequence[Group],
    scores: Sequence[PhotoScore],
    ranks: Sequence[int | None],
    choice: Choice,
    by_hand: Mapping[int, ByHand],
) -> list[int | None]:
    within: list[int | None] = [None] * len(ranks)
    for group in groups:
        for place, index in enumerate(best_first(group, scores, ranks, choice, by_hand), start=1):
            within[index] = place
    return within


def _stars(
    scores: Sequence[PhotoScore],
    shares: Sequence[float | None],
    groups: Sequence[Group],
    ranks: Sequence[int | None],
    cuts: tuple[float, ...] | None,
) -> list[int | None]:
    """Stars of each photo; those of a set get the stars of its best."""
    stars = [stars_of(score.score, share, cuts) for score, share in zip(scores, shares, strict=True)]
    for unit in (unit for group in groups for unit in group.units if unit.kind):
        best = stars[unit.best(ranks)]
        for index in unit.members:
            stars[index] = None if stars[index] is None else best
    return stars

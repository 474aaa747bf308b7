"""Picks, keeps and rejects, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from piqa_cli.photos.ratings import ByHand
from piqa_cli.ranking.options import Choice
from piqa_cli.ranking.plan import Decision
from piqa_cli.ranking.units import SET_WORDS, Group, Unit
from piqa_cli.records import PhotoScore

CLOSED_EYES_COST = 30.0
"""Points by which a photo with open eyes may score less than one with closed eyes and still be ahead in its burst.

Frames of a burst seldom differ by more, unless one of them is spoilt; a spoilt one with open eyes is no gain.
"""
_REJECTED_BY_HAND = "rejected by hand"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a photo, and why."""

    decision: Decision
    reason: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A unit in its place."""

    unit: Unit
    group: Group
    rank: int | None  # overall, of the best member
    place: int  # among the units of the group, from 1
    score: float | None  # of the best member, as rounded in the table
    set_back: bool  # by closed eyes

    @property
    def standing(self) -> str:
        """The place in the group in words."""
        return f"{self._place}, eyes closed" if self.set_back and self.place > 1 else self._place

    @property
    def _place(self) -> str:
        name, size = self.group.name, len(self.group.units)
        if size == 1:
            return f"on its own, rank {self.rank}" if self.unit.kind is None else f"rank {self.rank}"
        if name is None:
            return f"rank {self.rank}"
        return f"best of {size} in {name}" if self.place == 1 else f"number {self.place} of {size} in {name}"


def best_first(
    group: Group,
    scores: Sequence[PhotoScore],
    ranks: Sequence[int | None],
    choice: Choice,
    by_hand: Mapping[int, ByHand],
) -> list[int]:
    """Those members of a group that have a score, best first.

    Within one moment, closed eyes count as `CLOSED_EYES_COST` points less, but photos that score too low for `choice`
    come behind all the same, and last those that a person rejected. Eyes change no score and no other order.
    """

    def key(index: int) -> tuple[bool, bool, float, int]:
        cost = CLOSED_EYES_COST if group.one_moment and scores[index].eyes == "closed" else 0.0
        score = round(scores[index].score or 0.0, 2)
        return _is_rejected(index, by_hand), score < choice.least, cost - score, ranks[index] or 0

    return sorted((index for index in group.members if ranks[index] is not None), key=key)


def choose(
    groups: Sequence[Group],
    scores: Sequence[PhotoScore],
    ranks: Sequence[int | None],
    choice: Choice,
    by_hand: Mapping[int, ByHand],
) -> list[Verdict]:
    """The verdict on each photo.

    A pick meets every condition of `choice`: it is among the best `top` of the shoot, among the best `per_group` of
    its group, and scores at least `min_score`; of those, the best `max_photos` remain. A set (exposure bracket,
    panorama) goes by its best photo, is picked or kept whole, counts in full, and is never rejected.

    `by_hand`, index -> what a person said of the photo, goes before: one that was rejected is no pick and counts for
    nothing, not even in its set; one that is wanted is no reject.
    """
    last = _last_rank(_open_ranks(ranks, by_hand), choice)
    verdicts: dict[int, Verdict] = {}
    room = choice.max_photos
    for candidate in _in_order(groups, scores, ranks, choice, by_hand):
        verdict = _judge(candidate, choice, last)
        if verdict.decision == "pick" and room is not None:
            size = sum(not _is_rejected(index, by_hand) for index in candidate.unit.members)
            if size > room:
                verdict = Verdict("keep", f"{candidate.standing}, beyond --max-photos {choice.max_photos}")
            else:
                room -= size
        for index in candidate.unit.members:
            verdicts[index] = _for_member(verdict, candidate.unit, scores[index], by_hand.get(index))
    return [verdicts[index] for index in range(len(scores))]


def _is_rejected(index: int, by_hand: Mapping[int, ByHand]) -> bool:
    return index in by_hand and by_hand[index].rejected


def _open_ranks(ranks: Sequence[int | None], by_hand: Mapping[int, ByHand]) -> list[int | None]:
    """The ranks, None for photos that a person rejected."""
    return [None if _is_rejected(index, by_hand) else rank for index, rank in enumerate(ranks)]


def _last_rank(open_ranks: Sequence[int | None], choice: Choice) -> int:
    """The rank of the last photo that is within `top`."""
    in_order = sorted(rank for rank in open_ranks if rank is not None)
    within = in_order if choice.top is None else in_order[: choice.top.limit(len(in_order))]
    return within[-1] if within else 0


def _in_order(
    groups: Sequence[Group],
    scores: Sequence[PhotoScore],
    ranks: Sequence[int | None],
    choice: Choice,
    by_hand: Mapping[int, ByHand],
) -> list[_Candidate]:
    """All units, best first, those without a score or rejected by a person last."""
    open_ranks = _open_ranks(ranks, by_hand)
    found = []
    for group in groups:
        places = {index: place for place, index in enumerate(best_first(group, scores, ranks, choice, by_hand))}
        for place, unit in enumerate(sorted(group.units, key=lambda unit: _first(unit, places)), start=1):
            best = unit.best(open_ranks)
            value = scores[best].score
            set_back = group.one_moment and scores[best].eyes == "closed"
            rounded = None if value is None else round(value, 2)
            found.append(_Candidate(unit, group, open_ranks[best], place, rounded, set_back))
    return sorted(found, key=lambda candidate: candidate.rank or len(ranks) + 1)


def _first(unit: Unit, places: dict[int, int]) -> int:
    """The place of the best member; behind all others where none has a score."""
    return min((places[index] for index in unit.members if index in places), default=len(places))


def _judge(candidate: _Candidate, choice: Choice, last: int) -> Verdict:
    score, rank = candidate.score, candidate.rank
    if score is None:
        return Verdict("keep", "no score")
    if choice.reject_below is not None and score < choice.reject_below and candidate.unit.kind is None:
        return Verdict("reject", f"scores below --reject-below {choice.reject_below:g}")
    if rank is None:
        return Verdict("keep", _REJECTED_BY_HAND)
    if not choice.picks:
        return Verdict("keep", candidate.standing)
    if choice.min_score is not None and score < choice.min_score:
        return Verdict("keep", f"{candidate.standing}, scores below --min-score {choice.min_score:g}")
    if choice.per_group is not None and candidate.place > choice.per_group:
        return Verdict("keep", f"{candidate.standing}, beyond --per-group {choice.per_group}")
    if choice.top is not None and rank > last:
        return Verdict("keep", f"rank {rank} is beyond --top {choice.top}")
    return Verdict("pick", candidate.standing)


def _for_member(verdict: Verdict, unit: Unit, score: PhotoScore, said: ByHand | None) -> Verdict:
    if unit.kind is None:
        if score.score is None:
            return Verdict("keep", f"no score: {score.reason or 'not read'}")
        if verdict.decision == "reject" and said is not None and said.wanted:
            return Verdict("keep", f"{verdict.reason}, but {_kept_words(said)}")
        return verdict
    if said is not None and said.rejected:
        return Verdict("keep", _REJECTED_BY_HAND)
    return Verdict(verdict.decision, f"{SET_WORDS[unit.kind]} of {len(unit.members)}, kept whole; {verdict.reason}")


def _kept_words(said: ByHand) -> str:
    return "picked by hand" if said.picked else f"rated by hand: {said.words}"

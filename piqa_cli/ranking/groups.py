"""From scores to groups: sets that are never split, bursts, near-duplicates, folders, days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from piqa_cli.ranking.brackets import find_brackets
from piqa_cli.ranking.bursts import DUPLICATE_SIMILARITY, find_bursts
from piqa_cli.ranking.options import By, GroupOptions
from piqa_cli.ranking.places import places
from piqa_cli.ranking.sequence import Shot, sequences
from piqa_cli.ranking.similarity import Similarity
from piqa_cli.ranking.sweeps import Look, find_sweeps
from piqa_cli.ranking.units import Group, Unit
from piqa_cli.records import PhotoScore

SINGLES = "singles"  # where `--into group` puts photos that are on their own
_LEAST_DIGITS = 3


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Units held together before they have a name."""

    place: str
    kind: str | None  # "burst", "duplicates", "bracket", "panorama"; None: a photo on its own
    units: tuple[Unit, ...]


def make_groups(
    scores: Sequence[PhotoScore], options: GroupOptions, similarity: Similarity | None, look: Look
) -> list[Group]:
    """Every photo in exactly one group, in the order taken.

    Exposure brackets and panoramas are found whatever makes a group: each is one unit, in the group of its first frame.

    Args:
        scores: the shoot.
        options: what makes a group.
        similarity: embeddings of the same photos; None: bursts are told by time alone.
        look: sees photos in small, for panoramas.
    """
    taken = sequences(scores)
    units = _units(taken, look)
    where = places(scores, options.by)
    if By.BURST not in options.by and not options.duplicates:
        return _by_place(units, where)
    clusters: list[_Cluster] = []
    for place, inside in _parts(units, where).items():
        clusters += _clusters(place, inside, taken, options, similarity)
    order = {shot.index: (shot.start is None, shot.start or 0.0, at) for at, shot in enumerate(chain(*taken))}
    return _named(sorted(clusters, key=lambda cluster: order[cluster.units[0].members[0]]))


def _units(taken: Sequence[Sequence[Shot]], look: Look) -> list[Unit]:
    """All photos, sets as one, in the order taken."""
    found: list[Unit] = []
    for shots in taken:
        sets: dict[int, Unit] = {}
        for bracket in find_brackets(shots):
            sets |= dict.fromkeys(_indices(bracket), Unit(_indices(bracket), "bracket"))
        for run in _between(shots, sets):
            for sweep in find_sweeps(run, look):
                sets |= dict.fromkeys(_indices(sweep), Unit(_indices(sweep), "panorama"))
        for shot in shots:
            unit = sets.get(shot.index) or Unit((shot.index,))
            if unit.members[0] == shot.index:
                found.append(unit)
    return found


def _between(shots: Sequence[Shot], sets: dict[int, Unit]) -> Iterator[list[Shot]]:
    """The stretches of a sequence that lie outside the sets."""
    run: list[Shot] = []
    taken = set(sets)
    for shot in shots:
        if shot.index not in taken:
            run.append(shot)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _indices(shots: Sequence[Shot]) -> tuple[int, ...]:
    return tuple(shot.index for shot in shots)


def _parts(units: Sequence[Unit], where: Sequence[str]) -> dict[str, list[Unit]]:
    parts: dict[str, list[Unit]] = {}
    for unit in units:
        parts.setdefault(where[unit.members[0]], []).append(unit)
    return parts


def _by_place(units: Sequence[Unit], where: Sequence[str]) -> list[Group]:
    return [Group(place or None, place, tuple(inside)) for place, inside in _parts(units, where).items()]


def _clusters(
    place: str,
    units: Sequence[Unit],
    taken: Sequence[Sequence[Shot]],
    options: GroupOptions,
    similarity: Similarity | None,
) -> list[_Cluster]:
    sets = [_Cluster(place, unit.kind, (unit,)) for unit in units if unit.kind]
    single = {unit.members[0]: unit for unit in units if not unit.kind}
    held = {index for unit in units if unit.kind for index in unit.members}
    bursts = [[index] for index in single]
    if By.BURST in options.by:
        bursts = [
            list(_indices(burst))
            for shots in taken
            for burst in find_bursts(
                [shot for shot in shots if shot.index in single or shot.index in held],
                gap_s=options.gap_s,
                similarity=similarity,
                least=options.similarity,
                apart=held,
            )
        ]
    kinds = [(_burst_kind(burst), burst) for burst in bursts]
    if options.duplicates and similarity:
        kinds = _merged(bursts, similarity.clusters(list(single), DUPLICATE_SIMILARITY))
    return [*sets, *(_Cluster(place, kind, tuple(single[i] for i in members)) for kind, members in kinds)]


def _merged(bursts: Sequence[list[int]], alike: Sequence[Sequence[int]]) -> list[tuple[str | None, list[int]]]:
    """Bursts, joined where they hold near-duplicates of each other."""
    parent = list(range(len(bursts)))
    burst_of = {index: number for number, burst in enumerate(bursts) for index in burst}
    for cluster in alike:
        roots = {_root(parent, burst_of[index]) for index in cluster}
        for root in roots:
            parent[root] = min(roots)
    joined: dict[int, list[list[int]]] = {}
    for number, burst in enumerate(bursts):
        joined.setdefault(_root(parent, number), []).append(burst)
    return [
        ("duplicates" if len(parts) > 1 else _burst_kind(parts[0]), list(chain.from_iterable(parts)))
        for parts in joined.values()
    ]


def _burst_kind(members: Sequence[int]) -> str | None:
    return "burst" if len(members) > 1 else None


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


def _named(clusters: Sequence[_Cluster]) -> list[Group]:
    """Numbered by kind, in the order given: "burst-001", "bracket-001"."""
    total = Counter(cluster.kind for cluster in clusters)
    seen: Counter[str] = Counter()
    groups: list[Group] = []
    for cluster in clusters:
        prefix = f"{cluster.place}/" if cluster.place else ""
        if cluster.kind is None:
            groups.append(Group(None, prefix + SINGLES, cluster.units))
            continue
        seen[cluster.kind] += 1
        digits = max(_LEAST_DIGITS, len(str(total[cluster.kind])))
        name = f"{prefix}{cluster.kind}-{seen[cluster.kind]:0{digits}}"
        groups.append(Group(name, name, cluster.units, cluster.kind))
    return groups

"""Names in the target folders: no clash with what is there, with each other, or on a disk that ignores case."""

from __future__ import annotations

import itertools
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from piqa_cli.photos.opening import is_regular
from piqa_cli.photos.suffixes import is_photo, split_name
from piqa_cli.ranking.files import same_content, same_file
from piqa_cli.ranking.plan import Move
from piqa_cli.ranking.twins import differ_in_xmp_only

Sources = Sequence[tuple[Path, Move]]  # the files of one shot, the photo first, and how each is brought


@dataclass(frozen=True, slots=True)
class Chosen:
    """Where the files of one shot go, source -> target."""

    new: Mapping[Path, Path]
    same: Mapping[Path, Path]  # the very same is there already
    other: Mapping[Path, Path] = field(default_factory=dict)  # the shot is there already, but with another of these

    @property
    def all(self) -> Mapping[Path, Path]:
        """Every file of the shot."""
        return {**self.new, **self.same, **self.other}


class TargetNames:
    """Gives out names. Each folder is listed once; names given out count as taken from then on."""

    def __init__(self) -> None:
        self._taken: dict[Path, set[str]] = {}
        self._given: set[Path] = set()  # to photos

    def choose(self, shot: Sources, destination: Path) -> Chosen:
        """Names for the files of one shot; `destination` is the wish for the photo.

        Where a name is taken, the whole shot gets `-2`, `-3`, ... behind its stem, so that photo, RAW mate and sidecars
        keep one stem. A shot that is there already does not come a second time because of its sidecars or marks.
        """
        photo, folder = shot[0][0], destination.parent
        if folder not in self._taken:
            self._taken[folder] = set(map(fold, _list(folder)))
        chosen = self._find(shot, destination)
        self._taken[folder].update(fold(target.name) for target in chosen.all.values())
        self._given.add(chosen.all[photo])
        return chosen

    def _find(self, shot: Sources, destination: Path) -> Chosen:
        marked_otherwise: Chosen | None = None
        for number in itertools.count(1):
            targets = _targets(shot, destination, number)
            same = {source: targets[source] for source, move in shot if _is_there(source, targets[source], move)}
            new = {source: target for source, target in targets.items() if source not in same}
            if all(map(self._is_free, new.values())):
                return marked_otherwise if new and marked_otherwise else Chosen(new, same)
            marked_otherwise = marked_otherwise or self._marked_otherwise(shot, same, new)
        raise AssertionError("unreachable")

    def _marked_otherwise(self, shot: Sources, same: Mapping[Path, Path], rest: Mapping[Path, Path]) -> Chosen | None:
        """The shot where its photos are there already, though its sidecars, or marks in the photos, are others."""
        photo, move = shot[0]
        new = {source: target for source, target in rest.items() if self._is_free(target)}
        other = {source: target for source, target in rest.items() if source not in new}
        if move not in ("copy", "hardlink") or photo in new or {**same, **other}[photo] in self._given:
            return None
        if any(is_photo(source.name) and not differ_in_xmp_only(source, target) for source, target in other.items()):
            return None
        return Chosen(new, same, other)

    def _is_free(self, target: Path) -> bool:
        return fold(target.name) not in self._taken[target.parent]


def fold(name: str) -> str:
    """Equal for names that some file system takes for one: case and Unicode composition aside."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _targets(shot: Sources, destination: Path, number: int) -> dict[Path, Path]:
    """Source -> target, the photo at the place wished for, or numbered from 2 on, its mates with the same stem."""
    old, new = split_name(shot[0][0].name)[0], split_name(destination.name)[0]
    stem = new if number == 1 else f"{new}-{number}"
    names = {shot[0][0]: stem + destination.name[len(new) :]}
    for source, _ in shot[1:]:
        names[source] = _unlike(names.values(), _renamed(source.name, old, stem, number))
    return {source: destination.with_name(name) for source, name in names.items()}


def _renamed(name: str, old: str, new: str, number: int) -> str:
    """The name of a mate: with the photo's stem exchanged, or its own one numbered."""
    if name[: len(old)].lower() == old.lower():
        return new + name[len(old) :]
    stem, dot, rest = name.partition(".")
    return name if number == 1 else f"{stem}-{number}{dot}{rest}"


def _unlike(others: Iterable[str], name: str) -> str:
    """The name, or a numbered one where it differs from another of the same shot in case only."""
    taken = set(map(fold, others))
    stem, dot, rest = name.partition(".")
    choices = (f"{stem}_{number}{dot}{rest}" for number in itertools.count(2))
    return next(choice for choice in itertools.chain([name], choices) if fold(choice) not in taken)


def _is_there(source: Path, target: Path, move: Move) -> bool:
    if target == source:
        return True
    if move == "symlink":
        return target.is_symlink() and target.readlink() == source
    if not is_regular(target):
        return False
    return same_file(source.resolve(), target) if move == "hardlink" else same_content(source, target)


def _list(folder: Path) -> Sequence[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return ()

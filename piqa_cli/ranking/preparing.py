"""From a plan to single steps: which sidecars are written, which files travel, what each is called where it goes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from piqa_cli.errors import PhotoError, UnreadablePhoto
from piqa_cli.photos.embedding import embeddable
from piqa_cli.photos.opening import is_regular
from piqa_cli.photos.sidecars import Companions, existing_sidecar, existing_sidecars, sidecar_names
from piqa_cli.photos.suffixes import is_photo
from piqa_cli.ranking.by_hand import said_of_shot
from piqa_cli.ranking.files import same_content
from piqa_cli.ranking.marks import marks_of
from piqa_cli.ranking.names import Chosen, TargetNames
from piqa_cli.ranking.plan import Move, Plan, PlanItem
from piqa_cli.ranking.steps import ApplyOptions, Preview, Skipped, Step
from piqa_cli.ranking.twins import differ_in_marks_only


def preview(plan: Plan, options: ApplyOptions) -> Preview:
    """The steps that `apply_plan` would take, with name clashes resolved against what is on disk now."""
    return _Preparer(plan, options).run()


class _Preparer:
    def __init__(self, plan: Plan, options: ApplyOptions) -> None:
        self._plan = plan
        self._options = options
        self._companions = Companions()
        self._names = TargetNames()
        self._steps: list[Step] = []
        self._skipped: list[Skipped] = []
        self._problems: list[PhotoError] = []
        self._mark_steps: dict[Path, Step] = {}  # by what is written to
        self._folders: set[Path] = set()

    def run(self) -> Preview:
        present = [item for item in self._plan.items if self._is_present(item) and self._still_holds(item)]
        new_sidecars = [self._mark(item) if item.mark else [] for item in present]
        shots = [self._shot(item, new) for item, new in zip(present, new_sidecars, strict=True)]
        shots = self._without_shared(present, shots)
        leaving = _Leaving(present, shots, self._companions)
        for index, (item, files) in enumerate(zip(present, shots, strict=True)):
            if item.move and item.destination:
                self._bring(item, item.destination, [(file, leaving.move_of(file, index)) for file in files])
        return Preview(tuple(self._steps), tuple(self._skipped), tuple(self._problems))

    def _is_present(self, item: PlanItem) -> bool:
        if is_regular(item.photo) or (item.photo.is_file() and item.move != "move"):
            return True
        link = item.photo.is_symlink()
        reason = "a symbolic link: it is not moved" if link else "no longer there: moved or removed since it was ranked"
        self._problems.append(UnreadablePhoto(reason, path=item.photo))
        return False

    def _still_holds(self, item: PlanItem) -> bool:
        """Not where a person has said the contrary since, unless a person chose, or it is not to matter."""
        if item.by_hand or item.decision == "keep" or self._options.overwrite_ratings:
            return True
        said = said_of_shot(_photos_of(item), self._companions)
        if said is None or not (said.rejected if item.decision == "pick" else said.wanted):
            return True
        self._skipped.append(Skipped(item.photo, f"no {item.decision} any more, by hand: {said.words}"))
        return False

    def _mark(self, item: PlanItem) -> list[Path]:
        """Add the steps that mark a shot. Returns the sidecars that will be new."""
        files = _photos_of(item)
        damaged: dict[Path, PhotoError] = {}
        if self._rated_by_hand(item, item.photo, files, damaged):
            return []
        marks = marks_of(item)
        new = []
        for target, embed in self._mark_targets(files):
            if target in damaged:
                self._problems.append(damaged[target])
                continue
            self._add_mark(Step("embed" if embed else "mark", target, item.photo, marks=marks))
            new += [] if embed or is_regular(target) else [target]
        return new

    def _add_mark(self, step: Step) -> None:
        self._steps.append(step)
        self._mark_steps[step.target] = step

    def _rated_by_hand(
        self, item: PlanItem, photo: Path, files: Sequence[Path], damaged: dict[Path, PhotoError]
    ) -> bool:
        """A person may choose anew what piqa has written down for them; what is in other programs stays theirs."""

        def keep(error: PhotoError) -> None:
            damaged.setdefault(error.path, error)

        said = said_of_shot(files, self._companions, keep, through_piqa=not item.by_hand)
        if said is None or not said.rating or self._options.overwrite_ratings:
            return False
        self._skipped.append(Skipped(photo, f"rated by hand: {said.words}"))
        return True

    def _mark_targets(self, files: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
        """(file to write, into a photo?) for the files of one shot, each once."""
        seen: set[Path] = set()
        for file in files:
            into_photo = self._options.embed and embeddable(file)
            if into_photo:
                yield file, True
                wanted: Iterable[Path] = existing_sidecars(file)  # they would be read first
                wanted = [sidecar for sidecar in wanted if not self._companions.is_of_another(sidecar, files)]
            else:
                wanted = (existing_sidecar(name) or name for name in self._free_sidecars(file, files))
            for sidecar in wanted:
                if sidecar not in seen:
                    seen.add(sidecar)
                    yield sidecar, False

    def _free_sidecars(self, file: Path, shot: Sequence[Path]) -> tuple[Path, ...]:
        """By the naming asked for; the longer name where the shorter one is of another photo of the stem."""
        names = sidecar_names(file, self._options.xmp_naming)
        taken = any(self._companions.is_of_another(name, shot) for name in names)
        return sidecar_names(file, "darktable") if taken else names

    def _shot(self, item: PlanItem, new_sidecars: Sequence[Path]) -> list[Path]:
        """Every file that travels with the photo, the photo first; sidecars that are yet to be written included."""
        photos = _photos_of(item)
        found = [sidecar for photo in photos for sidecar in self._companions.of(photo)]
        mates = [mate for mate in (*item.mates, *found) if is_regular(mate)]
        return list(dict.fromkeys([item.photo, *mates, *new_sidecars]))

    def _without_shared(self, items: Sequence[PlanItem], shots: Sequence[Sequence[Path]]) -> list[list[Path]]:
        """The files of each shot without a sidecar of another one that goes to the same folder, and brings it."""
        folders = [item.destination.parent if item.destination else None for item in items]
        going = {(file, folder) for folder, files in zip(folders, shots, strict=True) if folder for file in files}

        def comes_anyway(file: Path, folder: Path | None, shot: Sequence[Path]) -> bool:
            owners = self._companions.shot_of(file) if self._companions.is_of_another(file, shot) else ()
            return any((owner, folder) in going for owner in owners)

        return [
            [file for file in files if not comes_anyway(file, folder, files)]
            for folder, files in zip(folders, shots, strict=True)
        ]

    def _bring(self, item: PlanItem, destination: Path, files: Sequence[tuple[Path, Move]]) -> None:
        try:
            chosen = self._names.choose(files, destination)
        except OSError as error:
            self._problems.append(UnreadablePhoto(error.strerror or str(error), path=item.photo))
            return
        self._report_what_is_there(item, chosen, destination.parent)
        if chosen.new:
            self._make_folder(destination.parent, item.photo)
        for source, move in files:
            if source in chosen.new:
                self._steps.append(Step(move, chosen.new[source], item.photo, source=source))

    def _report_what_is_there(self, item: PlanItem, chosen: Chosen, folder: Path) -> None:
        renewed = self._mark_what_is_there(item, chosen)
        left = [(source, target) for source, target in chosen.other.items() if target not in renewed]
        others = [target.name for source, target in left if not same_content(source, target)]
        if others:
            reason = f"already in {folder}, with other marks or edits: {', '.join(others)}"
            self._skipped.append(Skipped(item.photo, reason))
        elif not chosen.new:
            self._skipped.append(Skipped(item.photo, f"already in {folder}"))

    def _mark_what_is_there(self, item: PlanItem, chosen: Chosen) -> set[Path]:
        """Add the steps that mark an earlier copy like its original, unless someone else has written into it since."""
        steps = [
            replace(self._mark_steps[source], target=target)
            for source, target in (*chosen.same.items(), *chosen.other.items())
            if source in self._mark_steps and target not in self._mark_steps and is_regular(target)
            if source in chosen.same or differ_in_marks_only(source, target)
        ]
        photos = list(filter(is_photo_path, chosen.all.values()))
        if (
            not steps
            or item.move not in ("copy", "hardlink")
            or self._rated_by_hand(item, chosen.all[item.photo], photos, {})
        ):
            return set()
        for step in steps:
            self._add_mark(step)
        return {step.target for step in steps}

    def _make_folder(self, folder: Path, photo: Path) -> None:
        missing = []
        while folder not in self._folders and not os.path.lexists(folder):
            missing.append(folder)
            self._folders.add(folder)
            folder = folder.parent
        self._steps += [Step("folder", path, photo) for path in reversed(missing)]


class _Leaving:
    """Which files leave their folder, so that what two photos share goes with the last one, or is copied."""

    def __init__(self, items: Sequence[PlanItem], shots: Sequence[Sequence[Path]], companions: Companions) -> None:
        self._items = items
        self._companions = companions
        self._last: dict[Path, int] = {}
        for index, (item, files) in enumerate(zip(items, shots, strict=True)):
            if item.move == "move":
                self._last.update(dict.fromkeys(files, index))

    def move_of(self, file: Path, index: int) -> Move:
        """How this file is brought for the item at `index`."""
        move = self._items[index].move
        assert move is not None
        stays = move == "move" and (
            self._last[file] != index or any(owner not in self._last for owner in self._companions.owners(file))
        )
        return "copy" if stays else move


def _photos_of(item: PlanItem) -> list[Path]:
    return [item.photo, *filter(is_photo_path, item.mates)]


def is_photo_path(path: Path) -> bool:
    """Does the path look like a photo, RAW included?"""
    return is_photo(path.name)

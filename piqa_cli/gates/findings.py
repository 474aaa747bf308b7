"""What gates and checks find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from piqa_cli.gates.policy import Severity

Kind = Literal["gate", "check"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One gate or check, as every output names it."""

    id: str  # as the option and the policy's key
    kind: Kind
    title: str  # what it looks for, in a few words
    help: str  # what to do about it


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: of one photo, or of the whole set or a part of it where `path` is None."""

    rule: str
    severity: Severity
    message: str  # in words, without the path
    path: str | None = None  # as in the score table
    part: str | None = None  # of the set: the glob of the policy's section, or a folder
    measured: float | str | None = None
    limit: float | str | None = None
    related: tuple[str, ...] = ()  # other photos that belong to it: copies, the photos counted
    known: bool = False  # the baseline had it already: it fails nothing
    fault: str | None = None  # a short name for what is wrong, where the rule may find one thing or another

    @property
    def fails(self) -> bool:
        """Whether it alone makes the run fail."""
        return self.severity is Severity.ERROR and not self.known


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("fail-under", "gate", "photo scores too low", "Replace the photo, or lower fail-under."),
        Rule("max-bad-pct", "gate", "too many bad photos", "Take out the worst photos, or raise max-bad-pct."),
        Rule("max-errors", "gate", "too many photos that could not be scored", "Copy the files again or remove them."),
        Rule("min-face-px", "gate", "face too small", "Take a closer or larger photo, or lower min-face-px."),
        Rule("max-no-face-pct", "gate", "too many photos without a face", "Take out photos that show nobody."),
        Rule("require-single-face", "gate", "not exactly one face", "Crop the photo or take it out."),
        Rule("require-open-eyes", "gate", "eyes closed", "Take another frame of the burst."),
        Rule("min-resolution", "gate", "photo too small", "Get the photo in its original size."),
        Rule("max-duplicates", "gate", "too many copies of the same file", "Keep one of each; duplicate lists them."),
        Rule("max-near-duplicates", "gate", "too many photos that look alike", "Keep the best of each; see piqa rank."),
        Rule("unreadable", "check", "unreadable or truncated photo", "Copy the file again or remove it."),
        Rule("duplicate", "check", "same content as another file", "Keep one, and mind copies across train and test."),
        Rule("near-duplicate", "check", "looks like another photo", "Keep the best of them; see piqa rank."),
        Rule("wrong-extension", "check", "extension does not fit the content", "Rename the file."),
        Rule("odd-size", "check", "size unlike the other photos'", "See whether it is a thumbnail or another source."),
        Rule("odd-aspect-ratio", "check", "aspect ratio unlike the other photos'", "See whether it was cropped."),
        Rule("missing-exif", "check", "no EXIF", "See whether the photo is an export or a screenshot."),
        Rule("inconsistent-exif", "check", "EXIF that cannot be right", "Set the camera's clock, or correct the EXIF."),
        Rule("folder-bias", "check", "folder of another quality than the others", "Even out the labels' quality."),
        Rule("regression", "check", "score much lower than in the baseline", "See what changed the photo."),
        Rule(
            "drift",
            "check",
            "scores distributed unlike the baseline's",
            "See what changed in the source of the photos.",
        ),
        Rule("model-changed", "check", "another model than the baseline's", "Score the baseline with the new model."),
        Rule("unused-section", "check", "section of the policy without a photo", "Correct its glob, or remove it."),
    )
}
"""Every rule by its name, gates first."""

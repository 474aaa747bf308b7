"""What is said of one photo's score. Records only: the work is done in `explain` and `heatmap`."""

from __future__ import annotations

from dataclasses import dataclass

from piqa_cli.records import Box, Face, PhotoScore, Severities
from piqa_cli.scoring.heatmap import LocalMap
from piqa_cli.scoring.liqe_words import LiqeVerdict


@dataclass(frozen=True, slots=True)
class Mark:
    """One output of the network."""

    raw_score: float
    score: float  # 0-100


@dataclass(frozen=True, slots=True)
class ExplainedFace:
    """A face that the photo is about, judged alone."""

    face: Face
    mark: Mark
    defects: Severities | None

    @property
    def box(self) -> Box:
        """In pixels of the upright photo at full resolution."""
        return self.face.box

    @property
    def confidence(self) -> float:
        """In [0, 1]; 1 for a given box."""
        return self.face.confidence


@dataclass(frozen=True, slots=True)
class Branches:
    """What each branch contributes, seen by giving it the other one's picture. LIQE's features stay the photo's."""

    together: Mark  # the network's word on the photo, before the worst face of a group pulls it down
    without_face: Mark  # the face branch reads the whole photo, as for a photo without a face
    without_photo: Mark  # the full-image branch reads the face's crop, the face branch as always


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that can be said of one photo's score."""

    photo: PhotoScore  # as `piqa score` gives it; its face scores are filled for every model
    crops: dict[str, Mark]  # place -> output; `branches.together` is the mean of theirs
    faces: tuple[ExplainedFace, ...]  # the main face first
    face_given: bool  # the box came from the caller
    liqe: LiqeVerdict | None
    branches: Branches | None  # None without a face
    threshold: float  # severity from which a defect is spoken of
    local: LocalMap | None = None  # None unless it was asked for

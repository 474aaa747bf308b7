"""One photo explained: where its score comes from, crop by crop, face by face and branch by branch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from piqa_cli.errors import EngineError, ModelError, UsageError
from piqa_cli.faces.choose import by_importance, main_faces
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.model.config import Cut, ScoreMapConfig
from piqa_cli.model.network import FaceOutput
from piqa_cli.model.store import ModelFolder
from piqa_cli.photos.decode import DecodedPhoto, decode
from piqa_cli.records import Box, Face, PhotoFile, PhotoScore, Severities
from piqa_cli.scoring.complete import complete, severities, to_score
from piqa_cli.scoring.liqe_words import LiqeVerdict, verdict
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.prepare import begin_record, crop_face, face_inputs, photo_inputs, scaled, stack
from piqa_cli.scoring.scorer import Scorer

MOST_FACES = 4  # explained on their own: a pass through DN-PIQA takes seconds
CROP_PLACES = ("top left", "top right", "bottom left", "bottom right", "centre")
WHOLE = ("whole photo",)
GIVEN = 1.0  # confidence of a face that the caller gave


@dataclass(frozen=True, slots=True)
class Mark:
    """One output of the network."""

    raw_score: float
    score: float  # 0-100


@dataclass(frozen=True, slots=True)
class ExplainedFace:
    """A face that the photo is about, judged alone."""

    box: Box  # pixels of the upright photo
    confidence: float  # in [0, 1]; 1 for a given box
    mark: Mark
    defects: Severities | None


@dataclass(frozen=True, slots=True)
class Branches:
    """What each branch contributes, seen by giving it the other one's picture. LIQE's features stay the photo's."""

    without_face: Mark  # the face branch reads the whole photo, as for a photo without a face
    without_photo: Mark  # the full-image branch reads the face's crop, the face branch as always


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that can be said of one photo's score."""

    photo: PhotoScore  # as `piqa score` gives it; its face scores are filled for every model
    crops: dict[str, Mark]  # place -> output; the raw score is the mean of theirs
    faces: tuple[ExplainedFace, ...]  # the main face first
    face_given: bool  # the box came from the caller
    liqe: LiqeVerdict | None
    branches: Branches | None  # None without a face


def explain_photo(
    path: Path, model: ModelFolder, options: EngineOptions | None = None, face_box: Box | None = None
) -> Explanation:
    """Score one photo and take the score apart.

    Args:
        path: of the photo.
        model: that scores it.
        options: device, precision, crops and pixel limit.
        face_box: x1, y1, x2, y2 in pixels of the upright photo at full resolution, in the place of the detector's
            faces; clamped to the photo.

    Raises:
        PhotoError: the photo cannot be read.
        UsageError: the face box is none, or does not lie in the photo; a wrong device or number of crops.
        ModelError: the model cannot be loaded, or gives no finite score.
        EngineError: the device failed.
    """
    options = options or EngineOptions()
    check_box(face_box)
    try:
        scorer = Scorer.load(model, options)
        side = scorer.config.preprocess.working_side
        decoded = decode(path, max_side=side, max_pixels=options.max_pixels)
        faces = _faces(decoded, face_box)
        return _explain(scorer, PhotoFile(path), decoded, faces, options.crops, given=face_box is not None)
    except RuntimeError as error:
        message = f"{path}: explaining stopped: {' '.join(str(error).split())[:200]}"
        raise EngineError(message, hint="--device cpu needs the least memory") from error


def check_box(box: Box | None) -> None:
    """See that a box has a size, before any work.

    Raises:
        UsageError: it has none.
    """
    if box is not None and not (box[0] < box[2] and box[1] < box[3]):
        shown = ",".join(f"{value:g}" for value in box)
        raise UsageError(f"the face box {shown} is empty", hint="x1,y1,x2,y2 with x1 < x2 and y1 < y2")


def _faces(decoded: DecodedPhoto, box: Box | None) -> tuple[Face, ...]:
    if box is None:
        return by_importance(FaceDetector().detect(decoded.image, scale=decoded.scale))
    if box[0] >= decoded.width or box[1] >= decoded.height or box[2] <= 0 or box[3] <= 0:
        shown = ",".join(f"{value:g}" for value in box)
        size = f"{decoded.width} x {decoded.height}"
        raise UsageError(f"the face box {shown} lies outside of the photo", hint=f"the upright photo is {size} pixels")
    clamped = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], decoded.width), min(box[3], decoded.height))
    return (Face(clamped, GIVEN),)


def _explain(
    scorer: Scorer, file: PhotoFile, decoded: DecodedPhoto, faces: tuple[Face, ...], crops: int | None, *, given: bool
) -> Explanation:
    config, image = scorer.config, decoded.image
    shown = main_faces(faces)[:MOST_FACES]
    boxes = [scaled(face.box, decoded.scale) for face in shown]
    inputs = stack([photo_inputs(image, boxes[0] if boxes else None, config, crops)])
    features, liqe = scorer.features(inputs.views), scorer.auxiliary(inputs)
    with torch.inference_mode():
        output = scorer.network.from_features(features, liqe)
    judged = _judge_faces(scorer, image, boxes, crops)
    marks = [(float(raw), severities(judged.defects, row)) for row, raw in enumerate(judged.raw)] if judged else []
    record = replace(begin_record(file, decoded, faces), model=scorer.model_id)
    record = complete(record, scorer.network, output, 0, marks)
    if record.status == "error":
        raise ModelError(f"the model {scorer.model_id} gives no finite score for {file.path}")
    score_map = config.score_map
    outputs = [_mark(float(raw), score_map) for raw in output.crops[0]]
    return Explanation(
        photo=record,
        crops=dict(zip(_places(len(outputs), scorer), outputs, strict=True)),
        faces=tuple(
            ExplainedFace(face.box, face.confidence, _mark(raw, score_map), defects)
            for face, (raw, defects) in zip(shown, marks, strict=True)
        ),
        face_given=given,
        liqe=None if liqe is None else verdict(liqe[0]),
        branches=_branches(scorer, image, boxes[0], crops, features, liqe) if boxes else None,
    )


def _judge_faces(scorer: Scorer, image: Image.Image, boxes: list[Box], crops: int | None) -> FaceOutput | None:
    """Every face alone. Without a face head a face is scored as if its crop were a photo, LIQE included."""
    return scorer.faces(stack([face_inputs(image, box, scorer.config, crops) for box in boxes]))


def _branches(
    scorer: Scorer,
    image: Image.Image,
    face: Box,
    crops: int | None,
    features: dict[Cut, Tensor],
    liqe: Tensor | None,
) -> Branches:
    whole = photo_inputs(image, None, scorer.config, crops).views
    close = photo_inputs(crop_face(image, face, scorer.config), None, scorer.config, crops).views
    faceless = scorer.features({cut: pixels[None] for cut, pixels in whole.items() if cut != "frame"})
    close_frame = scorer.features({"frame": close["frame"][None]})
    with torch.inference_mode():
        without_face = scorer.network.from_features({**features, **faceless}, liqe)
        without_photo = scorer.network.from_features({**features, **close_frame}, liqe)
    score_map = scorer.config.score_map
    return Branches(_mark(float(without_face.raw[0]), score_map), _mark(float(without_photo.raw[0]), score_map))


def _mark(raw: float, score_map: ScoreMapConfig) -> Mark:
    return Mark(raw, to_score(raw, score_map))


def _places(count: int, scorer: Scorer) -> tuple[str, ...]:
    if not any(view.fit == "crops" for view in scorer.config.preprocess.views):
        return WHOLE
    return CROP_PLACES[-count:]  # one crop is the centre

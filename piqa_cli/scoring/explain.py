"""One photo explained: where its score comes from, crop by crop, face by face and branch by branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from piqa_cli.errors import EngineError, ModelError, UsageError
from piqa_cli.faces.choose import by_importance, main_faces
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.faces.geometry import described, scaled
from piqa_cli.model.config import Cut, ModelConfig, ScoreMapConfig
from piqa_cli.model.network import FaceOutput, NetworkOutput
from piqa_cli.model.store import ModelFolder
from piqa_cli.photos.decode import DecodedPhoto, decode
from piqa_cli.records import Box, Face, PhotoFile, Severities
from piqa_cli.scoring.complete import complete, severities, to_score
from piqa_cli.scoring.explanation import Branches, ExplainedFace, Explanation, Mark
from piqa_cli.scoring.eyes import read_eyes
from piqa_cli.scoring.heatmap import local_map
from piqa_cli.scoring.liqe_words import verdict
from piqa_cli.scoring.losses import in_short
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.prepare import begin_record, crop_face, face_inputs, photo_inputs, stack
from piqa_cli.scoring.scorer import Scorer

MOST_FACES_HEAVY = 4  # explained by a model like DN-PIQA, where each takes seconds and moves no score
CROP_PLACES = ("top left", "top right", "bottom left", "bottom right", "centre")
WHOLE = ("whole photo",)
GIVEN = 1.0  # confidence of a face that the caller gave


def explain_photo(
    path: Path,
    model: ModelFolder,
    options: EngineOptions | None = None,
    face_box: Box | None = None,
    *,
    with_map: bool = False,
) -> Explanation:
    """Score one photo and take the score apart.

    Args:
        path: of the photo.
        model: that scores it.
        options: device, precision, crops and pixel limit.
        face_box: x1, y1, x2, y2 in pixels of the upright photo at full resolution, in the place of the detector's
            faces; clamped to the photo.
        with_map: judge the photo patch by patch as well.

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
        given = face_box is not None
        return _explain(scorer, PhotoFile(path), decoded, faces, options.crops, given=given, with_map=with_map)
    except (RuntimeError, MemoryError) as error:  # torch's words; C++'s and Python's
        message = f"{path}: explaining stopped: {in_short(error)}"
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
    return (described(Face(clamped, GIVEN), decoded.width, decoded.height),)


def _explain(
    scorer: Scorer,
    file: PhotoFile,
    decoded: DecodedPhoto,
    faces: tuple[Face, ...],
    crops: int | None,
    *,
    given: bool,
    with_map: bool,
) -> Explanation:
    config, image = scorer.config, decoded.image
    boxes = [scaled(face.box, decoded.scale) for face in main_faces(faces)]
    boxes = boxes[:MOST_FACES_HEAVY] if scorer.heavy and not config.face_head else boxes
    inputs = stack([photo_inputs(image, boxes[0] if boxes else None, config, crops)])
    read = _ReadOnce(scorer)
    features, liqe = read(inputs.views), scorer.auxiliary(inputs)
    with torch.inference_mode():
        output = scorer.network.from_features(features, liqe)
    marks = _marks(_judge_faces(read, image, boxes, crops), config) if boxes else []
    record = replace(begin_record(file, decoded, faces), model=scorer.model_id)
    record = read_eyes(record, image, decoded.scale, scorer.device)
    record = complete(record, scorer.network, output, 0, marks)
    if record.status == "error":
        raise ModelError(f"the model {scorer.model_id} gives no finite score for {file.path}")
    return Explanation(
        photo=record,
        crops=_crops(output, scorer),
        faces=tuple(
            ExplainedFace(face, _mark(raw, config.score_map), defects)
            for face, (raw, defects) in zip(record.faces[: len(marks)], marks, strict=True)
        ),
        face_given=given,
        liqe=None if liqe is None else verdict(liqe[0]),
        branches=_branches(read, image, boxes[0], crops, features, liqe, output) if boxes else None,
        threshold=config.reason_threshold,
        local=local_map(scorer, image, decoded.scale, features, liqe) if with_map else None,
    )


class _ReadOnce:
    """A scorer's features, none of which is computed twice: a branch may know a face alone from the photo."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.known: dict[tuple[Cut, bytes], Tensor] = {}

    def __call__(self, views: Mapping[Cut, Tensor]) -> dict[Cut, Tensor]:
        """uint8 (B, K, 3, S, S) views -> float32 (B, K, F)."""
        return {cut: self._features(cut, pixels) for cut, pixels in views.items()}

    def _features(self, cut: Cut, pixels: Tensor) -> Tensor:
        keys = [(cut, photo.numpy().tobytes()) for photo in pixels]
        new = [row for row, key in enumerate(keys) if key not in self.known]
        if new:
            features = self.scorer.features({cut: pixels[new]})[cut]
            self.known |= {keys[row]: values for row, values in zip(new, features, strict=True)}
        return torch.stack([self.known[key] for key in keys])


def _judge_faces(read: _ReadOnce, image: Image.Image, boxes: list[Box], crops: int | None) -> FaceOutput:
    """Every face alone. Without a face head a face is scored as if its crop were a photo, LIQE included."""
    inputs = stack([face_inputs(image, box, read.scorer.config, crops) for box in boxes])
    return read.scorer.judged(read(inputs.views), read.scorer.auxiliary(inputs))


def _branches(
    read: _ReadOnce,
    image: Image.Image,
    face: Box,
    crops: int | None,
    features: dict[Cut, Tensor],
    liqe: Tensor | None,
    output: NetworkOutput,
) -> Branches:
    scorer = read.scorer
    whole = photo_inputs(image, None, scorer.config, crops).views
    close = photo_inputs(crop_face(image, face, scorer.config), None, scorer.config, crops).views
    faceless = read({cut: pixels[None] for cut, pixels in whole.items() if cut != "frame"})
    close_frame = read({"frame": close["frame"][None]})
    with torch.inference_mode():
        without_face = scorer.network.from_features({**features, **faceless}, liqe)
        without_photo = scorer.network.from_features({**features, **close_frame}, liqe)
    marks = [_mark(float(said.raw[0]), scorer.config.score_map) for said in (output, without_face, without_photo)]
    return Branches(*marks)


def _marks(judged: FaceOutput, config: ModelConfig) -> list[tuple[float, Severities | None]]:
    return [(float(raw), severities(judged.defects, row, config)) for row, raw in enumerate(judged.raw)]


def _mark(raw: float, score_map: ScoreMapConfig) -> Mark:
    return Mark(raw, to_score(raw, score_map))


def _crops(output: NetworkOutput, scorer: Scorer) -> dict[str, Mark]:
    """Place -> what the network says of the crop there; one crop is the centre."""
    marks = [_mark(float(raw), scorer.config.score_map) for raw in output.crops[0]]
    cropped = any(view.fit == "crops" for view in scorer.config.preprocess.views)
    return dict(zip(CROP_PLACES[-len(marks) :] if cropped else WHOLE, marks, strict=True))

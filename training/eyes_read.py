"""The two read-outs of `piqa_cli.faces.eyes`, fitted to photos whose eyes were labelled by a person.

    python -m piqa_training.eyes_read benchmarks/eyes.csv ../shared

finds the faces of the labelled photos, describes their eyes, several times with the square moved a little, and fits
two ridge regressions: closed (-1) against open (1), and seen (-1) against hidden by sunglasses (1). It prints what
five-fold cross-validation by photo finds, and writes `eyes.safetensors` fitted to all photos. The same photos give the
same weights up to rounding.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import save_file

from piqa_cli.faces.choose import by_importance, main_faces
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.faces.eyes import LEAST_DETAIL, READ_OUT, EyeReader, can_tell, cut_pair, detail
from piqa_cli.faces.geometry import eye_line, turn
from piqa_cli.faces.lids import load_eyelids
from piqa_cli.photos.decode import decode
from piqa_cli.records import Face

WORKING_SIDE = 2000  # pixels, as piqa-lite decodes
MAX_PIXELS = 200_000_000
FOLDS = 5
SHIFTS = ((0.0, 0.0), (0.05, 0.03), (-0.05, 0.03), (0.03, -0.05), (-0.03, -0.05))  # of the distance between the eyes
RIDGE = 3.0  # beside features of variance 1; 0.3 and 10 find less in cross-validation
LID_WEIGHT = 3.0  # the lid distance is shrunk so much less than a feature
NEAR = 0.02  # of the photo's long side: so far a found face may lie from where it was labelled
OPEN, CLOSED, DARK, SEEN = {"open"}, {"closed"}, {"sunglasses"}, {"open", "closed", "half"}
FALSE_CLOSED, FALSE_HIDDEN = 0.04, 0.015  # shares in cross-validation that the thresholds are put at

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """A face of a photo, and what a person saw."""

    photo: str
    label: str  # open, closed (or downcast), half, sunglasses, unclear
    x: float  # middle between the eyes, as a share of the width
    y: float


def read_labels(table: Path) -> list[LabelledFace]:
    """The rows of a CSV file with the columns photo, x, y, label."""
    with table.open(newline="") as file:
        return [LabelledFace(r["photo"], r["label"], float(r["x"]), float(r["y"])) for r in csv.DictReader(file)]


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled face as the network describes it, once for each of `SHIFTS`."""

    label: str
    fold: int
    rows: Array  # (S, 513)


def collect(labels: Sequence[LabelledFace], folder: Path) -> list[Sample]:
    """Find the labelled faces and describe their eyes. Faces that scoring would not tell either are left out.

    Raises:
        PhotoError: a labelled photo is not in the folder, or cannot be read.
    """
    reader, detector = EyeReader(load_eyelids()).eval(), FaceDetector()
    photos: dict[str, list[LabelledFace]] = {}
    for label in labels:
        photos.setdefault(label.photo, []).append(label)
    return [sample for photo, wanted in photos.items() for sample in _of_photo(photo, wanted, folder, detector, reader)]


def fit(samples: Sequence[Sample], low: set[str], high: set[str]) -> tuple[Array, float]:
    """Weights (513,) and offset of a ridge regression to -1 and 1; both classes weigh the same."""
    chosen = [sample for sample in samples if sample.label in low | high]
    rows = np.concatenate([sample.rows for sample in chosen])
    target = np.repeat([1.0 if sample.label in high else -1.0 for sample in chosen], len(SHIFTS))
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    scale[-1] /= LID_WEIGHT
    share = np.where(target > 0, 0.5 / (target > 0).sum(), 0.5 / (target < 0).sum())[:, None]
    x = np.column_stack([(rows - mean) / scale, np.ones(len(rows))])
    penalty = np.diag([*[RIDGE] * rows.shape[1], 0.0])
    solved = np.linalg.solve((x * share).T @ x + penalty, (x * share).T @ target)
    weights = solved[:-1] / scale
    return weights, float(solved[-1] - weights @ mean)


def cross_validate(samples: Sequence[Sample], low: set[str], high: set[str]) -> Array:
    """The read-out of every sample by weights that were fitted without its photo."""
    values = np.zeros(len(samples))
    for fold in range(FOLDS):
        weights, offset = fit([sample for sample in samples if sample.fold != fold], low, high)
        for i, sample in enumerate(samples):
            if sample.fold == fold:
                values[i] = sample.rows[0] @ weights + offset
    return values


def thresholds(samples: Sequence[Sample], openness: Array, hidden: Array) -> tuple[float, float]:
    """Where eyes count as closed (below) and as hidden (above), by the shares of false calls that are allowed."""
    labels = np.array([sample.label for sample in samples])
    closed_at = np.quantile(openness[np.isin(labels, list(OPEN))], FALSE_CLOSED)
    hidden_at = np.quantile(hidden[np.isin(labels, list(SEEN))], 1 - FALSE_HIDDEN)
    return float(closed_at), float(hidden_at)


def tally(labels: Sequence[LabelledFace], samples: Sequence[Sample], openness: Array, hidden: Array) -> list[str]:
    """For each label how many faces are called what, as lines; read-outs less their thresholds.

    Labelled faces that are no samples (turned away, too small, too blurred, not found again) count as unknown.
    """
    lines = [f"{'label':<11}{'faces':>6}{'open':>6}{'closed':>8}{'unknown':>9}"]
    told = np.array([sample.label for sample in samples])
    for name in sorted({label.label for label in labels}):
        total = sum(label.label == name for label in labels)
        seen = (told == name) & (hidden <= 0)
        shut = int((seen & (openness < 0)).sum())
        wide = int(seen.sum()) - shut
        lines.append(f"{name:<11}{total:>6}{wide:>6}{shut:>8}{total - wide - shut:>9}")
    return lines


def main() -> None:
    """Fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path, help="CSV with photo, x, y, label")
    parser.add_argument("folder", type=Path, help="where the photos lie")
    given = parser.parse_args()
    labels = read_labels(given.labels)
    samples = collect(labels, given.folder)
    openness, hidden = cross_validate(samples, CLOSED, OPEN), cross_validate(samples, SEEN, DARK)
    closed_at, hidden_at = thresholds(samples, openness, hidden)
    sys.stdout.writelines(f"{line}\n" for line in tally(labels, samples, openness - closed_at, hidden - hidden_at))
    read_outs = [fit(samples, CLOSED, OPEN), fit(samples, SEEN, DARK)]
    offsets = np.array([read_outs[0][1] - closed_at, read_outs[1][1] - hidden_at])
    weights = torch.from_numpy(np.stack([weights for weights, _ in read_outs])).float()
    save_file({"weight": weights, "bias": torch.from_numpy(offsets).float()}, READ_OUT)
    READ_OUT.chmod(0o644)


def _of_photo(
    photo: str, wanted: Sequence[LabelledFace], folder: Path, detector: FaceDetector, reader: EyeReader
) -> list[Sample]:
    decoded = decode(folder / photo, max_side=WORKING_SIDE, max_pixels=MAX_PIXELS)
    found = []
    for face in main_faces(by_importance(detector.detect(decoded.image, scale=decoded.scale))):
        label = _label(face, wanted, decoded.width, decoded.height)
        if label is None or not can_tell(face, decoded.scale):
            continue
        rows = _describe(face, decoded.image, decoded.scale, reader)
        if rows is not None:
            found.append(Sample(label.label, zlib.crc32(photo.encode()) % FOLDS, rows))
    return found


def _describe(face: Face, image: Image.Image, scale: float, reader: EyeReader) -> Array | None:
    across = math.dist(*face.landmarks[:2])
    moved = [_moved(face, dx * across, dy * across) for dx, dy in SHIFTS]
    pairs = [pair for pair in (cut_pair(image, one, scale) for one in moved) if pair is not None]
    if len(pairs) < len(moved):
        return None
    pixels = torch.stack(pairs)
    with torch.inference_mode():
        rows = reader.describe(pixels, torch.full((len(moved),), turn(face.landmarks) or 0.0)).double().numpy()
        return rows if float(detail(pixels[:1])) >= LEAST_DETAIL else None


def _label(face: Face, wanted: Sequence[LabelledFace], width: int, height: int) -> LabelledFace | None:
    eyes = eye_line(face.landmarks)
    if eyes is None:
        return None
    (x1, y1), (x2, y2) = eyes
    distances = [math.dist(((x1 + x2) / 2, (y1 + y2) / 2), (one.x * width, one.y * height)) for one in wanted]
    nearest = int(np.argmin(distances))
    return wanted[nearest] if distances[nearest] <= NEAR * max(width, height) else None


def _moved(face: Face, dx: float, dy: float) -> Face:
    return Face(face.box, face.confidence, tuple((x + dx, y + dy) for x, y in face.landmarks))


if __name__ == "__main__":
    main()

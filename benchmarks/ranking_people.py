"""Persons cut out of studio portraits, and set before scenes of any kind at any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.recipes_base import Bytes, Picture, from_bytes, to_linear, to_srgb
from piqa_cli.records import Box

Mask = npt.NDArray[np.float32]

SURE_BACKDROP, SURE_PERSON = 0.03, 0.35  # largest difference of a channel from the backdrop
LIKELY_PERSON = 0.12
HAIR = (0.05, 0.25)  # differences between which a strand turns from see-through to solid
TORSO = 0.92  # of the height: from here down the middle is certainly clothes
SHOULDERS = 0.78  # least width of the person at the lower edge, as a share of the picture
HALO = 0.05  # largest share of the head that looks like the backdrop
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A cut-out figure that reaches the lower edge of its picture."""

    figure: Picture  # sRGB, the backdrop's light taken out of the hair
    alpha: Mask
    face: Box


def cut_out(portrait: Bytes, face: Box) -> Person | None:
    """The person of a portrait before a plain backdrop; None where the cut would show.

    The backdrop is a smooth surface fitted to the borders; what differs from it is the person, and GrabCut (Rother et
    al. 2004) decides where white clothes meet a white backdrop.
    """
    picture = from_bytes(portrait)
    backdrop = _backdrop(picture)
    difference = cv2.GaussianBlur(np.abs(picture - backdrop).max(axis=-1), (0, 0), 0.7)
    solid = _solid(portrait, difference)
    near = cv2.dilate((solid > 0.5).astype(np.uint8), np.ones((61, 61), np.uint8))
    upper = np.arange(len(solid))[:, None] < face[3]
    alpha = np.maximum(solid, _smooth(difference, *HAIR) * near * upper).astype(np.float32)
    if not _looks_clean(alpha, difference, face):
        return None
    own = (picture - (1 - alpha[..., None]) * backdrop) / np.maximum(alpha[..., None], 0.15)
    return Person(np.clip(own, 0, 1).astype(np.float32), alpha, face)


def _backdrop(picture: Picture) -> Picture:
    """A polynomial of the fourth degree through everything that is connected to the upper border and fits it."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    terms = np.stack([x**i * y**j for i in range(5) for j in range(5 - i)], axis=-1)
    known = (y < -0.4) | ((np.abs(x) > 0.38) & (y < 0.1))
    surface = picture
    for _ in range(ROUNDS):
        found = np.linalg.lstsq(terms[known][::37], picture[known][::37], rcond=None)[0]
        surface = (terms @ found).astype(np.float32)
        fits = (np.abs(picture - surface).max(axis=-1) < SURE_BACKDROP).astype(np.uint8)
        _, labels = cv2.connectedComponents(fits)
        top = labels[: height // 10][fits[: height // 10] > 0]
        known = (labels == np.bincount(top).argmax()) & (y < 0.25) if top.size else known
    return surface


def _solid(portrait: Bytes, difference: Mask) -> Mask:
    """The body without its loose hair, found at a third of the size."""
    height, width = difference.shape
    guess = np.where(difference > LIKELY_PERSON, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    guess[difference > SURE_PERSON] = cv2.GC_FGD
    guess[: height // 2][difference[: height // 2] < SURE_BACKDROP / 2] = cv2.GC_BGD
    guess[int(TORSO * height) :, int(0.2 * width) : int(0.8 * width)] = cv2.GC_FGD
    third = (width // 3, height // 3)
    small = cv2.resize(portrait[..., ::-1], third, None, 0, 0, cv2.INTER_AREA)
    marks = cv2.resize(guess, third, None, 0, 0, cv2.INTER_NEAREST)
    cv2.setRNGSeed(0)
    colours = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, marks, (0, 0, 0, 0), *colours, 3, cv2.GC_INIT_WITH_MASK)
    body = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    large = cv2.GaussianBlur(cv2.resize(body, (width, height), None, 0, 0, cv2.INTER_LINEAR), (0, 0), 2)
    return _smooth(large, 0.3, 0.7)


def _smooth(values: npt.NDArray[Any], low: float, high: float) -> Mask:
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def _looks_clean(alpha: Mask, difference: Mask, face: Box) -> bool:
    """Whole shoulders, and no rim of backdrop around the hair."""
    head = alpha[: int(face[3])] > 0.9
    halo = float((difference[: int(face[3])][head] < HALO).mean()) if head.any() else 1.0
    return float((alpha[-20:] > 0.5).mean()) >= SHOULDERS and halo <= HALO


def set_before(
    scene: Picture, person: Person, height: float, centre: float, foot: float = 1.0
) -> tuple[Picture, Mask, Box]:
    """A person before a scene: the picture, where the person is, and the face's box.

    Args:
        scene: sRGB.
        person: cut out.
        height: of the person's picture, as a share of the scene's.
        centre: of the person, as a share of the scene's width.
        foot: where the person's picture ends, as a share of the scene's height.
    """
    rows, columns = scene.shape[:2]
    factor = height * rows / person.alpha.shape[0]
    left, top = centre * columns - factor * person.alpha.shape[1] / 2, foot * rows - factor * person.alpha.shape[0]
    where = np.array([[factor, 0, left], [0, factor, top]])
    shape = (round(person.alpha.shape[1] * factor), round(person.alpha.shape[0] * factor))
    figure = _placed(cv2.resize(person.figure, shape, None, 0, 0, _filter(factor)), scene, left, top)
    alpha = _placed(cv2.resize(person.alpha, shape, None, 0, 0, _filter(factor)), scene[..., 0], left, top)
    mixed = to_linear(scene) * (1 - alpha[..., None]) + to_linear(np.clip(figure, 0, 1)) * alpha[..., None]
    (x1, y1), (x2, y2) = (where @ np.array([*corner, 1.0]) for corner in (person.face[:2], person.face[2:]))
    return to_srgb(mixed), alpha, (float(x1), float(y1), float(x2), float(y2))


def _filter(factor: float) -> int:
    return cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC


def _placed(part: npt.NDArray[Any], whole: Picture, left: float, top: float) -> Picture:
    """`part` on an empty picture of the whole's shape; what reaches over its border is cut off."""
    empty = np.zeros_like(whole)
    x, y = round(left), round(top)
    part = part[max(-y, 0) : whole.shape[0] - y, max(-x, 0) : whole.shape[1] - x]
    empty[max(y, 0) : max(y, 0) + part.shape[0], max(x, 0) : max(x, 0) + part.shape[1]] = part
    return empty


def head_mask(shape: tuple[int, ...], face: Box) -> Mask:
    """Soft ellipse of the head around a face box: float32 (H, W), 1 on the head."""
    x1, y1, x2, y2 = face
    width, height = x2 - x1, y2 - y1
    mask = np.zeros(shape[:2], np.float32)
    middle = (round((x1 + x2) / 2), round((y1 + y2) / 2 - 0.06 * height))
    cv2.ellipse(mask, middle, (round(0.75 * width), round(0.78 * height)), 0, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.08 * width, 1.0)), dtype=np.float32)

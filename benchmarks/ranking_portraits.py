"""Whether the score knows where the person is: face against background, shallow or missed focus, low key, groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import cv2
import numpy as np

from benchmarks.ranking_people import Person, cut_out, head_mask, set_before
from benchmarks.ranking_photos import Material, Photo, spread
from benchmarks.ranking_scoring import Measured, Rendered, Version, as_image
from benchmarks.ranking_table import mean, middle, number, percent, table
from benchmarks.recipes import degrade
from benchmarks.recipes_base import Picture, convolve, from_bytes, to_linear, to_srgb
from benchmarks.recipes_light import mean_exposure
from benchmarks.recipes_optics import disc
from piqa_cli.faces.choose import by_importance
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.records import Box

REGIONAL, REGION_LEVEL = ("defocus", "camera shake", "noise", "underexposure"), 3
ROOM_AROUND = 0.6  # a face wider than this share of the photo leaves no background
HEIGHTS = (0.95, 0.7, 0.5)  # of the person, as a share of the scene
BOKEH = {"shallow": 0.008, "very shallow": 0.02}  # radius of the blur disc, as a share of the long side
DARK_PLACE, DARK_BODY = 4.5, 2.5  # EV below the face of a low-key photo
PEOPLE = 8  # that are cut out
GROUP_HEIGHT, GROUP_CENTRES, BYSTANDER = 0.55, (0.2, 0.5, 0.8), (0.22, 0.35, 0.93)  # the last: height, centre, foot
FACE_LOWER, SHALLOW_LOSS = 0.95, 3.0  # wanted


def render_portraits(material: Material, detector: FaceDetector, count: int) -> Iterator[Rendered]:
    """Face and background of real portraits; then of persons before scenes, where there are both."""
    for photo in material.photos:
        pixels = photo.load()
        face = main_face(pixels, detector)
        if photo.kind == "portrait" and face and face[2] - face[0] < ROOM_AROUND * pixels.shape[1]:
            yield from _regions("portraits", photo.name, from_bytes(pixels), face, photo.seed)
    figures = (cut_out_photo(photo.load(), detector) for photo in spread(material.people, 3 * PEOPLE))
    people = list(islice((person for person in figures if person), PEOPLE))
    places = [from_bytes(photo.load()) for photo in spread(without_people(material.places, detector), count)]
    if len(people) < len(GROUP_CENTRES) + 1 or not places:
        return
    for index, place in enumerate(islice(cycle(places), count)):
        chosen = [people[(index * 3 + step) % len(people)] for step in range(len(GROUP_CENTRES) + 1)]
        yield from render_person(f"scene {index}", place, chosen[0], HEIGHTS[index % len(HEIGHTS)], index)
        yield from render_group(f"group {index}", _wide(place), chosen, index)


def without_people(photos: Sequence[Photo], detector: FaceDetector) -> list[Photo]:
    """Those in which no face is found: who is in a scene already could be taken for the main person there."""
    return [photo for photo in photos if main_face(photo.load(), detector) is None]


def main_face(pixels: Any, detector: FaceDetector) -> Box | None:
    faces = by_importance(detector.detect(as_image(from_bytes(pixels))))
    return faces[0].box if faces else None


def cut_out_photo(pixels: Any, detector: FaceDetector) -> Person | None:
    face = main_face(pixels, detector)
    return cut_out(pixels, face) if face else None


def _regions(test: str, name: str, picture: Picture, face: Box, seed: int) -> Iterator[Rendered]:
    """Equal degradation on the head alone and on everything else alone."""
    head = head_mask(picture.shape, face)[..., None]
    for family in REGIONAL:
        degraded = degrade(picture, family, REGION_LEVEL, seed)
        for place, mask in (("face", head), ("background", 1 - head)):
            mixed = degraded * mask + picture * (1 - mask)
            yield Rendered(Version(test, name, family, REGION_LEVEL, place=place), as_image(mixed))


def render_person(name: str, place: Picture, person: Person, height: float, seed: int) -> Iterator[Rendered]:
    picture, alpha, face = set_before(place, person, height, 0.5)
    yield Rendered(Version("depth", name, "all sharp"), as_image(picture))
    unsharp = degrade(picture, "defocus", REGION_LEVEL, seed)
    for case, mask in (("person", alpha[..., None]), ("everything", np.float32(1))):
        yield Rendered(Version("focus missed", name, case), as_image(unsharp * mask + picture * (1 - mask)))
    for case, share in BOKEH.items():
        blurred = to_srgb(convolve(to_linear(place), disc(share * max(place.shape[:2]))))
        yield Rendered(Version("depth", name, case), as_image(set_before(blurred, person, height, 0.5)[0]))
    dark = low_key(place, person, height)
    yield Rendered(Version("low key", name, "low key"), as_image(dark))
    yield Rendered(Version("low key", name, "underexposed"), as_image(mean_exposure(picture, dark)))
    yield from _regions("scenes", name, picture, face, seed)


def low_key(place: Picture, person: Person, height: float) -> Picture:
    """A dark room, and light on the face that falls off towards the body."""
    dark_place = to_srgb(to_linear(place) * np.float32(2**-DARK_PLACE))
    width = person.face[2] - person.face[0]
    spot = head_mask(person.figure.shape, person.face)
    soft = cv2.GaussianBlur(spot, (0, 0), 0.3 * width)
    light = np.maximum(soft / soft.max(), np.float32(2**-DARK_BODY))[..., None]
    lit = Person(to_srgb(to_linear(person.figure) * light), person.alpha, person.face)
    return set_before(dark_place, lit, height, 0.5)[0]


def _wide(place: Picture) -> Picture:
    """The place, or of an upright one the middle: several people need room beside each other."""
    rows = min(place.shape[0], place.shape[1] * 3 // 4)
    top = (place.shape[0] - rows) // 2
    return place[top : top + rows]


def render_group(name: str, place: Picture, people: Sequence[Person], index: int) -> Iterator[Rendered]:
    """Three people in front and one far behind, all sharp; then one face, all three, or the far one, out of focus."""
    picture, _, far = set_before(place, people[-1], *BYSTANDER)
    faces = []
    for person, centre in zip(people, GROUP_CENTRES, strict=False):
        picture, _, face = set_before(picture, person, GROUP_HEIGHT, centre)
        faces.append(face)
    worst = faces[index % len(faces)]
    for case, blurred in (("all sharp", []), ("one face", [worst]), ("all faces", faces), ("bystander", [far])):
        yield Rendered(Version("group", name, case), as_image(_with_blurred(picture, blurred, index)))


def _with_blurred(picture: Picture, faces: Sequence[Box], seed: int) -> Picture:
    degraded = degrade(picture, "defocus", REGION_LEVEL, seed)
    mask = np.max([np.zeros(picture.shape[:2], np.float32), *(head_mask(picture.shape, f) for f in faces)], axis=0)
    return np.asarray(degraded * mask[..., None] + picture * (1 - mask[..., None]), dtype=np.float32)


def judge_portraits(measured: Sequence[Measured]) -> dict[str, Any]:
    return {
        "regions": {
            f"{test}: {family}": _judge_region(measured, test, family)
            for test in ("portraits", "scenes")
            for family in REGIONAL
        },
        "depth": {case: _losses(measured, "depth", case) for case in BOKEH},
        "focus_missed": {case: _losses(measured, "focus missed", case) for case in ("person", "everything")},
        "low_key": {case: _losses(measured, "low key", case) for case in ("low key", "underexposed")},
        "group": {case: _losses(measured, "group", case) for case in ("one face", "all faces", "bystander")},
    }


def _judge_region(measured: Sequence[Measured], test: str, family: str) -> dict[str, Any]:
    own = {
        (m.version.photo, m.version.place): m.score
        for m in measured
        if m.version.test == test and m.version.case == family
    }
    photos = {photo for photo, _ in own}
    return {
        "photos": len(photos),
        "face_lower": mean([own[p, "face"] < own[p, "background"] for p in photos]),
        "median_face": middle([own[p, "face"] for p in photos]),
        "median_background": middle([own[p, "background"] for p in photos]),
    }


def _losses(measured: Sequence[Measured], test: str, case: str) -> dict[str, Any]:
    """Points lost against the same photo all sharp and well lit."""
    base = "group" if test == "group" else "depth"
    sharp = {m.version.photo: m.score for m in measured if m.version.test == base and m.version.case == "all sharp"}
    own = [m for m in measured if m.version.test == test and m.version.case == case]
    losses = [sharp[m.version.photo] - m.score for m in own]
    return {
        "photos": len(losses),
        "median_loss": middle(losses),
        "worst_loss": max(losses, default=None),
        "within_3_points": mean([loss <= SHALLOW_LOSS for loss in losses]),
        "lower": mean([loss > 0 for loss in losses]),
    }


def show_portraits(found: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [("equal degradation, level 3", "photos", "face case lower", "median face / backgr.")]
    for name, own in found["regions"].items():
        medians = f"{number(own['median_face'], 0)}/ {number(own['median_background'], 0)}"
        rows.append((name, str(own["photos"]), percent(own["face_lower"], FACE_LOWER), medians))
    losses: list[tuple[str, ...]] = [("points lost", "photos", "median", "worst", "at most 3", "lower")]
    for test, most in (("depth", SHALLOW_LOSS), ("focus_missed", None), ("low_key", None), ("group", None)):
        for case, own in found[test].items():
            losses.append(
                (
                    f"{test.replace('_', ' ')}: {case}",
                    str(own["photos"]),
                    number(own["median_loss"], 1, most=most),
                    number(own["worst_loss"], 1),
                    percent(own["within_3_points"]),
                    percent(own["lower"], FACE_LOWER if case in ("one face", "all faces") else None),
                )
            )
    return table(rows) + "\n\n" + table(losses)

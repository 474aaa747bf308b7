"""Persons cut out and set before scenes."""

import numpy as np
import pytest
from skimage import data

from benchmarks.ranking_people import cut_out, head_mask, set_before
from benchmarks.ranking_photos import Photo
from benchmarks.ranking_portraits import render_group, render_person, without_people
from benchmarks.recipes_base import from_bytes
from piqa_cli.faces.detect import FaceDetector


@pytest.fixture(scope="module")
def studio():
    """A drawn person before a plain, unevenly lit backdrop; where the person is, and the face."""
    side = 600
    y, x = np.mgrid[0:1:600j, 0:1:600j]
    backdrop = (0.82 - 0.15 * ((x - 0.5) ** 2 + (y - 0.4) ** 2))[..., None] * np.array([1.0, 1.0, 0.98])
    head = ((x - 0.5) / 0.17) ** 2 + ((y - 0.42) / 0.24) ** 2 < 1
    shoulders = ((x - 0.5) / 0.46) ** 2 + ((y - 1.0) / 0.3) ** 2 < 1
    rng = np.random.default_rng(0)
    picture = backdrop.copy()
    picture[shoulders] = np.array([0.2, 0.25, 0.5])
    picture[head] = np.array([0.75, 0.5, 0.4])
    picture[head & (y < 0.3)] = np.array([0.12, 0.08, 0.06])
    picture += rng.normal(0, 0.008, picture.shape)
    face = (0.36 * side, 0.25 * side, 0.64 * side, 0.64 * side)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8), head | shoulders, face


def test_a_person_is_cut_out(studio):
    portrait, truth, face = studio
    person = cut_out(portrait, face)
    mask = person.alpha > 0.5
    assert (mask & truth).sum() / (mask | truth).sum() > 0.97
    assert cut_out(np.full_like(portrait, 200), face) is None


def test_a_person_stands_before_a_scene(studio):
    portrait, _, face = studio
    person = cut_out(portrait, face)
    scene = from_bytes(data.coffee())
    picture, alpha, (x1, y1, x2, y2) = set_before(scene, person, 0.7, 0.5)
    assert np.abs(picture - scene)[alpha == 0].max() < 1e-5
    assert (x1 + x2) / 2 == pytest.approx(scene.shape[1] / 2, abs=2)
    assert (y2 - y1) / scene.shape[0] == pytest.approx(0.7 * 0.39, abs=0.01)
    assert alpha[int((y1 + y2) / 2), int((x1 + x2) / 2)] > 0.99
    other = set_before(np.zeros_like(scene), person, 0.7, 0.5)[0]
    assert np.abs(other - picture)[alpha == 1].max() < 1e-5  # what is done to the scene leaves the person alone
    outside, _, _ = set_before(scene, person, 1.3, 0.0)  # cut by the left border and the top
    assert outside.shape == scene.shape


def test_the_focus_misses_the_person_alone_or_everything(studio):
    portrait, _, face = studio
    scene, person = from_bytes(data.coffee()), cut_out(portrait, face)
    shown = {r.version.case: np.asarray(r.image, int) for r in render_person("s", scene, person, 0.7, 0)}
    changed = {case: np.abs(image - shown["all sharp"]).max(axis=2) > 2 for case, image in shown.items()}
    there = set_before(scene, person, 0.7, 0.5)[1]
    assert changed["person"][there > 0.5].mean() > 0.01  # the drawn person is nearly flat
    assert not changed["person"][there == 0].any()
    assert changed["everything"][there == 0].mean() > 0.05


def test_nobody_is_in_a_scene_yet():
    photos = [Photo("coffee", "scene"), Photo("astronaut", "portrait"), Photo("rocket", "scene")]
    assert [photo.name for photo in without_people(photos, FaceDetector())] == ["coffee", "rocket"]


def test_a_group_has_one_blurred_face_or_three(studio):
    portrait, _, face = studio
    people = [cut_out(portrait, face)] * 4
    shown = {r.version.case: np.asarray(r.image, int) for r in render_group("g", from_bytes(data.coffee()), people, 0)}
    changed = {case: np.abs(image - shown["all sharp"]).max(axis=(0, 2)) > 2 for case, image in shown.items()}
    width = len(changed["one face"])
    assert changed["one face"][: width // 3].any()
    assert not changed["one face"][width // 2 :].any()
    assert changed["all faces"][int(0.75 * width) :].any()
    assert changed["bystander"].any()


def test_the_head_mask_is_on_the_head():
    mask = head_mask((400, 300, 3), (100.0, 100.0, 200.0, 220.0))
    assert mask[160, 150] > 0.99
    assert mask[20, 20] < 0.01
    assert mask[380, 150] < 0.01

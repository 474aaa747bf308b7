"""The installed program, the embedded model and real photos: does the order make sense?"""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage import data

FACE = (177, 62, 272, 191)  # on the astronaut


def photo():
    return Image.fromarray(data.astronaut())


def pixels(change):
    """The photo with its pixels, in [0, 1], put through `change`."""
    values = change(np.asarray(photo(), dtype=np.float32) / 255)
    return Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))


def noisy(sigma):
    grain = np.random.default_rng(0).normal(size=(512, 512, 3)).astype(np.float32)
    return pixels(lambda p: p + sigma * grain)


def exposed(stops):
    return pixels(lambda p: (p**2.2 * 2.0**stops).clip(0, 1) ** (1 / 2.2))


def compressed(quality):
    stored = io.BytesIO()
    photo().save(stored, "JPEG", quality=quality)
    return Image.open(stored).convert("RGB")


def doubled(share, shift):
    """A second, weaker image beside the first."""
    return pixels(lambda p: (1 - share) * p + share * np.roll(p, shift, axis=(0, 1)))


def blurred_region(radius, *, face):
    """Blur on the face only, or on everything but the face, with a soft border."""
    mask = Image.new("L", (512, 512), 0)
    mask.paste(255, (FACE[0] - 15, FACE[1] - 25, FACE[2] + 15, FACE[3] + 15))
    mask = mask.filter(ImageFilter.GaussianBlur(8))
    soft = photo().filter(ImageFilter.GaussianBlur(radius))
    return Image.composite(soft, photo(), mask) if face else Image.composite(photo(), soft, mask)


def sharp_and_blurred():
    """Two people: the larger one sharp, the smaller one out of focus."""
    pair = Image.new("RGB", (1024, 512))
    pair.paste(photo(), (0, 0))
    pair.paste(photo().filter(ImageFilter.GaussianBlur(5)).resize((440, 440)), (540, 70))
    return pair


def blank(level, grain=0.0):
    """A frame without anything on it: the lens cap, a wall, a shot into the light."""
    noise = np.random.default_rng(1).normal(size=(512, 512, 3)).astype(np.float32)
    return pixels(lambda p: level + grain * noise)


MADE = {
    "pair": sharp_and_blurred,
    "original": photo,
    "blur_mild": lambda: photo().filter(ImageFilter.GaussianBlur(1.2)),
    "blur_strong": lambda: photo().filter(ImageFilter.GaussianBlur(5)),
    "noise_mild": lambda: noisy(0.04),
    "noise_strong": lambda: noisy(0.2),
    "compression_mild": lambda: compressed(25),
    "compression_strong": lambda: compressed(5),
    "dark_mild": lambda: exposed(-1.5),
    "dark_strong": lambda: exposed(-4),
    "bright_mild": lambda: exposed(1.2),
    "bright_strong": lambda: exposed(3),
    "double_mild": lambda: doubled(0.25, (6, 8)),
    "double_strong": lambda: doubled(0.45, (9, 12)),
    "face_blurred": lambda: blurred_region(4, face=True),
    "background_blurred": lambda: blurred_region(4, face=False),
    "blank_lens_cap": lambda: blank(0.01, 0.01),
    "blank_grey": lambda: blank(0.5),
    "blank_grey_grainy": lambda: blank(0.5, 0.02),
    "blank_white": lambda: blank(1.0),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Every version scored by the installed program, by name."""
    folder = tmp_path_factory.mktemp("versions")
    for name, make in MADE.items():
        make().save(folder / f"{name}.png")
    command = [sys.executable, "-m", "piqa_cli", "score", str(folder), "--format", "jsonl", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["path"].rsplit("/", 1)[-1].removesuffix(".png"): row for row in found}


@pytest.mark.parametrize("family", ["blur", "noise", "compression", "dark", "bright", "double"])
def test_more_of_a_defect_scores_lower(rows, family):
    original, mild, strong = (rows[n]["score"] for n in ("original", f"{family}_mild", f"{family}_strong"))
    assert original > mild > strong


def test_a_blurred_face_scores_below_a_blurred_background(rows):
    assert rows["face_blurred"]["score"] < rows["background_blurred"]["score"] - 10
    assert rows["face_blurred"]["face_score"] < rows["background_blurred"]["face_score"] - 10


def test_a_shallow_depth_of_field_costs_little(rows):
    assert rows["background_blurred"]["score"] > rows["original"]["score"] - 20


def test_the_worst_face_of_a_group_is_the_blurred_one(rows):
    assert rows["pair"]["n_faces"] == 2
    assert rows["pair"]["face_x2"] < 512
    assert rows["pair"]["worst_face_score"] < rows["pair"]["face_score"] - 20
    assert rows["original"]["worst_face_score"] == rows["original"]["face_score"]


def test_a_good_portrait_and_ruined_ones_are_far_apart(rows):
    assert rows["original"]["score"] > 60
    assert rows["original"]["status"] == "ok"
    assert all(rows[name]["score"] < 40 for name in ("blur_strong", "noise_strong", "compression_strong"))


@pytest.mark.parametrize("name", ["blank_lens_cap", "blank_grey", "blank_grey_grainy", "blank_white"])
def test_frames_without_anything_on_them_score_low(rows, name):
    assert rows[name]["score"] < 20
    assert rows[name]["reasons"]


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("blur_strong", {"defocus_blur", "low_resolution"}),
        ("noise_strong", {"noise"}),
        ("compression_strong", {"compression"}),
        ("dark_strong", {"underexposure"}),
        ("bright_strong", {"overexposure"}),
    ],
)
def test_the_worst_defect_is_named(rows, name, families):
    severities = {k.removeprefix("photo_"): v for k, v in rows[name].items() if k.startswith("photo_")}
    assert max(severities, key=severities.get) in families
    assert rows[name]["reasons"]


def test_the_original_has_no_severe_defect(rows):
    assert max(v for k, v in rows["original"].items() if k.startswith(("photo_", "face_")) and k in SEVERITIES) < 0.5


SEVERITIES = {
    f"{place}_{family}"
    for place in ("photo", "face")
    for family in ("defocus_blur", "motion_blur", "noise", "compression", "underexposure", "overexposure")
}

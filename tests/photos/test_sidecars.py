from __future__ import annotations

import os
from pathlib import Path

import pytest

from piqa_cli.photos.sidecars import Companions, existing_sidecars, sidecar_names


@pytest.mark.parametrize(
    ("naming", "names"),
    [("adobe", ["IMG.1.xmp"]), ("darktable", ["IMG.1.CR2.xmp"]), ("both", ["IMG.1.xmp", "IMG.1.CR2.xmp"])],
)
def test_names(naming: str, names: list[str]) -> None:
    found = sidecar_names(Path("/a/IMG.1.CR2"), naming)  # type: ignore[arg-type]
    assert found == tuple(Path("/a") / name for name in names)


def test_existing_sidecars_newest_first(tmp_path: Path) -> None:
    for name, seconds in (("a.XMP", 2000), ("a.jpg.xmp", 1000)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (seconds, seconds))
    assert [path.name for path in existing_sidecars(tmp_path / "a.jpg")] == ["a.XMP", "a.jpg.xmp"]
    (tmp_path / "a.jpg.xmp").unlink()
    (tmp_path / "a.jpg.xmp").symlink_to(tmp_path / "a.XMP")
    assert [path.name for path in existing_sidecars(tmp_path / "a.jpg")] == ["a.XMP"]
    assert existing_sidecars(tmp_path / "b.jpg") == ()


COMPANIONS = {
    "IMG_1.JPG": ["IMG_1.JPG.xmp", "IMG_1.acr", "IMG_1.wav", "IMG_1.xmp"],
    "IMG_1.CR2": ["IMG_1.CR2.dop", "IMG_1.CR2.pp3", "IMG_1.acr", "IMG_1.wav", "IMG_1.xmp", "IMG_1_01.CR2.xmp"],
    "IMG_1_02.CR2": ["IMG_1_02.CR2.xmp"],
    "IMG_11.CR2": [],
    "IMG_2.HEIC": ["IMG_2.AAE", "IMG_2.MOV"],
    "img_1.jpg": ["IMG_1.JPG.xmp", "IMG_1.acr", "IMG_1.wav", "IMG_1.xmp"],
    "gone.jpg": [],
}


def test_a_raw_file_that_piqa_does_not_read_goes_with_its_jpeg(tmp_path: Path) -> None:
    ours = {"IMG_1.PEF", "IMG_1.PEF.pp3", "IMG_1.PEF.xmp", "IMG_1.xmp"}
    for name in (*ours, "IMG_1.JPG", "IMG_1.png", "IMG_1.heic", "IMG_2.JPG", "IMG_2.CR2", "IMG_2.PEF", "IMG_3.PEF"):
        (tmp_path / name).touch()
    companions = Companions()
    assert {path.name for path in companions.of(tmp_path / "IMG_1.JPG")} == ours
    for other, own in (("IMG_1.png", {"IMG_1.xmp"}), ("IMG_1.heic", {"IMG_1.xmp"}), ("IMG_2.JPG", set())):
        assert {path.name for path in companions.of(tmp_path / other)} == own


@pytest.mark.parametrize("name", COMPANIONS)
def test_companions(tmp_path: Path, name: str) -> None:
    for other in ("IMG_1.JPG", "IMG_1.CR2", "IMG_1_02.CR2", "IMG_11.CR2", "IMG_2.HEIC", "IMG_1.txt", "notes.xmp"):
        (tmp_path / other).touch()
    for sidecars in COMPANIONS.values():
        for sidecar in sidecars:
            (tmp_path / sidecar).touch()
    assert [path.name for path in Companions().of(tmp_path / name)] == COMPANIONS[name]


def test_owners(tmp_path: Path) -> None:
    for name in ("a.JPG", "a.heic", "b.jpg", "a.xmp"):
        (tmp_path / name).touch()
    owners = Companions().owners(tmp_path / "a.xmp")
    assert {path.name for path in owners} == {"a.JPG", "a.heic"}
    assert Companions().owners(tmp_path / "b.jpg") == ()
    assert Companions().of(tmp_path / "missing" / "a.jpg") == ()


SHOTS = [  # photos of one stem, and which of them its sidecar is about
    ("a.tif a.CR2", "a.CR2"),
    ("a.DNG a.NEF", "a.NEF"),
    ("a.heic a.jpg a.arw", "a.jpg a.arw"),
    ("a.jpg a.heic", "a.heic"),
    ("a.png a.JPG", "a.JPG"),
    ("a.3fr a.jpg", "a.jpg"),
    ("b.jpg", ""),
]


@pytest.mark.parametrize(("names", "shot"), SHOTS)
def test_shot_of(tmp_path: Path, names: str, shot: str) -> None:
    for name in names.split():
        (tmp_path / name).touch()
    assert " ".join(path.name for path in Companions().shot_of(tmp_path / "a.xmp")) == shot


def test_a_sidecar_of_another_photo_in_other_case_is_left_to_that(tmp_path: Path) -> None:
    for name in ("IMG_1.JPG", "img_1.jpg", "IMG_1.JPG.xmp", "img_1.jpg.pp3", "IMG_1_01.JPG.xmp", "Img_1.jpg.dop"):
        (tmp_path / name).touch()
    if len(list(tmp_path.iterdir())) < 6:
        pytest.skip("a file system without regard to case")
    companions = Companions()
    names = {photo: [path.name for path in companions.of(tmp_path / photo)] for photo in ("IMG_1.JPG", "img_1.jpg")}
    assert names == {
        "IMG_1.JPG": ["IMG_1.JPG.xmp", "IMG_1_01.JPG.xmp", "Img_1.jpg.dop"],
        "img_1.jpg": ["Img_1.jpg.dop", "img_1.jpg.pp3"],
    }


def test_a_sidecar_by_a_stem_in_other_case_is_left_to_that(tmp_path: Path) -> None:
    for name in ("IMG_1.JPG", "IMG_1.CR2", "img_1.jpg", "IMG_1.xmp", "img_1.wav", "Img_1.acr"):
        (tmp_path / name).touch()
    if len(list(tmp_path.iterdir())) < 6:
        pytest.skip("a file system without regard to case")
    companions = Companions()
    names = {photo: [path.name for path in companions.of(tmp_path / photo)] for photo in ("IMG_1.JPG", "img_1.jpg")}
    assert names == {"IMG_1.JPG": ["IMG_1.xmp", "Img_1.acr"], "img_1.jpg": ["Img_1.acr", "img_1.wav"]}
    owners = {name: {path.name for path in companions.owners(tmp_path / name)} for name in ("IMG_1.xmp", "Img_1.acr")}
    assert owners == {"IMG_1.xmp": {"IMG_1.JPG", "IMG_1.CR2"}, "Img_1.acr": {"IMG_1.JPG", "IMG_1.CR2", "img_1.jpg"}}

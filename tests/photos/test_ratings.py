from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from photo_makers import corners, encoded, exif, make_dng

from piqa_cli.errors import PhotoError
from piqa_cli.photos.embedding import embed_packet
from piqa_cli.photos.metadata import parse_packet
from piqa_cli.photos.ratings import read_by_hand, read_rating
from piqa_cli.photos.sidecars import existing_sidecars

RATING, PERCENT = 0x4746, 0x4749


def packet(**properties: str) -> bytes:
    names = {"rating": "xmp:Rating", "pick": "digiKam:PickLabel", "microsoft": "MicrosoftPhoto:Rating"}
    names |= {"own": "piqa:Rating", "before": "piqa:RatingBefore", "own_pick": "piqa:PickLabel"}
    names |= {"pick_before": "piqa:PickLabelBefore", "flag": "xmpDM:pick"}
    written = " ".join(f'{names[key]}="{value}"' for key, value in properties.items())
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:piqa="urn:piqa-cli:xmp:1.0/"
        xmlns:digiKam="http://www.digikam.org/ns/1.0/"
        xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/" xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/"
        {written}/></rdf:RDF></x:xmpmeta>""".encode()


def photo(folder: Path, tags: dict[int, Any] | None = None, xmp: bytes = b"", name: str = "a.jpg") -> Path:
    path = folder / name
    data = encoded(corners(), "JPEG", **({"exif": exif(tags)} if tags else {}))
    path.write_bytes(embed_packet(data, xmp, path) if xmp else data)
    return path


@pytest.mark.parametrize(
    ("xmp", "expected"),
    [
        (packet(rating="5"), 5),
        (packet(rating="-1"), -1),
        (packet(rating="0"), 0),
        (packet(rating="3.0"), 3),
        (packet(), None),
        (packet(pick="1"), -1),
        (packet(pick="1", rating="4"), -1),
        (packet(pick="3"), None),
        (packet(microsoft="75"), 4),
        (packet(microsoft="99"), 5),
        (packet(microsoft="60"), 3),
        (packet(microsoft="75", rating="2"), 2),
        (packet(rating="4", own="4"), None),
        (packet(rating="4", own="4", before="2"), 2),
        (packet(rating="3", own="4", before="2"), 3),
        (packet(pick="1", own_pick="1"), None),
        (packet(pick="3", own_pick="3", pick_before="1"), -1),
        (packet(flag="-1"), -1),
        (packet(flag="-1", rating="4"), -1),
        (packet(flag="1", rating="2"), 2),
        (packet(flag="0"), None),
        (packet(flag="-1", rating="-1", own="-1"), None),  # Lightroom repeats what piqa wrote
        (packet(flag="-1", rating="4", own="4"), -1),
    ],
)
def test_what_a_packet_says(tmp_path: Path, xmp: bytes, expected: int | None) -> None:
    path = photo(tmp_path)
    (tmp_path / "a.xmp").write_bytes(xmp)
    assert read_rating(path) == expected
    (tmp_path / "a.xmp").unlink()
    assert read_rating(photo(tmp_path, xmp=xmp)) == expected


@pytest.mark.parametrize(
    ("xmp", "words"),
    [
        (packet(pick="3"), "picked"),
        (packet(flag="1"), "picked"),
        (packet(flag="1", rating="2"), "2 stars"),
        (packet(rating="1"), "1 star"),
        (packet(flag="1", rating="-1"), "rejected"),
        (packet(pick="3", own_pick="3"), None),
        (packet(pick="2", flag="0", rating="0"), None),
    ],
)
def test_what_was_said_in_words(tmp_path: Path, xmp: bytes, words: str | None) -> None:
    path = photo(tmp_path)
    (tmp_path / "a.xmp").write_bytes(xmp)
    assert read_by_hand(path, existing_sidecars(path)).words == words
    assert read_by_hand(photo(tmp_path, xmp=xmp), ()).words == words


def test_what_other_programs_repeat_of_own_marks_is_no_persons_rating(tmp_path: Path) -> None:
    repeated = packet(rating="4", own="4", microsoft="75")
    path = photo(tmp_path, {RATING: 4, PERCENT: 75}, repeated)
    assert read_rating(path) is None
    assert read_rating(photo(tmp_path, {RATING: 5}, repeated)) == 5  # a person's
    assert read_rating(photo(tmp_path, {RATING: 4}, packet(rating="4", own="4", microsoft="99"))) == 5
    assert read_rating(photo(tmp_path, {RATING: 4}, packet(rating="4", own="4", before="4"))) == 4
    assert read_rating(photo(tmp_path, {RATING: 4}, packet(rating="3", own="4"))) == 3
    path = photo(tmp_path, {RATING: 4, PERCENT: 75})
    assert read_rating(path) == 4
    (tmp_path / "a.xmp").write_bytes(packet(rating="4", own="4"))
    assert read_rating(path) is None


@pytest.mark.parametrize("bad", ["6", "-2", "2.5", "five", "", "nan", "inf"])
def test_ratings_out_of_range_are_reported(tmp_path: Path, bad: str) -> None:
    problems: list[PhotoError] = []
    path = photo(tmp_path)
    sidecar = tmp_path / "a.xmp"
    sidecar.write_bytes(packet(rating=bad))
    assert read_rating(path, problems.append) is None
    assert [problem.path for problem in problems] == [sidecar]


@pytest.mark.parametrize("bad", ["-1", "101", "many", "nan"])
def test_shares_out_of_range_are_reported(tmp_path: Path, bad: str) -> None:
    problems: list[PhotoError] = []
    path = photo(tmp_path)
    (tmp_path / "a.xmp").write_bytes(packet(microsoft=bad))
    assert read_rating(path, problems.append) is None
    assert [problem.message for problem in problems] == [f"rating {bad!r} is no percentage; it is passed over"]


def test_sources_in_order(tmp_path: Path) -> None:
    path = photo(tmp_path, {RATING: 1, PERCENT: 25})
    assert read_rating(path) == 1
    photo(tmp_path, {RATING: 1}, packet(rating="2"))
    assert read_rating(path) == 2
    adobe, darktable = tmp_path / "a.xmp", tmp_path / "a.jpg.xmp"
    adobe.write_bytes(packet(rating="3"))
    darktable.write_bytes(packet(rating="4"))
    for newer, older, expected in ((adobe, darktable, 3), (darktable, adobe, 4)):
        os.utime(older, (1_000, 1_000))
        os.utime(newer, (2_000, 2_000))
        assert read_rating(path) == expected
    darktable.write_bytes(packet())  # says nothing
    assert read_rating(path) == 3


def test_exif_alone(tmp_path: Path) -> None:
    assert read_rating(photo(tmp_path, {PERCENT: 50})) == 3
    assert read_rating(photo(tmp_path, {RATING: 0})) == 0
    assert read_rating(photo(tmp_path, {0x010F: "Canon"})) is None


def test_malformed_sidecar_is_reported_and_passed_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    problems: list[PhotoError] = []
    path = photo(tmp_path, xmp=packet(rating="2"))
    (tmp_path / "a.XMP").write_bytes(b"<x:xmpmeta")
    assert read_rating(path, problems.append) == 2
    assert [problem.path.name for problem in problems] == ["a.XMP"]
    assert read_rating(path) == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8\xff\xe1\xff\xff", b"text", b"\xff\xd8\xff" + bytes(99), b"II*\0" * 9]
)
def test_no_photo_has_no_rating(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert read_rating(path) is None
    assert read_rating(tmp_path / "missing.jpg") is None
    assert read_rating(tmp_path) is None
    assert capfd.readouterr() == ("", "")


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    path = photo(tmp_path, {RATING: 5}, name=os.fsdecode(b"caf\xe9.jpg"))
    assert read_rating(path) == 5
    Path(os.fsdecode(os.fsencode(path) + b".xmp")).write_bytes(packet(rating="1"))
    assert read_rating(path) == 1


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "HEIF", "DNG"])
def test_ratings_written_by_exiftool(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(make_dng(encoded(corners(), "JPEG"), (96, 64)) if kind == "DNG" else encoded(corners(), kind))
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-XMP-xmp:Rating=3", path], check=True)
    assert read_rating(path) == 3


def test_many_threads_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    paths = [photo(tmp_path, xmp=packet(rating=str(stars)), name=f"{stars}.jpg") for stars in range(6)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read_rating, paths * 50)) == list(range(6)) * 50


def test_a_programs_namespace_is_known_whatever_prefix_comes_first(tmp_path: Path) -> None:
    written = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dt="http://darktable.sf.net/" dt:xmp_version="5"/></rdf:RDF>'
    )
    assert parse_packet(written.encode(), tmp_path) == {"Xmp.darktable.xmp_version": "5"}

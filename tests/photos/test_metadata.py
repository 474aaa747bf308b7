"""Putting XMP into photos: pixels and everything else stay, real readers find it, what cannot be done is refused."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from photo_makers import FORMATS, corners, encoded, exif, make_dng, portrait_as
from PIL import Image, ImageSequence
from PIL.PngImagePlugin import PngInfo

from piqa_cli.errors import BrokenPhoto, UnreadablePhoto
from piqa_cli.photos import embedding, heic_xmp, metadata
from piqa_cli.photos.embedding import embed_packet, embeddable
from piqa_cli.photos.jpeg_xmp import jpeg_with_packet
from piqa_cli.photos.metadata import packet_in, parse_packet, read_embedded
from piqa_cli.photos.png_xmp import png_with_packet
from piqa_cli.photos.xmp_error import EmbeddingError

EXIFTOOL = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(EXIFTOOL is None, reason="needs exiftool")
BODY = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
BODY += '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{}" xmp:Label="{}"/>'
BODY += "</rdf:RDF></x:xmpmeta>"
PACKET = BODY.format(4, "Grün").encode()
LONGER = BODY.format(-1, "Red" * 300).encode()


def pages() -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, byteorder=">") as writer:
        for number in range(6):
            writer.write(np.full((40 + number, 30), number * 10, np.uint8), metadata=None)
    return out.getvalue()


def camera_jpeg() -> bytes:
    """EXIF with a maker note, ICC profile, comment, and a second picture behind the first, found by MPF."""
    tags = exif(
        {0x010F: "Canon", 0x0112: 6, 0x4746: 2}, {0x927C: b"maker note \0\1\2" * 9, 0x9003: "2024:05:06 07:08:09"}
    )
    options = {"exif": tags, "icc_profile": portrait_profile(), "comment": b"hello"}
    return encoded(corners(), "MPO", save_all=True, append_images=[corners(32, 32)], **options)


def portrait_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photos() -> dict[str, bytes]:
    made = {f"{kind}.{kind.lower()}": portrait_as(kind) for kind in ("JPEG", "PNG", "TIFF", "HEIF")}
    made["camera.jpg"] = camera_jpeg()
    made["pages.tif"] = pages()
    made["raw.dng"] = make_dng(encoded(corners(), "JPEG"), (96, 64))
    made["grey.png"] = encoded(corners().convert("L"), "PNG", exif=exif({0x010F: "Maker"}))
    made["progressive.jpg"] = encoded(corners(), "JPEG", progressive=True, subsampling=2)
    return made


PHOTOS = photos()
EMBEDDED = [pytest.param(name, marks=needs_exiftool if "HEIF" in name else ()) for name in PHOTOS]


def pixels(data: bytes) -> list[np.ndarray[Any, Any]]:
    if data[:2] in (b"II", b"MM") and b"Canon EOS" not in data:
        return [page.asarray() for page in tifffile.TiffFile(io.BytesIO(data)).pages]
    with Image.open(io.BytesIO(data)) as image:
        return [np.asarray(frame) for frame in ImageSequence.Iterator(image)]


def exif_of(data: bytes) -> dict[int, Any]:
    return {tag: value for tag, value in Image.open(io.BytesIO(data)).getexif().items() if tag not in (700, 34665)}


@pytest.mark.parametrize("name", EMBEDDED)
def test_only_the_xmp_changes(name: str, tmp_path: Path) -> None:
    before, path = PHOTOS[name], tmp_path / name
    once = embed_packet(before, PACKET, path)
    twice = embed_packet(once, LONGER, path)
    back = embed_packet(twice, PACKET, path)
    for data, packet in ((once, PACKET), (twice, LONGER), (back, PACKET)):
        assert packet in packet_in(data, path)
        assert len(pixels(data)) == len(pixels(before))
        assert all(np.array_equal(a, b) for a, b in zip(pixels(before), pixels(data), strict=True))
        assert exif_of(data) == exif_of(before)
    path.write_bytes(twice)
    assert read_embedded(path).xmp["Xmp.xmp.Rating"] == "-1"
    if not name.endswith(("tif", "tiff", "dng", "heif")):
        assert back == once
        assert embed_packet(back, b"", path) == before


@pytest.mark.parametrize("name", ["JPEG.jpeg", "camera.jpg", "progressive.jpg"])
def test_every_other_byte_of_a_jpeg_stays(name: str) -> None:
    """Not only the entropy-coded data: the file with the new segment cut out is the file before."""
    before = PHOTOS[name]
    after = embed_packet(before, PACKET, Path(name))
    marker = b"http://ns.adobe.com/xap/1.0/\0"
    at = after.index(marker) - 4
    size = int.from_bytes(after[at + 2 : at + 4], "big") + 2
    assert after[:at] + after[at + size :] == before
    assert after.find(b"Exif\0") < at  # cameras' readers look for it first
    scan = before.index(b"\xff\xda")
    assert after.endswith(before[scan:])


@pytest.mark.parametrize("name", ["TIFF.tiff", "pages.tif", "raw.dng"])
def test_tiff_and_dng_only_grow(name: str) -> None:
    before = PHOTOS[name]
    after = embed_packet(before, PACKET, Path(name))
    assert after[8 : len(before)] == before[8:]
    assert after[:4] == before[:4]


def test_dng_sensor_data_is_the_same() -> None:
    rawpy = pytest.importorskip("rawpy")
    before = PHOTOS["raw.dng"]
    after = embed_packet(before, PACKET, Path("raw.dng"))
    images = []
    for data in (before, after):
        with rawpy.RawPy() as raw:
            raw.open_buffer(io.BytesIO(data))
            raw.unpack()
            images.append((raw.raw_image.copy(), raw.extract_thumb().data))
    assert np.array_equal(images[0][0], images[1][0])
    assert images[0][1] == images[1][1]


@needs_exiftool
@pytest.mark.parametrize("name", PHOTOS)
def test_exiftool_reads_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(PHOTOS[name])
    before = tags(path)
    path.write_bytes(embed_packet(PHOTOS[name], LONGER, path))
    after = tags(path)
    assert after["XMP:Rating"] == -1
    assert after["XMP:Label"] == "Red" * 300
    assert {k: v for k, v in before.items() if k.startswith("EXIF:")} == {
        k: v for k, v in after.items() if k.startswith("EXIF:") and k != "EXIF:ApplicationNotes"
    }
    check = subprocess.run(["exiftool", "-warning", "-error", "-s3", path], capture_output=True, text=True, check=True)
    assert not check.stdout or "MPF" in check.stdout or "Pixel" in check.stdout or "maker" in check.stdout.lower()


def tags(path: Path) -> dict[str, Any]:
    command = ["exiftool", "-j", "-n", "-G0", "-a", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]  # type: ignore[no-any-return]


@pytest.mark.skipif(shutil.which("exiv2") is None, reason="needs the program exiv2")
@pytest.mark.parametrize("name", [name for name in PHOTOS if "HEIF" not in name])
def test_the_program_exiv2_reads_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(embed_packet(PHOTOS[name], PACKET, path))
    shown = subprocess.run(["exiv2", "-PXkv", str(path)], capture_output=True, text=True, check=True).stdout
    assert [line.split() for line in shown.splitlines()] == [["Xmp.xmp.Rating", "4"], ["Xmp.xmp.Label", "Grün"]]


def test_heic_without_exiftool_points_to_sidecars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heic_xmp.shutil, "which", lambda name: None)
    with pytest.raises(BrokenPhoto, match="exiftool, which is not installed") as caught:
        embed_packet(PHOTOS["HEIF.heif"], PACKET, Path("a.heic"))
    assert "sidecar" in str(caught.value.hint)


@needs_exiftool
def test_heic_that_exiftool_refuses() -> None:
    broken = PHOTOS["HEIF.heif"][:400]
    with pytest.raises(BrokenPhoto):
        embed_packet(broken, PACKET, Path("a.heic"))


@pytest.mark.parametrize(
    ("code", "out", "err", "reason"),
    [
        (1, b"half a file", b"Error: disk full\nmore", "disk full"),
        (0, b"", b"", "no output"),
        (-9, b"", b"\xff", "\ufffd"),
    ],
)
def test_what_exiftool_could_not_finish_is_not_taken(
    code: int, out: bytes, err: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, code, out, err)

    monkeypatch.setattr(heic_xmp.shutil, "which", lambda name: name)
    monkeypatch.setattr(heic_xmp.subprocess, "run", run)
    with pytest.raises(EmbeddingError, match=f"^exiftool failed: (Error: )?{reason}$"):
        heic_xmp.heic_with_packet(PHOTOS["HEIF.heif"], PACKET)


@pytest.mark.parametrize("error", [subprocess.TimeoutExpired("exiftool", 120), OSError("no such program")], ids=repr)
def test_exiftool_that_hangs_or_does_not_start(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **options: Any) -> None:
        raise error

    monkeypatch.setattr(heic_xmp.shutil, "which", lambda name: name)
    monkeypatch.setattr(heic_xmp.subprocess, "run", run)
    with pytest.raises(EmbeddingError, match="exiftool failed: "):
        heic_xmp.heic_with_packet(PHOTOS["HEIF.heif"], PACKET)


def big_tiff() -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, np.zeros((9, 9), np.uint8), bigtiff=True)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "AVIF"])
def test_other_formats_are_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(encoded(corners(), kind, **FORMATS[kind]))
    assert not embeddable(path)
    with pytest.raises(BrokenPhoto, match="cannot be embedded in this format"):
        embed_packet(path.read_bytes(), PACKET, path)


def test_raw_and_big_tiff_are_refused(tmp_path: Path) -> None:
    for name, data in (("a.nef", PHOTOS["raw.dng"]), ("a.tif", big_tiff()), ("a.txt", b"text"), ("a.jpg", b"")):
        (tmp_path / name).write_bytes(data)
        assert not embeddable(tmp_path / name)
    assert not embeddable(tmp_path / "missing")


@pytest.mark.parametrize(
    "data",
    [
        PHOTOS["JPEG.jpeg"][:300],
        b"\xff\xd8\xff\xe1\xff\xff",
        PHOTOS["PNG.png"][:40],
        PHOTOS["TIFF.tiff"][:8],
        b"II*\0\xff\xff\xff\xff",
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT",
    ],
)
def test_broken_structures_are_refused(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BrokenPhoto):
        embed_packet(data, PACKET, Path("a.jpg"))
    assert capfd.readouterr().err == ""


def test_no_room(tmp_path: Path) -> None:
    with pytest.raises(BrokenPhoto, match="64 KB"):
        embed_packet(PHOTOS["JPEG.jpeg"], BODY.format(1, "x" * 70_000).encode(), Path("a.jpg"))
    most = BODY.format(1, "x" * (65504 - len(BODY.format(1, "")))).encode()  # a segment's 65533 bytes with its name
    assert packet_in(embed_packet(PHOTOS["JPEG.jpeg"], most, Path("a.jpg")), Path("a.jpg")) == most
    with pytest.raises(BrokenPhoto, match="64 KB"):
        embed_packet(PHOTOS["JPEG.jpeg"], most + b" ", Path("a.jpg"))
    twice = PHOTOS["JPEG.jpeg"]
    for _ in range(2):
        segment = b"http://ns.adobe.com/xap/1.0/\0" + PACKET
        twice = twice[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + twice[2:]
    with pytest.raises(BrokenPhoto, match="more than one"):
        embed_packet(twice, PACKET, Path("a.jpg"))


def test_xmp_behind_the_index_of_further_pictures_keeps_its_length() -> None:
    before = PHOTOS["camera.jpg"]
    segment = b"http://ns.adobe.com/xap/1.0/\0" + LONGER
    at = before.index(b"\xff\xdb")
    before = before[:at] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + before[at:]
    after = embed_packet(before, PACKET, Path("a.jpg"))
    assert len(after) == len(before)
    with pytest.raises(BrokenPhoto, match="no room to grow"):
        embed_packet(before, LONGER.replace(b"Red", b"Green"), Path("a.jpg"))


def test_extended_xmp_stays() -> None:
    segment = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + bytes(8) + b"more"
    first = PHOTOS["JPEG.jpeg"]
    before = first[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + first[2:]
    assert segment in embed_packet(before, PACKET, Path("a.jpg"))


def test_malformed_xmp_in_a_photo(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(embed_packet(PHOTOS["JPEG.jpeg"], PACKET, path).replace(b"</rdf:RDF>", b"</rdf:RDX>"))
    with pytest.raises(BrokenPhoto, match="malformed"):
        read_embedded(path)
    with pytest.raises(UnreadablePhoto):
        read_embedded(tmp_path / "missing.jpg")


def test_what_else_a_png_holds_stays() -> None:
    """Text of the same kind of chunk, and what some cameras put behind the end."""
    text = PngInfo()
    text.add_itxt("Comment", "by hand")
    before = encoded(corners(), "PNG", pnginfo=text) + b"a short film"
    after = embed_packet(before, PACKET, Path("a.png"))
    assert packet_in(after, Path("a.png")) == PACKET
    assert Image.open(io.BytesIO(after)).info["Comment"] == "by hand"
    assert after.endswith(b"a short film")
    assert embed_packet(after, b"", Path("a.png")) == before


@pytest.mark.parametrize("size", [50, -1])
def test_a_png_that_is_cut_off_is_refused(size: int) -> None:
    with pytest.raises(EmbeddingError, match="broken PNG chunks"):
        png_with_packet(encoded(corners(), "PNG")[:size], PACKET)


def test_fill_bytes_before_a_segment_stay() -> None:
    first = PHOTOS["JPEG.jpeg"]
    before = first[:2] + b"\xff\xff" + first[2:]
    after = embed_packet(before, PACKET, Path("a.jpg"))
    assert packet_in(after, Path("a.jpg")) == PACKET
    assert embed_packet(after, b"", Path("a.jpg")) == before


def test_a_writer_that_changes_more_than_the_xmp_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(photo: bytes, packet: bytes) -> bytes:
        return jpeg_with_packet(photo, packet).replace(b"Maker", b"Mader")

    monkeypatch.setitem(embedding._WRITERS, "JPEG", careless)
    photo = encoded(corners(), "JPEG", exif=exif({0x010F: "Maker"}))
    with pytest.raises(BrokenPhoto, match="would change more than the XMP"):
        embed_packet(photo, PACKET, Path("a.jpg"))


def test_a_sidecar_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.xmp").mkdir()
    with pytest.raises(UnreadablePhoto, match="the sidecar cannot be read"):
        metadata.read_sidecar(tmp_path / "a.xmp")


def test_a_crowd_of_properties_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toolkit takes minutes for some millions of them; items of a list are no properties."""
    listed = "<dc:subject><rdf:Bag>" + "<rdf:li>word</rdf:li>" * 50 + "</rdf:Bag></dc:subject>"
    head = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    )
    head += '<rdf:Description rdf:about="">'
    crowd = "".join(f"<dc:a{n}>1</dc:a{n}>" for n in range(20))
    monkeypatch.setattr(metadata, "MOST_PROPERTIES", 20)
    assert len(metadata.parse_packet(f"{head}{listed}</rdf:Description></rdf:RDF>".encode(), Path("a.xmp"))) == 1
    with pytest.raises(BrokenPhoto, match="more than 20 properties"):
        metadata.parse_packet(f"{head}{crowd}</rdf:Description></rdf:RDF>".encode(), Path("a.xmp"))


def test_sidecars_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "SIDECAR_BYTES_LIMIT", 100)
    (tmp_path / "a.xmp").write_bytes(PACKET)
    with pytest.raises(BrokenPhoto, match="larger than 64 MB"):
        metadata.read_sidecar(tmp_path / "a.xmp")


def test_importing_is_late() -> None:
    code = "import sys, piqa_cli.photos.ratings, piqa_cli.ranking.actions; sys.exit('exiv2' in sys.modules)"
    import sys

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_memory_does_not_grow() -> None:
    import psutil

    process = psutil.Process()
    for _ in range(200):
        parse_packet(LONGER, Path("a"))
        packet_in(PHOTOS["camera.jpg"], Path("a"))
    before = process.memory_info().rss
    for _ in range(2000):
        parse_packet(LONGER, Path("a"))
        packet_in(PHOTOS["camera.jpg"], Path("a"))
    assert process.memory_info().rss - before < 8_000_000


@pytest.mark.parametrize("error", [RuntimeError("bad"), EOFError("bad"), MemoryError(), OSError("bad")])
def test_a_heic_that_cannot_be_decoded_is_a_broken_photo(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> Image.Image:
        raise error

    monkeypatch.setitem(embedding._WRITERS, "HEIF", lambda photo, packet: photo)
    monkeypatch.setattr(embedding, "open_image", fail)
    with pytest.raises(BrokenPhoto, match="cannot be decoded"):
        embed_packet(PHOTOS["HEIF.heif"], b"", Path("a.heic"))


@pytest.mark.parametrize("error", [RuntimeError("bad"), EOFError("bad"), OSError("bad")])
def test_a_heic_that_cannot_be_opened_has_no_packet(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> Image.Image:
        raise error

    monkeypatch.setattr(metadata, "open_image", fail)
    assert packet_in(PHOTOS["HEIF.heif"], Path("a.heic")) == b""

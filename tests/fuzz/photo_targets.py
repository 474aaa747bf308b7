"""Targets whose inputs are photo files: decoding, EXIF, ratings, and putting XMP into a photo."""

from __future__ import annotations

import io
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from piqa_cli.errors import PhotoError
from piqa_cli.photos.decode import decode
from piqa_cli.photos.embedding import embed_packet
from piqa_cli.photos.exif import read_capture
from piqa_cli.photos.metadata import packet_in
from piqa_cli.photos.position import read_position
from piqa_cli.photos.ratings import read_rating
from piqa_cli.records import Capture
from tests.fuzz.contract import Target, is_one_line, reported_only
from tests.photos.photo_makers import SRGB_PRIMARIES, corners, encoded, exif, make_dng, matrix_profile
from tests.ranking.shoots import DIGIKAM, LIGHTROOM

MOST_PIXELS = 1_000_000
SMALL = 64  # side that is asked for
PACKET = LIGHTROOM.encode()


def decoding(data: bytes, folder: Path) -> None:
    _decoded(data, folder / "photo.jpg")


def decoding_raw(data: bytes, folder: Path) -> None:
    _decoded(data, folder / "photo.dng")


def reading_exif(data: bytes, folder: Path) -> None:
    path = folder / "photo.jpg"
    path.write_bytes(data)
    capture = read_capture(path)
    assert isinstance(capture, Capture)
    for value in (capture.shutter_s, capture.aperture, capture.focal_length_mm, capture.exposure_bias):
        assert value is None or math.isfinite(value)
    assert all(text is None or (is_one_line(text) and len(text) <= 1000) for text in (capture.camera, capture.lens))
    assert capture.iso is None or 0 < capture.iso < 2**63
    position = read_position(path)
    assert position is None or (abs(position[0]) <= 90 and abs(position[1]) <= 180)


def reading_ratings(data: bytes, folder: Path) -> None:
    """As the photo, and as its sidecar."""
    for photo, sidecar in ((data, b""), (_jpeg(), data)):
        (folder / "photo.jpg").write_bytes(photo)
        (folder / "photo.xmp").write_bytes(sidecar)
        problems: list[PhotoError] = []
        rating = read_rating(folder / "photo.jpg", problems.append)
        assert rating in (None, -1, 0, 1, 2, 3, 4, 5)
        assert all(is_one_line(problem.message) for problem in problems)


def embedding(data: bytes, folder: Path) -> None:
    if data[4:8] == b"ftyp":  # would start exiftool
        return
    with reported_only():
        after = embed_packet(data, PACKET, folder / "photo.jpg")
        assert packet_in(after, folder).strip() == PACKET.strip()


def _decoded(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    with reported_only():
        photo = decode(path, max_side=SMALL, max_pixels=MOST_PIXELS)
        assert photo.image.mode == "RGB"
        assert 1 <= max(photo.image.size) <= SMALL * 1.06
        assert photo.width * photo.height <= MOST_PIXELS
        assert 0 < photo.scale <= 1


@cache
def _jpeg() -> bytes:
    return encoded(corners(24, 16), "JPEG")


def _camera() -> Image.Exif:
    block = exif(
        {0x010F: "Canon", 0x0110: "Canon EOS R5", 0x0112: 6, 0x4746: 3},
        {0x829A: 0.004, 0x829D: 2.8, 0x8827: 400, 0x9003: "2024:05:06 07:08:09", 0x927C: b"maker" * 9, 0xA434: "RF85"},
    )
    block.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)})
    return block


@cache
def photo_seeds() -> list[bytes]:
    """One small file for each path through the decoders."""
    picture, tags = corners(24, 16), {"exif": _camera(), "icc_profile": _profile()}
    variants: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (picture, "JPEG", {**tags, "xmp": DIGIKAM.encode(), "comment": b"hello"}),
        (picture, "JPEG", {"progressive": True, "subsampling": 2}),
        (picture.convert("CMYK"), "JPEG", {}),
        (picture.convert("L"), "JPEG", {"quality": 20}),
        (picture, "MPO", {"save_all": True, "append_images": [corners(16, 16)]}),
        (picture, "PNG", {**tags, "pnginfo": None}),
        (picture.quantize(4), "PNG", {"transparency": 1}),
        (Image.fromarray(np.arange(384, dtype=np.uint16).reshape(16, 24) * 170), "PNG", {}),
        (picture.convert("RGBA"), "PNG", {"save_all": True, "append_images": [picture.convert("RGBA")]}),
        (picture, "WEBP", {**tags, "xmp": DIGIKAM.encode()}),
        (picture.convert("RGBA"), "WEBP", {"lossless": True}),
        (picture, "WEBP", {"save_all": True, "append_images": [corners(24, 16).rotate(90)]}),
        *((picture, "TIFF", {"compression": name, "exif": _camera()}) for name in ("raw", "tiff_lzw", "packbits")),
        *((picture, "TIFF", {"compression": name}) for name in ("tiff_deflate", "jpeg", "tiff_adobe_deflate")),
        (picture.convert("F"), "TIFF", {}),
        (picture.convert("LAB"), "TIFF", {}),
        (picture, "BMP", {}),
        (picture.convert("1"), "BMP", {}),
        (picture, "AVIF", {"speed": 10, **tags}),
        (picture, "HEIF", {"exif": _camera().tobytes(), "xmp": DIGIKAM.encode()}),
    ]
    return [encoded(image, kind, **options) for image, kind, options in variants] + [_tiled(), _big_tiff()]


def _profile() -> bytes:
    return matrix_profile(*SRGB_PRIMARIES, 2.2)


def _tiled() -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, byteorder=">") as writer:
        writer.write(np.full((48, 32), 30000, np.uint16), tile=(16, 16), metadata=None)
        writer.write(np.zeros((20, 20, 4), np.uint8), photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    return out.getvalue()


def _big_tiff() -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, bigtiff=True) as writer:
        writer.write(np.full((16, 24, 3), 99, np.uint8), photometric="rgb", metadata=None)
    return out.getvalue()


def _raw_seeds() -> list[bytes]:
    return [make_dng(_jpeg(), (24, 16)), *photo_seeds()[:1], *photo_seeds()[12:13]]


TARGETS = (
    Target("decode", decoding, photo_seeds),
    Target("decode-raw", decoding_raw, _raw_seeds),
    Target("exif", reading_exif, photo_seeds),
    Target("ratings", reading_ratings, lambda: [*photo_seeds(), DIGIKAM.encode(), PACKET]),
    Target("embed", embedding, photo_seeds),
)

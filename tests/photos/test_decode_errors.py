from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from photo_makers import FORMATS, encoded, exif, make_dng, portrait, portrait_as
from PIL import Image, ImageFile
from test_decode import write

from piqa_cli.errors import BrokenPhoto, NotAPhoto, PhotoError, PhotoTooLarge, UnreadablePhoto
from piqa_cli.photos.decode import decode


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePhoto, match="no such file") as caught:
        decode(tmp_path / "gone.jpg")
    assert caught.value.path == tmp_path / "gone.jpg"


def test_empty_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePhoto, match=r"^empty file \(0 bytes\)$"):
        decode(write(tmp_path, b""))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadablePhoto, match="not a regular file"):
        decode(tmp_path / "pipe.jpg")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePhoto):
        decode(tmp_path)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, encoded(portrait(), "PNG"))
    path.chmod(0)

    def refuse(*args: Any) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        if os.access(path, os.R_OK):  # root reads everything: let the system call refuse
            patch.setattr(os, "open", refuse)
        with pytest.raises(UnreadablePhoto, match=r"^cannot be read: Permission denied$"):
            decode(path)


def test_disk_error_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(image: ImageFile.ImageFile) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(UnreadablePhoto, match="Input/output error"):
        decode(write(tmp_path, encoded(portrait(), "JPEG")))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"hello, this is text\n" * 20, id="text"),
        pytest.param(b"BM is how this text begins, but it is no bitmap", id="BM-text"),
        pytest.param(b"\0", id="one-byte"),
        pytest.param(b"\0" * 5000, id="zeros"),
        pytest.param(b"GIF89a\x01\0\x01\0\0\0\0;", id="gif"),
        pytest.param(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", id="mp4"),
        pytest.param(b"%PDF-1.7\n", id="pdf"),
        pytest.param(b"RIFF\x04\0\0\0WAVE", id="wav"),
    ],
)
@pytest.mark.parametrize("name", ["photo.jpg", "photo.dng"])
def test_not_a_photo(tmp_path: Path, data: bytes, name: str) -> None:
    with pytest.raises(NotAPhoto, match="not a supported image"):
        decode(write(tmp_path, data, name))


@pytest.mark.parametrize(
    ("name", "words"),
    [("scores.CSV", "if it is a score table, piqa rank and piqa report take it"), ("a.jpg.xmp", "name the photo")],
)
def test_what_is_named_in_a_photo_s_place_says_what_takes_it(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"path,score\n")
    with pytest.raises(NotAPhoto, match=words):
        decode(tmp_path / name)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
ANNEX = b"/annex/objects/SHA256E-s31390--f50d7ac4c6b9031379986bc362fcefb65f1e52621ce1708d537e740fefc59cc0.jpg\n"


@pytest.mark.parametrize(
    ("data", "system", "command"), [(LFS, "Git LFS", "git lfs pull"), (ANNEX, "git-annex", "git annex get")]
)
def test_a_pointer_to_a_photo_is_called_that(tmp_path: Path, data: bytes, system: str, command: str) -> None:
    with pytest.raises(NotAPhoto, match=f"the photo is not here, only {system}'s pointer") as found:
        decode(write(tmp_path, data, "photo.jpg"))
    assert found.value.hint == f"{command} fetches it"


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", FORMATS)
def test_truncated(tmp_path: Path, kind: str, share: float, capfd: pytest.CaptureFixture[str]) -> None:
    data = portrait_as(kind)
    for max_side in (None, 100):
        with pytest.raises(BrokenPhoto, match="damaged") as caught:
            decode(write(tmp_path, data[: int(share * len(data))]), max_side=max_side)
        assert caught.value.message.isprintable()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_a_half_copied_photo_is_told_in_plain_words(tmp_path: Path, kind: str) -> None:
    data = portrait_as(kind)
    with pytest.raises(BrokenPhoto) as caught:
        decode(write(tmp_path, data[: len(data) // 2]))
    assert caught.value.message == "damaged or truncated: the file ends too early"


@pytest.mark.parametrize("kind", FORMATS)
def test_overwritten_in_the_middle_never_escapes_as_another_error(tmp_path: Path, kind: str) -> None:
    data = encoded(portrait().resize((128, 128)), kind, **FORMATS[kind])
    for at in range(4, len(data), max(1, len(data) // 60)):
        try:
            assert decode(write(tmp_path, data[:at] + b"\xff\0\xfe" * 3 + data[at + 9 :])).image.mode == "RGB"
        except PhotoError as error:
            assert error.message.isprintable()


@pytest.mark.parametrize(
    "error",
    [SyntaxError("bad"), struct.error("bad"), ValueError(), RuntimeError(), zlib.error("bad"), EOFError("a\nb")],
)
def test_decoder_exceptions_become_broken_photo(tmp_path: Path, error: Exception, monkeypatch: Any) -> None:
    def fail(image: ImageFile.ImageFile) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(BrokenPhoto) as caught:
        decode(write(tmp_path, encoded(portrait(), "JPEG")))
    assert caught.value.message.isprintable()
    assert caught.value.message != "damaged or truncated: "


def test_a_lack_of_memory_is_no_damage(tmp_path: Path, monkeypatch: Any) -> None:
    def fail(image: ImageFile.ImageFile) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(UnreadablePhoto, match="cannot be read: there is too little memory for it"):
        decode(write(tmp_path, encoded(portrait(), "JPEG")))


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises width x height pixels and holds none."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (15_000, 15_000)])
def test_bomb_is_refused_from_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(PhotoTooLarge, match="--max-megapixels") as caught:
        decode(write(tmp_path, png_header(*size)))
    assert f"{size[0]} x {size[1]}" in caught.value.message


@pytest.mark.parametrize("kind", FORMATS)
def test_pixel_limit(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, portrait_as(kind))
    assert decode(path, max_pixels=512 * 512).width == 512
    with pytest.raises(PhotoTooLarge, match=r"over the limit of 0\.262143 "):
        decode(path, max_side=10, max_pixels=512 * 512 - 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_pillows_own_limit_does_not_apply(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # its error comes at twice that
    assert decode(write(tmp_path, portrait_as(kind))).width == 512
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_warnings_do_not_leak(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    tiff = encoded(portrait(), "TIFF", exif=exif({0x0112: 1}))
    damaged = tiff.replace(struct.pack("<HHI", 0x0112, 3, 1), struct.pack("<HHI", 0x0112, 3, 5))
    assert damaged != tiff
    decode(write(tmp_path, damaged))
    assert not recwarn.list


def test_truncated_raw(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rawpy")
    data = make_dng(encoded(portrait(), "JPEG"), (512, 512))
    for share in (0.0001, 0.001, 0.9, 0.97):
        with pytest.raises((BrokenPhoto, NotAPhoto)):
            decode(write(tmp_path, data[: int(share * len(data))], "photo.dng"))
    assert capfd.readouterr().out == ""

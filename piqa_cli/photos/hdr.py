"""HDR photos without a colour profile -> sRGB: what the numbers mean is told by code points (ITU-T H.273).

HEIC and AVIF have them in a box called nclx, PNG in a chunk called cICP.

Canon's HDR PQ and Sony's HLG stills are such files. Taken for sRGB they are flat and dark.
"""

from __future__ import annotations

import functools
import os
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from piqa_cli.photos.color import srgb_levels

Array = npt.NDArray[np.float32]

PQ, HLG = 16, 18  # transfer characteristics
_BT_709, _BT_2020, _DISPLAY_P3 = 1, 9, 12  # colour primaries
_TO_SRGB = {  # linear light (ITU-R BT.2087 for the first)
    _BT_2020: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    _DISPLAY_P3: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
    _BT_709: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}
_LUMINANCE = (0.2627, 0.6780, 0.0593)  # of BT.2020's red, green and blue
_WHITE_NITS = 203.0  # of a white sheet of paper (ITU-R BT.2408)
_HLG_NITS, _HLG_GAMMA = 1000.0, 1.2  # of the display that HLG is made for
_SHOULDER = 0.75  # of that white: brighter light is compressed, so that highlights are not cut off
_LEVELS = 1 << 14  # linear light before it is encoded
_ROWS = 256
_COLR = b"colrnclx"
_META_BYTES = 65536
_CICP = b"cICP"
_SIGNATURE_BYTES, _CHECKSUM_BYTES = 8, 4
_MOST_CHUNKS = 1000  # before the pixels of a PNG


def hdr_to_srgb(image: Image.Image, nclx: Mapping[str, Any] | None) -> Image.Image | None:
    """An RGB image, 8 bits, with BT.2408's white as white; None where the code points tell of no HDR.

    Args:
        image: any mode that converts to RGB without a profile.
        nclx: `transfer_characteristics` and `color_primaries` as pillow-heif gives them.
    """
    transfer = nclx and nclx.get("transfer_characteristics")
    if nclx is None or transfer not in (PQ, HLG):
        return None
    matrix = np.array(_TO_SRGB.get(nclx.get("color_primaries", 0), _TO_SRGB[_BT_2020]), np.float32)
    pixels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    result = np.empty_like(pixels)
    for top in range(0, len(pixels), _ROWS):  # copies in floats would fill memory
        rows = slice(top, top + _ROWS)
        light = _display_light(pixels[rows], transfer) @ matrix.T
        result[rows] = _encoded(_compressed(np.maximum(light, 0)))
    return Image.fromarray(result)


def avif_nclx(file: BinaryIO) -> dict[str, int] | None:
    """The code points of an AVIF file; None where there are none, or several: pictures of one file may differ.

    Pillow does not tell them. Reads the first 64 KB, where the boxes about the pictures are, and rewinds.
    """
    head = file.read(_META_BYTES)
    file.seek(0)
    found = {after[:4] for after in head.split(_COLR)[1:] if len(after) >= 4}
    if len(found) != 1:
        return None
    primaries, transfer = struct.unpack(">HH", found.pop())
    return {"color_primaries": primaries, "transfer_characteristics": transfer}


def png_cicp(file: BinaryIO) -> dict[str, int] | None:
    """The code points of a PNG file, None where there are none. Pillow does not tell them. Rewinds the file."""
    file.seek(_SIGNATURE_BYTES)
    found = None
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            break
        if head[4:] == _CICP:
            found = file.read(2)
            break
        file.seek(int.from_bytes(head[:4]) + _CHECKSUM_BYTES, os.SEEK_CUR)
    file.seek(0)
    return {"color_primaries": found[0], "transfer_characteristics": found[1]} if found and len(found) == 2 else None


def _display_light(pixels: npt.NDArray[np.uint8], transfer: int) -> Array:
    """uint8 (H, W, 3) -> float32 (H, W, 3), linear, 1 is white."""
    light: Array = _linear(transfer)[pixels]
    if transfer == HLG:  # so far the light of the scene
        brightness = (light @ np.array(_LUMINANCE, np.float32))[..., None]
        light = light * brightness ** np.float32(_HLG_GAMMA - 1) * np.float32(_HLG_NITS / _WHITE_NITS)
    return light


@functools.cache
def _linear(transfer: int) -> Array:
    """Light for each of 256 levels (ITU-R BT.2100, tables 4 and 5)."""
    signal = np.arange(256) / 255
    if transfer == PQ:
        power = signal ** (32 / 2523)
        nits = 10_000 * (np.maximum(power - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * power)) ** (8192 / 1305)
        return (nits / _WHITE_NITS).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return scene.astype(np.float32)


def _compressed(light: Array) -> Array:
    """Light up to the shoulder as it is, brighter light below 1, in its own hue."""
    peak = light.max(axis=-1, keepdims=True)
    beyond = np.maximum(peak - _SHOULDER, 0)
    room = 1 - _SHOULDER
    kept = np.where(beyond > 0, _SHOULDER + room * beyond / (beyond + room), peak)
    scaled: Array = light * (kept / np.maximum(peak, 1e-6))
    return scaled


def _encoded(light: Array) -> npt.NDArray[np.uint8]:
    return _srgb_levels()[(light * (_LEVELS - 1) + 0.5).astype(np.int32)]


@functools.cache
def _srgb_levels() -> npt.NDArray[np.uint8]:
    return srgb_levels(np.arange(_LEVELS) / (_LEVELS - 1))

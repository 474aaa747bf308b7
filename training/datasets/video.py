"""Frames of videos, decoded once and kept: the only module that imports PyAV."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import av
from PIL import Image

from piqa_cli.errors import OutputError

Progress = Callable[[int, int], None]  # clips done, clips in all

JPEG_QUALITY = 95  # with full colour resolution; lossless frames of LSVQ would take more than 100 GB
_KEY_BLOCKS, _KEY_BYTES = 16, 65536
_LAYOUT = "v1"  # part of every key: raise it when the same video would give other frames


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of one video, in their order, or the reason why there are none."""

    video: Path
    frames: tuple[Path, ...] = ()
    error: str | None = None


def decode_clips(
    videos: Sequence[Path], cache_dir: Path, *, frames: int = 8, workers: int = 1, on_progress: Progress | None = None
) -> list[Clip]:
    """Sample `frames` frames evenly from every video, as JPEG files in `cache_dir`, in the order of `videos`.

    What is in the cache by the content of the video is not decoded again, also under another name; a run that was
    killed leaves no half clip. With `workers` above 1 as many processes decode. A video that cannot be decoded gives a
    `Clip` with an error. A video of fewer frames gives those that it has.

    Raises:
        OutputError: frames cannot be written.
    """
    job = partial(decode_clip, cache_dir=cache_dir, frames=frames)
    clips = []
    for clip in _mapped(job, videos, workers):
        clips.append(clip)
        if on_progress:
            on_progress(len(clips), len(videos))
    return clips


def decode_clip(video: Path, cache_dir: Path, frames: int) -> Clip:
    """The frames of one video, from the cache where they are there."""
    try:
        folder = cache_dir / f"{_content_key(video)}-{frames}"
        if not folder.is_dir():
            _fill(folder, video, frames)
        return Clip(video, tuple(sorted(folder.glob("*.jpg"))))
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Clip(video, error=f"cannot be decoded: {reason}")


def _mapped(job: Callable[[Path], Clip], videos: Sequence[Path], workers: int) -> Iterator[Clip]:
    if workers <= 1 or len(videos) <= 1:
        yield from map(job, videos)
        return
    # Spawned: polars and FFmpeg have threads, which a fork does not survive.
    deaf = (signal.SIGINT, signal.SIG_IGN)  # an interrupt from the keyboard is the main process's business
    count, context = min(workers, len(videos)), get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=signal.signal, initargs=deaf) as pool:
        yield from pool.map(job, videos, chunksize=4)


def _content_key(video: Path) -> str:
    """A hash of the size and of sixteen blocks spread over the file: reading all of a data set takes hours."""
    size = video.stat().st_size
    digest = hashlib.sha256(f"{_LAYOUT} {size}".encode())
    with video.open("rb") as file:
        for block in range(_KEY_BLOCKS):
            file.seek(max(0, size - _KEY_BYTES) * block // (_KEY_BLOCKS - 1))
            digest.update(file.read(_KEY_BYTES))
    return digest.hexdigest()[:32]


def _fill(folder: Path, video: Path, count: int) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent))
    except OSError as error:
        raise _cannot_write(folder.parent, error) from None
    try:
        for place, frame in enumerate(_sampled(video, count)):
            _save(frame, unfinished / f"{place:03}.jpg")
        _move(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _save(frame: Image.Image, path: Path) -> None:
    try:
        frame.save(path, quality=JPEG_QUALITY, subsampling=0)
    except OSError as error:  # the disk, not the video
        raise _cannot_write(path.parent.parent, error) from None


def _cannot_write(folder: Path, error: OSError) -> OutputError:
    reason = f"cannot write frames to {folder}: {error.strerror or error}"
    return OutputError(reason, path=folder, hint="free some space, or choose another --cache-dir")


def _move(unfinished: Path, folder: Path) -> None:
    """Give the finished folder its name; another process may have been quicker with the same video."""
    try:
        os.rename(unfinished, folder)  # noqa: PTH104 - onto an existing folder it must fail
    except OSError:
        if not folder.is_dir():
            raise


def _sampled(video: Path, count: int) -> Iterator[Image.Image]:
    """Frames in the middle of `count` equal parts of the video, upright, RGB."""
    with av.open(str(video)) as container:
        if not container.streams.video:
            raise ValueError("the file holds no video")
        wanted = _places(_frames_in(video), count)
        found = 0
        for place, frame in enumerate(container.decode(video=0)):
            if place in wanted:
                found += 1
                yield _upright(frame)
            if found == len(wanted):
                return
        if not found:
            raise ValueError("no frame of it can be decoded")


def _places(total: int, count: int) -> set[int]:
    if total < 1 or count < 1:
        raise ValueError("it has no frames" if total < 1 else "at least one frame must be sampled")
    return {(2 * part + 1) * total // (2 * count) for part in range(count)}


def _frames_in(video: Path) -> int:
    """Packets of the first video stream: headers often lie about the number of frames, or say nothing."""
    with av.open(str(video)) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


def _upright(frame: av.VideoFrame) -> Image.Image:
    """The frame as RGB, turned as the phone's display matrix asks for."""
    image = Image.fromarray(frame.to_ndarray(format="rgb24"))
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image

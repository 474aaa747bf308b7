"""From a ranked score table to the finished page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from piqa_cli.outputs.tabular import write_bytes
from piqa_cli.photos.absolute import absolute
from piqa_cli.records import score_text
from piqa_cli.report.assets import AssetFolder, file_name
from piqa_cli.report.data import About, PageData, page_data
from piqa_cli.report.escape import to_script_json
from piqa_cli.report.links import Links
from piqa_cli.report.options import PAGE_BYTES, ReportOptions
from piqa_cli.report.pictures import MIME, PictureJob, Pictures, make_pictures, no_pictures
from piqa_cli.report.processes import in_processes
from piqa_cli.report.target import check_assets, check_page
from piqa_cli.report.template import page_files, render

_BASE64 = 3 / 4
_BESIDE_SIDE, _BESIDE_BUDGET = 480, 160_000  # pixels, bytes
_SIDES = ((110_000, 960), (60_000, 640), (34_000, 480), (0, 360))  # budget in bytes from which a thumbnail is so large
_MOST_BUDGET = 260_000
_ROW_BYTES = 160  # of the columns that come with the pictures
_PLAIN_ROWS = 200  # in a page without scripts
_PLAIN_BYTES = 1_000_000  # of thumbnails there

OnProgress = Callable[[int, int], None]  # photos done, photos in all


def _nothing(_done: int, _total: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of it."""

    page: Path
    assets: Path | None
    photos: int
    without_picture: int  # photos that are gone or unreadable
    page_bytes: int


def write_report(
    frame: pl.DataFrame,
    about: About,
    options: ReportOptions,
    on_progress: OnProgress = _nothing,
) -> Written:
    """Make the page for a score table with the columns of ranking, and write it, all or nothing.

    Args:
        frame: best photo first; columns other than path, score and status may be missing.
        about: what the page says of itself.
        options: where it goes, and how.
        on_progress: is told how many pictures are made.

    Raises:
        OutputError: it cannot be written, or would overwrite what is no report of piqa.
        EngineError: a process that makes pictures was killed.
    """
    check_page(options)
    data = page_data(frame, about, options.output.parent)
    folder = options.assets_for(data.count)
    if folder is None:
        return _write_inline(data, options, on_progress)
    check_assets(folder)
    return _write_beside(data, folder, options, on_progress)


def _write_inline(data: PageData, options: ReportOptions, on_progress: OnProgress) -> Written:
    room = PAGE_BYTES - page_files().weight - len(to_script_json(data.document(None))) - _ROW_BYTES * data.count
    budget = min(_MOST_BUDGET, int((room - _PLAIN_BYTES) * _BASE64) // max(data.count, 1))
    side = next(side for least, side in _SIDES if budget >= least or least == 0)
    pictures = list(_made(_jobs(data, side, max(budget, 0), options), options, on_progress))
    data.add_pictures(pictures)
    thumbs, faces = [_text(one.thumb) for one in pictures], [_text(one.face) for one in pictures]
    images = {"type": MIME, "thumbs": thumbs, "faces": faces}
    return _write_page(data, None, None, images, _inline_thumbs(thumbs), options)


def _write_beside(data: PageData, folder: Path, options: ReportOptions, on_progress: OnProgress) -> Written:
    links = Links(options.output.parent)
    bare: list[Pictures] = []
    with AssetFolder(folder, options.output) as assets:
        for one in _made(_jobs(data, _BESIDE_SIDE, _BESIDE_BUDGET, options), options, on_progress):
            assets.add(one)
            bare.append(replace(one, thumb=None, face=None))
        target = assets.finish()
    data.add_pictures(bare)
    url = (links.to(absolute(target)) or target.absolute().as_uri()) + "/"
    thumbs = [f"{url}thumbs/{file_name(i)}" if one.thumb_size else None for i, one in enumerate(bare[:_PLAIN_ROWS])]
    written = _write_page(data, target, url, None, thumbs, options)
    assets.remove_others(target)
    return written


def _made(jobs: list[PictureJob], options: ReportOptions, on_progress: OnProgress) -> Iterator[Pictures]:
    working = in_processes(make_pictures, jobs, options.workers, seconds=options.file_timeout, lost=no_pictures)
    with closing(working) as results:
        for done, one in enumerate(results, start=1):
            yield one
            on_progress(done, len(jobs))


def _jobs(data: PageData, side: int, budget: int, options: ReportOptions) -> list[PictureJob]:
    boxes = _together(data, "face_x1", "face_y1", "face_x2", "face_y2")
    sizes = _together(data, "width", "height")
    return [
        PictureJob(Path(photo), size, box, side, budget, options.max_pixels)
        for photo, size, box in zip(data.columns["photo"], sizes, boxes, strict=True)
    ]


def _together(data: PageData, *names: str) -> list[Any]:
    """For each photo the tuple of these columns; None where one of them is unknown."""
    columns = [data.columns.get(name, [None] * data.count) for name in names]
    return [None if None in values else values for values in zip(*columns, strict=True)]


def _write_page(
    data: PageData,
    target: Path | None,
    url: str | None,
    images: object,
    thumbs: list[str | None],
    options: ReportOptions,
) -> Written:
    text = render(
        title=data.about.title,
        data=to_script_json(data.document(url)),
        images=to_script_json(images),
        count=data.count,
        noscript_rows=_plain_rows(data, thumbs),
    )
    page = text.encode("utf-8", "backslashreplace")
    write_bytes(page, options.output)
    without = sum(error is not None for error in data.columns["thumb_error"])
    return Written(options.output, target, data.count, without, len(page))


def _plain_rows(data: PageData, thumbs: list[str | None]) -> list[dict[str, Any]]:
    """The best photos, for a page without scripts."""
    names = ("name", "folder", "stars", "reasons", "reason", "status", "href", "thumb_w", "thumb_h")
    columns = {name: data.columns.get(name, [None] * data.count) for name in names}
    scores = data.columns["score"]
    return [
        {name: columns[name][i] for name in names}
        | {"score": "–" if scores[i] is None else score_text(scores[i]), "thumb": thumbs[i]}
        for i in range(min(data.count, _PLAIN_ROWS))
    ]


def _inline_thumbs(thumbs: list[str | None]) -> list[str | None]:
    """As data: URLs, while they do not weigh much: they are in the page a second time."""
    weight = 0
    found: list[str | None] = []
    for thumb in thumbs[:_PLAIN_ROWS]:
        weight += len(thumb or "")
        found.append(f"data:{MIME};base64,{thumb}" if thumb and weight <= _PLAIN_BYTES else None)
    return found


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")

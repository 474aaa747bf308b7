"""The frozen configuration of a `DualBranchNet`, saved as JSON beside its weights.

One configuration describes the network, what it reads from a photo, and how its raw output becomes a score, so a
model folder is complete: `config.json` + `model.safetensors` (+ a model card for people).
"""

from __future__ import annotations

import json
import reprlib
import sys
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from piqa_cli.errors import ModelError
from piqa_cli.records import DEFECTS

FORMAT = 1
# what a model has that was written before these
LATER_FIELDS: dict[str, Any] = {"reader": 0, "linear": False, "face_linear": False, "defect_cost": False}
CONFIG_FILE = "config.json"
LEAST_FOR_STATISTICS = 40  # pixels: the side of a view in which they can be taken (model/statistics.py)
VISIBLE = 0.3  # severity of a clearly visible defect

Branch = Literal["full", "face"]
BRANCHES: tuple[Branch, ...] = ("full", "face")
Auxiliary = Literal["none", "defects", "liqe"]
Pooling = Literal["last", "stages"]
Cut = Literal["frame", "face", "detail", "inner"]
Fit = Literal["squash", "crops"]


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """A timm backbone and how its feature maps become one vector.

    `last` takes timm's pooled output (Swin-B: 1024 numbers). `stages` concatenates, for every stage, each channel's
    mean and standard deviation over the image (EfficientNet-Lite0: 2 x 512 numbers), which keeps what early layers
    say about sharpness, noise and tone.
    """

    name: str
    pooling: Pooling = "last"


@dataclass(frozen=True, slots=True)
class ViewConfig:
    """One cut of the photo, and the branch that reads it.

    `frame` is the whole photo, `face` the main face's box with a margin, `detail` a square at the working scale,
    placed on the face or, without one, on the centre: it shows what a shrunken frame hides. `inner` is the same of the
    face alone, with nothing of what is behind it.
    `squash` resizes the cut to size x size; `crops` resizes its short side to `resize_to` and takes five
    size x size crops, whose outputs are averaged (DN-PIQA).
    """

    cut: Cut
    branch: Branch
    size: int  # pixels, square
    fit: Fit = "squash"
    resize_to: int = 0  # short side before cropping, for `crops`


@dataclass(frozen=True, slots=True)
class PreprocessConfig:
    """From a photo to the network's inputs."""

    views: tuple[ViewConfig, ...]
    working_side: int | None  # long side in pixels that a photo is reduced to first; None: full resolution
    face_margin_px: float = 20.0  # added on each side of the face box, in working pixels (DN-PIQA)
    face_margin_share: float = 0.0  # the same as a share of the box's longer side
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class ScoreMapConfig:
    """score = 100 / (1 + exp(-(raw - center) / scale)): monotone, 50 at `center`."""

    center: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Everything that defines a model apart from its weights."""

    name: str
    full: BackboneConfig
    face: BackboneConfig
    preprocess: PreprocessConfig
    auxiliary: Auxiliary = "none"
    face_head: bool = False  # a second regressor that scores one face from its own views
    statistics: bool = False  # tone, colour and texture of the pixels beside each view's features (model/statistics.py)
    reader: int = 0  # width of what reads the statistics for the `defects` alone (model/reader.py); 0: there is none
    linear: bool = False  # a fixed linear reader of the features beside the regressor (`network.LinearReader`)
    face_linear: bool = False  # the same beside the face head, of the face's own views
    defect_cost: bool = False  # every estimated defect takes from both scores by itself (`network.DefectCost`)
    hidden: int = 128
    dropout: float = 0.1
    score_map: ScoreMapConfig = ScoreMapConfig()
    visible_at: tuple[float, ...] = (VISIBLE,) * 9  # estimated severity at which each defect is clearly visible
    reason_threshold: float = VISIBLE  # a defect at or above this calibrated severity is named
    format: int = FORMAT

    def to_json(self) -> str:
        """Readable JSON with sorted structure as declared."""
        return json.dumps(asdict(self), indent=2) + "\n"


def load_config(folder: Path) -> ModelConfig:
    """Read `config.json` of a model folder strictly: unknown, missing or ill-typed fields raise `ModelError`.

    Only `LATER_FIELDS` may be missing, so that a model of one's own outlives an update.
    """
    path = folder / CONFIG_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder}: no {CONFIG_FILE}, so this is no model folder", path=folder) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not readable as JSON: {error}", path=path) from error
    try:
        if isinstance(data, dict) and data.get("format") != FORMAT:
            raise _MismatchError(f"format is {reprlib.repr(data.get('format'))}, this piqa reads format {FORMAT}")
        config: ModelConfig = _build(ModelConfig, LATER_FIELDS | data if isinstance(data, dict) else data, "")
        _check_ranges(config)
    except _MismatchError as error:
        raise ModelError(
            f"{path}: {error}", path=path, hint="the folder was made by another version of piqa, or changed since"
        ) from None
    return config


def _check_ranges(config: ModelConfig) -> None:
    """Numbers without which scoring would end in the middle, or every photo be an error."""
    reads, scale, visible = config.preprocess, config.score_map.scale, config.visible_at
    _require(bool(reads.views), list(reads.views), "preprocess.views", "at least one view")
    for index, view in enumerate(reads.views):
        least = LEAST_FOR_STATISTICS if config.statistics else 1
        _require(view.size >= least, view.size, f"preprocess.views[{index}].size", f"{least} or more")
        fits = view.fit == "squash" or view.resize_to >= view.size
        _require(fits, view.resize_to, f"preprocess.views[{index}].resize_to", "the size or more")
    _require(
        reads.working_side is None or reads.working_side >= 1,
        reads.working_side,
        "preprocess.working_side",
        "1 or more",
    )
    _require(min(reads.std) > 0, list(reads.std), "preprocess.std", "above 0")
    _require(scale > 0, scale, "score_map.scale", "above 0")
    fits = len(visible) == len(DEFECTS) and min(visible) > 0 and max(visible) < 1
    _require(fits, list(visible), "visible_at", f"{len(DEFECTS)} numbers between 0 and 1")
    _require(0 <= config.dropout <= 1, config.dropout, "dropout", "0 to 1")
    _require(config.hidden >= 1, config.hidden, "hidden", "1 or more")
    _require(config.reader >= 0, config.reader, "reader", "0 or more")


class _MismatchError(Exception):
    """A JSON value that does not fit its declared type."""


def _build(kind: Any, value: Any, where: str) -> Any:
    """`value` (from JSON) as an instance of the annotated type `kind`."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _build_dataclass(kind, value, where)
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _require(value in args, value, where, f"one of {', '.join(map(repr, args))}")
    if origin in (Union, UnionType):
        return None if value is None else _build(next(a for a in args if a is not type(None)), value, where)
    if origin is tuple:
        _require(isinstance(value, list), value, where, "a list")
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
        _require(len(kinds) == len(value), value, where, f"a list of {len(kinds)}")
        return tuple(_build(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if kind is float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
        return float(_require(is_number, value, where, "a number"))  # neither NaN nor infinity
    wanted = kind is bool or not isinstance(value, bool)
    return _require(wanted and isinstance(value, kind), value, where, f"of type {kind.__name__}")


def _build_dataclass(kind: type, value: Any, where: str) -> Any:
    _require(isinstance(value, dict), value, where or "the file", "an object")
    hints = get_type_hints(kind)
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(value) - known):
        raise _MismatchError(f"{where or 'the file'} has unknown fields: {', '.join(unknown)}")
    if missing := sorted(known - set(value)):
        raise _MismatchError(f"{where or 'the file'} lacks: {', '.join(missing)}")
    return kind(**{k: _build(hints[k], v, f"{where}.{k}".lstrip(".")) for k, v in value.items()})


def _require(ok: bool, value: Any, where: str, wanted: str) -> Any:
    if not ok:
        raise _MismatchError(f"{where} is {reprlib.repr(value)}, wanted {wanted}")
    return value

"""Everything that a training run can be told, as frozen records: presets, a TOML file, and single options.

Options win over the file, the file over the preset. What came of it is written as `RUN/settings.toml`, and reading that
file back gives the same settings.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from piqa_cli.errors import UsageError
from piqa_training.terms.settings import LossSettings

Preset = Literal["dn-piqa", "piqa-lite"]
SETTINGS_FILE = "settings.toml"


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Which network, and what it starts from. Empty text means: as the preset or the starting model has it."""

    preset: Preset = "piqa-lite"
    backbone: str = ""  # any timm name, for both branches
    pooling: Literal["", "last", "stages"] = ""
    size: int = 0  # side of every view in pixels; 0: the preset's
    auxiliary: Literal["", "none", "defects", "liqe"] = ""
    dropout: float = -1.0  # of the heads; below 0: as the starting model has it
    pretrained: str = ""  # timm, none, a file of weights, a model; empty: the embedded model where it fits, else timm
    full_from: str = ""  # a model whose full-image branch is taken (after `piqa pretrain lsvq`)
    face_from: str = ""  # a model whose face branch is taken (after `piqa pretrain gfiqa`)
    liqe: str = ""  # a model with LIQE's weights, for auxiliary = liqe


@dataclass(frozen=True, slots=True)
class DataSettings:
    """How photos become batches."""

    pairs: int = 6  # pairs in one batch, over all processes: twice as many photos
    scene_photos: int = 2  # photos of one scene that are drawn together, every two of them a pair; divides the batch
    validation: float = 0.15  # share of the training scenes that chooses the best epoch
    random_crop: bool = True  # where the network reads crops
    flip: bool = True
    labels: Literal["auto", "as_is", "standardised"] = "auto"  # auto: PIQ23's JOD as they are, else standardised
    workers: int = 2  # processes that prepare photos


@dataclass(frozen=True, slots=True)
class OptimiserSettings:
    """Gradient descent."""

    name: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = 1e-5
    head_factor: float = 1.0  # learning rate of the heads, times `learning_rate`
    layer_decay: float = 1.0  # learning rate of each stage, times that of the stage after it
    weight_decay: float = 1e-7
    schedule: Literal["constant", "step", "cosine"] = "step"
    step_epochs: int = 2  # step: epochs between two reductions
    step_factor: float = 0.9
    warmup: float = 0.0  # epochs, may be a fraction
    clip_norm: float = 0.0  # largest norm of the gradient; 0: off
    accumulate: int = 1  # batches that make one step
    ema: float = 0.0  # decay of the averaged weights for each step; 0: off


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The run itself."""

    epochs: int = 10
    patience: int = 0  # epochs without a better one after which training ends; 0: off
    seed: int = 0
    device: str = "auto"
    precision: Literal["float32", "bf16"] = "float32"
    checkpoint_activations: bool = False  # computes activations twice and keeps fewer of them
    freeze_backbone: bool = False  # only heads are trained, on features that are computed once
    frozen_stages: int = 0  # of each backbone, from the input on
    batch_norm: Literal["auto", "frozen", "train"] = "auto"  # statistics; auto: frozen, unless nothing is pretrained
    best_by: Literal["mean.srcc", "median.srcc", "pair_accuracy"] = "mean.srcc"
    save_every: int = 0  # steps between two checkpoints inside an epoch; 0: only after each epoch
    cache_dir: str = ""  # faces, cut inputs and features; empty: the user's cache folder
    views: int = 4  # augmented versions of each photo whose features are kept, with freeze_backbone


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """What fine-tuning must not undo in a model that says what is wrong and scores faces."""

    defects: float = 1.0  # divergence of the severities from the starting model's; 0: off
    face: float = 0.3  # the same losses on the face head, over photos with a face; 0: off


_RANGES: dict[str, tuple[float, float]] = {
    "network.size": (0, 4096),
    "network.dropout": (-1, 0.95),
    "data.pairs": (1, math.inf),
    "data.scene_photos": (2, math.inf),
    "data.validation": (0, 0.9),
    "data.workers": (0, math.inf),
    "optimiser.learning_rate": (1e-12, 100),
    "optimiser.head_factor": (0, math.inf),
    "optimiser.layer_decay": (0.01, 1),
    "optimiser.weight_decay": (0, math.inf),
    "optimiser.step_epochs": (1, math.inf),
    "optimiser.step_factor": (0, 1),
    "optimiser.warmup": (0, math.inf),
    "optimiser.clip_norm": (0, math.inf),
    "optimiser.accumulate": (1, math.inf),
    "optimiser.ema": (0, 0.99999),
    "keep.defects": (0, math.inf),
    "keep.face": (0, math.inf),
    "run.epochs": (0, 1_000_000),
    "run.patience": (0, math.inf),
    "run.seed": (0, 2**62),
    "run.frozen_stages": (0, 1000),
    "run.save_every": (0, math.inf),
    "run.views": (1, 64),
}


def _largest_divisor(number: int, most: int) -> int:
    """Of an even `number`, at least 2 and at most `most`."""
    return next(n for n in range(min(most, number), 1, -1) if number % n == 0)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """All of it."""

    network: NetworkSettings = field(default_factory=NetworkSettings)
    data: DataSettings = field(default_factory=DataSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    keep: KeepSettings = field(default_factory=KeepSettings)
    run: RunSettings = field(default_factory=RunSettings)

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            section, key = name.split(".")
            value = getattr(getattr(self, section), key)
            if not (math.isfinite(value) and least <= value <= most):
                raise UsageError(f"{name} = {value}: it must be {_range(least, most)}")
        photos = 2 * self.data.pairs
        fitting = _largest_divisor(photos, self.data.scene_photos)
        if fitting != self.data.scene_photos:
            raise UsageError(
                f"data.scene_photos = {self.data.scene_photos}: it must divide the photos of a batch,"
                f" {photos} (twice data.pairs)",
                hint=f"{fitting} does (--set data.scene_photos={fitting}), or give other --pairs",
            )

    def to_toml(self) -> str:
        """The settings as TOML, every key written out."""
        return "\n".join(
            "\n".join([f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in values.items()), ""])
            for section, values in asdict(self).items()
        )


PRESETS: dict[str, TrainSettings] = {
    "dn-piqa": TrainSettings(network=NetworkSettings(preset="dn-piqa"), data=DataSettings(flip=False)),
    "piqa-lite": TrainSettings(
        network=NetworkSettings(preset="piqa-lite"),
        data=DataSettings(pairs=4, scene_photos=8),
        optimiser=OptimiserSettings(
            name="adamw",
            learning_rate=1e-4,
            layer_decay=0.8,
            weight_decay=0.02,
            schedule="cosine",
            warmup=0.5,
            clip_norm=1.0,
            accumulate=4,  # 32 photos a step, of which 8 are in memory at a time
            ema=0.99,
        ),
    ),
}
"""`dn-piqa` is what Sun et al. published (Adam, 1e-5, 1e-7, x0.9 every 2 of 10 epochs, 6 pairs, random crops that are
not mirrored); `piqa-lite` fine-tunes the embedded model."""


def load_settings(
    preset: str | None = None,
    toml: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> TrainSettings:
    """Merge a preset, a TOML file and single options such as `{"run.epochs": 2}`; options given as None are not given.

    Where either gives `data.pairs` without `data.scene_photos`, that becomes the largest number up to what it was that
    divides the batch: `piqa-lite` draws eight photos of a scene, with `--pairs 2` four. Both win over `defaults`.

    Raises:
        UsageError: the file cannot be read, a key is unknown, a value has the wrong type or is out of range.
    """
    data = {} if toml is None else _read(toml)
    named = preset or _preset_in(data, toml) or "piqa-lite"
    if named not in PRESETS:
        raise UsageError(f"no preset {named!r}", hint=f"presets: {', '.join(PRESETS)}")
    settings: TrainSettings = _merged(PRESETS[named], _by_section(defaults or {}), "defaults")
    if toml is not None:
        data = {**data, "network": {**_table(data, "network", toml), "preset": named}}
        settings = _merged(settings, _with_whole_scenes(data, settings.data), str(toml))
    options = _with_whole_scenes(_by_section(overrides or {}), settings.data)
    merged: TrainSettings = _merged(settings, options, "options")
    return merged


def _by_section(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Options as the tables of a settings file; those that are None are left out."""
    nested: dict[str, dict[str, Any]] = {}
    for name in (name for name, value in options.items() if value is not None):
        section, dot, key = name.partition(".")
        if not dot:
            raise UsageError(f"options: {name!r} is no setting", hint="name its section too, as in run.epochs=3")
        nested.setdefault(section, {})[key] = options[name]
    return nested


def _with_whole_scenes(changes: dict[str, Any], current: DataSettings) -> dict[str, Any]:
    """`changes`, with as many photos of a scene as fit the new size of a batch, unless they name a number."""
    data = changes.get("data")
    pairs = data.get("pairs") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(pairs, int) or pairs < 1 or "scene_photos" in data:
        return changes
    return {**changes, "data": {**data, "scene_photos": _largest_divisor(2 * pairs, current.scene_photos)}}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not readable as TOML: {error}") from error


def _table(data: dict[str, Any], section: str, where: Path | None) -> dict[str, Any]:
    table = data.get(section, {})
    if not isinstance(table, dict):
        raise UsageError(f"{where}: {section} is {table!r}, wanted a table")
    return table


def _preset_in(data: dict[str, Any], where: Path | None) -> str | None:
    preset = _table(data, "network", where).get("preset")
    return None if preset is None else str(preset)


def _merged(record: Any, changes: Mapping[str, Any], where: str, prefix: str = "") -> Any:
    """`record` with some fields replaced, types checked, and every unknown key named."""
    hints = get_type_hints(type(record))
    known = [f.name for f in fields(record)]
    if unknown := sorted(f"{prefix}{key}" for key in set(changes) - set(known)):
        raise UsageError(f"{where}: unknown {', '.join(unknown)}", hint=f"known here: {', '.join(known)}")
    values = {}
    for key, value in changes.items():
        current, name = getattr(record, key), prefix + key
        if is_dataclass(current):
            if not isinstance(value, Mapping):
                raise UsageError(f"{where}: {name} is {value!r}, wanted a table")
            values[key] = _merged(current, value, where, f"{name}.")
        else:
            values[key] = _checked(hints[key], value, f"{where}: {name}")
    return replace(record, **values)


def _checked(kind: Any, value: Any, where: str) -> Any:
    """The value as its declared type."""
    if isinstance(value, int) and abs(value) >= 2**63:  # TOML has no such number, but Python reads it
        raise UsageError(f"{where} is too large for any setting: a whole number beyond 64 bits")
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        if value not in choices:
            raise UsageError(f"{where} is {value!r}, wanted one of {', '.join(repr(c) for c in choices if c)}")
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        words = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
        raise UsageError(f"{where} is {value!r}, wanted {words[kind]}")
    return value


def _toml(value: object) -> str:
    """A TOML scalar: `repr` of a number is TOML; text needs its quotes, backslashes and control characters escaped."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
    return repr(value)


def _range(least: float, most: float) -> str:
    return f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"

"""Options of a scoring run, free of torch so that the command line can build them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from piqa_cli.errors import UsageError
from piqa_cli.model.config import load_config
from piqa_cli.model.store import ModelFolder

ALL_CROPS = 5
FILE_TIMEOUT_S = 60.0
WORKER_BYTES, WORKER_BYTES_PER_PIXEL = 1 << 30, 16  # libraries and copies; a decoded photo and its conversions


class Precision(StrEnum):
    """Number format of the backbones' arithmetic; everything after them always computes in float32.

    `auto` is float16 for convolutional backbones on CPUs with instructions for it, else float32; always float32 with
    LIQE, whose scores are to be those of the published program.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    BF16 = "bf16"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine runs. Only `crops` and `precision` change a score by more than float32 rounding.

    Of the precisions `auto` and `float32` are taken for the same model: their scores differ by less than people see.
    """

    device: str = "auto"  # "auto", "all", "cpu", "mps", "cuda", "cuda:1", "1", or several of these: "0,1"
    batch_size: int | None = None  # photos for each forward pass; None: chosen for the device and the model
    workers: int | None = None  # processes that decode and find faces; None: chosen for the machine, 0: none
    max_megapixels: float = 200.0  # a larger photo is refused
    crops: int | None = None  # for a model with five crops: 1 takes the centre crop alone; None: all of them
    precision: Precision = Precision.AUTO
    file_timeout: float = FILE_TIMEOUT_S  # seconds that a photo may keep its worker, which is then replaced

    @property
    def max_pixels(self) -> int:
        """The limit in pixels."""
        return int(self.max_megapixels * 1_000_000)

    @property
    def worker_bytes(self) -> int:
        """Memory that a worker may take beyond what it starts with (on Linux; elsewhere `max_pixels` is the bound)."""
        return WORKER_BYTES + WORKER_BYTES_PER_PIXEL * self.max_pixels


def variant(model: ModelFolder, options: EngineOptions) -> ModelFolder:
    """The model as these options run it: what changes its scores is added to its fingerprint.

    The fingerprint is the cache's key and appears in the score table, so results of one crop and of five are never
    taken for each other.

    Raises:
        UsageError: the model has no crops to choose from, or cannot take that many.
        ModelError: its configuration cannot be read.
    """
    marks = []
    if options.crops is not None:
        _check_crops(model, options.crops)
        marks += ["1-crop"] if options.crops == 1 else []
    if options.precision is Precision.BF16:
        marks.append(options.precision.value)
    return replace(model, fingerprint="-".join([model.fingerprint, *marks]))


def _check_crops(model: ModelFolder, crops: int) -> None:
    if crops not in (1, ALL_CROPS):
        raise UsageError(f"{crops} crops cannot be taken", hint=f"1 is the centre crop, {ALL_CROPS} are all")
    if not any(view.fit == "crops" for view in load_config(model.path).preprocess.views):
        raise UsageError(
            f"the model {model.name} reads whole photos and has no crops to choose from",
            hint="leave --crops out; it is for models that average five crops, like DN-PIQA",
        )

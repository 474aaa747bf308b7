"""The options of `piqa train`, each written once. None means: as the settings file, the preset or the model has it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

_DATA, _NETWORK, _LEARN, _RUN = "What to learn from", "Network", "How to learn", "Run"


def _option(text: str, metavar: str | None, panel: str, *names: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(
        *names, help=text, metavar=metavar, rich_help_panel=panel, show_default=False
    )
    return info


Dataset = Annotated[str | None, _option("A published data set: piq23, gfiqa or lsvq; needs --root.", "NAME", _DATA)]
Root = Annotated[Path | None, _option("The data set's folder.", "DIR", _DATA)]
Attribute = Annotated[str | None, _option("Of PIQ23: Overall (unless given), Details or Exposure.", "NAME", _DATA)]
Split = Annotated[str | None, _option("Of PIQ23: device or scene.", "NAME", _DATA)]
ManifestFiles = Annotated[
    list[Path],
    _option(
        "CSV or Parquet with image, score (higher is better) and maybe scene, split, std; repeatable, also beside"
        " --dataset.",
        "FILE", _DATA, "--manifest",
    ),
]  # fmt: skip
FromRatings = Annotated[
    Path | None,
    _option(
        "A folder of photos with your own stars; only heads are trained unless --no-freeze-backbone.", "DIR", _DATA
    ),
]
Scenes = Annotated[
    Literal["day", "folder"] | None,
    _option("With --from-ratings: compare within a day or a folder.", "day|folder", _DATA),
]
TestShare = Annotated[
    float | None, _option("Share held out for the test where there is no split (0.2).", "SHARE", _DATA)
]
Check = Annotated[
    bool, _option("Only say what was found, scene by scene; decode no photo, train nothing.", "", _DATA, "--check")
]

Preset = Annotated[str | None, _option("dn-piqa or piqa-lite (unless given).", "NAME", _NETWORK)]
PretrainPreset = Annotated[str | None, _option("dn-piqa (unless given) or piqa-lite.", "NAME", _NETWORK)]
Backbone = Annotated[str | None, _option("Any timm network, for both branches.", "NAME", _NETWORK)]
Pooling = Annotated[str | None, _option("Of the backbone's features: last or stages.", "NAME", _NETWORK)]
Size = Annotated[int | None, _option("Side of every view in pixels.", "N", _NETWORK)]
Auxiliary = Annotated[str | None, _option("Beside the branches: none, defects or liqe.", "NAME", _NETWORK)]
Pretrained = Annotated[
    str | None, _option("Start from timm, none, a file of weights, or a model.", "timm|none|FILE|MODEL", _NETWORK)
]
FullFrom = Annotated[str | None, _option("Take the full-image branch of this model.", "MODEL", _NETWORK)]
FaceFrom = Annotated[str | None, _option("Take the face branch of this model.", "MODEL", _NETWORK)]
Liqe = Annotated[str | None, _option("An imported model that has LIQE's weights.", "MODEL", _NETWORK)]
ModelsDir = Annotated[Path | None, _option("Where models are found by name.", "DIR", _NETWORK)]

Config = Annotated[Path | None, _option("Settings as TOML; options win over it.", "FILE", _LEARN)]
Set = Annotated[
    list[str], _option("Any setting, as optimiser.step_epochs=3; repeatable.", "KEY=VALUE", _LEARN, "--set")
]
Epochs = Annotated[int | None, _option("Times through all training photos.", "N", _LEARN)]
Pairs = Annotated[int | None, _option("Pairs of photos in a batch, over all processes.", "N", _LEARN)]
LearningRate = Annotated[float | None, _option("At its highest.", "RATE", _LEARN)]
WeightDecay = Annotated[float | None, _option("Of the optimiser.", "X", _LEARN)]
Optimiser = Annotated[str | None, _option("adam, adamw or sgd.", "NAME", _LEARN)]
Schedule = Annotated[str | None, _option("constant, step or cosine.", "NAME", _LEARN)]
Warmup = Annotated[float | None, _option("Epochs in which the learning rate rises.", "EPOCHS", _LEARN)]
Loss = Annotated[
    list[str],
    _option(
        "Weight of a loss term, as plcc=0.5; repeatable. Terms: fidelity, ranking, consistency, batch_kl,"
        " rank_gradient, tolerance_levels, mse, plcc.",
        "TERM=WEIGHT", _LEARN, "--loss",
    ),
]  # fmt: skip
UseStd = Annotated[
    bool | None, _option("Use the labels' standard deviations where known.", "", _LEARN, "--use-std/--no-use-std")
]
Monotone = Annotated[
    bool | None, _option("One monotone map for each data set: several scales, one model.", "", _LEARN,
                         "--monotone/--no-monotone"),
]  # fmt: skip
FreezeBackbone = Annotated[
    bool | None,
    _option("Compute features once and train heads only.", "", _LEARN, "--freeze-backbone/--no-freeze-backbone"),
]
FrozenStages = Annotated[int | None, _option("Stages of each backbone kept fixed, from the input on.", "N", _LEARN)]
LayerDecay = Annotated[float | None, _option("Learning rate of a stage, times the next one's.", "X", _LEARN)]
Ema = Annotated[float | None, _option("Decay of averaged weights; 0 for none.", "X", _LEARN)]
ClipNorm = Annotated[float | None, _option("Largest norm of the gradient; 0 for any.", "X", _LEARN)]
Accumulate = Annotated[int | None, _option("Batches that make one step.", "N", _LEARN)]
Patience = Annotated[int | None, _option("Stop after N epochs without a better one; 0 never.", "N", _LEARN)]
Validation = Annotated[float | None, _option("Share of the training scenes that chooses the epoch.", "SHARE", _LEARN)]
Seed = Annotated[int | None, _option("Of everything random.", "N", _LEARN)]

Output = Annotated[Path | None, _option("Folder of the run; must be new or empty.", "RUN", _RUN, "-o", "--output")]
Resume = Annotated[Path | None, _option("Go on with a stopped run; needs nothing else.", "RUN", _RUN)]
SaveEvery = Annotated[int | None, _option("Steps between checkpoints inside an epoch.", "N", _RUN)]
Precision = Annotated[str | None, _option("float32 or bf16.", "NAME", _RUN)]
CheckpointActivations = Annotated[
    bool | None,
    _option("Less memory for more time.", "", _RUN, "--checkpoint-activations/--no-checkpoint-activations"),
]
Device = Annotated[str | None, _option("auto, cpu, cuda, cuda:N or mps.", "DEVICE", _RUN)]
Workers = Annotated[int | None, _option("Processes that read photos.", "N", _RUN)]
CacheDir = Annotated[Path | None, _option("Where faces, cut photos and features are kept.", "DIR", _RUN)]
Quiet = Annotated[bool, _option("No progress, notes or summary.", "", _RUN, "-q", "--quiet")]

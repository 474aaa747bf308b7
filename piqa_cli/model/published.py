"""Import of the authors' checkpoints: DN-PIQA (`PIQ_model.pth`), LIQE (`LIQE.pt`), and the pre-trained branches.

Everything is checked before anything is written, and the model folder appears complete or not at all.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from torch import Tensor

from piqa_cli.errors import UsageError
from piqa_cli.model.config import CONFIG_FILE, Branch, ModelConfig
from piqa_cli.model.presets import DN_PIQA
from piqa_cli.model.published_file import read_state_dict
from piqa_cli.model.published_liqe import liqe_tensors
from piqa_cli.model.published_swin import branch_tensors, network_tensors
from piqa_cli.model.staging import model_folder_in_place
from piqa_cli.model.store import LIQE_FILE, SOURCE_FILE, STARTING_FILE, WEIGHTS_FILE
from piqa_cli.model.tensors import write_tensors

UNTRAINED = "none: training starts it anew"

Found = tuple[dict[str, Tensor], dict[str, str], dict[str, list[str]]]  # tensors, parts, dropped


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One checkpoint that was read."""

    name: str
    sha256: str
    dropped: list[str] = field(default_factory=list)  # entries that the model has no use for, such as heads


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made of which files; written as `source.json` beside the weights."""

    starting: bool  # True: branches to start training from, without a trained head
    parts: dict[str, str]  # full, face, head, liqe -> where its weights come from
    files: dict[str, SourceFile]  # dn_piqa, liqe, full, face -> the file given for it


def import_published(
    dn_piqa: Path | None = None,
    liqe: Path | None = None,
    full: Path | None = None,
    face: Path | None = None,
    *,
    folder: Path,
    overwrite: bool = False,
    config: ModelConfig = DN_PIQA,
) -> Imported:
    """Make a model folder from published checkpoints, each tensor in the precision that its file has.

    Either `dn_piqa` and `liqe` make a model that scores, or `full` and `face` (one of them or both) make starting
    weights for training. A branch that is not given starts as a copy of the given one: the published face branch
    starts from the full-image branch. Without `liqe` starting weights are for a network without LIQE's features.

    Args:
        dn_piqa: the whole network, `PIQ_model.pth`.
        liqe: LIQE as an OpenAI CLIP state dict, `LIQE.pt`; its texts are encoded here, which takes open_clip.
        full: a network pre-trained on whole images (LSVQ).
        face: a network pre-trained on faces (GFIQA).
        folder: the model folder to make.
        overwrite: replace a model of the same name.
        config: the network that the files belong to.

    Raises:
        UsageError: the files do not go together, or `folder` is there already.
        ModelError: a file is not what it should be; the message names the first few differences.
        OutputError: the folder cannot be written.
    """
    _check_request(dn_piqa, liqe, full, face)
    given = {"dn_piqa": dn_piqa, "liqe": liqe, "full": full, "face": face}
    with model_folder_in_place(folder, overwrite=overwrite) as unfinished:
        tensors, parts, dropped = _network(dn_piqa, full, face, config)
        if liqe is None:
            config = replace(config, auxiliary="none")
        else:
            write_tensors(liqe_tensors(read_state_dict(liqe), liqe), unfinished / LIQE_FILE)
        write_tensors(tensors, unfinished / (WEIGHTS_FILE if dn_piqa is not None else STARTING_FILE))
        (unfinished / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")
        imported = Imported(
            starting=dn_piqa is None,
            parts={**parts, "liqe": liqe.name if liqe is not None else "none"},
            files={role: SourceFile(p.name, _sha256(p), dropped.get(role, [])) for role, p in given.items() if p},
        )
        (unfinished / SOURCE_FILE).write_text(json.dumps(asdict(imported), indent=2) + "\n", encoding="utf-8")
    return imported


def _check_request(dn_piqa: Path | None, liqe: Path | None, full: Path | None, face: Path | None) -> None:
    if dn_piqa is None and full is None and face is None:
        raise UsageError("nothing to import", hint="--dn-piqa and --liqe for the whole model, --full, --face to train")
    if dn_piqa is not None and (full is not None or face is not None):
        raise UsageError("--dn-piqa brings both branches", hint="give it with --liqe alone, or --full and --face alone")
    if dn_piqa is not None and liqe is None:
        raise UsageError("DN-PIQA scores with LIQE's features", hint="give LIQE's checkpoint as well: --liqe LIQE.pt")


def _network(dn_piqa: Path | None, full: Path | None, face: Path | None, config: ModelConfig) -> Found:
    if dn_piqa is not None:
        tensors = network_tensors(read_state_dict(dn_piqa), dn_piqa, config)
        return tensors, dict.fromkeys(("full", "face", "head"), dn_piqa.name), {}
    return _starting_weights(full, face, config)


def _starting_weights(full: Path | None, face: Path | None, config: ModelConfig) -> Found:
    tensors: dict[str, Tensor] = {}
    parts: dict[str, str] = {}
    dropped: dict[str, list[str]] = {}
    own: dict[Branch, Path | None] = {"full": full, "face": face}
    for branch, path in own.items():
        source = path or full or face
        assert source is not None, "one branch at least is given"
        found, left_out = branch_tensors(read_state_dict(source), source, branch, config)
        tensors |= found  # each branch has read the file for itself, so no memory is shared
        parts[branch] = source.name if path else f"{source.name} (a copy of the other branch)"
        if path:
            dropped[branch] = left_out
    return tensors, {**parts, "head": UNTRAINED}, dropped


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

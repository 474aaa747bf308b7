"""After the best epoch: the 0-100 map, the released model, the one look at the test split, the report.

The figures are of the network alone, see `predict`: `piqa evaluate` may say something else of group photos.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from torch import Tensor

from piqa_cli.errors import UsageError
from piqa_cli.model.checkpoint import load_model, save_model
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.store import LIQE_FILE
from piqa_training.bootstrap import RESAMPLES
from piqa_training.evaluation_forms import to_dict
from piqa_training.fit.best import chosen_by
from piqa_training.fit.distributed import is_first
from piqa_training.fit.learn import placed_rows
from piqa_training.fit.observer import Observer
from piqa_training.fit.placement import align_face_head, fresh_map, matched_map
from piqa_training.fit.predict import headline, measured
from piqa_training.fit.report import RESULT_FILE, write_metrics, write_predictions, write_result
from piqa_training.fit.session import Session
from piqa_training.fit.state import start_weights
from piqa_training.manifest import Split
from piqa_training.page import write_page

MODEL_FOLDER = "model"
_TOLD = {"model", "val", "test", "before"}  # of a result: what is said at the end of a run


def finish(session: Session) -> dict[str, Any]:
    """Write the model, the predictions, `result.json` and the report page -> the content of `result.json`."""
    if session.state.standing.best_epoch == 0:
        model = session.run / MODEL_FOLDER
        session.observer.note(
            f"no epoch was better on the validation part than the starting model: {model} is that model"
        )
    place_map(session)
    network = _release(session)
    history = session.state.standing.history
    said = {split: session.predict(split, split, network=network).raw for split in _held_out(session)}
    result: dict[str, Any] = {
        "model": str((session.run / MODEL_FOLDER).resolve()),
        "epochs": len(history),
        "best_epoch": session.state.standing.best_epoch,
        "chosen_by": chosen_by([record["val"] for record in history], session.settings),
        "photos": {split: len(session.manifest.part(split)) for split in ("train", "val", "test")},
        "seconds": round(sum(record["seconds"] for record in history), 3),
        **_results(session, said),
    }
    result = json.loads(json.dumps(result))  # as a reader of the file gets it
    session.world.wait()
    if session.world.first:
        write_metrics(history, session.run)
        write_predictions(
            [(session.manifest.part(split), pl.Series(raw.double().numpy())) for split, raw in said.items()],
            session.run,
        )
        write_result(result, session.run)
        _write_page(session.run, session.observer)
    return result


def finish_page(run: Path, observer: Observer) -> dict[str, Any]:
    """Write the page of a run that was stopped after everything else -> the content of its `result.json`.

    Raises:
        UsageError: that file, or another one that the page is made of, is damaged.
    """
    result = _read_result(run / RESULT_FILE)
    if is_first():
        _write_page(run, observer)
    return result


def _read_result(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(result, dict) or not result.keys() >= _TOLD:
            raise ValueError(f"it lacks one of {', '.join(sorted(_TOLD))}")
    except (OSError, ValueError, RecursionError) as error:
        hint = "delete it: piqa train --resume then writes it again"
        raise UsageError(f"{path}: not readable as the result of a run: {error}", hint=hint) from error
    return result


def place_map(session: Session) -> None:
    """Give the raw outputs their 0-100 scores again; see `placement` for both rules."""
    rows = placed_rows(session)
    said = session.predict("train", "placing the scale", rows=rows)
    network, start, before = session.network, session.state.start, session.network.config.score_map
    if start is None:
        network.config = replace(network.config, score_map=fresh_map(said.raw))
        return
    network.config = replace(network.config, score_map=matched_map(said.raw, start["raw"], before))
    faces = session.photos("train").faces()[rows]
    align_face_head(network, before, said.face[faces], start["face"][faces])


def _release(session: Session) -> DualBranchNet:
    """Write the model folder and read it back: what is evaluated is what is released."""
    target = session.run / MODEL_FOLDER
    if session.world.first:
        name = session.run.resolve().name
        session.network.config = replace(session.network.config, name=name)
        with tempfile.TemporaryDirectory(dir=session.run, prefix=".model-") as made:
            unfinished = Path(made) / MODEL_FOLDER
            save_model(session.network, unfinished)
            if session.state.liqe is not None:
                shutil.copyfile(Path(session.state.liqe) / LIQE_FILE, unfinished / LIQE_FILE)
            shutil.rmtree(target, ignore_errors=True)
            unfinished.rename(target)
    session.world.wait()
    return load_model(target).to(session.world.device)


def _held_out(session: Session) -> Sequence[Split]:
    parts: tuple[Split, ...] = ("val", "test")
    return [split for split in parts if len(session.manifest.part(split))]


def _results(session: Session, said: dict[Split, Tensor]) -> dict[str, Any]:
    """The validation part in short, the test part in full, and what the starting model made of it."""
    found: dict[str, Any] = {"val": None, "test": None, "before": None}
    if "val" in said:
        found["val"] = headline(measured(session.manifest.part("val"), said["val"]))
    if "test" in said:
        test = session.manifest.part("test")
        found["test"] = to_dict(measured(test, said["test"], bootstrap=RESAMPLES))
    start = _starting_network(session)
    if start is not None and said:
        found["before"] = {
            split: headline(
                measured(session.manifest.part(split), session.predict(split, "starting model", network=start).raw)
            )
            for split in said
        }
    return found


def _starting_network(session: Session) -> DualBranchNet | None:
    """The model that training started from, where it was one."""
    if not session.state.from_model:
        return None
    network = DualBranchNet(session.network.config)
    network.load_state_dict(start_weights(network, session.run))
    return network.to(session.world.device).eval()


def _write_page(run: Path, observer: Observer) -> None:
    observer.note(f"report: {write_page(run)}")

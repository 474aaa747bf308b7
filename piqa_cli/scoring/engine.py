"""The local engine: worker processes prepare photos, a DataLoader feeds the device, the network scores batches."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

import torch
from torch.utils.data import DataLoader

from piqa_cli.errors import EngineError, ModelError, UsageError
from piqa_cli.model.backbone import fuse_batch_norms
from piqa_cli.model.checkpoint import load_model
from piqa_cli.model.config import Cut, ScoreMapConfig
from piqa_cli.model.network import DualBranchNet, FaceOutput, NetworkOutput
from piqa_cli.model.preprocess import normalise
from piqa_cli.model.store import ModelFolder
from piqa_cli.records import PhotoFile, PhotoScore, Severities
from piqa_cli.scoring.options import EngineOptions
from piqa_cli.scoring.prepare import Batch, PhotoDataset, collate
from piqa_cli.scoring.reasons import reasons

CPU_BATCH = 2  # larger batches leave the cache of the processor and are slower
DEVICE_BATCH = 32
MOST_WORKERS = 16


def score_files(
    files: Iterable[PhotoFile], model: ModelFolder, options: EngineOptions | None = None
) -> Iterator[list[PhotoScore]]:
    """Score photos as they come, one list for each finished batch, in input order.

    Memory is bounded by the batches in flight, however long `files` is.

    Raises:
        ModelError: the model folder cannot be loaded.
        UsageError: the device is unknown or not there.
        EngineError: a worker process or the device failed; what was yielded before is good.
    """
    options = options or EngineOptions()
    device = choose_device(options.device)
    network = load_model(model.path)
    if network.config.auxiliary == "liqe":
        raise ModelError(f"{model.path}: this model needs LIQE features, which this version cannot compute")
    fuse_batch_norms(network.full)
    fuse_batch_norms(network.face)
    network = network.to(device).to(memory_format=torch.channels_last)
    try:
        for batch in _loader(files, network, options, device):
            yield score_batch(network, batch, device, model.id)
    except RuntimeError as error:  # torch's word for a dead worker, a full device, a failed kernel
        message = f"scoring stopped: {' '.join(str(error).split())[:200]}"
        hint = "if memory ran out, a smaller --batch-size or fewer --workers help; finished photos are kept"
        raise EngineError(message, hint=hint) from error


def choose_device(name: str) -> torch.device:
    """The device that an option names; `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: no such device.
    """
    if name == "auto":
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        message = f"device {name!r} cannot be used: {reason}"
        raise UsageError(message, hint="--device auto picks one that works") from None
    return device


def score_batch(network: DualBranchNet, batch: Batch, device: torch.device, model_id: str) -> list[PhotoScore]:
    """Run the network on a prepared batch and complete its records."""
    records = [replace(record, model=model_id) for record in batch.records]
    if not batch.scored:
        return records
    with torch.inference_mode():
        features = network.features(_on_device(network, batch.views, device))
        output = network.from_features(features)
        main = network.faces_from_features(features) if network.face_head is not None else None
        others = network.score_faces(_on_device(network, batch.faces, device)) if batch.faces else None
    own_faces = _faces_by_record(batch, main, others)
    for row, index in enumerate(batch.scored):
        records[index] = _complete(records[index], network, output, row, own_faces.get(index, []))
    return records


def to_score(raw: float, score_map: ScoreMapConfig) -> float:
    """The 0-100 score of a raw output."""
    return 100 / (1 + math.exp(-max(min((raw - score_map.center) / score_map.scale, 700.0), -700.0)))


def _faces_by_record(
    batch: Batch, main: FaceOutput | None, others: FaceOutput | None
) -> dict[int, list[tuple[float, Severities | None]]]:
    """Record index -> (raw score, severities) of each scored face, the main face first."""
    found: dict[int, list[tuple[float, Severities | None]]] = {}
    for output, owners in ((main, batch.scored), (others, batch.face_owners)):
        if output is None:
            continue
        for row, index in enumerate(owners):
            if batch.records[index].faces:
                found.setdefault(index, []).append((float(output.raw[row]), _severities(output.defects, row)))
    return found


def _complete(
    record: PhotoScore,
    network: DualBranchNet,
    output: NetworkOutput,
    row: int,
    faces: list[tuple[float, Severities | None]],
) -> PhotoScore:
    raw, score_map = float(output.raw[row]), network.config.score_map
    if not math.isfinite(raw):
        return replace(record, status="error", reason="the network gave no finite score")
    photo = _severities(output.photo_defects, row)
    face = faces[0][1] if faces else None
    scores = [to_score(face_raw, score_map) for face_raw, _ in faces]
    return replace(
        record,
        raw_score=raw,
        score=to_score(raw, score_map),
        face_score=scores[0] if scores else None,
        worst_face_score=min(scores) if scores else None,
        photo_defects=photo,
        face_defects=face,
        reasons=reasons(photo, face, network.config.reason_threshold),
    )


def _severities(values: torch.Tensor | None, row: int) -> Severities | None:
    return None if values is None else Severities(tuple(values[row].tolist()))


def _on_device(network: DualBranchNet, views: dict[Cut, torch.Tensor], device: torch.device) -> dict[Cut, torch.Tensor]:
    moved = {cut: pixels.to(device, non_blocking=True) for cut, pixels in views.items()}
    return normalise(moved, network.config.preprocess)


def _loader(
    files: Iterable[PhotoFile], network: DualBranchNet, options: EngineOptions, device: torch.device
) -> Iterable[Batch]:
    workers = _share_out(options, device)
    size = options.batch_size or (CPU_BATCH if device.type == "cpu" else DEVICE_BATCH)
    return DataLoader(
        PhotoDataset(network.config, options.max_pixels),
        batch_sampler=_Batches(files, size),
        collate_fn=collate,
        num_workers=workers,
        worker_init_fn=_start_worker,
        multiprocessing_context=_start_method() if workers else None,
        pin_memory=device.type == "cuda",
    )


class _Batches:
    """Lists of up to `size` files; a DataLoader wants something that it can iterate over."""

    def __init__(self, files: Iterable[PhotoFile], size: int) -> None:
        self.files, self.size = files, size

    def __iter__(self) -> Iterator[list[PhotoFile]]:
        stream = iter(self.files)
        while batch := list(islice(stream, self.size)):
            yield batch


def _share_out(options: EngineOptions, device: torch.device) -> int:
    """The number of workers. On the CPU the network takes half of the cores and the workers, one thread each, the rest.

    One worker more than that fills the gaps. Two threads on one core would cost more than they bring: a thread that
    waits for another one keeps its core busy.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, MOST_WORKERS)
    if device.type == "cpu":
        threads = max(1, cores // 2) if options.workers != 0 else cores
        torch.set_num_threads(threads)
        workers = min(cores - threads + 1, MOST_WORKERS)
    return workers if options.workers is None else options.workers


def _start_method() -> str:
    """Forked workers share the parent's memory; elsewhere each has to load its own libraries."""
    return "fork" if sys.platform == "linux" else "spawn"


def _start_worker(_: int) -> None:
    """One thread each, and an interrupt from the keyboard is the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)

"""What frozen backbones make of each photo, in a few versions, computed once and kept in half precision."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from piqa_cli.errors import PhotoError
from piqa_cli.model.backbone import fuse_batch_norms
from piqa_cli.model.config import Cut
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.preprocess import normalise
from piqa_training.facts import PhotoFacts, Progress, silent, unusable
from piqa_training.frozen_store import FeatureStore
from piqa_training.prepared import Inputs, cut_inputs, random_views, scoring_views
from piqa_training.workers import in_workers

LAYOUT = 2  # of the features: another number computes them anew
SCORING = "scoring"  # the version that scoring reads: every crop, not mirrored
MIRRORED = "mirrored"
FEW = 1000  # photos: with more, mirror images were measured to add nothing (BIQ2021), and they double the time

Features = dict[str, dict[Cut, Tensor]]  # version -> cut -> float16 (N, K, F), not yet standardised


def training_versions(network: DualBranchNet, count: int, photos: int = 0, *, mirrored: bool = False) -> list[str]:
    """Names of up to `count` augmented versions of a photo; number 2i + 1 is the mirror image of number 2i.

    Where nothing is cropped there are two: as it is and, unless there are many photos, mirrored. Random crops have as
    many as are asked for. With `mirrored` every version has its mirror image, however many photos there are.
    """
    count += count % 2 if mirrored else 0
    if not any(view.fit == "crops" for view in network.views):
        return [SCORING, MIRRORED][: count if mirrored or photos <= FEW else 1]
    return [f"crop-{number // 2}{'-mirrored' * (number % 2)}" for number in range(count)]


def frozen_features(
    network: DualBranchNet,
    paths: Sequence[str],
    facts: Mapping[str, PhotoFacts],
    versions: Sequence[str],
    cache_dir: Path,
    *,
    workers: int = 0,
    on_progress: Progress | None = None,
) -> Features:
    """The backbones' features of every version of every photo, from `cache_dir` where they were computed before.

    On the CPU each worker, with one thread, runs the network too: nothing scales better there. On another device the
    workers cut the inputs and this process runs the network.

    Args:
        network: only its backbones matter; it is left as it is.
        paths: N photos.
        facts: of each photo.
        versions: "scoring", or names from `training_versions`.
        cache_dir: the folder of the cache; made where it does not exist.
        workers: processes; 0 works in this one.
        on_progress: called with the number of photos done and their total.

    Raises:
        UsageError: photos cannot be decoded; all of them in one message.
        OutputError: the cache cannot be written.
    """
    settings, report = _settings(network), on_progress or silent
    rows: dict[str, dict[str, bytes]] = {}
    problems: list[PhotoError] = []
    with FeatureStore(cache_dir) as store:
        todo = []
        for path in dict.fromkeys(paths):
            keys = {version: _key(facts[path], version, settings) for version in versions}
            rows[path] = {version: found for version, key in keys.items() if (found := store.get(key)) is not None}
            if missing := [version for version in versions if version not in rows[path]]:
                todo.append(_Order(path, facts[path], tuple(missing)))
        done, total = len(rows) - len(todo), len(rows)
        report(done, total)
        for made in _compute(network, todo, workers):
            done += 1
            if isinstance(made, PhotoError):
                problems.append(made)
            else:
                values = {name: tensor.numpy().tobytes() for name, tensor in made.vectors.items()}
                store.put({_key(facts[made.path], name, settings): value for name, value in values.items()})
                rows[made.path] |= values
            report(done, total)
    if problems:
        raise unusable(problems)
    return {version: _stacked(network, [rows[path][version] for path in paths]) for version in versions}


@dataclass(frozen=True, slots=True)
class _Order:
    path: str
    facts: PhotoFacts
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """What a worker did for one photo."""

    path: str
    views: dict[str, Inputs]  # version -> uint8 inputs, where this process runs the network
    vectors: dict[str, Tensor]  # version -> float16 (K, F of all cuts)


class _Photos(Dataset[_Made | PhotoError]):
    """Cuts the inputs of one photo for each index and, given a network, runs it."""

    def __init__(self, orders: Sequence[_Order], network: DualBranchNet, *, runs: bool) -> None:
        self.orders, self.config = orders, network.config.preprocess
        self.network = network if runs else None

    def __len__(self) -> int:
        return len(self.orders)

    def __getitem__(self, index: int) -> _Made | PhotoError:
        order = self.orders[index]
        try:
            inputs = cut_inputs(order.path, order.facts, self.config)
        except PhotoError as error:
            return error
        views = {version: self._version(inputs, version, order.facts.digest) for version in order.versions}
        made = _Made(order.path, views, {})
        return made if self.network is None else _run(self.network, made)

    def _version(self, inputs: Inputs, version: str, digest: str) -> Inputs:
        mirrored = version.endswith(MIRRORED)
        if version in (SCORING, MIRRORED):
            views = scoring_views(inputs, self.config)
            return {cut: pixels.flip(3) for cut, pixels in views.items()} if mirrored else views
        place = version.removesuffix(f"-{MIRRORED}")  # mirror images are of the same crop
        seed = int(hashlib.sha256(f"{digest} {place}".encode()).hexdigest()[:15], 16)
        return random_views(inputs, self.config, torch.Generator().manual_seed(seed), mirrored=mirrored)


def _compute(network: DualBranchNet, orders: Sequence[_Order], workers: int) -> Iterator[_Made | PhotoError]:
    if not orders:
        return
    fast = copy.deepcopy(network).eval().requires_grad_(False)
    for backbone in (fast.full, fast.face):
        fuse_batch_norms(backbone)
    fast = fast.to(memory_format=torch.channels_last)
    there = next(fast.parameters()).device.type == "cpu"  # where the photos are cut, without a way back and forth
    dataset = _Photos(orders, fast, runs=there)
    for made in in_workers(dataset, min(workers, len(orders))):
        yield made if there or isinstance(made, PhotoError) else _run(fast, made)


def _run(network: DualBranchNet, made: _Made) -> _Made:
    """All versions of one photo in one pass."""
    device = next(network.parameters()).device
    names = list(made.views)
    counts = [len(next(iter(made.views[name].values()))) for name in names]
    vectors = []
    for view in network.views:
        pixels = torch.cat([made.views[name][view.cut] for name in names])  # (K of all versions, 3, S, S)
        images = normalise({view.cut: pixels.to(device)[None]}, network.config.preprocess)[view.cut][0]
        with torch.inference_mode():
            described = network.describe(view, images.contiguous(memory_format=torch.channels_last))
            vectors.append(described.half().cpu())
    parts = torch.split(torch.cat(vectors, dim=1), counts)  # (K, F of all cuts) each
    return _Made(made.path, {}, {name: part.clone() for name, part in zip(names, parts, strict=True)})


def _stacked(network: DualBranchNet, rows: Sequence[bytes]) -> dict[Cut, Tensor]:
    """Stored vectors -> cut -> float16 (N, K, F)."""
    widths = [network.view_width(view) for view in network.views]
    values = np.stack([np.frombuffer(row, np.float16).reshape(-1, sum(widths)) for row in rows])
    parts = torch.split(torch.from_numpy(values), widths, dim=2)
    return {view.cut: part for view, part in zip(network.views, parts, strict=True)}


def _key(facts: PhotoFacts, version: str, settings: str) -> str:
    return hashlib.sha256(f"{facts.digest} {facts.face} {version} {settings}".encode()).hexdigest()[:40]


def _settings(network: DualBranchNet) -> str:
    """What features depend on besides the photo: the preprocessing and the backbones' weights."""
    config = network.config
    digest = hashlib.sha256(json.dumps([LAYOUT, asdict(config.preprocess), config.statistics]).encode())
    for branch in (network.full, network.face):
        digest.update(branch.pooling.encode())
        for name, tensor in branch.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()

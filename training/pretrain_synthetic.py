"""Degradation ranking on good photos: what makes the embedded default model, and any other of its kind.

Photos that are taken to be good are degraded in known ways and degrees (`degrade`); heads learn the order of the
versions of each photo, that other tones are no defect, and which of the nine defects is there, on backbones that stay
as they are or of which one is fine-tuned first (`tune`). Features are computed once, part by part, and kept in the
run's folder under names that say what they were made from, so that a run that was stopped goes on, and one with other
photos or settings does not take them for its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from piqa_cli.errors import UsageError
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.network import DualBranchNet
from piqa_cli.model.tensors import read_tensors, write_tensors
from piqa_cli.photos.discover import discover
from piqa_cli.records import Box, counted
from piqa_cli.threads import one_thread
from piqa_training.features import FeatureSet, Versions, describe_views, extract, join, render_views
from piqa_training.fit.observer import Observer
from piqa_training.fit.state import written
from piqa_training.heads import HeadSettings, fit_standardisation, standardise, train_heads
from piqa_training.linear import LinearSettings, fit_linear_reader
from piqa_training.measures import measure
from piqa_training.pretrain_epochs import Epochs, plain
from piqa_training.pretrain_scale import align_face_head, score_map, visible_at
from piqa_training.sources import HELD_OUT, Source, Split, split_of
from piqa_training.tune import TuneSettings, tune_backbone

LEAST_PHOTOS = 5
PART = 50  # photos whose features are kept together: what a stopped run computes again
LOG_FILE = "log.json"
FEATURES_FOLDER = "features"
TUNED_FOLDER = "features-tuned"
VIEWS_FOLDER = "views"
TUNED_FILE = "tuned-{}.safetensors"

Scenes = Mapping[Split, Sequence[Path]]


@dataclass(frozen=True, slots=True)
class SyntheticSettings:
    """How much is rendered, and how the heads learn from it."""

    passes: int = 1  # times through the photos, each with new versions
    versions: int = 11  # of a photo in a pass, the first undegraded
    workers: int = 2  # processes that render
    heads: HeadSettings = field(default_factory=HeadSettings)
    tune: TuneSettings | None = None  # of the face branch's backbone; None: both stay as they are
    further_passes: int = 3  # times through the photos that the heads alone learn from
    further_versions: int = 7  # of such a photo in a pass
    linear: LinearSettings = field(default_factory=LinearSettings)
    defect_cost: float = 0.75  # of the root of each severity, in raw output

    def __post_init__(self) -> None:
        passes, versions = min(self.passes, self.further_passes), min(self.versions, self.further_versions)
        if versions < 3 or passes < 1:
            raise UsageError(f"{passes} passes of {versions} versions: at least 1 pass and 3 versions are needed")


def folder_sources(folder: Path) -> list[Source]:
    """Every photo below a folder as an undegraded original, about one in five of them held out by its name.

    Raises:
        UsageError: there is no such folder, or fewer than five photos in it.
    """
    paths = [photo.path.absolute() for photo in discover([folder])]
    if len(paths) < LEAST_PHOTOS:
        count = counted(len(paths), "photo")
        raise UsageError(
            f"{folder}: {count} found, at least {LEAST_PHOTOS} are needed", hint="give a folder of good photos"
        )
    sources = [Source(path, "photos", split_of(path.name), pristine=True) for path in paths]
    if len({source.split for source in sources}) == 1:  # few photos, drawn to one side: take every fifth instead
        sources = [replace(s, split="val" if i % HELD_OUT == 0 else "train") for i, s in enumerate(sources)]
    return sources


@one_thread()
def pretrain_synthetic(
    network: DualBranchNet,
    originals: Sequence[Source],
    rated: Sequence[Source],
    faces: Mapping[Path, Box | None],
    settings: SyntheticSettings,
    run: Path,
    observer: Observer,
    scenes: Scenes | None = None,
    further: Sequence[Source] = (),
) -> dict[str, Any]:
    """Train the heads of `network`, place its 0-100 map, write `run/model` and `run/log.json` -> the log.

    `run/metrics.jsonl`, `run/tensorboard` and `run/report.html` are as `piqa train` leaves them. The log comes last.

    Workers render; this process computes in one thread, so that the result does not depend on how many there are.

    Args:
        network: with defect heads and a face head. Its backbones stay as they are, but for the face branch's with
            `settings.tune`: then the originals' views wait on the disk, a megabyte for each version, until features
            are there.
        originals: photos to degrade.
        rated: photos with mean opinions, which join in as they are; may be empty.
        faces: the main face of each photo.
        settings: how much and how.
        run: the folder of the run; features that are in it already are used, if they were made from the same.
        observer: is told how it goes.
        scenes: split -> photos before which people cut out from plain backdrops are set at times.
        further: photos to degrade once more for the heads alone. Fine-tuning does not see them, so that the heads learn
            from features that do not know their photos by heart.

    Raises:
        UsageError: the network has no defect heads or no face head, or there is too little to learn from.
        PhotoError: a photo cannot be decoded.
        OutputError: the folder cannot be written to.
    """
    if network.photo_defects is None or network.face_head is None:
        raise UsageError(
            "degradation ranking needs a network with defect heads and a face head", hint="use piqa-lite's"
        )
    if any(backbone.pooling != "stages" for backbone in (network.config.full, network.config.face)):
        raise UsageError("degradation ranking needs backbones that are pooled over stages", hint="--pooling stages")
    jobs = _jobs(originals, further, rated, settings)
    maker = _Maker(network, faces, settings, run, observer, scenes)
    if settings.tune is not None:
        maker.tune(jobs, settings.tune)
    features = maker.features(jobs)
    fit_standardisation(network, features)
    epochs = Epochs(settings.heads, observer)
    best = train_heads(network, features, settings.heads, epochs)
    fit_linear_reader(network, features, settings.linear)
    for cost in (network.cost, network.face_cost):  # not before: heads that know of it take it back
        if cost is not None:
            cost.each.fill_(settings.defect_cost)
    align_face_head(network, features)
    network.config = replace(
        network.config,
        score_map=score_map(network, features, observer),
        visible_at=visible_at(network, features),
    )
    save_model(network, run / "model")
    epochs.write(best, run)
    log = {
        "settings": asdict(settings),
        "best": plain(asdict(best)),
        "final": plain(asdict(measure(network, standardise(network, features), features))),  # with all of that
        "history": epochs.history,
        "model": str(run.resolve() / "model"),
    }
    text = json.dumps(log, indent=1, allow_nan=False)
    written(run / LOG_FILE, lambda path: path.write_text(text, encoding="utf-8"))
    return log


@dataclass(frozen=True, slots=True)
class _Job:
    """Some photos whose features are kept in one file."""

    name: str
    sources: Sequence[Source]
    versions: int = 0  # of each; 0: as it is and mirrored
    tunes: bool = False  # fine-tuning sees them too
    tones: bool = False  # undegraded versions in grey, brown and low key instead
    number: int = 0  # of the first photo, unique over the run


def _jobs(
    originals: Sequence[Source], further: Sequence[Source], rated: Sequence[Source], settings: SyntheticSettings
) -> list[_Job]:
    """Every pass over the originals, further photos, the photos that people judged, and the originals in other tones.

    In two passes one photo differs in size and mirroring, and counts as two.
    """
    unrated = [replace(source, opinion=None) for source in originals]  # people judged the photo as it is
    stages = [
        *(_Job(f"pass-{turn}", originals, settings.versions, tunes=True) for turn in range(settings.passes)),
        *(_Job(f"further-{turn}", further, settings.further_versions) for turn in range(settings.further_passes)),
        _Job("rated", rated),
        _Job("tones", unrated, tones=True),
    ]
    jobs: list[_Job] = []
    number = 0
    for stage in stages:
        sources = stage.sources
        jobs += [
            replace(stage, name=f"{stage.name}-{start}", sources=sources[start : start + PART], number=number + start)
            for start in range(0, len(sources), PART)
        ]
        number += len(sources)
    return jobs


@dataclass(frozen=True, slots=True)
class _Maker:
    """Renders, fine-tunes, describes; what is there from an earlier run is not made again."""

    network: DualBranchNet
    faces: Mapping[Path, Box | None]
    settings: SyntheticSettings
    run: Path
    observer: Observer
    scenes: Scenes | None

    def tune(self, jobs: Sequence[_Job], settings: TuneSettings) -> None:
        """Fine-tune the face branch's backbone on the degraded photos."""
        degraded = [job for job in jobs if job.tunes]
        file = self.run / TUNED_FILE.format(_digest(settings, _weights(self.network), *map(self._made_from, degraded)))
        if not file.is_file():
            for done, job in enumerate(degraded, 1):
                self._views(job)
                self.observer.progress("rendering", done, len(degraded))
            tune_backbone(self.network, [self._views(job) for job in degraded], settings, self.observer)
            write_tensors(self.network.face.state_dict(), file)
        self.network.face.load_state_dict(read_tensors(file, self.network.face.state_dict(), "the face branch"))

    def features(self, jobs: Sequence[_Job]) -> FeatureSet:
        """Features of everything."""
        folder = self.run / (FEATURES_FOLDER if self.settings.tune is None else TUNED_FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        total = sum(len(job.sources) for job in jobs)
        parts, weights = [], _weights(self.network)
        for job in jobs:
            file = folder / f"{job.name}-{_digest(weights, self._made_from(job))}.safetensors"
            if not file.is_file():
                self._described(job).save(file)
            part = FeatureSet.load(file)
            parts.append(replace(part, photo=part.photo + job.number))
            self.observer.progress("features", min(job.number + len(job.sources), total), total)
        shutil.rmtree(self.run / VIEWS_FOLDER, ignore_errors=True)
        return join(parts)

    def _described(self, job: _Job) -> FeatureSet:
        if self.settings.tune is None or not job.tunes:
            return extract(self.network, self._versions(job), workers=self._workers(job))
        return describe_views(self.network, FeatureSet.load(self._views(job)))

    def _views(self, job: _Job) -> Path:
        file = self.run / VIEWS_FOLDER / f"{job.name}-{_digest(self._made_from(job))}.safetensors"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            render_views(self._versions(job), workers=self._workers(job)).save(file)
        return file

    def _versions(self, job: _Job) -> Versions:
        seed = self.settings.heads.seed + job.number
        config, faces = self.network.config, dict(self.faces)
        return Versions(job.sources, faces, config, job.versions, seed, self.scenes, tones=job.tones)

    def _workers(self, job: _Job) -> int:
        return min(self.settings.workers, len(job.sources))

    def _made_from(self, job: _Job) -> str:
        """All that the samples of a job depend on, but for the photos' pixels."""
        made = self._versions(job)
        faces = [made.faces[source.path] for source in job.sources]
        return repr((job, faces, made.seed, made.config.preprocess, made.config.statistics, made.scenes))


def _weights(network: DualBranchNet) -> str:
    """A digest of the backbones' weights."""
    digest = hashlib.sha256()
    for backbone in (network.full, network.face):
        for name, tensor in backbone.state_dict().items():
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]

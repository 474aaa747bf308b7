"""What is known of each training photo before training: its main face, its size, its LIQE logits. Computed once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from piqa_cli.errors import PhotoError, UsageError
from piqa_cli.faces import detect
from piqa_cli.faces.choose import by_importance
from piqa_cli.faces.detect import FaceDetector
from piqa_cli.model.config import ModelConfig
from piqa_cli.photos.decode import decode
from piqa_cli.records import Box
from piqa_training.facts_store import FactsStore, Record, Stamp, stamp_of
from piqa_training.workers import in_workers

if TYPE_CHECKING:
    from piqa_cli.model.liqe import Liqe

LAYOUT = 1  # of the facts: another number computes them anew
SHOWN_PROBLEMS = 5

Progress = Callable[[int, int], None]  # photos done, photos in all


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """One photo: what scoring would find out before it cuts the network's inputs."""

    face: Box | None  # the main one, in pixels of the upright photo at full resolution; None: none, or of no use
    width: int  # pixels, upright, full resolution
    height: int
    digest: str  # SHA-256 of the file's content
    liqe: Tensor | None = None  # float32 (495,) logits


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker found out about one photo."""

    path: str
    stamp: Stamp | None
    digest: str
    facts: PhotoFacts | None  # None: facts of the same content are there already
    patches: Tensor | None = None  # uint8 (15, 3, 224, 224), where LIQE runs in the main process


def photo_facts(
    paths: Iterable[str],
    config: ModelConfig,
    cache_dir: Path,
    workers: int = 0,
    liqe: Liqe | None = None,
    on_progress: Progress | None = None,
) -> dict[str, PhotoFacts]:
    """The facts of every photo, from `cache_dir` where the same content was looked at before under the same settings.

    A file that has its old size and modification time is not even opened. What is found is kept as it comes, so that
    an interrupted call goes on where it stopped.

    Args:
        paths: photos; one that is named twice is looked at once.
        config: of the model; decides at which size faces are searched, as in scoring.
        cache_dir: the folder of the cache; made where it does not exist.
        workers: processes with one thread each; 0 works in this one.
        liqe: the network, where its logits are wanted. On the CPU it runs in the workers, else in this process.
        on_progress: called with the number of photos done and their total.

    Raises:
        UsageError: photos cannot be decoded; all of them in one message.
        OutputError: the cache cannot be written.
    """
    wanted = list(dict.fromkeys(paths))
    settings, report = _settings(config, liqe), on_progress or silent
    problems: list[PhotoError] = []
    with FactsStore(cache_dir) as store:
        found = _known(wanted, settings, store)
        report(len(found), len(wanted))
        missing = [path for path in wanted if path not in found]
        dataset = _Photos(missing, config, store.digests(settings), liqe)
        for look in in_workers(dataset, min(workers, len(missing))):
            if isinstance(look, PhotoError):
                problems.append(look)
            else:
                found[look.path] = _keep(look, settings, store, liqe)
            report(len(found) + len(problems), len(wanted))
    if problems:
        raise unusable(problems)
    return {path: found[path] for path in wanted}


def unusable(problems: Sequence[PhotoError]) -> UsageError:
    """All photos that cannot be used, in one message."""
    named = [f"{problem.path}: {problem.message}" for problem in problems[:SHOWN_PROBLEMS]]
    more = [f"and {len(problems) - SHOWN_PROBLEMS} more"] if len(problems) > SHOWN_PROBLEMS else []
    count = f"{len(problems)} photos" if len(problems) > 1 else "1 photo"
    hint = "restore them or take them out of the training data; what was computed for the others is kept"
    return UsageError(f"{count} cannot be used: {'; '.join(named + more)}", hint=hint)


class _Photos(Dataset[Look | PhotoError]):
    """Looks at one photo for each index."""

    def __init__(self, paths: Sequence[str], config: ModelConfig, known: frozenset[str], liqe: Liqe | None) -> None:
        self.paths, self.known, self.liqe = paths, known, liqe
        self.side, self.wants_face = config.preprocess.working_side, _wants_face(config)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Look | PhotoError:
        path = self.paths[index]
        try:
            return self._look(path)
        except PhotoError as error:
            return error
        except Exception as error:  # one photo never stops a run, whatever a decoder does
            return PhotoError(f"unexpected {type(error).__name__}: {error}", path=Path(path))

    @cached_property
    def _detector(self) -> FaceDetector:
        return FaceDetector()  # one for each process, built on first use

    def _look(self, path: str) -> Look:
        stamp = stamp_of(path)  # before reading, so that a file that changes meanwhile is read again next time
        digest = _digest(path)
        if digest in self.known:
            return Look(path, stamp, digest, None)
        photo = decode(Path(path), max_side=self.side)
        faces = by_importance(self._detector.detect(photo.image, scale=photo.scale)) if self.wants_face else ()
        facts = PhotoFacts(faces[0].box if faces else None, photo.width, photo.height, digest)
        if self.liqe is None:
            return Look(path, stamp, digest, facts)
        from piqa_cli.model.liqe import cut_patches

        patches = cut_patches(photo.image)
        if _runs_in_workers(self.liqe):
            return Look(path, stamp, digest, replace(facts, liqe=_logits(self.liqe, patches)))
        return Look(path, stamp, digest, facts, patches)


def _known(paths: Sequence[str], settings: str, store: FactsStore) -> dict[str, PhotoFacts]:
    found = {}
    for path in paths:
        digest = store.digest(path, stamp_of(path))
        if digest is not None and (record := store.record(digest, settings)):
            found[path] = _from_record(record, digest)
    return found


def _keep(look: Look, settings: str, store: FactsStore, liqe: Liqe | None) -> PhotoFacts:
    facts = look.facts
    if facts is None:
        record = store.record(look.digest, settings)
        assert record is not None, "workers leave out only what the store holds"
        facts = _from_record(record, look.digest)
        store.put(look.path, look.stamp, look.digest, settings, None)
        return facts
    if look.patches is not None and liqe is not None:
        facts = replace(facts, liqe=_logits(liqe, look.patches))
    store.put(look.path, look.stamp, look.digest, settings, _to_record(facts))
    return facts


def _logits(liqe: Liqe, patches: Tensor) -> Tensor:
    with torch.inference_mode():
        logits: Tensor = liqe(patches[None].to(next(liqe.parameters()).device))[0]
    return logits.float().cpu()


def _runs_in_workers(liqe: Liqe) -> bool:
    return next(liqe.parameters()).device.type == "cpu"


def _settings(config: ModelConfig, liqe: Liqe | None) -> str:
    """What facts depend on besides the photo: the detector, its input, and LIQE's weights."""
    detector = [value for name, value in sorted(vars(detect).items()) if name.isupper()]
    sees = [config.preprocess.working_side, detector] if _wants_face(config) or liqe else []
    parts = [LAYOUT, sees, _wants_face(config), None if liqe is None else _fingerprint(liqe)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def _wants_face(config: ModelConfig) -> bool:
    """A network that reads whole frames only, as in pre-training on videos, has no use for a face."""
    return any(view.cut != "frame" for view in config.preprocess.views)


def _fingerprint(liqe: Liqe) -> str:
    digest = hashlib.sha256()
    for name, tensor in liqe.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _digest(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""  # decoding says better what is wrong


def _to_record(facts: PhotoFacts) -> Record:
    text = json.dumps({"face": facts.face, "width": facts.width, "height": facts.height})
    return Record(text, None if facts.liqe is None else facts.liqe.numpy().astype("<f4").tobytes())


def _from_record(record: Record, digest: str) -> PhotoFacts:
    stored = json.loads(record.text)
    face: Box | None = tuple(stored["face"]) if stored["face"] else None
    liqe = None if record.liqe is None else torch.from_numpy(np.frombuffer(record.liqe, "<f4").copy())
    return PhotoFacts(face, stored["width"], stored["height"], digest, liqe)


def silent(done: int, total: int) -> None:
    """A progress that nobody hears."""

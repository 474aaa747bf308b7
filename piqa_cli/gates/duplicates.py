"""Photos that are there more than once: by their bytes, and by their look."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from piqa_cli.errors import UnreadablePhoto
from piqa_cli.photos.opening import open_regular
from piqa_cli.ranking.bursts import DUPLICATE_SIMILARITY
from piqa_cli.ranking.similarity import Similarity
from piqa_cli.records import PhotoScore
from piqa_cli.spreadsheets import path_of

Copies = Sequence[tuple[str, ...]]  # clusters of two and more paths as in the table, each and all in its order

_HEAD = 65_536  # bytes; most files of one size differ here already
_CHUNK = 1 << 20
Key = TypeVar("Key", bound=Hashable)


def exact_copies(paths: Sequence[str]) -> list[tuple[str, ...]]:
    """Files with the same bytes. Only files of one size are read, and to the end only those that begin alike.

    Files that are empty, gone or cannot be read are copies of nothing.
    """
    clusters: list[tuple[str, ...]] = [tuple(paths)]
    for key in (_size, lambda path: _digest(path, _HEAD), lambda path: _digest(path, None)):
        clusters = [part for cluster in clusters for part in _alike((path, key(path)) for path in cluster)]
    return clusters


def near_copies(paths: Sequence[str], models: Sequence[str], embeddings: Mapping[str, bytes]) -> list[tuple[str, ...]]:
    """Photos linked by pairs whose embeddings have a cosine of at least `DUPLICATE_SIMILARITY`.

    Args:
        paths: as in the table.
        models: of each photo; embeddings of several models cannot be compared, then nothing is found.
        embeddings: path -> embedding, where known.
    """
    known = [
        PhotoScore(Path(path), "ok", model=model, embedding=embeddings.get(path))
        for path, model in zip(paths, models, strict=True)
    ]
    similarity = Similarity.of(known)
    if similarity is None:
        return []
    clusters = similarity.clusters(range(len(paths)), DUPLICATE_SIMILARITY)
    return [tuple(paths[index] for index in cluster) for cluster in clusters]


def _alike(keyed: Iterable[tuple[str, Key | None]]) -> list[tuple[str, ...]]:
    found: dict[Key, list[str]] = {}
    for path, key in keyed:
        if key is not None:
            found.setdefault(key, []).append(path)
    return [tuple(cluster) for cluster in found.values() if len(cluster) > 1]


def _size(path: str) -> int | None:
    try:
        return path_of(path).stat().st_size or None
    except (OSError, ValueError):
        return None


def _digest(path: str, limit: int | None) -> bytes | None:
    digest = hashlib.sha256()
    try:
        with open_regular(path_of(path)) as file:
            while chunk := file.read(_CHUNK if limit is None else limit):
                digest.update(chunk)
                if limit is not None:
                    break
    except (OSError, ValueError, UnreadablePhoto):
        return None
    return digest.digest()

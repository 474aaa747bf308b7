"""Which photos there are, by the same rules as on a local disk, streamed: names are read page by page, never all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise, product
from pathlib import Path
from typing import Any

from piqa_cli.cluster.photos import NamedPhoto
from piqa_cli.cluster.places import filesystem, is_uri, reason_of
from piqa_cli.errors import PhotoError, UsageError
from piqa_cli.photos.discover import discover
from piqa_cli.photos.globs import Globs
from piqa_cli.photos.pairing import pair
from piqa_cli.photos.suffixes import is_photo
from piqa_cli.photos.walk import JUNK

_S3 = ("s3", "s3a")
_LOCAL = "file://"
_STORE_HINT = "check the credentials, AWS_ENDPOINT_URL and the network"


@dataclass(frozen=True, slots=True)
class Listing:
    """Folders and photos, by path or URI, and what to take of them. Travels to the process that lists."""

    sources: tuple[str, ...]
    recursive: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def check(self) -> None:
        """See, before the work, that every source is there and none lies within another.

        Raises:
            UsageError: it is not.
        """
        places = sorted((f"{place}/", uri) for place, uri in self._uris.items())
        for (outer, around), (inner, uri) in pairwise(places):
            if inner.startswith(outer):
                raise UsageError(f"{uri}/ lies within {around}/", hint="name one of them, or its photos come twice")
        self._check_paths()
        for _, uri in places:
            _kind(uri)
        discover(self._paths)

    def _check_paths(self) -> None:
        """A folder by its path and by `file://` is one place; paths among themselves are `discover`'s business."""
        local = {place.removeprefix(_LOCAL): uri for place, uri in self._uris.items() if place.startswith(_LOCAL)}
        for path, (place, uri) in product(self._paths, local.items()):
            one, other = os.path.realpath(path), os.path.realpath(place)
            if os.path.commonpath((one, other)) in (one, other):
                what = f"{path} and {uri} are one place, or one lies within the other"
                raise UsageError(what, hint="name one of them, or its photos come twice")

    def photos(self) -> Iterator[NamedPhoto]:
        """Paths first, as `discover` finds them, then the URIs, each by name; the same at every call.

        Raises:
            UsageError: a source is not there, or it or a folder in it may not be listed.
        """
        for file in discover(
            self._paths,
            recursive=self.recursive,
            include=self.include,
            exclude=self.exclude,
            on_problem=_refuse,
        ):
            yield NamedPhoto(str(file.path), str(file.raw_mate) if file.raw_mate else None)
        for uri in self._uris.values():
            yield from self._below(uri)

    @property
    def _paths(self) -> list[Path]:
        return [Path(source) for source in self.sources if not is_uri(source)]

    @property
    def _uris(self) -> dict[str, str]:
        """Place -> URI as it was named, without a slash at its end; `s3://` and `s3a://` are one place.

        Raises:
            UsageError: the protocol is unknown, or its package is not installed.
        """
        uris: dict[str, str] = {}
        for uri in (source.rstrip("/") for source in self.sources if is_uri(source)):
            fs, root = filesystem(uri)
            uris.setdefault(str(fs.unstrip_protocol(root)).rstrip("/"), uri)
        return uris

    def _below(self, uri: str) -> Iterator[NamedPhoto]:
        fs, root = filesystem(uri)
        if _kind(uri) == "file":
            yield NamedPhoto(uri)
            return
        rules = _Rules(root, Globs(self.include), Globs(self.exclude))
        try:
            for shot in paired(filter(rules.takes, _keys(fs, root, rules, recursive=self.recursive))):
                if rules.includes(shot):
                    key, mate = shot
                    yield NamedPhoto(fs.unstrip_protocol(key), fs.unstrip_protocol(mate) if mate else None)
        except Exception as error:  # every store has exceptions of its own
            raise UsageError(f"cannot list {uri}: {reason_of(error)}", hint=_STORE_HINT) from error


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a listing enters and keeps, on keys below `root`; see `photos.discover`."""

    root: str
    include: Globs
    exclude: Globs

    def relative(self, key: str) -> str:
        return key[len(self.root) :].lstrip("/")

    def takes(self, key: str) -> bool:
        return is_photo(key.rpartition("/")[2]) and self.enters(key)

    def enters(self, key: str) -> bool:
        """Not hidden, junk or excluded, and in no folder that is."""
        parts = self.relative(key).split("/")
        if any(part.startswith(".") or part.lower() in JUNK for part in parts):
            return False
        return not (self.exclude and any(self.exclude.match("/".join(parts[: n + 1])) for n in range(len(parts))))

    def includes(self, shot: tuple[str, str | None]) -> bool:
        return not self.include or any(self.include.match(self.relative(key)) for key in shot if key)


def paired(keys: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Sorted keys -> (photo to read, its RAW mate or None), with a window of few keys instead of a whole folder.

    Files of one stem agree up to the first dot of their names, and sorted keys that begin alike stand together.
    """
    window: list[str] = []
    start = ""
    for key in keys:
        if window and not key.startswith(start):
            yield from _shots(window)
            window = []
        if not window:
            folder, slash, name = key.rpartition("/")
            start = f"{folder}{slash}{name.partition('.')[0]}."
        window.append(key)
    yield from _shots(window)


def _shots(window: list[str]) -> Iterator[tuple[str, str | None]]:
    if len(window) == 1:
        yield window[0], None
        return
    for folder, keys in groupby(sorted(window, key=_folder), key=_folder):
        for name, raw in pair(key[len(folder) :] for key in keys):
            yield folder + name, folder + raw if raw else None


def _folder(key: str) -> str:
    return key[: key.rfind("/") + 1]


def _kind(uri: str) -> str:
    """`file` or `directory`."""
    fs, root = filesystem(uri)
    try:
        return str(fs.info(root)["type"])
    except FileNotFoundError:
        raise UsageError(f"nothing at {uri}", hint="check the bucket and the prefix") from None
    except Exception as error:  # every store has exceptions of its own
        raise UsageError(f"cannot read {uri}: {reason_of(error)}", hint=_STORE_HINT) from error


def _refuse(problem: PhotoError) -> None:
    """End the listing at a folder that cannot be read, as at one of a store: nobody here would hear of what is lost."""
    raise UsageError(f"{problem.path}: {problem.message}", hint="check its permissions, or leave it out with --exclude")


def _keys(fs: Any, root: str, rules: _Rules, *, recursive: bool) -> Iterator[str]:
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
    if any(name in _S3 for name in protocols):
        return _s3_keys(fs, root, recursive=recursive)
    return _walked(fs, root, rules, recursive=recursive)


def _s3_keys(fs: Any, root: str, *, recursive: bool) -> Iterator[str]:
    """Keys below a prefix, a thousand for each request, in the order of their bytes."""
    bucket, _, prefix = root.partition("/")
    request = {"Bucket": bucket, "Prefix": prefix and f"{prefix}/"}
    if not recursive:
        request["Delimiter"] = "/"
    while True:
        page = fs.call_s3("list_objects_v2", **request)
        for item in page.get("Contents", ()):
            yield f"{bucket}/{item['Key']}"
        if not page.get("IsTruncated"):
            return
        request["ContinuationToken"] = page["NextContinuationToken"]


def _walked(fs: Any, root: str, rules: _Rules, *, recursive: bool) -> Iterator[str]:
    """Files of a folder by name, then its sub-folders by name, depth first; holds the names of one folder."""
    pending = [root]
    while pending:
        entries = sorted(fs.ls(pending.pop(), detail=True), key=lambda entry: str(entry["name"]))
        yield from (entry["name"] for entry in entries if entry["type"] == "file")
        if recursive:
            folders = (entry["name"].rstrip("/") for entry in entries if entry["type"] == "directory")
            pending.extend(reversed([folder for folder in folders if rules.enters(folder)]))

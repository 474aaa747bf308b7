"""Listing without a cluster: rules, pairing, partitions. fsspec's file system in memory stands for a store."""

from __future__ import annotations

import errno
import os
import shutil
from types import SimpleNamespace

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from piqa_cli.cluster import listing
from piqa_cli.cluster.fetching import fetched
from piqa_cli.cluster.listing import Listing, paired
from piqa_cli.cluster.photos import NamedPhoto, Partition, cut
from piqa_cli.cluster.places import is_uri
from piqa_cli.errors import EngineError, UsageError
from piqa_cli.photos import walk


@pytest.fixture
def memory():
    fs = fsspec.filesystem("memory")
    yield lambda *keys: [fs.pipe_file(f"/{key}", b"x") for key in keys]
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


def names(*sources, **rules):
    return [(photo.name, photo.raw_mate) for photo in Listing(sources, **rules).photos()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://b/p", True),
        ("memory://x", True),
        ("/a/s3://b", False),
        ("photos", False),
        (r"C:\x", False),
        ("s3:", False),
    ],
)
def test_a_uri_has_a_protocol(text, expected):
    assert is_uri(text) is expected


def test_a_store_is_listed_by_the_rules_of_a_disk(memory):
    memory(
        "b/z.JPG",
        "b/a.jpg",
        "b/sub/c.heic",
        "b/notes.txt",
        "b/.hidden/x.jpg",
        "b/.y.jpg",
        "b/@eaDir/t.jpg",
        "b/d/e.png",
    )
    found = [name for name, _ in names("memory://b")]
    assert found == [f"memory:///b/{key}" for key in ("a.jpg", "z.JPG", "d/e.png", "sub/c.heic")]


def test_a_raw_file_and_its_jpeg_are_one_photo(memory):
    memory("b/IMG_1.CR2", "b/IMG_1.JPG", "b/IMG_10.CR2", "b/IMG_1.edit.jpg")
    assert names("memory://b") == [
        ("memory:///b/IMG_1.JPG", "memory:///b/IMG_1.CR2"),
        ("memory:///b/IMG_1.edit.jpg", None),
        ("memory:///b/IMG_10.CR2", None),
    ]


def test_patterns_and_no_recursion(memory):
    memory("b/a.jpg", "b/b.png", "b/selects/c.jpg")
    assert [name[-5:] for name, _ in names("memory://b", recursive=False)] == ["a.jpg", "b.png"]
    assert [name[-5:] for name, _ in names("memory://b", exclude=("selects",))] == ["a.jpg", "b.png"]
    assert [name[-5:] for name, _ in names("memory://b", include=("*.jpg",))] == ["a.jpg", "c.jpg"]


def test_local_paths_stay_as_they_were_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("b.jpg", "a.jpg", "a.cr2"):
        (tmp_path / "in" / name).write_bytes(b"x")
    assert names("in") == [("in/a.jpg", "in/a.cr2"), ("in/b.jpg", None)]


def test_a_folder_that_cannot_be_listed_is_not_left_out_unsaid(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"x")
    listed = walk._list_folder

    def refuse(folder):
        if folder.name == "locked":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return listed(folder)

    monkeypatch.setattr(walk, "_list_folder", refuse)
    with pytest.raises(UsageError, match="locked: folder cannot be listed: Permission denied"):
        names(str(tmp_path))
    assert names(str(tmp_path), exclude=("locked",)) == [(str(tmp_path / "a.jpg"), None)]


def test_a_store_that_fails_on_the_way(memory, monkeypatch):
    memory("b/a.jpg", "b/locked/b.jpg")
    listed = MemoryFileSystem.ls

    def refuse(fs, path, **options):
        if path.endswith("locked"):
            raise PermissionError("Access Denied")
        return listed(fs, path, **options)

    monkeypatch.setattr(MemoryFileSystem, "ls", refuse)
    with pytest.raises(UsageError, match="cannot list memory://b: Access Denied"):
        names("memory://b")


def test_a_single_object(memory):
    memory("b/a.jpg", "b/a.jpg.txt")
    assert names("memory://b/a.jpg") == [("memory://b/a.jpg", None)]


@pytest.mark.parametrize("sources", [("memory://b", "memory://b/sub"), ("memory://nothing",), ("missing-folder",)])
def test_what_cannot_be_listed_is_refused_before_the_work(memory, sources):
    memory("b/sub/a.jpg")
    with pytest.raises(UsageError):
        Listing(sources).check()


def test_two_names_of_one_store(monkeypatch):
    monkeypatch.setattr(listing, "_kind", lambda uri: "file")
    assert names("s3://b/x.jpg", "s3a://b/x.jpg", "s3://b/x.jpg/") == [("s3://b/x.jpg", None)]
    with pytest.raises(UsageError, match="s3a://b/x/ lies within s3://b/"):
        Listing(("s3a://b/x", "s3://b")).check()


@pytest.mark.parametrize(("path", "uri"), [("in", "in"), ("in/sub", "in"), (".", "in"), ("link", "in/sub")])
def test_a_path_and_a_uri_of_one_place(tmp_path, monkeypatch, path, uri):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to("in")
    Listing((f"file://{tmp_path}/{uri}", "other")).check()
    with pytest.raises(UsageError, match="are one place, or one lies within the other"):
        Listing((f"file://{tmp_path}/{uri}", path)).check()


def test_two_colons_in_a_name_are_no_chain_of_file_systems(tmp_path):
    folder = tmp_path / "Rome::day 1"
    folder.mkdir()
    (folder / "local::b.jpg").write_bytes(b"x")
    found = Listing((f"file://{folder}",))
    found.check()
    assert [(photo.reason, photo.path.read_bytes()) for photo in fetched(found.photos(), tmp_path, tmp_path)] == [
        (None, b"x")
    ]


def test_a_path_up_from_behind_a_link_is_what_it_is_to_the_system(tmp_path, monkeypatch):
    (tmp_path / "far" / "inside").mkdir(parents=True)
    (tmp_path / "far" / "a.jpg").write_bytes(b"far")
    (tmp_path / "a.jpg").write_bytes(b"near")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "inside")
    monkeypatch.chdir(tmp_path)
    found = Listing(("link/../a.jpg",))
    assert [photo.path.read_bytes() for photo in fetched(found.photos(), tmp_path, tmp_path)] == [b"far"]


def test_a_copy_is_named_after_the_object_and_not_after_its_bucket(memory, tmp_path):
    memory("my.bucket/day/photo", "my.bucket/a.JPG")
    photos = [NamedPhoto(f"memory://my.bucket/{key}") for key in ("day/photo", "a.JPG")]
    assert [photo.path.relative_to(tmp_path).as_posix() for photo in fetched(photos, tmp_path, tmp_path)] == [
        "00000",
        "00001.jpg",
    ]


def test_a_full_disk_is_no_fault_of_the_photos(memory, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    memory("b/a.jpg")
    monkeypatch.setattr(MemoryFileSystem, "get_file", full)
    with pytest.raises(EngineError, match=r"no room for a copy of memory:///b/a.jpg in .*: No space left on device"):
        list(fetched(Listing(("memory://b",)).photos(), tmp_path, tmp_path))


def test_an_object_that_would_fill_the_disk_for_copies_is_a_row_of_its_own(memory, tmp_path, monkeypatch):
    memory("b/a.jpg", "b/b.jpg")
    with MemoryFileSystem().open("memory://b/b.jpg", "wb") as file:
        file.write(bytes(1001))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=8000))
    small, large = fetched(Listing(("memory://b",)).photos(), tmp_path, tmp_path)
    assert small.reason is None
    assert (large.reason or "").startswith("too large for a copy: 1e-06 GB, where 8 at a time have 8e-06 GB")
    large.discard()
    assert list(tmp_path.iterdir()) == [small.path]


def test_pairing_holds_a_window_and_not_the_listing():
    taken = []

    def keys():
        for number in range(1000):
            for suffix in ("ARW", "JPG"):
                taken.append(number)
                yield f"b/DSC{number:05}.{suffix}"

    shots = paired(keys())
    assert next(shots) == ("b/DSC00000.JPG", "b/DSC00000.ARW")
    assert len(taken) <= 3
    assert len(list(shots)) == 999


def test_files_of_one_stem_are_found_across_a_folder_that_sorts_between_them():
    keys = sorted(["b/I.CR2", "b/I.D/x.jpg", "b/I.JPG", "b/J.JPG"])
    assert sorted(paired(keys)) == [("b/I.D/x.jpg", None), ("b/I.JPG", "b/I.CR2"), ("b/J.JPG", None)]


def test_partitions_are_cut_as_photos_come_and_travel_as_ascii():
    photos = [NamedPhoto(f"s3://b/{n}.jpg", "s3://b/é.dng" if n == 2 else None) for n in range(5)]
    photos.append(NamedPhoto("caf\udce9.jpg"))
    parts = list(cut(iter(photos), 4))
    assert [part.number for part in parts] == [0, 1]
    assert [photo for part in parts for photo in part.photos] == photos
    assert all(part.listing.isascii() for part in parts)
    assert parts[0].digest == Partition(7, parts[0].listing).digest != parts[1].digest

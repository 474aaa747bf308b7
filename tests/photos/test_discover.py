from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piqa_cli.errors import PhotoError, UnreadablePhoto, UsageError
from piqa_cli.photos import walk
from piqa_cli.photos.discover import IMAGE_SUFFIXES, RAW_SUFFIXES, discover, read_path_list
from piqa_cli.photos.pairing import leads_without_raw, pair
from piqa_cli.photos.walk import OWN_PICTURES
from piqa_cli.records import PhotoFile


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def found(root: Path, **options: object) -> list[str]:
    return [photo.path.relative_to(root).as_posix() for photo in discover([root], **options)]  # type: ignore[arg-type]


def test_order_is_files_by_name_then_folders_by_name(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a/z.jpg", "a/b/c.png", "c.jpg", "B/x.tif", "a.jpg")
    assert found(tmp_path) == ["a.jpg", "b.jpg", "c.jpg", "B/x.tif", "a/z.jpg", "a/b/c.png"]


def test_not_recursive_stays_in_the_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "sub/b.jpg")
    assert found(tmp_path, recursive=False) == ["a.jpg"]


def test_a_folder_apart_is_walked_only_where_it_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "best/picks/b.jpg", "sub/c.jpg")
    best = tmp_path / "sub" / ".." / "best"
    assert found(tmp_path, apart=[best]) == ["a.jpg", "sub/c.jpg"]
    named = [photo.path.name for photo in discover([tmp_path, tmp_path / "best"], apart=[best])]
    assert named == ["a.jpg", "c.jpg", "b.jpg"]
    assert [photo.path.name for photo in discover([tmp_path / "best/picks"], apart=[best])] == ["b.jpg"]


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES | RAW_SUFFIXES))
def test_suffixes_in_any_case(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, f"low{suffix}", f"UP{suffix.upper()}")
    assert found(tmp_path) == [f"UP{suffix.upper()}", f"low{suffix}"]


def test_supported_suffixes_are_the_promised_ones() -> None:
    promised = ".jpg .jpeg .jpe .jfif .png .webp .tif .tiff .bmp .avif .heic .heif .hif"
    assert set(promised.split()) == IMAGE_SUFFIXES
    assert {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"} == RAW_SUFFIXES


def test_other_files_and_junk_are_left_out(tmp_path: Path) -> None:
    junk = ("notes.txt", "clip.mp4", "jpg", ".jpg", ".hidden.jpg", "._a.jpg", "Thumbs.db", ".cache/a.jpg")
    folders = (
        "@eaDir/a.jpg",
        "sub/@eaDir/a.jpg",
        "__MACOSX/a.jpg",
        "$RECYCLE.BIN/a.jpg",
        "System Volume Information/a.jpg",
    )
    touch(tmp_path, "a.jpg", *junk, *folders)
    assert found(tmp_path) == ["a.jpg"]


def test_pictures_of_a_report_are_no_photos(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "report_files/1.jpg", "report_files/sub/2.jpg", f"report_files/{OWN_PICTURES}")
    assert found(tmp_path) == ["a.jpg"]
    assert found(tmp_path / "report_files") == []


@pytest.mark.parametrize("name", [".hidden", "@eaDir", "__MACOSX"])
def test_junk_folder_that_is_named_is_walked(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"{name}/a.jpg")
    assert found(tmp_path / name) == ["a.jpg"]


def test_symlinks_are_followed_only_when_named(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.jpg", "walked/b.jpg")
    (tmp_path / "walked/link.jpg").symlink_to(tmp_path / "real/a.jpg")
    (tmp_path / "walked/folder").symlink_to(tmp_path / "real")
    (tmp_path / "walked/loop").symlink_to(tmp_path / "walked")
    assert found(tmp_path / "walked") == ["b.jpg"]
    assert found(tmp_path / "walked/folder") == ["a.jpg"]
    assert list(discover([tmp_path / "walked/link.jpg"])) == [PhotoFile(tmp_path / "walked/link.jpg")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_special_files_are_left_out_and_refused_when_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert found(tmp_path) == ["a.jpg"]
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        discover([tmp_path / "pipe.jpg"])


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["*.png"], [], ["b.png", "in/d.png"]),
        (["*.JPG"], [], ["a.jpg", "in/c.jpg", "in/deep/e.jpg", "out/f.jpg"]),
        (["in/*"], [], ["in/c.jpg", "in/d.png", "in/deep/e.jpg"]),
        (["./in/**/*.jpg"], [], ["in/c.jpg", "in/deep/e.jpg"]),
        (["**/*.png"], [], ["b.png", "in/d.png"]),
        (["[ab].*", "f.jpg"], [], ["a.jpg", "b.png", "out/f.jpg"]),
        ([], ["in"], ["a.jpg", "b.png", "out/f.jpg"]),
        ([], ["IN/"], ["a.jpg", "b.png", "out/f.jpg"]),
        ([], ["in/deep"], ["a.jpg", "b.png", "in/c.jpg", "in/d.png", "out/f.jpg"]),
        (["*.jpg"], ["out/*", "a.*"], ["in/c.jpg", "in/deep/e.jpg"]),
        (["a.jpg"], ["a.jpg"], []),
    ],
)
def test_globs(tmp_path: Path, include: list[str], exclude: list[str], expected: list[str]) -> None:
    touch(tmp_path, "a.jpg", "b.png", "in/c.jpg", "in/d.png", "in/deep/e.jpg", "out/f.jpg")
    assert found(tmp_path, include=include, exclude=exclude) == expected


@pytest.mark.parametrize("pattern", ["\u00c9t\u00e9/*", "E\u0301te\u0301/*"])
def test_globs_know_accented_letters_in_both_forms(tmp_path: Path, pattern: str) -> None:
    touch(tmp_path, "E\u0301te\u0301/a.jpg", "\u00c9t\u00e9/b.jpg", "c.jpg")  # one folder on a Mac
    assert found(tmp_path, exclude=[pattern]) == ["c.jpg"]


def test_a_folder_that_is_named_is_walked_though_one_of_its_name_is_excluded(tmp_path: Path) -> None:
    touch(tmp_path, "old/a.jpg", "old/old/b.jpg", "old/new/c.jpg")
    assert found(tmp_path / "old", exclude=["old"]) == ["a.jpg", "new/c.jpg"]


def test_excluded_folder_is_not_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.jpg", "private/b.jpg", "open/c.jpg")
    listed: list[str] = []
    real = os.scandir

    def spy(folder: Path) -> object:
        listed.append(Path(folder).name)
        return real(folder)

    with monkeypatch.context() as patch:
        patch.setattr(walk.os, "scandir", spy)
        assert found(tmp_path, exclude=["private"]) == ["a.jpg", "open/c.jpg"]
    assert "open" in listed
    assert "private" not in listed


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "a.cr2"], [("a.jpg", "a.cr2")]),
        (["a.JPG", "a.CR2"], [("a.JPG", "a.CR2")]),
        (["a.heic", "a.DNG"], [("a.heic", "a.DNG")]),
        (["a.jpg", "a.heic", "a.dng"], [("a.heic", None), ("a.jpg", "a.dng")]),
        (["a.jpg", "A.cr2"], [("A.cr2", None), ("a.jpg", None)]),
        (["a.png", "a.cr2"], [("a.cr2", None), ("a.png", None)]),
        (["a.cr2"], [("a.cr2", None)]),
        (["a.jpg", "a.cr2", "a.dng"], [("a.dng", None), ("a.jpg", "a.cr2")]),
        (["a.jpg", "a.jpeg", "a.cr2"], [("a.jpeg", "a.cr2"), ("a.jpg", None)]),
        (["a.b.jpg", "a.nef"], [("a.b.jpg", None), ("a.nef", None)]),
    ],
    ids=lambda value: "+".join(map(str, value)) if isinstance(value[0], str) else "",
)
def test_pairing(names: list[str], expected: list[tuple[str, str | None]]) -> None:
    assert list(pair(names)) == expected


def test_whom_a_raw_file_of_another_kind_belongs_to() -> None:
    """The same one whatever the order of the folder's list; piqa does not read the RAW file, but it travels along."""
    for names in (["a.jpg", "a.jpeg", "b.jpg", "b.cr2"], ["b.cr2", "b.jpg", "a.jpeg", "a.jpg"]):
        assert leads_without_raw(names) == {"a": "a.jpeg"}


@given(st.lists(st.from_regex(r"[ab]{1,2}\.(jpg|JPG|heic|png|cr2|DNG)", fullmatch=True), unique=True))
def test_pairing_keeps_every_file_exactly_once(names: list[str]) -> None:
    flat = [name for both in pair(names) for name in both if name is not None]
    assert sorted(flat) == sorted(names)


def test_raw_and_jpeg_are_one_photo_in_a_walk(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.NEF", "sub/a.arw", "b.raf")
    assert list(discover([tmp_path])) == [
        PhotoFile(tmp_path / "a.jpg", tmp_path / "a.NEF"),
        PhotoFile(tmp_path / "b.raf"),
        PhotoFile(tmp_path / "sub/a.arw"),
    ]


def test_globs_and_pairs(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.nef")
    pair_of_both = [PhotoFile(tmp_path / "a.jpg", tmp_path / "a.nef")]
    assert list(discover([tmp_path], include=["*.jpg"])) == pair_of_both
    assert list(discover([tmp_path], include=["*.nef"])) == pair_of_both
    assert list(discover([tmp_path], exclude=["*.nef"])) == [PhotoFile(tmp_path / "a.jpg")]
    assert list(discover([tmp_path], exclude=["*.jpg"])) == [PhotoFile(tmp_path / "a.nef")]


def test_named_files_pair_with_their_raw_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.nef", "b.nef", "b.jpg")
    both = [PhotoFile(tmp_path / "a.jpg", tmp_path / "a.nef")]
    assert list(discover([tmp_path / "a.jpg"])) == both
    assert list(discover([tmp_path / "a.nef", tmp_path / "a.jpg"])) == both
    assert list(discover([tmp_path / "b.nef"])) == [PhotoFile(tmp_path / "b.nef")]


def test_named_file_is_yielded_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.xyz", ".hidden.jpg")
    named = [tmp_path / "a.xyz", tmp_path / ".hidden.jpg"]
    assert [photo.path for photo in discover(named)] == named


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"exclude": ["B.*"]}, ["a.jpg+a.nef", "in/c.jpg"]),
        ({"exclude": ["in/*"]}, ["a.jpg+a.nef", "b.jpg"]),
        ({"exclude": ["in"]}, ["a.jpg+a.nef", "b.jpg"]),
        ({"exclude": ["shoot/in"]}, ["a.jpg+a.nef", "b.jpg"]),
        ({"exclude": ["*.nef"]}, ["a.jpg", "b.jpg", "in/c.jpg"]),
        ({"exclude": ["a.jpg"]}, ["a.nef", "b.jpg", "in/c.jpg"]),
        ({"include": ["*.nef", "c.*"]}, ["a.jpg+a.nef", "in/c.jpg"]),
        ({"include": ["in/*"], "exclude": ["c.jpg"]}, []),
    ],
    ids=str,
)
@pytest.mark.parametrize("listed", [False, True])
def test_patterns_touch_files_that_a_shell_or_a_list_names(tmp_path: Path, options, kept: list[str], listed) -> None:
    touch(tmp_path, "shoot/a.jpg", "shoot/a.nef", "shoot/b.jpg", "shoot/in/c.jpg")
    named = [tmp_path / "shoot" / name for name in ("a.jpg", "a.nef", "b.jpg", "in/c.jpg")]
    photos = discover([], listed=named, **options) if listed else discover(named, **options)
    shots = [[path for path in (photo.path, photo.raw_mate) if path] for photo in photos]
    assert ["+".join(str(path.relative_to(tmp_path / "shoot")) for path in shot) for shot in shots] == kept


@pytest.mark.parametrize("pattern", ["shoot/in", "./Shoot/in/*", "2024/shoot/in/"])
def test_a_pattern_may_repeat_the_name_of_the_folder(tmp_path: Path, pattern: str) -> None:
    touch(tmp_path, "2024/shoot/a.jpg", "2024/shoot/in/c.jpg")
    root = tmp_path / "2024/shoot"
    assert found(root, exclude=[pattern]) == ["a.jpg"]
    assert found(root, include=[pattern.replace("/in/*", "/in").rstrip("/") + "/*"]) == ["in/c.jpg"]
    touch(root, "shoot/in/d.jpg")  # then that is meant
    assert found(root, exclude=["shoot/in"]) == ["a.jpg", "in/c.jpg"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"include": ["*.jpg", "*.CR2", "*.jgp"]}, ["include *.jgp"]),
        ({"exclude": ["selcts/*", "b.*", "SELECTS/c*"]}, ["exclude selcts/*"]),
        ({"exclude": ["shoot/selects/", "**/b.jpg"]}, []),
        ({"exclude": ["selects/*", "d.*"], "recursive": False}, ["exclude d.*"]),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_a_pattern_that_matches_nothing_is_told_at_the_end(tmp_path: Path, options, told, named) -> None:
    shoot = tmp_path / "shoot"
    touch(shoot, "a.jpg", "a.cr2", "b.jpg", "selects/c.jpg")
    heard: list[str] = []
    paths = [shoot / "a.jpg", shoot / "b.jpg", shoot / "selects/c.jpg"] if named else [shoot]
    photos = discover(paths, **options, on_unmatched=lambda kind, pattern: heard.append(f"{kind} {pattern}"))
    next(photos)
    assert heard == []
    list(photos)
    assert heard == told


def test_a_file_reached_twice_is_yielded_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.nef", "c.jpg", "sub/d.jpg")
    named = [tmp_path, tmp_path / "sub/../a.jpg", tmp_path / "sub", tmp_path / "sub", tmp_path / "a.jpg"]
    paths = [photo.path for photo in discover(named)]
    assert [path.resolve() for path in paths] == [tmp_path / "c.jpg", tmp_path / "a.jpg", tmp_path / "sub/d.jpg"]


def test_a_raw_file_named_beside_its_folder_is_in_one_record_only(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.nef")
    assert list(discover([tmp_path, tmp_path / "a.nef"])) == [
        PhotoFile(tmp_path / "a.jpg"),
        PhotoFile(tmp_path / "a.nef"),
    ]


def test_missing_path_is_refused_before_the_first_photo(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    with pytest.raises(UsageError, match="nowhere") as caught:
        discover([tmp_path, tmp_path / "nowhere"])
    assert caught.value.hint


def test_a_pattern_that_the_shell_found_nothing_for_is_no_spelling_mistake(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    with pytest.raises(UsageError, match="no such file or folder") as caught:
        discover([tmp_path / "*.JPG"])
    assert caught.value.hint == "no name is like that, capitals included"


def test_a_dangling_link_is_no_spelling_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "nowhere.jpg")
    with pytest.raises(UsageError, match=r"a link that leads nowhere: .*a\.jpg") as caught:
        discover([tmp_path / "a.jpg"])
    assert "name its folder" in caught.value.hint


def test_message_for_a_strange_name_is_one_printable_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        discover([tmp_path / os.fsdecode(b"line\nbreak\xff")])
    assert caught.value.message.isprintable()


def test_finding_is_lazy(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "sub/b.jpg")
    photos = discover([tmp_path])
    assert isinstance(photos, Iterator)
    assert next(photos).path.name == "a.jpg"
    touch(tmp_path, "sub/c.jpg")
    assert [photo.path.name for photo in photos] == ["b.jpg", "c.jpg"]


def test_folder_that_cannot_be_listed_is_reported_and_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.jpg", "locked/b.jpg", "open/c.jpg")
    real = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    problems: list[PhotoError] = []
    with monkeypatch.context() as patch:
        patch.setattr(walk.os, "scandir", refuse)
        assert found(tmp_path, on_problem=problems.append) == ["a.jpg", "open/c.jpg"]
        assert found(tmp_path) == ["a.jpg", "open/c.jpg"]
    assert [(type(p), p.path, p.message) for p in problems] == [
        (UnreadablePhoto, tmp_path / "locked", "folder cannot be listed: Permission denied")
    ]


def test_strange_names(tmp_path: Path) -> None:
    names = [
        "with space.jpg",
        "new\nline.jpg",
        "naïve 写真.jpg",
        os.fsdecode(b"bytes\xff\xfe.jpg"),
        "-dash.jpg",
        "[a].jpg",
    ]
    try:
        touch(tmp_path, *names)
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such names")
    assert sorted(found(tmp_path)) == sorted(names)
    assert found(tmp_path, include=["*\udcff*"]) == [os.fsdecode(b"bytes\xff\xfe.jpg")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a.jpg\nb c.jpg\n", [b"a.jpg", b"b c.jpg"]),
        (b"a.jpg\r\n\r\nb.jpg", [b"a.jpg", b"b.jpg"]),
        (b"a\nb.jpg\0c.jpg\0", [b"a\nb.jpg", b"c.jpg"]),
        (b"\xff\xfe.jpg\n", [b"\xff\xfe.jpg"]),
        (b"\xef\xbb\xbfa.jpg\nb.jpg\n", [b"a.jpg", b"b.jpg"]),
        ("\ufeffa.jpg\r\nb\u00fc.jpg\r\n".encode("utf-16-le"), [b"a.jpg", "b\u00fc.jpg".encode()]),
        ("\ufeffa.jpg\n".encode("utf-16-be"), [b"a.jpg"]),
        (b"", []),
        (b"\n\n", []),
    ],
)
def test_path_list(data: bytes, expected: list[bytes]) -> None:
    assert [os.fsencode(path) for path in read_path_list(io.BytesIO(data))] == expected


def test_import_is_light() -> None:
    code = "import sys, piqa_cli.photos.discover; print({'torch', 'PIL', 'numpy', 'exifread'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def unusable(folder: Path) -> list[Path]:
    """There, and neither a file nor a folder that can be listed."""
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "locked").mkdir()
    return [folder / name for name in ("dangling.jpg", "loop.jpg", "pipe.jpg", "locked")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_what_a_list_names_in_vain_comes_last_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    bad = unusable(tmp_path)
    real = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    gone = tmp_path / "gone.jpg"
    listed = [bad[0], tmp_path / "b.jpg", *bad[1:], gone, gone, tmp_path / "a.jpg"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        photos = discover([tmp_path / "a.jpg"], listed=listed)
        assert [photo.path for photo in photos] == [tmp_path / "a.jpg", tmp_path / "b.jpg", *bad, gone]
        for path in (*bad, gone):
            with pytest.raises(UsageError, match=path.name):
                discover([path])


def test_listed_folders_are_walked(tmp_path: Path) -> None:
    touch(tmp_path, "sub/a.jpg")
    assert list(discover([], listed=[tmp_path / "sub"])) == [PhotoFile(tmp_path / "sub/a.jpg")]

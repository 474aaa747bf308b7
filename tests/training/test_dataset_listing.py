from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from piqa_training.datasets.listing import Listing, VideoIndex, tables_below

LETTERS = st.text(st.sampled_from("abcXYZ019 _-éÄß"), min_size=1, max_size=8).map(str.strip).filter(bool)


@given(names=st.lists(LETTERS, min_size=1, max_size=3), swap=st.booleans(), separator=st.sampled_from("/\\"))
def test_another_spelling_finds_the_file(tmp_path_factory, names, swap, separator):
    root = tmp_path_factory.mktemp("listing")
    path = root.joinpath(*names).with_name(f"{names[-1]}.JPG")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    spelled = separator.join([*names[:-1], f"{names[-1]}.JPG"])
    assert Listing().find(root, spelled.swapcase() if swap else spelled) == path


def test_the_exact_spelling_wins(tmp_path):
    for name in ("a.jpg", "A.jpg", "A.JPG"):
        (tmp_path / name).touch()
    assert [Listing().find(tmp_path, name).name for name in ("a.jpg", "A.jpg", "A.JPG")] == ["a.jpg", "A.jpg", "A.JPG"]
    assert Listing().find(tmp_path, "a.JPG").name in ("a.jpg", "A.jpg", "A.JPG")


def test_a_backslash_may_be_part_of_a_name(tmp_path):
    (tmp_path / "a\\b.jpg").touch()
    assert Listing().find(tmp_path, "a\\b.jpg") == tmp_path / "a\\b.jpg"


def test_accents_written_in_two_ways(tmp_path):
    (tmp_path / "e\u0301te\u0301.jpg").touch()  # as macOS writes them
    assert Listing().find(tmp_path, "\u00e9t\u00e9.jpg") is not None


def test_absolute_and_upward_paths(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "a.jpg").touch()
    assert Listing().find(tmp_path / "labels", "../a.jpg") == tmp_path / "a.jpg"
    assert Listing().find(tmp_path / "labels", str(tmp_path / "a.jpg")) == tmp_path / "a.jpg"
    assert Listing().find(tmp_path, "gone/a.jpg") is None


def test_a_folder_that_may_be_entered_but_not_listed(tmp_path, monkeypatch):
    """As above the home folders of a shared machine: every absolute path was "no such file"."""
    (tmp_path / "home/me").mkdir(parents=True)
    (tmp_path / "home/me/a.jpg").touch()
    listed = Path.iterdir

    def refusing(folder):
        if folder == tmp_path / "home":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refusing)
    assert Listing().find(tmp_path, str(tmp_path / "home/me/A.jpg")) == tmp_path / "home/me/a.jpg"
    assert Listing().find(tmp_path, "home/you/a.jpg") is None
    assert Listing().find(tmp_path, "home/me/b.jpg") is None
    assert Listing().find(tmp_path, "home/me/" + "b" * 300) is None


def test_a_video_is_found_by_its_path_before_its_name(tmp_path):
    for place in ("x/batch1", "y/batch2"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "1.MP4").touch()
    index = VideoIndex(tmp_path)
    assert index.find("batch2/1") == tmp_path / "y/batch2/1.MP4"
    assert index.find("1") == tmp_path / "x/batch1/1.MP4"
    assert index.find("2") is None


def test_tables_come_nearest_first_and_without_hidden_ones(tmp_path):
    for name in (
        "z.csv",
        "sub/a.CSV",
        "skip/b.csv",
        ".hidden/c.csv",
        "._z.csv",
        "1/2/3/d.csv",
        "1/2/3/4/e.csv",
        "f.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in tables_below(tmp_path, skip=["Skip"])] == ["z.csv", "a.CSV", "d.csv"]

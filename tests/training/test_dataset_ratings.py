import pytest

from piqa_cli.errors import UsageError
from piqa_training.datasets.ratings import read_ratings
from tests.training.made_ratings import rated_photo

STARS = (1, 5, 3, 2, 4)


def shoot(folder, day, photos=10, **options):
    """A folder of photos with all stars in turn."""
    return [
        rated_photo(folder / f"{day}_{number}.jpg", STARS[number % len(STARS)], day, **options)
        for number in range(photos)
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Five days, of which two share a folder; photos are only read."""
    place = tmp_path_factory.mktemp("library")
    folders = {"01": "spring", "02": "spring", "03": "family/birthday", "04": "family/trip", "05": "studio"}
    for day, folder in folders.items():
        shoot(place / folder, f"2024-05-{day}")
    return place


def test_stars_of_every_source_are_scores(tmp_path):
    shoot(tmp_path, "2024-05-01", photos=15)
    rated_photo(tmp_path / "reject.jpg", -1, "2024-05-01")
    rated_photo(tmp_path / "sidecar.jpg", 4, "2024-05-01", sidecar=True)
    rated_photo(tmp_path / "none.jpg", None, "2024-05-01")
    rated_photo(tmp_path / "zero.jpg", 0, "2024-05-01")
    notes = []
    frame = read_ratings(tmp_path, least=10, on_note=notes.append).frame
    scores = {image.rpartition("/")[2]: score for image, score in zip(frame["image"], frame["score"], strict=True)}
    assert len(scores) == 17
    assert (scores["reject.jpg"], scores["sidecar.jpg"], scores["2024-05-01_1.jpg"]) == (0.0, 4.0, 5.0)
    assert "2 of 19 photos have no rating and are left out" in notes
    assert frame["std"].null_count() == 17


def test_days_are_scenes_and_whole_days_are_the_test(library):
    manifest = read_ratings(library)
    days = {f"2024-05-0{number}" for number in range(1, 6)}
    assert set(manifest.frame["scene"]) == days
    tested = set(manifest.part("test").frame["scene"])
    assert len(tested) == 1
    assert set(manifest.part("train").frame["scene"]) == days - tested
    assert read_ratings(library).frame.equals(manifest.frame)
    assert {tuple(read_ratings(library, seed=seed).part("test").counts()["scene"]) for seed in range(8)} != {
        tuple(tested)
    }
    assert len(read_ratings(library, test_share=0.4).part("test")) == 20
    assert len(read_ratings(library, test_share=0.25).part("test")) == 10  # nearer than two days


@pytest.mark.parametrize("share", [20, 1, -0.1, float("nan")])
def test_a_share_that_cannot_be_held_out(library, share):
    """20 was taken for nearly everything: all days but one went to the test."""
    with pytest.raises(UsageError, match="cannot be held out"):
        read_ratings(library, test_share=share)


def test_folders_are_scenes_where_that_is_asked_for(library):
    manifest = read_ratings(library, scenes="folder")
    assert set(manifest.frame["scene"]) == {"spring", "family/birthday", "family/trip", "studio"}
    days = {image.rpartition("/")[2].partition("_")[0] for image in manifest.part("test").frame["image"]}
    assert len(days) == 1
    assert len(manifest.part("test")) == 10


def test_a_folder_without_dates_is_a_day(tmp_path):
    for name in "abcde":
        for number in range(8):
            rated_photo(tmp_path / name / f"{number}.jpg", STARS[number % 5])
    notes = []
    manifest = read_ratings(tmp_path, on_note=notes.append)
    assert set(manifest.frame["scene"]) == set("abcde")
    assert manifest.part("test").frame["scene"].n_unique() == 1
    assert notes == ["40 rated photos without a capture date; all of a folder count as one day"]
    for number in range(20):
        rated_photo(tmp_path / "f" / f"{number}.jpg", STARS[number % 5] if number else None, "2024-05-01")
    rated_photo(tmp_path / "f" / "20.jpg", 3)
    notes.clear()
    read_ratings(tmp_path / "f", test_share=0, on_note=notes.append)
    assert notes == [
        "1 of 21 photos has no rating and is left out",
        "1 rated photo without a capture date; all of a folder count as one day",
    ]


def test_photos_of_a_single_day_are_held_out_one_by_one(tmp_path):
    shoot(tmp_path, "2024-05-01", photos=30)
    notes = []
    manifest = read_ratings(tmp_path, on_note=notes.append)
    assert manifest.counts()["n"].to_list() == [24, 6]
    assert "too few shooting days" in notes[0]


@pytest.mark.parametrize("of_camera", [None, 0])
def test_a_raw_file_may_hold_the_stars_of_its_jpeg(tmp_path, of_camera):
    """Many cameras write a rating of 0 into the JPEG, which hid the stars that darktable keeps beside the RAW file."""
    shoot(tmp_path, "2024-05-01", photos=10)
    rated_photo(tmp_path / "pair.jpg", of_camera, "2024-05-01")
    (tmp_path / "pair.cr2").write_bytes(b"II*\0 no real raw file")
    (tmp_path / "pair.cr2.xmp").write_text(
        (rated_photo(tmp_path / "x.jpg", 2, sidecar=True)).with_suffix(".xmp").read_text()
    )
    frame = read_ratings(tmp_path, least=5).frame
    assert dict(zip(frame["image"], frame["score"], strict=True))[str(tmp_path / "pair.jpg")] == 2.0


def test_too_few_rated_photos(tmp_path):
    shoot(tmp_path, "2024-05-01", photos=7)
    rated_photo(tmp_path / "none.jpg", None)
    with pytest.raises(
        UsageError, match=r"7 of 8 photos in .* have stars or are rejected; at least 20 are needed"
    ) as caught:
        read_ratings(tmp_path)
    assert "rate photos in your photo program" in caught.value.hint


@pytest.mark.parametrize(("rating", "what"), [(3, "have 3 stars"), (1, "have 1 star"), (-1, "are rejects")])
def test_all_with_the_same_stars(tmp_path, rating, what):
    for number in range(6):
        rated_photo(tmp_path / f"{number}.jpg", rating)
    with pytest.raises(UsageError, match=f"all 6 rated photos in .* {what}: there is nothing to compare"):
        read_ratings(tmp_path, least=5)


def test_days_of_one_star_each_give_no_pairs(tmp_path):
    for day, rating in enumerate(STARS, start=1):
        for number in range(5):
            rated_photo(tmp_path / f"{day}_{number}.jpg", rating, f"2024-05-0{day}")
    with pytest.raises(UsageError, match="no day has two training photos with different stars") as caught:
        read_ratings(tmp_path)
    assert caught.value.hint.startswith("use --scenes folder")
    assert len(read_ratings(tmp_path, scenes="folder")) == 25


def test_no_photos_and_no_folder(tmp_path):
    with pytest.raises(UsageError, match="0 of 0 photos"):
        read_ratings(tmp_path)
    with pytest.raises(UsageError, match="no such file or folder"):
        read_ratings(tmp_path / "gone")


def test_a_photo_is_no_folder_of_photos(tmp_path):
    """One with stars was a traceback."""
    photo = rated_photo(tmp_path / "a.jpg", 4)
    with pytest.raises(UsageError, match=r"a\.jpg: is a file, wanted a folder"):
        read_ratings(photo, least=1)


def test_photos_are_only_read(library):
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in library.rglob("*.*")}
    read_ratings(library)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in library.rglob("*.*")} == before


def test_the_only_day_with_pairs_is_not_held_out(tmp_path):
    shoot(tmp_path, "2024-05-01", photos=10)
    for number in range(30):
        rated_photo(tmp_path / f"flat_{number}.jpg", 3, "2024-05-02")
    manifest = read_ratings(tmp_path)
    assert dict(manifest.part("test").frame.group_by("scene").len().iter_rows()) == {"2024-05-01": 3, "2024-05-02": 6}

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piqa_cli.errors import UsageError
from piqa_training.manifest import SCHEMA, Manifest, held_out


def frame_of(scenes, *, split="train", dataset="made", folder="/photos", **columns):
    """One row for each photo: `scenes` is scene -> number of photos."""
    names = [(scene, f"{folder}/{scene}_{number}.jpg") for scene, n in scenes.items() for number in range(n)]
    rows = {
        "image": [image for _, image in names],
        "score": [float(place) for place in range(len(names))],
        "std": [None] * len(names),
        "scene": [scene for scene, _ in names],
        "split": [split] * len(names),
        "dataset": [dataset] * len(names),
    }
    return pl.DataFrame(rows | columns, schema_overrides=SCHEMA)


def images(manifest, split):
    return set(manifest.part(split).frame["image"])


def test_columns_get_their_types_and_others_go():
    frame = frame_of({"a": 2}, score=[1, 2]).with_columns(extra=1)
    manifest = Manifest(frame)
    assert dict(manifest.frame.schema) == {name: kind() for name, kind in SCHEMA.items()}
    assert len(manifest) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: frame.drop("scene"), "no column scene"),
        (lambda frame: frame.with_columns(score=pl.lit(float("nan"))), "2 rows without a finite score"),
        (lambda frame: frame.with_columns(score=pl.lit(None, pl.Float64)), "2 rows without a finite score"),
        (lambda frame: frame.with_columns(split=pl.lit("dev")), "known split"),
    ],
    ids=["missing column", "NaN", "null", "split"],
)
def test_a_frame_that_cannot_be_trained_on_is_refused(change, says):
    with pytest.raises(UsageError, match=says):
        Manifest(change(frame_of({"a": 2})))


def test_counts_are_sorted_with_train_first():
    frame = pl.concat([frame_of({"b": 1, "a": 3}, split="test"), frame_of({"a": 2}, folder="/more")])
    assert Manifest(frame).counts().rows() == [
        ("made", "a", "train", 2),
        ("made", "a", "test", 3),
        ("made", "b", "test", 1),
    ]


def test_whole_scenes_are_validated_on_where_the_test_has_scenes_of_its_own():
    scenes = {f"s{number}": 4 for number in range(10)}
    manifest = Manifest(pl.concat([frame_of(scenes), frame_of({"tested": 4}, split="test")])).with_validation(0.2, 3)
    val, train = manifest.part("val").frame, manifest.part("train").frame
    assert val["scene"].n_unique() == 2
    assert not set(val["scene"]) & set(train["scene"])
    assert set(val.group_by("scene").len()["len"]) == {4}
    assert set(manifest.part("test").frame["scene"]) == {"tested"}


@pytest.mark.parametrize(
    ("scenes", "tested"),
    [({f"s{n}": 20 for n in range(10)}, {"s3": 5}), ({"a": 20, "b": 20}, {"tested": 5}), ({"all": 100}, {})],
    ids=["device split", "few scenes", "one scene"],
)
def test_photos_of_every_scene_are_validated_on_otherwise(scenes, tested):
    frame = pl.concat([frame_of(scenes), frame_of(tested, split="test", folder="/tested")])
    manifest = Manifest(frame).with_validation(0.2, 0)
    held = dict(manifest.part("val").frame.group_by("scene").len().iter_rows())
    assert held == {scene: n / 5 for scene, n in scenes.items()}
    assert images(manifest, "test") == images(Manifest(frame), "test")
    assert manifest.frame["image"].to_list() == frame["image"].to_list()  # the order stays


def test_a_scene_of_nine_gives_enough_photos_for_a_correlation():
    manifest = Manifest(frame_of({"nine": 9, "four": 4, "two": 2})).with_validation(0.1, 0)
    assert dict(manifest.part("val").frame.group_by("scene").len().iter_rows()) == {"nine": 3, "four": 1}


def test_small_scenes_are_moved_whole_where_there_are_no_larger_ones():
    manifest = Manifest(frame_of({f"s{number}": 2 for number in range(10)})).with_validation(0.1, 0)
    assert manifest.part("val").frame["scene"].n_unique() == 1
    assert len(manifest.part("val")) == 2


def test_the_choice_depends_on_seed_and_names_only():
    frame = frame_of({"all": 50})
    moved = frame.with_columns(image=pl.col("image").str.replace("/photos", "/elsewhere"))
    first = {image.rpartition("/")[2] for image in images(Manifest(frame).with_validation(0.2, 1), "val")}
    again = images(Manifest(moved.sample(fraction=1.0, shuffle=True, seed=7)).with_validation(0.2, 1), "val")
    other = images(Manifest(frame).with_validation(0.2, 2), "val")
    assert first == {image.rpartition("/")[2] for image in again}
    assert first != {image.rpartition("/")[2] for image in other}


def test_a_val_part_that_is_there_is_kept_and_others_get_theirs():
    given = pl.concat([frame_of({"all": 20}), frame_of({"all": 3}, split="val", folder="/val")])
    other = frame_of({"all": 20}, dataset="other", folder="/other")
    manifest = Manifest(pl.concat([given, other])).with_validation(0.25, 0)
    assert dict(manifest.part("val").frame.group_by("dataset").len().iter_rows()) == {"made": 3, "other": 5}


def test_frames_of_a_clip_stay_together():
    clips = [f"/videos/{number // 4}.mp4" for number in range(80)]
    manifest = Manifest(frame_of({"all": 80}).with_columns(clip=pl.Series(clips))).with_validation(0.25, 0)
    val, train = manifest.part("val").frame, manifest.part("train").frame
    assert val["clip"].n_unique() == 5
    assert val.height == 20
    assert not set(val["clip"]) & set(train["clip"])


def test_a_share_of_nothing_moves_nothing_and_a_share_of_all_is_refused():
    manifest = Manifest(frame_of({"all": 20}))
    assert len(manifest.with_validation(0, 0).part("val")) == 0
    with pytest.raises(UsageError, match="a share of 1 cannot be held out"):
        held_out(manifest.frame, 1.0, 0, by_scene=False)


def test_held_out_copies_of_train_photos_are_told():
    frame = frame_of({"all": 5}).with_columns(split=pl.Series(["train", "train", "val", "test", "test"]))
    images = frame["image"].to_list()
    assert Manifest(frame).leaks({image: image for image in images}) == []
    contents = dict(zip(images, ["a", "b", "c", "b", "a"], strict=True))
    (leak,) = Manifest(frame).leaks(contents)
    example = f"{images[3]} is {images[1]}"
    assert leak == f"2 photos of the test split also in the train split: {example}; its figures flatter"


def test_copies_in_the_validation_and_the_test_part_are_told():
    frame = frame_of({"all": 4}).with_columns(split=pl.Series(["train", "val", "val", "test"]))
    images = frame["image"].to_list()
    (leak,) = Manifest(frame).leaks(dict(zip(images, ["a", "b", "c", "b"], strict=True)))
    assert leak.startswith(f"1 photo of the test split also in the val split: {images[3]} is {images[1]}; ")
    every = Manifest(frame).leaks(dict.fromkeys(images, "a"))
    assert [line.split(":")[0] for line in every] == [
        "2 photos of the val split also in the train split",
        "1 photo of the test split also in the train split",
        "1 photo of the test split also in the val split",
    ]


def test_one_photo_scenes_and_flat_scenes_are_warned_of_in_train_only():
    frame = frame_of({"lonely": 1, "flat": 3, "fine": 2}, score=[1.0, 5.0, 5.0, 5.0, 1.0, 2.0])
    first, second = Manifest(frame).warnings()
    assert first == "1 scene (lonely) of the train split with one photo only, which forms no pair"
    assert second.startswith("1 scene (flat) of the train split with the same score")
    assert Manifest(frame.with_columns(split=pl.lit("test"))).warnings() == []


def test_held_out_parts_that_tell_nothing_are_told_of():
    splits = ["train"] * 3 + ["val", "val", "test", "test"]
    frame = frame_of({"a": 7}, score=[1.0, 2.0, 3.0, 1.0, 2.0, 1.0, 2.0]).with_columns(split=pl.Series(splits))
    assert Manifest(frame).unjudged() == []
    last = "the last epoch will count as the best one"
    one = frame.filter(~((pl.col("split") != "train") & (pl.col("score") == 2)))
    assert Manifest(one).unjudged() == [
        f"no two photos of the validation part can be compared: {last}",
        "no two photos of the test part can be compared: its results will be undefined",
    ]
    assert Manifest(one.head(3)).unjudged() == [f"there is no validation part: {last}"]


def test_a_long_list_of_scenes_is_cut():
    (warning,) = Manifest(frame_of({f"s{number}": 1 for number in range(8)})).warnings()
    assert warning.startswith("8 scenes (s0, s1, s2, s3, s4 and 3 more)")


def test_data_sets_are_joined_with_the_columns_of_all():
    clips = frame_of({"all": 2}, dataset="lsvq", folder="/frames").with_columns(clip=pl.lit("/v.mp4"))
    joined = Manifest.join([Manifest(frame_of({"a": 2})), Manifest(clips)])
    assert joined.datasets == ["lsvq", "made"]
    assert joined.frame["clip"].to_list() == [None, None, "/v.mp4", "/v.mp4"]


@pytest.mark.parametrize(("one", "other"), [("train", "test"), ("val", "test"), ("train", "val")])
def test_a_join_that_would_train_on_photos_that_are_held_out_is_refused(one, other):
    says = rf"different splits of two data sets: 2, as /photos/a_0.jpg \({' and '.join(sorted((one, other)))}\)"
    with pytest.raises(UsageError, match=says):
        Manifest.join([Manifest(frame_of({"a": 3}, split=one)), Manifest(frame_of({"a": 2}, split=other))])
    with pytest.raises(UsageError, match="no data set"):
        Manifest.join([])


def test_joined_data_sets_of_one_name_are_not_compared():
    parts = [Manifest(frame_of({"all": 2}, folder=f"/{place}")) for place in range(3)]
    assert Manifest.join(parts).frame["dataset"].to_list() == ["made", "made", "made-2", "made-2", "made-3", "made-3"]


@given(
    train=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 12), max_size=8),
    test=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 4), max_size=3),
    share=st.floats(0.01, 0.5),
    seed=st.integers(0, 99),
)
def test_validation_comes_from_train_alone_and_leaves_something_to_train_on(train, test, share, seed):
    before = Manifest(pl.concat([frame_of(train), frame_of(test, split="test", folder="/test")]))
    after = before.with_validation(share, seed)
    assert images(after, "test") == images(before, "test")
    assert images(after, "val") | images(after, "train") == images(before, "train")
    assert not train or images(after, "train")
    assert images(after, "val") or all(n < 3 for n in train.values())

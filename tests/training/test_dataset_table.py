import polars as pl
import pytest
from PIL import Image
from skimage import data

from piqa_cli.errors import UsageError
from piqa_training.datasets.table import read_table

SHARED = "shared"


@pytest.fixture
def folder(tmp_path):
    photo = Image.fromarray(data.astronaut()).resize((32, 32))
    (tmp_path / "img").mkdir()
    for name in ("a.jpg", "b.JPG", "c.png", "d.jpg", "e.jpg"):
        photo.save(tmp_path / "img" / name)
    return tmp_path


def write(folder, text, encoding="utf-8"):
    path = folder / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_all_columns(folder):
    text = (
        "image,score,scene,split,std,other\n"
        "img/a.jpg,1.5,x,train,0.25,?\n"
        "img/b.JPG,-2,x,Test,,?\n"
        "img/c.png,3,y,validation,0,?\n"
    )
    frame = read_table(write(folder, text)).frame
    assert frame["image"].to_list() == [str(folder / "img" / name) for name in ("a.jpg", "b.JPG", "c.png")]
    assert frame["score"].to_list() == [1.5, -2.0, 3.0]
    assert frame["std"].to_list() == [0.25, None, 0.0]
    assert frame["scene"].to_list() == ["x", "x", "y"]
    assert frame["split"].to_list() == ["train", "test", "val"]
    assert set(frame["dataset"]) == {"labels"}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("image,score\nimg/a.jpg,1\nimg/b.JPG,2\n", "utf-8-sig"),
        ("image;score\r\nimg/a.jpg;1\r\nimg/b.JPG;2\r\n", "utf-8"),
        ("image\tscore\nimg/a.jpg\t1\nimg/b.JPG\t2\n", "utf-16"),
        (" Image , SCORE ,\n IMG\\a.JPG , 1 ,\n\n img\\b.jpg , 2 ,\n", "utf-8"),
        ('"image","score"\n"img/a.jpg","1"\n"img/b.JPG","2"', "cp1252"),
        ("\n\r\nimage;score\nimg/a.jpg;1\nimg/b.JPG;2\n", "utf-8"),
    ],
    ids=["byte-order mark", "semicolons", "UTF-16 tabs", "another system's spelling", "quotes", "empty lines first"],
)
def test_files_of_any_program(folder, text, encoding):
    frame = read_table(write(folder, text, encoding)).frame
    assert sorted(frame["image"]) == [str(folder / "img/a.jpg"), str(folder / "img/b.JPG")]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_numbers_of_other_countries(folder, separator):
    rows = [("image", "score", "scene"), ("img/a.jpg", "-1,25", "a, b"), ("img/b.JPG", "2.5", "a, b")]
    frame = read_table(write(folder, "\n".join(map(separator.join, rows)), "utf-8"), test_share=0).frame
    assert frame["score"].to_list() == [-1.25, 2.5]
    assert set(frame["scene"]) == {"a, b"}


def test_numbers_with_commas_between_commas(folder):
    """LibreOffice writes them so in countries with commas in numbers."""
    rows = 'image,score,std\nimg/a.jpg,"0,750","1,5"\nimg/b.JPG,"-2,25","2,5E-03"\n'
    frame = read_table(write(folder, rows), test_share=0).frame
    assert frame["score"].to_list() == [0.75, -2.25]
    assert frame["std"].to_list() == [1.5, 0.0025]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('img/a.jpg,"1,250"', r"column score: not a number: '1,250' \(write it with a point\)"),
        ("img/a.jpg,0,75", r"column score: more cells than columns: 75 \(write numbers with a point, or in quotes\)"),
    ],
    ids=["a thousand?", "no quotes"],
)
def test_a_comma_that_may_be_something_else_is_told(folder, row, says):
    with pytest.raises(UsageError, match=f"labels.csv, line 2, {says}"):
        read_table(write(folder, f"image,score\n{row}\n"))


@pytest.mark.parametrize("mark", ["sep=;", "SEP=; ", "sep=,", "sep=\t", "sep=|"])
def test_a_line_that_tells_excel_the_separator_is_no_header(folder, mark):
    separator = mark[4]
    rows = [mark, f"image{separator}score", f"img/a.jpg{separator}1", f"img/b.JPG{separator}x"]
    with pytest.raises(UsageError, match="line 4, column score: not a number: 'x'"):
        read_table(write(folder, "\r\n".join(rows), "utf-8-sig"))
    rows[-1] = f"img/b.JPG{separator}2"
    assert read_table(write(folder, "\n".join(rows)), test_share=0).frame["score"].to_list() == [1, 2]


def test_a_line_that_tells_the_separator_and_nothing_else_is_empty(folder):
    with pytest.raises(UsageError, match="is empty"):
        read_table(write(folder, "sep=;\n"))


def test_parquet_keeps_every_digit(folder):
    path = folder / "labels.parquet"
    scores = [0.1 + 0.2, 1 / 3]
    pl.DataFrame(
        {"image": ["img/a.jpg", str(folder / "img/b.JPG")], "score": scores, "std": [None, 0.5]}
    ).write_parquet(path)
    frame = read_table(path, test_share=0).frame
    assert frame["score"].to_list() == scores
    assert frame["std"].to_list() == [None, 0.5]
    assert set(frame["split"]) == {"train"}


@pytest.mark.parametrize("name", ["manifest.parquet", "manifest.csv"])
def test_a_run_s_own_manifest_keeps_data_sets_apart_and_clips_together(folder, name):
    """Scores of two data sets, whose scenes are both called all, were compared with each other."""
    images = [str(folder / "img" / image) for image in ("a.jpg", "b.JPG", "c.png", "d.jpg")]
    rows = {"image": images, "score": [1.0, 2.0, 60.0, 60.0], "std": None, "scene": "all", "split": "val"}
    frame = pl.DataFrame({**rows, "dataset": ["own", "own", "lsvq", "lsvq"], "clip": [None, None, "x.mp4", "x.mp4"]})
    frame.write_parquet(folder / name) if name.endswith("parquet") else frame.write_csv(folder / name)
    found = read_table(folder / name)
    assert found.frame["dataset"].to_list() == frame["dataset"].to_list()
    assert found.frame["clip"].to_list() == frame["clip"].to_list()
    twice = frame.with_columns(image=pl.Series([images[i] for i in (0, 1, 0, 1)]))  # both data sets have both photos
    twice.write_parquet(folder / name) if name.endswith("parquet") else twice.write_csv(folder / name)
    assert len(read_table(folder / name)) == 4
    frame.drop("std").write_parquet(folder / "own.parquet")
    assert read_table(folder / "own.parquet").datasets == ["own"]  # its name; a column of one's own says nothing


def test_every_problem_comes_in_one_message(folder):
    text = (
        "image,score,scene,split,std\n"  # line 1
        "img/a.jpg,abc,x,train,1\n"
        "img/b.JPG,nan,x,train,1\n"
        "img/c.png,,x,train,1\n"
        "img/d.jpg,1,x,dev,1\n"
        "img/a.jpg,1,x,train,1\n"
        "img/gone.jpg,1,x,train,1\n"
        "img/e.jpg,1,x,train,-1\n"
        '"img/\nf.jpg",inf,,train,x,7\n'  # lines 9 and 10
        ",1,x,train,1\n"
    )
    path = write(folder, text)
    with pytest.raises(UsageError) as caught:
        read_table(path)
    message, hint = caught.value.message, caught.value.hint
    assert message.startswith(f"{path}: 13 problems: bad number x 5, empty cell x 3, missing file x 2")
    assert "duplicate row x 1" in message
    assert "unknown split x 1" in message
    assert "\n" not in message
    assert hint.startswith(
        "line 9, column std: more cells than columns: 7 (write numbers with a point, or in quotes); "
        "line 2, column score: not a number: 'abc'; "
    )
    for said in (
        "line 3, column score: not a finite number: 'nan'",
        "line 4, column score: the cell is empty",
        "line 5, column split: unknown split 'dev', use train, val or test",
        "line 6, column image: img/a.jpg is labelled at line 2 already",
        "line 7, column image: no such file: img/gone.jpg",
        "line 8, column std: a standard deviation cannot be negative or infinite: '-1'",
        r"line 9, column image: 'no such file: img/\nf.jpg'",
        "; and 3 more. correct these rows or remove them",
    ):
        assert said in hint


def test_many_problems_of_one_kind_do_not_hide_another(folder):
    rows = [f"img/{number}.jpg,1,train" for number in range(40)]
    with pytest.raises(UsageError, match="41 problems: missing file x 40, unknown split x 1") as caught:
        read_table(write(folder, "\n".join(["image,score,split", *rows, "img/a.jpg,1,holdout"])))
    assert "line 10, column image: no such file: img/8.jpg; line 42, column split: unknown split" in caught.value.hint
    assert "; and 31 more" in caught.value.hint


def test_one_problem_is_said_in_the_message_itself(folder):
    path = write(folder, "image,score\nimg/a.jpg,1\n\nimg/b.JPG,1_0\n")
    with pytest.raises(UsageError) as caught:
        read_table(path)
    assert caught.value.message == f"{path}, line 4, column score: not a number: '1_0'"


@pytest.mark.parametrize("score", ["1e299", "-1e40"])
def test_an_absurd_score_is_refused(folder, score):
    path = write(folder, f"image,score\nimg/a.jpg,1\nimg/b.JPG,{score}\n")
    with pytest.raises(UsageError) as caught:
        read_table(path)
    assert caught.value.message == f"{path}, line 3, column score: too large for a score: '{score}'"


def test_a_parquet_row_is_counted_from_one(folder):
    path = folder / "labels.parquet"
    pl.DataFrame({"image": ["img/a.jpg", "img/b.JPG"], "score": [1.0, float("nan")]}).write_parquet(path)
    with pytest.raises(UsageError, match="row 2, column score: not a finite number: 'nan'"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"photo,mos\na.jpg,1\n", "no column image and no column score; columns found: photo, mos"),
        (b"image,score\n", "has no rows below its columns"),
        (b"", "is empty"),
        (b"\n ,\n", "is empty"),
        (b"\n\nimage,score\n\nimg/a.jpg,x\n", "line 5, column score"),
        (b"image,score,Score\na.jpg,1,1\n", "the column score is there twice"),
        (b"PAR1 broken", "is a damaged Parquet file"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "is no CSV or Parquet file"),
    ],
    ids=["columns", "no rows", "empty", "empty lines", "the line counts", "twice", "broken Parquet", "a photo"],
)
def test_no_manifest_at_all(folder, content, says):
    path = folder / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=says) as caught:
        read_table(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert ("score (higher is better)" in caught.value.hint) is ("no column" in caught.value.message)


@pytest.mark.parametrize("path", ["gone.csv", "img"])
def test_no_file(folder, path):
    with pytest.raises(UsageError, match=f"cannot read .*{path}"):
        read_table(folder / path)


def test_a_folder_is_sent_where_its_stars_count(folder):
    with pytest.raises(UsageError, match="it is a folder") as caught:
        read_table(folder)
    assert "--from-ratings" in caught.value.hint


def many(folder, scenes):
    """Rows for files that are links to one photo."""
    rows = []
    for scene, count in scenes.items():
        for number in range(count):
            (folder / f"{scene}_{number}.jpg").hardlink_to(folder / "img/a.jpg")
            rows.append(f"{scene}_{number}.jpg,{number},{scene}")
    return write(folder, "image,score,scene\n" + "\n".join(rows))


def test_without_a_split_column_a_fifth_of_the_photos_is_the_test(folder):
    path = many(folder, {"x": 20, "y": 10})
    manifest = read_table(path)
    assert dict(manifest.part("test").frame.group_by("scene").len().iter_rows()) == {"x": 4, "y": 3}
    assert read_table(path).frame.equals(manifest.frame)
    assert not read_table(path, seed=1).frame.equals(manifest.frame)
    assert len(read_table(path, test_share=0.5).part("test")) == 15


def test_without_a_split_column_whole_scenes_are_the_test_where_there_are_enough(folder):
    manifest = read_table(many(folder, {f"s{number}": 4 for number in range(6)}))
    train, test = manifest.part("train").frame, manifest.part("test").frame
    assert test["scene"].n_unique() == 1
    assert not set(train["scene"]) & set(test["scene"])


def test_biq2021(shared_biq2021):
    manifest = read_table(shared_biq2021)
    assert len(manifest) == 2019
    assert len(manifest.part("test")) == 404
    assert manifest.frame["score"].is_between(0, 1).all()
    assert manifest.counts()["scene"].to_list() == ["all", "all"]


@pytest.fixture
def shared_biq2021(request):
    path = request.config.rootpath.parent / SHARED / "biq2021" / "labels.csv"
    if not path.is_file():
        pytest.skip("shared data is not there")
    return path

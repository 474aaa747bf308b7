"""`piqa rank` where somebody has rated, rejected or flagged some of the photos before."""

from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.photos.embedding import embed_packet
from tests.photos.photo_makers import corners, encoded
from tests.ranking.shoots import DARKTABLE, DIGIKAM, LIGHTROOM, rated, tree

pytestmark = pytest.mark.usefixtures("engine")

FLAGGED = LIGHTROOM.replace(
    'xmp:CreatorTool="Lightroom"', 'xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/" xmpDM:pick="-1"'
)
REJECTED = {  # as the programs write it, by the ending of the sidecar's name
    "Lightroom's rating": (".xmp", rated(LIGHTROOM, -1)),
    "Lightroom's flag": (".xmp", FLAGGED),
    "darktable": (".jpg.xmp", DARKTABLE.replace('xmp:Rating="0"', 'xmp:Rating="-1"')),
    "digiKam": (".jpg.xmp", DIGIKAM.replace("PickLabel>0<", "PickLabel>1<")),
}


@pytest.fixture
def rank(piqa, model, monkeypatch, tmp_path):
    """`piqa rank` with a model that can be found, with journals of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return lambda *args: piqa("rank", *args, "--model", model.path)


@pytest.mark.parametrize("program", REJECTED)
def test_a_photo_rejected_in_a_sidecar_is_not_picked_or_copied(rank, photos, tmp_path, program) -> None:
    ending, sidecar = REJECTED[program]
    (photos / f"90{ending}").write_text(sidecar)
    result = rank(photos, "--per-group", "1", "--copy-to", tmp_path / "best", "--apply", "--format", "jsonl")
    assert result.code == 0, result.err
    assert [name for name in tree(tmp_path / "best") if name.endswith(".jpg")] == ["picks/80.jpg"]
    assert (result.rows["90.jpg"]["decision"], result.rows["90.jpg"]["decision_reason"]) == ("keep", "rejected by hand")
    assert rank(photos, "--top", "1", "--list0").out == f"{photos / '80.jpg'}\0"


def test_a_photo_rejected_inside_is_not_picked(rank, photos) -> None:
    path = photos / "90.jpg"
    path.write_bytes(embed_packet(encoded(corners(), "JPEG"), rated(LIGHTROOM, -1).encode(), path))
    assert rank(photos, "--per-group", "1", "--list0").out == f"{photos / '80.jpg'}\0"


def test_ratings_by_hand_count_for_nothing_where_they_may_be_overwritten(rank, photos) -> None:
    (photos / "90.xmp").write_text(rated(LIGHTROOM, -1))
    (photos / "00.xmp").write_text(rated(LIGHTROOM, 5))
    choice = ("--top", "1", "--reject-below", "5", "--format", "jsonl")
    decided = {name: row["decision"] for name, row in rank(photos, *choice).rows.items() if row["decision"] != "keep"}
    assert decided == {"80.jpg": "pick"}
    rows = rank(photos, *choice, "--overwrite-ratings").rows
    assert {name: row["decision"] for name, row in rows.items() if row["decision"] != "keep"} == {
        "90.jpg": "pick",
        "00.jpg": "reject",
    }


def test_a_photo_with_stars_by_hand_is_not_moved_out(rank, photos, tmp_path) -> None:
    (photos / "00.xmp").write_text(rated(LIGHTROOM, 5))
    result = rank(photos, "--reject-below", "15", "--move-to", tmp_path / "out", "--apply", "--format", "jsonl")
    assert set(tree(tmp_path / "out")) == {"rejects/10.jpg"}
    assert result.rows["00.jpg"]["decision_reason"] == "scores below --reject-below 15, but rated by hand: 5 stars"


def test_a_rejected_photo_is_not_filed_with_the_rest(rank, photos, tmp_path) -> None:
    (photos / "90.xmp").write_text(rated(LIGHTROOM, -1))
    command = (photos, "--into", "stars", "--copy-to", tmp_path / "out", "--apply")
    assert rank(*command).code == 0
    assert len(tree(tmp_path / "out")) == 9
    assert rank(*command, "--overwrite-ratings").code == 0
    assert "5-stars/90.jpg" in tree(tmp_path / "out")


def test_what_was_rejected_in_the_report_is_not_picked_later(rank, piqa, photos, tmp_path) -> None:
    choices = ["photo,decision,stars", f"{photos / '90.jpg'},reject,", f"{photos / '00.jpg'},keep,4"]
    (tmp_path / "choices.csv").write_text("\n".join(choices))
    assert piqa("rank", "--plan", tmp_path / "choices.csv", "--apply").code == 0
    rows = rank(photos, "--top", "1", "--reject-below", "5", "--write-xmp", "--apply", "--format", "jsonl").rows
    assert {name: row["decision"] for name, row in rows.items() if row["decision"] != "keep"} == {"80.jpg": "pick"}
    assert rows["90.jpg"]["decision_reason"] == "rejected by hand"
    assert 'xmp:Rating="4"' in (photos / "00.xmp").read_text()


@pytest.mark.parametrize("args", [(), ("--write-xmp",)], ids=["choice alone", "marks"])
def test_a_sidecar_that_cannot_be_read_is_told_once(rank, photos, args) -> None:
    torn = photos / "90.xmp"
    torn.write_text("<torn")
    assert rank(photos, "--top", "1", *args).err.count(f"{torn}: malformed XMP") == 1
    assert str(torn) not in rank(photos).err


def test_a_ranked_table_whose_photos_are_gone_is_chosen_from(rank, piqa, photos, tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    assert rank(photos, "-o", table).code == 0
    (photos / "90.jpg").unlink()
    result = piqa("rank", table, "--top", "1", "--list0")
    assert (result.out, "by hand" in result.err) == (f"{photos / '90.jpg'}\0", False)

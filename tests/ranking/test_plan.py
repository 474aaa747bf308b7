from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piqa_cli.errors import UsageError
from piqa_cli.ranking.options import Choice, GroupOptions, Layout, Top
from piqa_cli.ranking.plan import DECISIONS, MOVES, PLAN_VERSION, Plan, PlanItem
from piqa_cli.ranking.plan_file import load_plan, plan_from_json, plan_to_json
from piqa_cli.ranking.planning import Filing, make_plan
from piqa_cli.ranking.ranked import rank_shoot
from piqa_cli.ranking.steps import ApplyOptions
from tests.ranking.made_scores import blind, photo

names = st.binary(min_size=1, max_size=12).filter(lambda b: b"/" not in b and b"\0" not in b and b not in (b".", b".."))
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: Path(os.fsdecode(b"/" + b"/".join(parts))))
texts = st.text(max_size=10)


@st.composite
def items(draw) -> PlanItem:
    move = draw(st.one_of(st.none(), st.sampled_from(MOVES)))
    return PlanItem(
        photo=draw(paths),
        mates=tuple(draw(st.lists(paths, max_size=2))),
        stars=draw(st.one_of(st.none(), st.integers(-1, 5))),
        label=draw(st.one_of(st.none(), texts)),
        decision=draw(st.sampled_from(DECISIONS)),
        score=draw(st.one_of(st.none(), st.floats(0, 100))),
        reasons=tuple(draw(st.lists(texts, max_size=2))),
        group=draw(st.one_of(st.none(), texts)),
        mark=draw(st.booleans()),
        move=move,
        destination=draw(paths) if move else None,
        by_hand=draw(st.booleans()),
    )


plans = st.builds(
    Plan,
    version=st.just(PLAN_VERSION),
    created=st.datetimes(timezones=st.just(UTC)),
    source=texts,
    items=st.lists(items(), max_size=3, unique_by=lambda item: item.photo).map(tuple),
)
options = st.builds(
    ApplyOptions,
    xmp_naming=st.sampled_from(["adobe", "darktable", "both"]),
    embed=st.booleans(),
    overwrite_ratings=st.booleans(),
    keep_modified=st.booleans(),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(plans, options)
def test_a_plan_comes_back_exactly(plan: Plan, applied: ApplyOptions) -> None:
    text = plan_to_json(plan, applied)
    assert text.isascii()
    assert plan_from_json(text) == (plan, applied)


def test_a_plan_without_a_word_about_who_chose_is_piqas_own() -> None:
    document = json.loads(plan_to_json(PLAN))
    for listed in document["items"]:
        del listed["by_hand"]
    assert plan_from_json(json.dumps(document))[0] == PLAN


BEST = Top(count=1)
ITEM = PlanItem(Path("/p/a.jpg"), (), 3, None, "keep", 50.0, ("rank 1",), None, True, None, None)
PLAN = Plan(PLAN_VERSION, datetime(2024, 6, 1, tzinfo=UTC), "p", (ITEM, replace(ITEM, photo=Path("/p/b.jpg"))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stars": 6}, "stars: 6"),
        ({"stars": True}, "stars: True"),
        ({"stars": 2.0}, "stars: 2.0"),
        ({"score": 101}, "score: 101"),
        ({"score": -1}, "score: -1"),
        ({"score": float("nan")}, "score: nan"),
        ({"score": 10**400}, "score: 1000"),
        ({"score": "50"}, "score: '50'"),
        ({"decision": "maybe"}, "decision: 'maybe'"),
        ({"move": "delete", "destination": "/x"}, "move: 'delete'"),
        ({"move": "copy"}, "move and destination"),
        ({"destination": "/x"}, "move and destination"),
        ({"move": "copy", "destination": "x.jpg"}, "destination: 'x.jpg' is no absolute path"),
        ({"move": "copy", "destination": "/"}, "destination: '/' is no absolute path of a file"),
        ({"photo": "../a.jpg"}, "photo: '../a.jpg'"),
        ({"photo": "/p/../../etc/passwd"}, "photo"),
        ({"photo": "/p/a\0.jpg"}, "photo"),
        ({"mates": ["a.cr2"]}, "mates: 'a.cr2'"),
        ({"mates": "a"}, "mates: 'a' is no list"),
        ({"mark": 1}, "mark: 1"),
        ({"group": 5}, "group: 5"),
        ({"reasons": [5]}, "reasons: 5"),
        ({"extra": 5}, "unknown extra"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_a_bad_item_is_named(change: dict[str, object], words: str) -> None:
    document = json.loads(plan_to_json(PLAN))
    document["items"][1] |= change
    with pytest.raises(UsageError) as caught:
        plan_from_json(json.dumps(document), "plan x.json")
    assert caught.value.message.startswith("plan x.json: item 2 (")
    assert words in caught.value.message


def test_an_item_that_is_no_object_is_named() -> None:
    document = json.loads(plan_to_json(PLAN))
    document["items"][1] = "/p/a.jpg"
    with pytest.raises(UsageError, match=r"item 2 \(None\): is no object"):
        plan_from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "version 2"),
        ({"kind": "shopping list"}, "no plan of piqa rank"),
        ({"items": {}}, "items"),
        ({"created": "yesterday"}, "created"),
        ({"source": None}, "source"),
        ({"options": {"embed": True}}, "options: missing"),
        ({"surprise": 1}, "unknown surprise"),
    ],
)
def test_a_bad_plan_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plan_from_json(json.dumps(json.loads(plan_to_json(PLAN)) | change))


def test_a_photo_that_is_there_twice_is_named() -> None:
    with pytest.raises(UsageError, match=r"'/p/a\.jpg' is there a second time"):
        plan_from_json(plan_to_json(replace(PLAN, items=(ITEM, replace(ITEM, decision="reject")))))


def test_a_byte_order_mark_that_an_editor_put_before_it(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(plan_to_json(PLAN), encoding="utf-8-sig")
    assert load_plan(tmp_path / "p.json") == (PLAN, ApplyOptions())


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"kind": 1}', "\udcff"])
def test_what_is_no_plan_at_all(tmp_path: Path, text: str) -> None:
    file = tmp_path / "p.json"
    file.write_bytes(os.fsencode(text))
    with pytest.raises(UsageError, match=r"p\.json"):
        load_plan(file)
    for name in ("none.json", "none.csv"):
        with pytest.raises(UsageError, match="No such file") as caught:
            load_plan(tmp_path / name)
        assert "--plan-out" in caught.value.hint


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    folder = tmp_path / "shoot"
    folder.mkdir()
    for name in ("a.jpg", "a.CR2", "a.xmp", "a.CR2.xmp", "b.jpg", "b.heic", "b.xmp", "c.jpg"):
        (folder / name).touch()
    return folder


def made(folder: Path, filing: Filing, choice: Choice | None = None) -> list[PlanItem]:
    shoot = [
        replace(photo(str(folder / "a.jpg"), 90, at=0), raw_mate=folder / "a.CR2", reasons=("photo: noise",)),
        photo(str(folder / "b.jpg"), 60, at=1),
        photo(str(folder / "b.heic"), 50, at=2),
        photo(str(folder / "c.jpg"), 5, at=90),
        photo(str(folder / "bad.jpg"), None),
    ]
    chosen = choice or Choice(top=BEST, reject_below=20)
    return list(make_plan(rank_shoot(shoot, GroupOptions(), chosen, None, blind), filing, "shoot").items)


def test_marks_for_all_that_have_a_score(shoot: Path) -> None:
    items = made(shoot, Filing(mark=True))
    assert [(i.photo.name, i.stars, i.label, i.decision) for i in items] == [
        ("a.jpg", 5, "Green", "pick"),
        ("b.jpg", 3, None, "keep"),
        ("b.heic", 3, None, "keep"),
        ("c.jpg", -1, "Red", "reject"),
    ]
    assert items[0].reasons == ("best of 3 in burst-001", "photo: noise")
    assert (items[0].group, items[0].score) == ("burst-001", 90.0)
    assert all(item.mark and item.move is None and item.destination is None for item in items)


def test_mates_travel_along_and_a_shared_sidecar_once(shoot: Path) -> None:
    items = made(shoot, Filing(mark=True))
    assert {mate.name for mate in items[0].mates} == {"a.CR2", "a.xmp", "a.CR2.xmp"}
    assert [mate.name for mate in items[1].mates] == ["b.xmp"]
    assert items[2].mates == ()


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (Layout.PICKS, {"a.jpg": "picks", "c.jpg": "rejects"}),
        (Layout.STARS, {"a.jpg": "5-stars", "c.jpg": "rejects"}),
        (Layout.GROUP, {"a.jpg": "burst-001", "c.jpg": "rejects"}),
    ],
    ids=str,
)
def test_layouts(shoot: Path, tmp_path: Path, layout: Layout, expected: dict[str, str]) -> None:
    items = made(shoot, Filing(move="move", folder=tmp_path / "out", layout=layout))
    assert {i.photo.name: str(i.destination) for i in items} == {
        name: str(tmp_path / "out" / place / name) for name, place in expected.items()
    }
    assert {i.move for i in items} == {"move"}


def test_without_a_choice_everything_is_filed(shoot: Path, tmp_path: Path) -> None:
    filing = Filing(move="copy", folder=tmp_path / "out", layout=Layout.GROUP, everything=True)
    places = {i.photo.name: i.destination.parent.name for i in made(shoot, filing, Choice()) if i.destination}
    assert places == {"a.jpg": "burst-001", "b.jpg": "burst-001", "b.heic": "burst-001", "c.jpg": "singles"}


def test_a_photo_that_is_there_already_stays(shoot: Path) -> None:
    filing = Filing(move="move", folder=shoot.parent, layout=Layout.PICKS)
    (shoot.parent / "picks").mkdir()
    here = shoot.rename(shoot.parent / "picks" / "x").parent
    (here / "x" / "a.jpg").rename(here / "a.jpg")
    assert all(i.photo != i.destination for i in made(here, filing))


def test_paths_of_a_plan_are_absolute(shoot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shoot)
    items = made(Path(), Filing(mark=True, move="copy", folder=Path("../out")))
    assert items[0].photo == shoot / "a.jpg"
    assert items[0].destination == shoot.parent / "out" / "picks" / "a.jpg"
    assert shoot / "a.CR2" in items[0].mates


def test_sets_are_marked_purple(shoot: Path) -> None:
    names = ["a.jpg", "b.jpg", "c.jpg"]
    photos = [
        photo(str(shoot / n), 50, at=k * 0.3, exposure_bias=b)
        for k, (n, b) in enumerate(zip(names, (0, -1, 1), strict=True))
    ]
    ranked = rank_shoot(photos, GroupOptions(), Choice(top=BEST), None, blind)
    assert [i.label for i in make_plan(ranked, Filing(mark=True), "x").items] == ["Purple"] * 3

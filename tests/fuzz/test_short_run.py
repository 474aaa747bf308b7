"""The short, seeded run of every target, and what the long ones have found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piqa_cli.model.config import ModelConfig, load_config
from piqa_cli.model.presets import PIQA_LITE
from piqa_cli.photos.decode import decode
from tests.fuzz.contract import Target, is_one_line, reported_only
from tests.fuzz.mutation import LARGEST, OPERATIONS, damaged
from tests.fuzz.photo_targets import MOST_PIXELS, photo_seeds
from tests.fuzz.targets import TARGETS

EXAMPLES = 60
edits = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 6000), st.integers(0, 2**32 - 1)), max_size=6)
short = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_sound_inputs_pass(target: Target, tmp_path: Path) -> None:
    for seed in target.seeds():
        target.attempt(seed, tmp_path)


def test_the_seeds_of_photos_are_photos(tmp_path: Path) -> None:
    """Damage to what cannot be read anyway would test nothing."""
    for number, seed in enumerate(photo_seeds()):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(seed)
        assert decode(path, max_pixels=MOST_PIXELS).image.mode == "RGB"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_damaged_inputs_break_no_promise(target: Target, tmp_path_factory: pytest.TempPathFactory) -> None:
    seeds = target.seeds()
    folder = tmp_path_factory.mktemp(target.name)

    @short
    @given(st.sampled_from(range(len(seeds))), edits)
    def attempt(seed: int, changes: list[Any]) -> None:
        target.attempt(damaged(seeds[seed], changes), folder)

    attempt()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed_configs(draw: st.DrawFn) -> Any:
    """piqa-lite's configuration with one value, anywhere in it, of another kind, gone, or one too many."""
    document = json.loads(PIQA_LITE.to_json())
    place: Any = document
    while True:
        key = draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else draw(st.integers(0, len(place) - 1))
        if isinstance(place[key], (dict, list)) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        action = draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "remove":
            del place[key]
        elif action == "add" and isinstance(place, dict):
            place[draw(st.text(max_size=8))] = draw(json_values)
        else:
            place[key] = draw(json_values)
        return document


@settings(short, max_examples=200)
@given(changed_configs())
def test_changed_model_json_is_read_strictly(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "model"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(document))
    with reported_only():
        assert isinstance(load_config(folder), ModelConfig)


def test_edits_change_what_they_should() -> None:
    data = bytes(range(100))
    assert damaged(data, [("truncate", 10, 0)]) == data[:10]
    assert damaged(data, [("flip", 3, 1)])[3] == 3 ^ 2
    assert damaged(data, [("delete", 0, 63)]) == data[64:]
    assert damaged(data, [("number16", 0, 9)])[:2] == b"\x80\x00"
    assert len(damaged(data, [("repeat", 0, 39)] * 20)) <= LARGEST
    assert damaged(b"", [(operation, 5, 7) for operation in OPERATIONS]) is not None


@pytest.mark.parametrize("text", ["a\nb", "a\x1bb", "a\x9bb", "a\u2028b", "a\x7fb"])
def test_what_is_no_line(text: str) -> None:
    assert not is_one_line(text)
    assert is_one_line("é \u202e \\x1b")

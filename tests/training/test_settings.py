"""Presets, TOML files and options, merged in that order; what is wrong is named."""

import dataclasses
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piqa_cli.errors import UsageError
from piqa_training.settings import PRESETS, NetworkSettings, TrainSettings, load_settings


def written(folder, text):
    file = folder / "settings.toml"
    file.write_text(text)
    return file


def test_dn_piqa_is_as_published():
    settings = load_settings("dn-piqa")
    assert (settings.optimiser.name, settings.optimiser.learning_rate, settings.optimiser.weight_decay) == (
        "adam", 1e-5, 1e-7,
    )  # fmt: skip
    assert (settings.optimiser.schedule, settings.optimiser.step_epochs, settings.optimiser.step_factor) == (
        "step", 2, 0.9,
    )  # fmt: skip
    assert (settings.run.epochs, settings.data.pairs, settings.data.scene_photos) == (10, 6, 2)
    assert settings.data.random_crop
    assert settings.loss.weights()["fidelity"] == 1
    assert sum(settings.loss.weights().values()) == 1


def test_options_win_over_the_file_and_the_file_over_the_preset(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text("[run]\nepochs = 3\nseed = 5\n[optimiser]\nlearning_rate = 1\n")
    settings = load_settings("dn-piqa", file, {"run.epochs": 7, "run.patience": None})
    assert (settings.run.epochs, settings.run.seed, settings.optimiser.learning_rate) == (7, 5, 1.0)
    assert settings.optimiser.step_factor == PRESETS["dn-piqa"].optimiser.step_factor
    assert settings.run.patience == PRESETS["dn-piqa"].run.patience


def test_a_byte_order_mark_is_no_setting(tmp_path):
    file = tmp_path / "s.toml"
    file.write_bytes(b"\xef\xbb\xbf[run]\nepochs = 3\n")
    assert load_settings("dn-piqa", file).run.epochs == 3


def test_a_file_may_name_the_preset_and_an_option_another(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text('[network]\npreset = "dn-piqa"\n')
    assert load_settings(toml=file).optimiser.learning_rate == 1e-5
    assert load_settings("piqa-lite", file).network.preset == "piqa-lite"
    assert load_settings("piqa-lite", file).optimiser == PRESETS["piqa-lite"].optimiser


@pytest.mark.parametrize(
    ("preset", "pairs", "together"),
    [("piqa-lite", 1, 2), ("piqa-lite", 2, 4), ("piqa-lite", 5, 5), ("piqa-lite", 8, 8), ("piqa-lite", 7, 7),
     ("dn-piqa", 3, 2)],
)  # fmt: skip
def test_a_batch_of_any_size_holds_whole_groups_of_a_scene(tmp_path, preset, pairs, together):
    for settings in (
        load_settings(preset, overrides={"data.pairs": pairs}),
        load_settings(toml=written(tmp_path, f'[network]\npreset = "{preset}"\n[data]\npairs = {pairs}\n')),
    ):
        assert (settings.data.pairs, settings.data.scene_photos) == (pairs, together)
        assert load_settings(toml=written(tmp_path, settings.to_toml())) == settings


def test_a_number_of_photos_that_was_asked_for_is_not_changed(tmp_path):
    with pytest.raises(UsageError, match=r"data\.scene_photos = 8: it must divide .* 4 \(twice") as refused:
        load_settings(overrides={"data.pairs": 2, "data.scene_photos": 8})
    assert refused.value.hint is not None and refused.value.hint.startswith("4 does")
    file = written(tmp_path, "[data]\npairs = 2\nscene_photos = 2\n")
    assert load_settings(toml=file, overrides={"data.pairs": 4}).data.scene_photos == 2


@pytest.mark.parametrize("pairs", [0, -3, True, "4"])
def test_pairs_that_are_no_number_of_pairs_are_refused(pairs):
    with pytest.raises(UsageError, match=r"data\.pairs"):
        load_settings(overrides={"data.pairs": pairs})


@pytest.mark.parametrize("preset", PRESETS)
def test_written_settings_read_back_the_same(tmp_path, preset):
    file = tmp_path / "settings.toml"
    file.write_text(PRESETS[preset].to_toml())
    assert load_settings(toml=file) == PRESETS[preset]


@given(st.text(), st.floats(1e-9, 10), st.booleans())
def test_any_text_survives(text, rate, flag):
    changes = {"network.liqe": text, "optimiser.learning_rate": rate, "run.freeze_backbone": flag}
    settings = load_settings(overrides=changes)
    assert tomllib.loads(settings.to_toml()) == dataclasses.asdict(settings)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[run]\nepoch = 3\n", "run.epoch"),
        ("[training]\nepochs = 3\n", "training"),
        ('[run]\nepochs = "3"\n', "run.epochs is '3', wanted a whole number"),
        ("[run]\nepochs = true\n", "run.epochs is True"),
        ("[run]\nepochs = -1\n", "run.epochs = -1: it must be from 0"),
        ("[optimiser]\nlearning_rate = nan\n", "optimiser.learning_rate = nan"),
        ('[optimiser]\nname = "lamb"\n', "'adam', 'adamw', 'sgd'"),
        ("[data]\npairs = 5\nscene_photos = 4\n", "data.scene_photos = 4"),
        ("[loss]\nfidelity = 0\n", "has a weight"),
        ("run = 3\n", "run is 3, wanted a table"),
        ("network = 3\n", "network is 3, wanted a table"),
        ("[run\n", "not readable as TOML"),
        (f"[run]\nepochs = {'9' * 5000}\n", "not readable as TOML"),
        (f"[run]\nepochs = {'9' * 400}\n", "run.epochs is too large"),
        (f"[optimiser]\nlearning_rate = -{'9' * 400}\n", "optimiser.learning_rate is too large"),
        (f"[network]\npooling = 0x{'f' * 5000}\n", "network.pooling is too large"),
        ('[network]\npreset = "resnet"\n', "no preset 'resnet'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, toml, words):
    file = tmp_path / "s.toml"
    file.write_text(toml)
    with pytest.raises(UsageError) as error:
        load_settings(toml=file)
    assert words in error.value.message
    assert "\n" not in error.value.message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml: No such file"):
        load_settings(toml=tmp_path / "none.toml")


def test_every_number_has_a_range():
    from piqa_training.settings import _RANGES

    numbers = {
        f"{section.name}.{item.name}"
        for section in dataclasses.fields(TrainSettings)
        if section.name != "loss"
        for item in dataclasses.fields(getattr(TrainSettings(), section.name))
        if type(getattr(getattr(TrainSettings(), section.name), item.name)) in (int, float)
    }
    assert set(_RANGES) == numbers
    assert isinstance(TrainSettings().network, NetworkSettings)

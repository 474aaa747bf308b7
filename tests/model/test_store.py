import pytest
import torch

from piqa_cli.errors import ModelError, OutputError, UsageError
from piqa_cli.model.checkpoint import load_branch, load_model, save_model
from piqa_cli.model.staging import model_folder_in_place
from piqa_cli.model.store import (
    EMBEDDED,
    LIQE_FILE,
    find_model,
    list_models,
    model_names,
    new_model_folder,
    remove_model,
)
from tests.model import tiny


@pytest.fixture
def models(tmp_path):
    save_model(tiny.network(tiny.LITE), tmp_path / "models" / "mine")
    return tmp_path / "models"


def test_the_fingerprint_covers_liqe_where_it_is_there(models):
    without = find_model("mine", models).fingerprint
    (models / "mine" / LIQE_FILE).write_bytes(b"one")
    one = find_model("mine", models).fingerprint
    (models / "mine" / LIQE_FILE).write_bytes(b"two")
    assert len({without, one, find_model("mine", models).fingerprint}) == 3
    (models / "mine" / LIQE_FILE).unlink()
    assert find_model("mine", models).fingerprint == without


def test_an_empty_name_is_no_model_also_in_a_folder_of_one(models, monkeypatch):
    monkeypatch.chdir(models / "mine")
    with pytest.raises(ModelError, match="no model ''"):
        find_model("", models)


def test_a_run_in_place_of_its_model_is_told_where_the_model_is(models):
    mine = models / "mine"
    with pytest.raises(ModelError) as wrong:
        find_model(str(models))
    assert str(mine) not in wrong.value.hint
    mine.rename(models / "model")
    with pytest.raises(ModelError) as wrong:
        find_model(str(models))
    assert wrong.value.hint.endswith(f"as {models / 'model'} does")


def test_a_model_s_name_is_no_formula_in_a_table(models):
    (models / "mine").rename(models / "=mine")
    found = find_model("=mine", models)
    assert (found.name, found.id) == ("=mine", f"./=mine@{found.fingerprint}")


def test_a_run_s_model_is_called_after_the_run(models, monkeypatch):
    run = models.parent / "sharp@eyes"
    run.mkdir()
    model = (models / "mine").rename(run / "model")
    assert find_model(str(model)).name == "model"  # no run, for all that is known
    (run / "metrics.jsonl").touch()
    monkeypatch.chdir(run)
    for name in (str(model), "model", "./model/"):
        assert find_model(name, models).id == f"sharp@eyes@{find_model(name, models).fingerprint}"
    assert find_model("model", run).name == "sharp@eyes"
    (models / "mine").symlink_to(model)
    assert find_model("mine", models).name == "mine"


def test_a_list_of_models_has_the_user_s_and_the_embedded_ones(models):
    entries = {entry.name: entry for entry in list_models(models)}
    assert entries["piqa-lite"].embedded
    mine = entries["mine"]
    assert (mine.embedded, mine.starting, mine.path) == (False, False, models / "mine")
    assert mine.size == sum(path.stat().st_size for path in (models / "mine").iterdir())
    assert model_names(models) == sorted(entries)


def test_unfinished_folders_are_no_models(models):
    (models / "mine").rename(models / ".mine.1234")
    assert model_names(models) == ["piqa-lite"]


def test_a_run_s_checkpoint_is_no_model(models):
    (models / "checkpoint").mkdir()
    (models / "checkpoint" / "config.json").write_bytes((models / "mine" / "config.json").read_bytes())
    (models / "checkpoint" / "state.pt").write_bytes(b"x")
    assert model_names(models) == ["mine", "piqa-lite"]
    with pytest.raises(ModelError, match="no model"):
        remove_model("checkpoint", models)
    assert (models / "checkpoint" / "state.pt").is_file()


def test_a_removed_model_is_gone_and_the_rest_stays(models):
    save_model(tiny.network(tiny.LITE), models / "other")
    assert remove_model("mine", models) == models / "mine"
    assert not (models / "mine").exists()
    assert "other" in model_names(models)


def test_removing_a_link_leaves_what_it_points_to(models, tmp_path):
    (models / "mine").rename(tmp_path / "elsewhere")
    (models / "mine").symlink_to(tmp_path / "elsewhere")
    remove_model("mine", models)
    assert not (models / "mine").is_symlink()
    assert (tmp_path / "elsewhere" / "config.json").is_file()


@pytest.mark.parametrize("name", ["nothing", "..", ".", "", "../models/mine", "a/b"])
def test_only_models_are_removed_and_only_by_name(models, name):
    with pytest.raises(ModelError, match="no model") as caught:
        remove_model(name, models)
    assert "mine" in caught.value.hint
    assert (models / "mine").is_dir()


def test_a_folder_of_photos_is_not_removed(models):
    (models / "photos").mkdir()
    (models / "photos" / "a.jpg").write_bytes(b"x")
    with pytest.raises(ModelError, match="no model"):
        remove_model("photos", models)
    assert (models / "photos" / "a.jpg").is_file()


def test_the_embedded_model_stays(models):
    with pytest.raises(ModelError, match="comes with piqa"):
        remove_model("piqa-lite", models)
    assert (EMBEDDED / "piqa-lite").is_dir()


def test_a_new_model_has_a_name_of_its_own(models):
    assert new_model_folder("dn-piqa", models) == models / "dn-piqa"
    for name in ("", ".", "..", "a/b", ".hidden"):
        with pytest.raises(UsageError, match="no name for a model"):
            new_model_folder(name, models)
    with pytest.raises(UsageError, match="comes with piqa"):
        new_model_folder("piqa-lite", models)


def test_a_folder_appears_when_it_is_complete(models):
    with model_folder_in_place(models / "new", overwrite=False) as unfinished:
        save_model(tiny.network(tiny.LITE), unfinished)
        assert not (models / "new").exists()
        assert "new" not in model_names(models)
    assert "new" in model_names(models)


def test_a_failed_replacement_brings_the_older_one_back(models, monkeypatch):
    before = find_model("mine", models).fingerprint
    with pytest.raises(OutputError, match="cannot be written"):  # noqa: SIM117
        with model_folder_in_place(models / "mine", overwrite=True) as unfinished:
            unfinished.rmdir()  # so that it cannot be put in place
    assert find_model("mine", models).fingerprint == before
    assert [path.name for path in models.iterdir()] == ["mine"]


def test_a_failure_leaves_no_folders_behind(tmp_path):
    folder = tmp_path / "a" / "models" / "new"
    with pytest.raises(UsageError), model_folder_in_place(folder, overwrite=False):
        raise UsageError("not this file")
    assert list(tmp_path.iterdir()) == []
    with model_folder_in_place(folder, overwrite=False) as unfinished:
        save_model(tiny.network(tiny.LITE), unfinished)
    assert [path.name for path in folder.parent.iterdir()] == ["new"]


def test_weights_can_be_kept_as_they_are(tmp_path):
    network = tiny.network(tiny.LITE)
    save_model(network, tmp_path / "exact", half=False)
    loaded = load_model(tmp_path / "exact").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in network.state_dict().items())


def test_a_branch_is_read_from_a_whole_model(models):
    config, weights = load_branch(models / "mine", "face")
    network = load_model(models / "mine")
    assert config == tiny.BACKBONE
    network.face.load_state_dict(weights)
    assert weights.keys() == network.face.state_dict().keys()

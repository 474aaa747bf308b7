"""Whole runs in this process: what they write, and that a stopped one goes on as if it had never stopped."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch

from piqa_cli.errors import EngineError, ModelError, UsageError
from piqa_cli.model.checkpoint import load_model
from piqa_training import frozen_heads
from piqa_training.fit import finish, loop
from piqa_training.fit.folder import check_new
from piqa_training.fit.observer import Observer
from piqa_training.fit.run import check_trainable, resume, train
from piqa_training.fit.state import load_state, save_state
from piqa_training.manifest import Manifest
from piqa_training.settings import load_settings
from tests.model import tiny
from tests.training.fitting import (
    Interrupted,
    StopsAt,
    StopsIn,
    make_data,
    make_start,
    manifest_of,
    predictions,
    quick_settings,
    same_weights,
)

WRITE_PAGE = finish._write_page
WITHOUT = replace(tiny.LITE, statistics=False)  # which take a third of the time; test_fit_processes trains with them


@pytest.fixture(scope="module")
def place(scratch):
    make_data(scratch, scenes=8)
    make_start(scratch / "start", WITHOUT)
    return scratch


@pytest.fixture(autouse=True)
def _without_charts(monkeypatch):
    """The page has tests of its own, and `finished` draws it."""
    monkeypatch.setattr(finish, "_write_page", lambda run, observer: None)


def settings(place, **changes):
    return quick_settings(place / "start", place / "cache", **changes)


@pytest.fixture(scope="module")
def manifest(place):
    return manifest_of(place / "PIQ23")


@pytest.fixture(scope="module")
def few(manifest):
    """Four of the eight scenes, for runs that need no more."""
    parts = [manifest.part(split).frame["scene"].unique(maintain_order=True) for split in ("train", "test")]
    return Manifest(manifest.frame.filter(pl.col("scene").is_in([*parts[0][:3], *parts[1][:1]])))


@pytest.fixture(scope="module")
def finished(place, manifest):
    result = train(settings(place), manifest, place / "finished", Observer())
    return place / "finished", result


def test_a_run_leaves_everything_behind(finished, manifest):
    run, result = finished
    assert result == json.loads((run / "result.json").read_text())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert all(set(line) == {"epoch", "train", "val", "lr", "seconds"} for line in lines)
    assert lines[0]["train"]["loss"] == pytest.approx(sum(v for k, v in lines[0]["train"].items() if k != "loss"))
    assert {"fidelity", "face", "defects"} < set(lines[0]["train"])
    table = predictions(run)
    assert table.columns == ["dataset", "split", "scene", "image", "label", "predicted"]
    assert set(table["split"]) == {"val", "test"}
    assert result["photos"]["test"] == len(manifest.part("test")) == table.filter(split="test").height
    assert result["before"]["test"]["n"] == result["photos"]["test"]
    assert (run / "report.html").is_file()
    assert list((run / "tensorboard").iterdir())
    assert load_model(run / "model").config.name == "finished"


def test_the_best_epoch_is_that_of_the_validation_part(finished):
    run, result = finished
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    values = [result["before"]["val"]["mean.srcc"], *(line["val"]["mean.srcc"] for line in lines)]
    assert result["best_epoch"] == values.index(max(values))  # 0 is the starting model
    assert result["val"]["mean.srcc"] == pytest.approx(max(values), abs=0.06)  # released in half precision
    assert [p.name for p in (run / "checkpoint").glob("best-*")] == [f"best-{result['best_epoch']:04}.safetensors"]


def test_the_test_split_teaches_nothing(place, manifest, finished):
    wrong = Manifest(
        manifest.frame.with_columns(
            score=pl.when(pl.col("split") == "test").then(-pl.col("score")).otherwise(pl.col("score"))
        )
    )
    train(settings(place), wrong, place / "wrong-test", Observer())
    assert same_weights(place / "wrong-test", finished[0])


def test_a_copy_of_a_train_photo_in_the_test_split_is_told(place, manifest):
    class Told(Exception):
        pass

    class Listening(Observer):
        def note(self, message):
            if "of the test split" in message:
                raise Told(message)

    copy = place / "copy.jpg"
    shutil.copy(manifest.part("train").frame["image"][0], copy)
    first = pl.col("image") == manifest.part("test").frame["image"][0]
    leaky = Manifest(
        manifest.frame.with_columns(image=pl.when(first).then(pl.lit(str(copy))).otherwise(pl.col("image")))
    )
    with pytest.raises(Told, match=r"1 photo of the test split also in the train split: .*copy\.jpg is"):
        train(settings(place), leaky, place / "leaky", Listening())


def test_photos_keep_the_place_of_their_scores_on_the_scale(place, manifest, finished):
    from piqa_training.facts import photo_facts
    from piqa_training.fit.distributed import World
    from piqa_training.fit.inputs import Photos
    from piqa_training.fit.predict import predict
    from piqa_training.prepared import PreparedInputs

    def scores(folder):
        network = load_model(folder)
        paths = manifest.part("train").frame["image"].to_list()
        photos = Photos(
            paths,
            photo_facts(paths, network.config, place / "cache"),
            PreparedInputs(network.config, place / "cache" / "inputs"),
        )
        raw = predict(network, photos, range(len(paths)), World(), workers=0).raw
        return 100 * torch.sigmoid((raw - network.config.score_map.center) / network.config.score_map.scale)

    assert scores(finished[0] / "model").median().item() == pytest.approx(
        scores(place / "start").median().item(), abs=2
    )


def test_severities_are_kept(place, few):
    def drift(run):
        from piqa_training.fit.unit import FACE_DEFECTS, PHOTO_DEFECTS, Unit

        torch.manual_seed(0)
        views = {v.cut: torch.randint(0, 256, (6, 1, 3, v.size, v.size), dtype=torch.uint8)
                 for v in load_model(run).config.preprocess.views}  # fmt: skip
        with torch.inference_mode():
            old, new = (Unit(load_model(f)).eval()(views, {}, None) for f in (place / "start", run))
        return (old - new)[:, PHOTO_DEFECTS.start : FACE_DEFECTS.stop].abs().mean().item()

    def drift_with(weight):
        run = place / f"keeping-{weight}"
        # Without a validation part the last epoch is released.
        chosen = {
            "data__validation": 0.0,
            "optimiser__accumulate": 1,
            "optimiser__learning_rate": 1e-3,
        }  # the last epoch
        train(settings(place, run__epochs=3, keep__defects=weight, **chosen), few, run, Observer())
        return drift(run / "model")

    kept, forgotten = drift_with(10.0), drift_with(0.0)
    assert kept < forgotten / 2, (kept, forgotten)


def test_a_run_is_never_written_over(place, manifest, finished):
    before = {p: p.stat().st_mtime_ns for p in finished[0].rglob("*")}
    with pytest.raises(UsageError, match="not empty; nothing was changed") as caught:
        train(settings(place), manifest, finished[0], Observer())
    assert caught.value.hint == "name a new folder"  # a finished run is not resumed
    with pytest.raises(UsageError, match="this run is finished"):
        resume(finished[0], Observer())
    assert {p: p.stat().st_mtime_ns for p in finished[0].rglob("*")} == before


def test_a_run_that_a_full_disk_ended_before_its_first_checkpoint_is_none_to_resume(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "config.json").touch()
    with pytest.raises(UsageError, match="not empty; nothing was changed") as caught:
        check_new(tmp_path)
    assert caught.value.hint == "name a new folder"  # --resume would say to start anew


def test_a_run_that_was_stopped_before_its_page_gets_it(place, finished, monkeypatch):
    monkeypatch.setattr(finish, "_write_page", WRITE_PAGE)
    run = place / "without a page"
    shutil.copytree(finished[0], run)
    (run / "report.html").unlink()
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    with pytest.raises(UsageError, match="not empty") as caught:
        check_new(run)
    assert caught.value.hint == f"piqa train --resume '{run}'"
    notes = []
    observer = Observer()
    observer.note = notes.append
    assert resume(run, observer) == finished[1]
    assert notes == [f"report: {run / 'report.html'}"]
    page = (run / "report.html").read_bytes()
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before | {run / "report.html": page}
    with pytest.raises(UsageError, match="this run is finished"):
        resume(run, Observer())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": "m"}', "[" * 100_000])
def test_a_damaged_result_is_named_where_only_the_page_is_missing(finished, tmp_path, content):
    run = tmp_path / "run"
    shutil.copytree(finished[0], run)
    (run / "report.html").unlink(missing_ok=True)
    (run / "result.json").write_text(content)
    with pytest.raises(UsageError, match=r"result\.json: not readable as the result of a run") as caught:
        resume(run, Observer())
    assert "delete it" in caught.value.hint


RICH = {
    "run__save_every": 1,
    "optimiser__ema": 0.9,
    "optimiser__accumulate": 2,
    "optimiser__clip_norm": 0.5,
    "loss__consistency": 0.5,
    "loss__monotone": True,
    "loss__use_std": True,
    "run__frozen_stages": 1,
    "run__batch_norm": "train",
}


@pytest.fixture(scope="module")
def unstopped(place, manifest):
    train(settings(place, **RICH), manifest, place / "unstopped", Observer())
    return place / "unstopped"


STOPS = [StopsIn("starting model"), *(StopsAt(*place) for place in ((1, 1), (1, 2), (2, 1), (2, 3))), StopsIn("test")]


def test_stopped_again_and_again_and_resumed_equals_never_stopped(place, manifest, unstopped):
    """Before the first step, between two steps, between two epochs, after the last step, and after training."""
    run = place / "stopped again and again"
    for stops in STOPS:
        with pytest.raises(Interrupted):
            resume(run, stops) if run.exists() else train(settings(place, **RICH), manifest, run, stops)
        assert (run / "model").exists() == (stops is STOPS[-1])
        with pytest.raises(UsageError, match="not empty") as caught:
            check_new(run)
        assert caught.value.hint == f"piqa train --resume '{run}'"
    resume(run, Observer())
    assert same_weights(run, unstopped)
    assert predictions(run).equals(predictions(unstopped))
    assert losses(run) == losses(unstopped)


def losses(run):
    return [json.loads(line)["train"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_workers_and_recomputed_activations_change_nothing(place, manifest, finished):
    changes = {"data__workers": 2, "run__checkpoint_activations": True}
    train(settings(place, **changes), manifest, place / "workers", Observer())
    assert same_weights(place / "workers", finished[0])


def test_early_stop_ends_a_run_that_gets_no_better(place, manifest):
    still = settings(place, run__epochs=9, run__patience=2, optimiser__learning_rate=1e-12)
    result = train(still, manifest, place / "early", Observer())
    assert result["epochs"] == 2
    assert result["best_epoch"] == 0
    assert result["test"]["mean"]["srcc"] == pytest.approx(result["before"]["test"]["mean.srcc"], abs=0.06)


def test_the_result_names_the_measure_that_chose_the_epoch(place, manifest, finished):
    assert finished[1]["chosen_by"] == "mean.srcc"
    two_photos = manifest.part("test").frame.group_by("scene", maintain_order=True).head(2)  # have no correlation
    val = two_photos.select(manifest.frame.columns).with_columns(split=pl.lit("val"))
    photos = Manifest(pl.concat([manifest.part("train").frame, val]))
    assert train(settings(place, run__epochs=1), photos, place / "by-pairs", Observer())["chosen_by"] == "pair_accuracy"


def test_bf16_trains(place, few):
    result = train(settings(place, run__epochs=1, run__precision="bf16"), few, place / "bf16", Observer())
    assert result["epochs"] == 1


def test_a_loss_that_is_not_finite_stops_the_run(place, manifest, monkeypatch):
    monkeypatch.setattr(loop, "loss_parts", lambda table, *rest, **more: {"fidelity": table.sum() * float("nan")})
    with pytest.raises(EngineError, match="not finite any more in epoch 1, batch 1"):
        train(settings(place), manifest, place / "diverged", Observer())


@pytest.mark.parametrize("change", [{}, {"data__validation": 0}], ids=["validated", "placed"])
def test_a_network_that_is_ruined_by_the_last_step_is_told_of(place, few, monkeypatch, change):
    """Nothing could be evaluated then, it said, or the 0-100 map was no number."""

    def ruin(self):
        for weight in self.network.head.parameters():
            weight.data.fill_(1e30)

    monkeypatch.setattr(loop.Fit, "_step", ruin)
    once = settings(place, run__epochs=1, optimiser__accumulate=1000, optimiser__ema=0, **change)
    with pytest.raises(EngineError, match="says of photos is not finite any more") as diverged:
        train(once, few, place / f"ruined-{len(change)}", Observer())
    assert "learning rate" in diverged.value.hint


def test_heads_alone_are_trained_on_features(place, few, monkeypatch):
    monkeypatch.setattr(frozen_heads, "STEPS", 40)  # enough for what is asserted; 300 take most of the time
    frozen = settings(place, run__freeze_backbone=True)
    result = train(frozen, few, place / "frozen", Observer())
    old, new = load_model(place / "start"), load_model(place / "frozen" / "model")
    kept = [torch.equal(a.half(), b.half()) for a, b in zip(old.full.parameters(), new.full.parameters(), strict=True)]
    assert all(kept)
    changed = not torch.equal(old.head[0].weight.half(), new.head[0].weight.half())
    assert changed == (result["best_epoch"] > 0)
    defects = zip(old.photo_defects.parameters(), new.photo_defects.parameters(), strict=True)
    assert all(torch.equal(a.half(), b.half()) for a, b in defects)
    assert list((place / "frozen" / "tensorboard").iterdir())


def test_from_nothing_a_run_trains_and_is_placed_at_50(place, few):
    scratch = settings(
        place, network__pretrained="none", network__backbone="lcnet_035", network__size=48, run__epochs=1
    )
    result = train(scratch, few, place / "scratch", Observer())
    assert result["before"] is None
    released = load_model(place / "scratch" / "model").config
    assert released.auxiliary == "none"
    assert abs(released.score_map.center) < 20  # was 4,685: standardised before batch norms had statistics


def test_from_nothing_batch_norms_have_statistics_before_the_first_epoch(place, few):
    """Features without a shift and scale were rounding errors at first: all photos scored the same."""
    network = {"pretrained": "none", "backbone": "lcnet_035", "size": 48, "pooling": "last"}
    scratch = settings(place, **{f"network__{name}": value for name, value in network.items()}, run__epochs=0)
    train(scratch, few, place / "norms", Observer())
    norms = [m for m in load_model(place / "norms" / "model").modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert all(norm.running_mean.any() for norm in norms)
    assert all(norm.momentum is not None for norm in norms)


class SmallLiqe(torch.nn.Module):
    """Stands in for CLIP: (B, 15, 3, 224, 224) uint8 -> (B, 495)."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.project = torch.nn.Linear(3, 495)

    def forward(self, patches):
        return self.project(patches.float().mean(dim=(1, 3, 4)) / 255)


def test_dn_piqa_reads_liqe_and_brings_its_weights_along(place, few, monkeypatch):
    from piqa_cli.model import liqe

    imported = make_start(place / "imported")
    (imported / "liqe.safetensors").write_bytes(b"LIQE's weights")
    monkeypatch.setattr(liqe, "load_liqe", lambda folder: SmallLiqe())
    small = {"network.backbone": "lcnet_035", "network.size": 48, "network.pretrained": "none"}
    changes = {"network.liqe": str(imported), "run.cache_dir": str(place / "cache"), "data.workers": 0, "run.epochs": 1}
    published = load_settings("dn-piqa", overrides={**small, **changes})
    result = train(published, few, place / "dn", Observer())
    network = load_model(place / "dn" / "model")
    assert network.config.auxiliary == "liqe"
    assert network.config.preprocess.views[0].resize_to == 56
    assert (place / "dn" / "model" / "liqe.safetensors").read_bytes() == b"LIQE's weights"
    assert result["test"]["photos"] == len(few.part("test"))


def test_several_data_sets_train_one_model(place, few):
    other = Manifest(
        few.frame.with_columns(dataset=pl.lit("other"), score=50 + 10 * pl.col("score"), split=pl.lit("train"))
    )
    both = Manifest.join([Manifest(few.frame.filter(pl.col("split") != "test")), other])
    result = train(settings(place, loss__monotone=True, run__epochs=1), both, place / "several", Observer())
    assert result["photos"]["train"] > len(few.part("train"))
    assert result["test"] is None


@pytest.fixture(scope="module")
def stopped(place, manifest):
    with pytest.raises(Interrupted):
        train(settings(place), manifest, place / "stopped", StopsAt(2, 1))
    return place / "stopped"


DAMAGED = ["settings.toml", "manifest.parquet", *(f"checkpoint/{name}" for name in ("state.pt", "config.json"))]
WEIGHTS = ["checkpoint/start.safetensors", "checkpoint/best-0001.safetensors"]


@pytest.mark.parametrize("name", DAMAGED + WEIGHTS)
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_damaged_run_is_refused(stopped, tmp_path, name, kept):
    run = tmp_path / "run"
    shutil.copytree(stopped, run)
    whole = (run / name).read_bytes()
    (run / name).write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises((UsageError, ModelError)) as error:
        resume(run, StopsIn("faces"))
    assert name.rpartition("/")[2] in error.value.message
    assert "\n" not in error.value.message


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_run_whose_kept_weights_are_gone_is_refused_before_it_goes_on(stopped, tmp_path, name):
    run = tmp_path / "run"
    shutil.copytree(stopped, run)
    (run / name).unlink()
    with pytest.raises(ModelError, match=name.rpartition("/")[2]):
        resume(run, StopsIn("faces"))


def test_a_checkpoint_of_another_network_is_refused(stopped, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(stopped, run)
    state = load_state(run)
    state.network.popitem()
    save_state(state, run)
    with pytest.raises(UsageError, match=r"state\.pt: does not fit config\.json: .* is missing"):
        resume(run, StopsIn("faces"))


def test_a_manifest_with_columns_of_another_kind_is_refused(stopped, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(stopped, run)
    path = run / "manifest.parquet"
    pl.read_parquet(path).with_columns(score=pl.lit("good")).write_parquet(path)
    with pytest.raises(UsageError, match=r"manifest\.parquet: not readable") as error:
        resume(run, StopsIn("faces"))
    assert "\n" not in error.value.message


def one_scene(manifest, **columns):
    return Manifest(manifest.part("train").frame.with_columns(**columns))


def test_nothing_to_compare_is_said(manifest):
    with pytest.raises(UsageError, match="all photos of the train split have the score 3") as caught:
        check_trainable(one_scene(manifest, score=pl.lit(3.0), scene=pl.lit("all")))
    assert "scene" not in caught.value.hint  # there may be no such column
    with pytest.raises(UsageError, match=r"none of the .* scenes of the train split has two photos with different"):
        check_trainable(one_scene(manifest, scene=pl.col("image")))
    with pytest.raises(UsageError, match="one photo only is in the train split"):
        check_trainable(Manifest(manifest.part("train").frame.head(1)))
    check_trainable(one_scene(manifest, score=1e5 + pl.int_range(pl.len())))
    with pytest.raises(UsageError, match="too little beside their size: training computes with seven digits"):
        check_trainable(one_scene(manifest, score=1e9 + pl.int_range(pl.len())))
    with pytest.raises(UsageError, match="no photo is in the train split") as caught:
        check_trainable(manifest.part("test"))
    assert "--check" not in caught.value.hint  # which may be what says so


def test_photos_that_cannot_be_read_are_named_before_training(place, manifest, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no photo")
    row = manifest.part("train").frame.head(1).with_columns(image=pl.lit(str(broken)))
    with pytest.raises(UsageError, match=r"broken\.jpg"):
        train(settings(place), Manifest(pl.concat([manifest.frame, row])), tmp_path / "run", Observer())
    check_new(tmp_path / "run")  # without that photo the same command starts, since nothing was begun


def test_stopped_while_faces_are_searched_is_started_again(place, manifest, tmp_path):
    with pytest.raises(Interrupted):
        train(settings(place), manifest, tmp_path / "run", StopsIn("faces"))
    check_new(tmp_path / "run")
    with pytest.raises(UsageError, match="no run to resume here") as caught:
        resume(tmp_path / "run", Observer())
    assert caught.value.hint.startswith("start it anew")


def test_a_run_is_resumed_from_any_folder(place, manifest, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    with pytest.raises(Interrupted):
        train(quick_settings(place / "start", Path("cache")), manifest, tmp_path / "run", StopsIn("starting model"))
    assert load_settings(toml=tmp_path / "run" / "settings.toml").run.cache_dir == str(place / "cache")


def test_the_settings_that_were_used_are_kept(place, finished):
    kept = load_settings(toml=finished[0] / "settings.toml")
    assert kept == settings(place)

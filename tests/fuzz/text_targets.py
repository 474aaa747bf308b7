"""Targets whose inputs are text files that others may have written: XMP, manifests, tables, plans, models, policies."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path

import polars as pl

from piqa_cli.gates.policy import Policy
from piqa_cli.gates.policy_file import read_policy
from piqa_cli.model.config import ModelConfig, load_config
from piqa_cli.model.presets import PIQA_LITE
from piqa_cli.photos.metadata import parse_packet
from piqa_cli.ranking.journal import read_journal, step_to_dict
from piqa_cli.ranking.marks import cleared, has_marks, marked
from piqa_cli.ranking.plan_file import plan_from_json, plan_to_json
from piqa_cli.ranking.score_file import read_score_file, to_scores
from piqa_cli.ranking.steps import Marks, Step
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.cache_record import from_json, to_json
from piqa_cli.scoring.table import to_frame
from piqa_training.datasets.open import open_dataset
from piqa_training.settings import load_settings
from tests.fake_engine import full_score
from tests.fuzz.contract import Target, reported_only
from tests.ranking.shoots import SIDECARS, item, plan

MARKS = Marks(4, "Green", 3, "pick", 71.25, "burst 1", ("best of its burst", "face: noise & <blur>"))
IMAGES = ("a.jpg", "b.jpg", "Overall/a.jpg", "image/a.jpg")


def merging_xmp(data: bytes, folder: Path) -> None:
    """Marks join a packet, or it is left alone; twice is like once; taken back, the packet says what it said before."""
    path = folder / "photo.xmp"
    with reported_only():
        before = parse_packet(data, path)
        after = marked(data, MARKS, path, overwrite=False)
        assert marked(after, MARKS, path, overwrite=False) == after, "marking twice changes more"
        again = cleared(after, path)
        if not has_marks(before):
            assert parse_packet(again, path) == before, "clearing does not give back what was there"


def reading_tables(data: bytes, folder: Path) -> None:
    """The same bytes as the label file of every kind of data set."""
    for name in ("labels.csv", "Scores_Overall.csv", "labels_train_test.csv"):
        (folder / name).write_bytes(data)
    (folder / "labels.csv").write_bytes(data)
    for image in IMAGES:
        (folder / image).parent.mkdir(exist_ok=True)
        (folder / image).touch()
    for kind in ("manifest", "gfiqa", "piq23", "lsvq"):
        with reported_only():
            manifest = open_dataset(kind, folder / "labels.csv" if kind == "manifest" else folder, dry_run=True)
            assert manifest.frame["score"].is_finite().all()


def reading_scores(data: bytes, folder: Path) -> None:
    for suffix in (".csv", ".jsonl", ".json", ".parquet"):
        path = folder / f"scores{suffix}"
        path.write_bytes(data)
        with reported_only():
            assert all(0 <= score.score <= 100 for score in to_scores(read_score_file(path)) if score.score is not None)


def reading_plans(data: bytes, folder: Path) -> None:
    with reported_only():
        plan_from_json(data.decode(errors="surrogateescape"), "plan.json")
    path = folder / "journal"
    path.write_bytes(data)
    with reported_only():
        read_journal(path)


def reading_models(data: bytes, folder: Path) -> None:
    (folder / "config.json").write_bytes(data)
    with reported_only():
        assert isinstance(load_config(folder), ModelConfig)


def reading_settings(data: bytes, folder: Path) -> None:
    (folder / "settings.toml").write_bytes(data)
    with reported_only():
        load_settings(toml=folder / "settings.toml")


def reading_records(data: bytes, folder: Path) -> None:
    """What a damaged cache may hold: a record that becomes a row of the table, or nothing."""
    record = from_json(data.decode(errors="replace"), None, PhotoFile(folder / "a.jpg"), "m@0")
    if record is not None:
        assert isinstance(record, PhotoScore)


def reading_policies(data: bytes, folder: Path) -> None:
    path = folder / "policy.toml"
    path.write_bytes(data)
    with reported_only():
        assert isinstance(read_policy(path), Policy)


def _score_seeds() -> list[bytes]:
    frame = to_frame([full_score("a.jpg"), PhotoScore(Path("b.jpg"), "error", reason="broken")])
    return [frame.write_csv().encode(), frame.write_ndjson().encode(), frame.write_json().encode(), _parquet(frame)]


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _table_seeds() -> list[bytes]:
    rows = "image,score,scene,split,std\na.jpg,1.5,x,train,0.1\nb.jpg,2,x,test,\n"
    piq = "IMAGE PATH,JOD,SCENE,JOD STD,SPLIT\nOverall\\a.jpg,1.5,x,0.1,Train\n"
    frame = pl.DataFrame({"image": ["a.jpg", "b.jpg"], "score": [1.0, 2.0]})
    texts = (rows, rows.replace(",", ";"), piq, "img_name,mos\na.jpg,0.5\n", "name,mos,is_test\nv,50,False\n")
    return [*(text.encode() for text in texts), rows.encode("utf-16"), _parquet(frame)]


def _plan_seeds() -> list[bytes]:
    photo = Path("/photos/a.jpg")
    steps = (Step("embed", photo, photo, marks=MARKS),)
    head = {"kind": "piqa rank journal", "version": 1, "token": "abc", "plan": "0", "steps": 1}
    lines = [head, *map(step_to_dict, steps), {"step": 0, "state": "begun"}]
    return [
        plan_to_json(plan(item(photo, mark=True, stars=3))).encode(),
        "".join(json.dumps(line) + "\n" for line in lines).encode(),
    ]


def _policy_seeds() -> list[bytes]:
    gates = '[gates]\nfail-under = 40\nmin-resolution = "2MP"\nrequire-open-eyes = true\nseverity = "error"\n'
    more = '[folders."raw/*"]\nmax-errors = 3\n[checks]\nodd_sizes = "warning"\n[baseline]\nmax-drop = 5\n'
    return [gates.encode(), (gates + more).encode()]


@cache
def _settings_seeds() -> list[bytes]:
    return [b'[network]\npreset = "piqa-lite"\nsize = 224\n\n[optimiser]\nname = "adam"\nlearning_rate = 1e-4\n']


TARGETS = (
    Target("xmp", merging_xmp, lambda: [text.encode() for text in SIDECARS.values()]),
    Target("manifest", reading_tables, _table_seeds),
    Target("scores", reading_scores, _score_seeds),
    Target("plan", reading_plans, _plan_seeds),
    Target("model", reading_models, lambda: [PIQA_LITE.to_json().encode()]),
    Target("settings", reading_settings, _settings_seeds),
    Target("cache-record", reading_records, lambda: [to_json(full_score()).encode()]),
    Target("policy", reading_policies, _policy_seeds),
)

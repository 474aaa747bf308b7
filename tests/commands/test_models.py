from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

import pytest

from piqa_cli.errors import ModelError
from piqa_cli.model import published
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.published import Imported, SourceFile
from piqa_cli.model.store import DEFAULT_MODEL, SOURCE_FILE
from tests.model import tiny


@pytest.fixture
def folder(tmp_path):
    save_model(tiny.network(tiny.CROPPED), tmp_path / "models" / "mine")
    return tmp_path / "models"


@pytest.fixture
def models(piqa, folder):
    return lambda *args: piqa("models", *args, "--models-dir", folder)


def test_list_has_own_models_and_the_embedded_one(models, folder) -> None:
    result = models("list")
    assert (result.code, result.err) == (0, "")
    heading, first, second = result.out.splitlines()
    assert heading.split() == ["model", "kind", "size", "path"]
    assert (first.split()[0], second.split()[0]) == ("mine", DEFAULT_MODEL)
    assert first.endswith(str(folder / "mine"))
    assert "comes with piqa, the default" in second


def test_list_as_json(models, folder) -> None:
    mine, embedded = json.loads(models("list", "--json").out)
    assert mine["path"] == str(folder / "mine")
    assert (mine["embedded"], embedded["embedded"], mine["starting"]) == (False, True, False)
    assert mine["size"] > 10_000


def test_info_says_how_a_model_reads_a_photo(models) -> None:
    text = models("info", "mine").out
    assert "five crops of 48 x 48 from a short side of 56, by the face branch" in text
    assert "lcnet_035" in text
    assert "detail on the face" in models("info", DEFAULT_MODEL).out


def test_info_as_json_has_configuration_and_source(models, folder) -> None:
    assert json.loads(models("info", "mine", "--json").out)["source"] is None
    (folder / "mine" / SOURCE_FILE).write_text(json.dumps({"parts": {"full": "PIQ_model.pth"}}))
    found = json.loads(models("info", "mine", "--json").out)
    assert found["config"]["full"]["name"] == "lcnet_035"
    assert found["source"] == {"parts": {"full": "PIQ_model.pth"}}
    assert found["id"].startswith("mine@")
    assert "full: PIQ_model.pth" in models("info", "mine").out


@pytest.mark.parametrize("content", ["", "[" * 100_000])
def test_info_names_a_damaged_source(models, folder, content) -> None:
    (folder / "mine" / SOURCE_FILE).write_text(content)
    result = models("info", "mine")
    assert (result.code, result.out) == (2, "")
    assert f"{SOURCE_FILE}: not readable as JSON" in result.err


def test_path_prints_the_folder_alone(models, folder) -> None:
    assert models("path", "mine").out == f"{folder / 'mine'}\n"


def test_remove(models, folder) -> None:
    result = models("remove", "mine", "--yes")
    assert (result.code, result.out) == (0, "")
    assert result.err == f"piqa: removed {folder / 'mine'}\n"
    assert not (folder / "mine").exists()


@pytest.mark.parametrize(("answer", "stays"), [(b"n\n", True), (b"\n", True), (b"\x04", True), (b"y\n", False)])
def test_remove_asks_on_a_terminal(folder, answer, stays) -> None:
    person, terminal = pty.openpty()
    command = [sys.executable, "-m", "piqa_cli", "models", "remove", "mine", "--models-dir", str(folder)]
    with subprocess.Popen(command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(person, answer)
        out, err = process.communicate(timeout=60)
    os.close(person)
    os.close(terminal)
    assert (process.returncode, out) == (0, b"")
    assert f"Remove {folder / 'mine'}".encode() in err
    assert (folder / "mine").exists() is stays


def test_remove_without_a_terminal_needs_yes(models, folder, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    result = models("remove", "mine")
    assert (result.code, result.out) == (2, "")
    assert "--yes" in result.err
    assert (folder / "mine").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["remove", DEFAULT_MODEL, "--yes"], "comes with piqa and stays"),
        (["remove", "nothing", "--yes"], "no model 'nothing'"),
        (["info", "nothing"], "no model 'nothing'"),
        (["path", "nothing"], "no model 'nothing'"),
        (["import", "--name", "x"], "nothing to import"),
        (["import", "--name", DEFAULT_MODEL, "--full", "a.pth"], "comes with piqa"),
        (["import", "--name", "a/b", "--full", "a.pth"], "no name for a model"),
        (["import", "--full", "a.pth"], "Missing option '--name'"),
        (["import", "--name", "x", "--dn-piqa", "a.pth"], "LIQE"),
        (["import", "--name", "x", "--full", "gone.pth"], "gone.pth: no such file"),
        (["frob"], "No such command 'frob'"),
    ],
    ids=" ".join,
)
def test_wrong_usage(models, folder, args, message) -> None:
    before = sorted(folder.iterdir())
    result = models(*args)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("args", [["models", "list"], ["models", "path", DEFAULT_MODEL], ["score", "."]], ids=" ".join)
def test_a_folder_of_models_that_is_not_there_is_told(piqa, tmp_path, args) -> None:
    """Even where the model comes with piqa: the folder was named for a reason."""
    result = piqa(*args, "--models-dir", tmp_path / "mdoels")
    assert (result.code, result.out) == (2, "")
    assert f"no such folder: {tmp_path / 'mdoels'}" in " ".join(result.err.split())


def test_models_alone_shows_what_there_is(piqa) -> None:
    result = piqa("models")
    assert (result.code, result.err) == (0, "")
    assert all(word in result.out for word in ("import", "list", "info", "remove", "path"))


@pytest.fixture
def imports(monkeypatch):
    """What the importer was asked for; it makes a small model instead."""
    seen = []

    def make(*files, folder, overwrite):
        seen.append((*files, folder, overwrite))
        save_model(tiny.network(tiny.CROPPED), folder)
        starting = files[0] is None
        return Imported(starting, {}, {"full": SourceFile("a.pth", "0")})

    monkeypatch.setattr(published, "import_published", make)
    return seen


def test_import_of_the_whole_model(models, folder, imports, tmp_path) -> None:
    files = ["--dn-piqa", tmp_path / "PIQ_model.pth", "--liqe", tmp_path / "LIQE.pt"]
    result = models("import", *files, "--name", "dn-piqa")
    assert (result.code, result.out) == (0, "")
    assert imports == [
        (tmp_path / "PIQ_model.pth", tmp_path / "LIQE.pt", None, None, folder / "dn-piqa", False),
    ]
    assert f"piqa score PHOTOS --model dn-piqa --models-dir {folder}" in result.err


def test_what_is_said_to_type_holds_with_spaces_in_it(piqa, tmp_path, imports) -> None:
    files = ["--dn-piqa", tmp_path / "PIQ_model.pth", "--liqe", tmp_path / "LIQE.pt"]
    result = piqa("models", "import", *files, "--name", "my model", "--models-dir", tmp_path / "my models")
    assert f"piqa score PHOTOS --model 'my model' --models-dir '{tmp_path}/my models'" in result.err


def test_import_of_starting_weights(models, folder, imports, tmp_path) -> None:
    files = ["--full", tmp_path / "lsvq.pth", "--face", tmp_path / "gfiqa.pth"]
    result = models("import", *files, "--name", "start", "--overwrite")
    assert imports == [(None, None, tmp_path / "lsvq.pth", tmp_path / "gfiqa.pth", folder / "start", True)]
    assert f"--preset dn-piqa --full-from start --face-from start --auxiliary none --models-dir {folder}" in result.err
    result = models("import", *files, "--liqe", tmp_path / "LIQE.pt", "--name", "both")
    assert f"--full-from both --face-from both --liqe both --models-dir {folder}" in result.err


def test_a_refused_checkpoint_is_one_line(models, monkeypatch) -> None:
    def refuse(*_, **__):
        raise ModelError(
            "a.pth: needs more than weights to be loaded, so it was refused", hint="wanted is a state dict"
        )

    monkeypatch.setattr(published, "import_published", refuse)
    result = models("import", "--full", "a.pth", "--name", "x")
    assert (result.code, result.out) == (2, "")
    assert "refused" in result.err.splitlines()[0]

"""The examples for CI systems do what they say: their commands run in a shell, against made photos."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from lxml import etree
from PIL import Image
from skimage import data

from piqa_cli.gates.findings import RULES
from piqa_cli.gates.policy import CHECKS, BaselineTerms, BiasTerms, Limits
from piqa_cli.gates.policy_file import LIMITS, read_policy
from piqa_cli.photos.suffixes import IMAGE_SUFFIXES, RAW_SUFFIXES

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
FAKE = Path(__file__).with_name("piqa_with_fake_engine.py")

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="POSIX shell"),
    pytest.mark.skipif(shutil.which("git") is None, reason="the examples run in a git checkout"),
]


def load(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """A repository with photos and the policy of the examples; `pip` only notes what it was asked for."""
    folder, bin_folder = tmp_path / "checkout", tmp_path / "bin"
    (folder / "photos").mkdir(parents=True)
    bin_folder.mkdir()
    shutil.copy(CI / "policy.toml", folder)
    for number in (60, 70, 80):
        (folder / "photos" / f"{number}.jpg").write_bytes(b"x" * number)
    program(bin_folder / "pip", f'#!/bin/sh\necho "$@" > "{tmp_path}/pip.txt"\n')
    program(bin_folder / "piqa", f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step_summary"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    (tmp_path / "step_summary").touch()  # the runner makes it
    git(folder, "init", "--quiet")
    git(folder, "add", "photos")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As GitHub and GitLab do: bash that stops at the first failure."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def github_steps() -> list[dict]:
    return load(CI / "github-actions.yml")["jobs"]["quality"]["steps"]


def github_script() -> str:
    return "\n".join(step["run"] for step in github_steps() if "run" in step)


def gitlab_job() -> dict:
    return load(CI / "gitlab-ci.yml")["photos"]


def test_github_passes_and_writes_what_later_steps_take(checkout) -> None:
    done = shell(github_script(), checkout)
    assert done.returncode == 0, done.stderr
    assert (checkout.parent / "pip.txt").read_text() == "install piqa-cli\n"
    assert (checkout.parent / "step_summary").read_text().startswith("# piqa: passed")
    uploads = [step["with"] for step in github_steps() if "upload" in step.get("uses", "")]
    assert len(uploads) == 2
    named = [name for upload in uploads for name in (upload.get("path") or upload["sarif_file"]).split()]
    assert all((checkout / name).is_file() for name in named)


def test_github_fails_with_an_annotation(checkout) -> None:
    (checkout / "photos" / "05.jpg").write_bytes(b"y")
    done = shell(github_script(), checkout)
    assert done.returncode == 1
    assert "::error file=photos/05.jpg,title=piqa fail-under::photos/05.jpg: scores 5.00, at least 20" in done.stderr
    assert "05.jpg" in (checkout.parent / "step_summary").read_text()
    results = json.loads((checkout / "piqa.sarif").read_text())["runs"][0]["results"]
    place = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "photos/05.jpg", "uriBaseId": "%SRCROOT%"}


@pytest.mark.parametrize(("score", "code"), [("85", 0), ("05", 1)])
def test_gitlab(checkout, score, code) -> None:
    (checkout / "photos" / f"{score}.jpg").write_bytes(b"y")
    done = shell(gitlab_script(), checkout)
    assert done.returncode == code, done.stderr
    artifacts = gitlab_job()["artifacts"]
    assert all((checkout / name).is_file() for name in artifacts["paths"])
    suites = etree.parse(checkout / artifacts["reports"]["junit"]).getroot()
    assert sum(int(suite.get("failures")) for suite in suites) == 3 * code  # the photo, fail-under, max-bad-pct
    quality = json.loads((checkout / artifacts["reports"]["codequality"]).read_text())
    major = {entry["location"]["path"] for entry in quality if entry["severity"] == "major"}
    assert major == ({"photos/05.jpg", "policy.toml"} if code else set())


def gitlab_script() -> str:
    return "\n".join(gitlab_job()["script"])


@pytest.mark.parametrize("script", [github_script(), gitlab_script()], ids=["github", "gitlab"])
def test_a_fresh_checkout_with_the_cache_of_the_last_run_scores_only_what_is_new(checkout, monkeypatch, script) -> None:
    assert shell(script, checkout).returncode == 0
    for photo in (checkout / "photos").iterdir():
        photo.write_bytes(photo.read_bytes())  # as a checkout does: the same content at another time
    monkeypatch.setenv("FAKE_PAUSE", "never")  # whatever is scored now stops the run
    done = shell(script, checkout)
    assert done.returncode == 0, done.stderr
    (checkout / "photos" / "60.jpg").write_bytes(b"y" * 60)  # another photo of the same size
    git(checkout, "add", "photos")
    assert "could not convert string to float: 'never'" in shell(script, checkout).stderr


def test_the_cache_that_is_kept_is_the_one_that_is_used(checkout) -> None:
    steps = [step for step in github_steps() if step.get("uses", "").startswith("actions/cache/")]
    restore, save = (step["with"] for step in steps)
    assert [step["uses"].partition("@")[0] for step in steps] == ["actions/cache/restore", "actions/cache/save"]
    assert (restore["path"], restore["key"]) == (save["path"], save["key"])
    assert restore["key"].startswith(restore["restore-keys"])
    (folder,) = gitlab_job()["cache"]["paths"]
    for script, path in ((github_script(), restore["path"]), (gitlab_script(), folder.rstrip("/"))):
        assert f"--cache-dir {path} " in f"{script} "
        assert shell(script, checkout).returncode == 0
        assert (checkout / path / "scores.sqlite").is_file()
        shutil.rmtree(checkout / path)


@pytest.mark.slow
def test_the_real_program_in_the_github_example(checkout, tmp_path) -> None:
    for photo in (checkout / "photos").iterdir():
        photo.unlink()
    Image.fromarray(data.astronaut()).save(checkout / "photos" / "astronaut.jpg", quality=95)
    program(tmp_path / "bin" / "piqa", f'#!/bin/sh\nexec "{sys.executable}" -m piqa_cli "$@"\n')
    done = shell(github_script(), checkout)
    assert done.returncode == 1, done.stderr  # 512 x 512 px are less than the policy's 640x480
    assert "photos/astronaut.jpg: 512 x 512 px, at least 640x480 is wanted" in done.stderr
    (checkout / "policy.toml").write_text('[gates]\nmin-resolution = "512x512"\nmin-face-px = 64\n')
    done = shell(github_script(), checkout)
    assert done.returncode == 0, done.stderr


def hooks() -> list[dict]:
    return load(ROOT / ".pre-commit-hooks.yaml")


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
@pytest.mark.parametrize(("score", "code"), [("85", 0), ("05", 1)])
def test_hooks_judge_the_files_they_are_given(checkout, hook, score, code) -> None:
    (checkout / "photos" / f"{score}.jpg").write_bytes(b"y")
    files = sorted(str(path.relative_to(checkout)) for path in (checkout / "photos").iterdir())
    done = shell(" ".join([hook["entry"], *hook["args"], *files]), checkout)
    assert done.returncode == code, done.stderr


def test_the_example_of_a_hook_uses_the_policy(checkout) -> None:
    (hook,) = load(CI / "pre-commit-config.yaml")["repos"][0]["hooks"]
    assert shell(f"{hook['entry']} photos/60.jpg photos/80.jpg", checkout).returncode == 0
    (checkout / "photos" / "61.jpg").write_bytes((checkout / "photos" / "60.jpg").read_bytes())
    done = shell(f"{hook['entry']} photos/60.jpg photos/61.jpg", checkout)
    assert done.returncode == 1
    assert "max-duplicates" in done.stderr


def test_hooks_take_every_photo_and_nothing_else() -> None:
    for hook in hooks():
        pattern = re.compile(hook["files"])
        assert all(pattern.search(f"a/IMG_1{suffix}") for suffix in IMAGE_SUFFIXES | RAW_SUFFIXES)
        assert pattern.search("A.JPG")
        assert not any(pattern.search(name) for name in ("a.svg", "a.jpg.txt", "jpg", "a.py"))


def test_pre_commit_takes_the_files(tmp_path) -> None:
    pytest.importorskip("pre_commit")
    for command, file in (
        ("validate-manifest", ROOT / ".pre-commit-hooks.yaml"),
        ("validate-config", CI / "pre-commit-config.yaml"),
    ):
        call = [sys.executable, "-m", "pre_commit", command, str(file)]
        done = subprocess.run(
            call, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)}, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "file"), [("vendor.github-workflows", "github-actions.yml"), ("vendor.gitlab-ci", "gitlab-ci.yml")]
)
def test_the_services_own_schemas_take_the_files(schema, file) -> None:
    pytest.importorskip("check_jsonschema")
    call = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(CI / file)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_policy_says_everything_and_its_checks_are_the_defaults() -> None:
    text = (CI / "policy.toml").read_text()
    policy = read_policy(CI / "policy.toml")
    assert policy.checks == CHECKS
    assert (policy.baseline, policy.bias) == (BaselineTerms(), BiasTerms())
    assert all(re.search(rf"^(# )?{key} = ", text, re.MULTILINE) for key in (*LIMITS, "severity"))
    assert {section.glob for section in policy.sections} == {"passport/*", "archive/*"}


def test_every_rule_is_a_limit_or_a_check() -> None:
    limits = {name.replace("_", "-") for name in Limits.__dataclass_fields__} - {"bad-below"}
    assert set(RULES) == limits | set(CHECKS)


def readme_examples() -> dict[str, dict]:
    """Where the file goes, as its first line says -> the example, of every YAML block in the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n# (\S+)[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return {name: yaml.safe_load(block) for name, block in blocks}


@pytest.mark.parametrize(("score", "code"), [("85", 0), ("05", 1)])
def test_the_short_examples_of_the_readme_work_too(checkout, score, code) -> None:
    examples = readme_examples()
    assert set(examples) == {".github/workflows/photos.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml"}
    (checkout / "photos" / f"{score}.jpg").write_bytes(b"y")
    steps = examples[".github/workflows/photos.yml"]["jobs"]["quality"]["steps"]
    (hook,) = examples[".pre-commit-config.yaml"]["repos"][0]["hooks"]
    scripts = (
        "\n".join(step["run"] for step in steps if "run" in step),
        "\n".join(examples[".gitlab-ci.yml"]["photos"]["script"]),
        f"{hook['entry']} photos/{score}.jpg photos/60.jpg",
    )
    for script in scripts:
        done = shell(script, checkout)
        assert done.returncode == code, done.stderr

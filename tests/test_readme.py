import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.help_text import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_generated_parts_are_up_to_date():
    command = [sys.executable, "-m", "cogapp", "--check", "--diff", "README.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `cog -r README.md`:\n{done.stdout}{done.stderr}"


def test_continuous_integration_runs_the_readme_test_command():
    (command,) = [line for line in README.splitlines() if line.endswith(".venv/bin/pytest")]
    assert command in (ROOT / ".ci/run").read_text().splitlines()


def test_every_option_of_every_command_is_in_the_readme():
    options = {o for c in commands().values() for p in c.params for o in p.opts if o.startswith("--")}
    assert options
    assert not {option for option in options if option not in README}


def test_the_help_of_every_command_is_in_the_readme():
    alone = {name for name, command in commands().items() if not getattr(command, "commands", None)}
    assert set(COMMANDS) == alone | {""}


def commands():
    """Every command and group by the words that call it."""
    from piqa_cli.commands.app import command_line

    def walk(name, command):
        yield name, command
        for word, child in getattr(command, "commands", {}).items():
            yield from walk(f"{name} {word}".strip(), child)

    return dict(walk("", command_line()))


@pytest.mark.parametrize("word", ["http://", "https://"])
def test_no_address_is_needed(word):
    assert word not in README


def test_the_list_of_licences_has_every_package_that_ci_installs():
    listed = re.findall(r"^\| ([\w.-]+) \| (\d\S*) \|", (ROOT / "docs/licences.md").read_text(), re.MULTILINE)
    held = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)

    def named(packages):
        return {(canonicalize_name(name), version) for name, version in packages}

    assert named(listed) == named(held)


def test_the_notice_counts_the_photos_as_the_model_card_does():
    notice = (ROOT / "NOTICE").read_text()
    card = (ROOT / "piqa_cli/model/weights/piqa-lite/MODEL_CARD.md").read_text()
    counts = {name: count for count, name in re.findall(r"^  (\d+) (Pixabay|camera)", notice, re.MULTILINE)}
    assert set(counts) == {"Pixabay", "camera"}
    assert counts == dict(re.findall(r"^\| (Pixabay|camera) .*? \| (\d+) \|", card, re.MULTILINE))

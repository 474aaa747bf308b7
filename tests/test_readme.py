import subprocess
import sys
from pathlib import Path

import pytest

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
    from typer.main import get_command

    from piqa_cli.commands.app import app

    group = get_command(app)
    commands = {"": group, **getattr(group, "commands", {})}
    options = {o for c in commands.values() for p in c.params for o in p.opts if o.startswith("--")}
    assert options
    assert not {option for option in options if option not in README}


@pytest.mark.parametrize("word", ["http://", "https://"])
def test_no_address_is_needed(word):
    assert word not in README

"""What ends up in the wheel, and how the installed program starts."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_wheel_holds_the_two_packages_and_nothing_else(tmp_path):
    source = tmp_path / "source"  # a copy: building leaves files behind, and would pick up old ones
    for name in ("piqa_cli", "training"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        sizes = {item.filename: item.compress_size for item in archive.infolist()}
    tops = {name.split("/")[0] for name in sizes if ".dist-info/" not in name}
    assert tops == {"piqa_cli", "piqa_training"}
    assert set(sizes) >= expected_files()
    assert {n for n in sizes if not n.endswith(".py") and ".dist-info/" not in n} == {
        *files_below("piqa_cli/report/page"),
        *files_below("piqa_cli/faces/weights"),
        "piqa_cli/gates/schema/verdict-1.json",
        "piqa_cli/py.typed",
        "piqa_training/py.typed",
        "piqa_training/page.html.jinja",
        "piqa_cli/model/weights/piqa-lite/config.json",
        "piqa_cli/model/weights/piqa-lite/model.safetensors",
        "piqa_cli/model/weights/piqa-lite/MODEL_CARD.md",
    }
    weights = sum(size for name, size in sizes.items() if "weights/piqa-lite" in name)
    assert weights <= 20_000_000
    assert any(name.endswith("licenses/LICENSE") for name in sizes)


def files_below(folder):
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}


def expected_files():
    """Every module of the source tree under its installed name."""
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "piqa_cli").rglob("*.py")}
    training = {path.relative_to(ROOT).as_posix() for path in (ROOT / "training").rglob("*.py")}
    return found | {"piqa_" + name for name in training}


def test_both_ways_to_start_tell_the_version():
    script = Path(sys.executable).with_name("piqa")
    outputs = {
        subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
        for command in ([str(script)], [sys.executable, "-m", "piqa_cli"])
    }
    assert len(outputs) == 1
    assert outputs.pop().startswith("piqa 0.")

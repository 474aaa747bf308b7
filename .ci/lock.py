"""Write .ci/locked.txt: `python .ci/lock.py`, with the pip of the Python that CI uses.

Asks pip which files it would install for the extra `test` under constraints.txt, downloads none of them, and writes
down their names, versions and SHA-256. `pip install --require-hashes --requirement .ci/locked.txt` then takes these
files and no others.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TARGET = Path(__file__).with_name("locked.txt")
_PIP = ("-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-")
_HEAD = "# Made by .ci/lock.py: every file that CI installs, for Python {python} on {system} {machine}.\n"


def main() -> None:
    """Write the file."""
    command = [sys.executable, *_PIP, "--constraint", str(ROOT / "constraints.txt"), "--editable", f"{ROOT}[test]"]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    environment = report["environment"]
    head = _HEAD.format(
        python=environment["python_version"],
        system=environment["platform_system"],
        machine=environment["platform_machine"],
    )
    lines = sorted((_line(item) for item in report["install"] if not item["is_direct"]), key=str.casefold)
    TARGET.write_text(head + "".join(lines), encoding="utf-8")
    sys.stdout.write(f"{TARGET}: {len(lines)} files\n")


def _line(item: dict[str, Any]) -> str:
    digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
    return f"{item['metadata']['name']}=={item['metadata']['version']} --hash=sha256:{digest}\n"


if __name__ == "__main__":
    main()

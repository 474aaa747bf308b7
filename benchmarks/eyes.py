"""How many closed eyes are found, and how many open ones are called closed, on photos labelled by a person.

    python benchmarks/eyes.py ../shared

`benchmarks/eyes.csv` names faces by photo and place: `open`, `closed` (or downcast, no iris to be seen), `half` (a
person would not say), `sunglasses`, `unclear` (blurred, dark, a profile, no face at all). The first table is the honest
one: each face is judged by read-outs that were fitted without its photo. The second has the read-outs that piqa
carries, which were fitted to all of these photos.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from piqa_cli.faces.eyes import READ_OUT
from piqa_training.eyes_read import CLOSED, DARK, OPEN, SEEN, collect, cross_validate, read_labels, tally, thresholds

LABELS = Path(__file__).with_suffix(".csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the photos lie")
    parser.add_argument("--labels", type=Path, default=LABELS, help="CSV with photo, x, y, label")
    given = parser.parse_args()
    labels = read_labels(given.labels)
    samples = collect(labels, given.folder)
    openness, hidden = cross_validate(samples, CLOSED, OPEN), cross_validate(samples, SEEN, DARK)
    closed_at, hidden_at = thresholds(samples, openness, hidden)
    print("five-fold cross-validation by photo")
    print("\n".join(tally(labels, samples, openness - closed_at, hidden - hidden_at)))
    carried = load_file(READ_OUT)
    values = np.stack([sample.rows[0] for sample in samples]) @ carried["weight"].T + carried["bias"]
    print("\nread-outs that piqa carries, fitted to these photos")
    print("\n".join(tally(labels, samples, values[:, 0], values[:, 1])))


if __name__ == "__main__":
    main()

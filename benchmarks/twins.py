"""What the figure on opinions owes to photos that the data set holds twice, once in training and once held out.

    python -m benchmarks.twins ../shared

BIQ2021 has photos under two names, and the split goes by names. Photos whose embeddings have a cosine of at least
`TWINS` are one photo. Prints how many held-out photos have a twin in training, and the rank correlation with mean
opinions with and without them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.ranking_opinions import correlate, show_opinions
from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoFile, PhotoScore
from piqa_cli.scoring.embedding import to_matrix
from piqa_cli.scoring.engine import score_files
from piqa_training.sources import Source, read_sources

TWINS = 0.95  # one photo saved twice has .98 and more, different ones of this set less than .93


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the training data")
    rated = [source for source in read_sources(parser.parse_args().folder) if source.opinion is not None]
    batches = score_files((PhotoFile(source.path) for source in rated), find_model())
    found = {scored.path: scored for batch in batches for scored in batch if scored.score is not None}
    rated = [source for source in rated if source.path in found]
    held_out = [source for source in rated if source.split == "val"]
    known = twins(rated, found)
    print(f"{len(known)} of {len(held_out)} held-out photos have a twin in training")
    print(show_opinions(correlate(held_out, found)))
    print("without them")
    print(show_opinions(correlate([source for source in held_out if source not in known], found)))


def twins(rated: Sequence[Source], found: Mapping[Path, PhotoScore]) -> list[Source]:
    """Those held out that look like one of the training's."""
    training, held_out = ([source for source in rated if source.split == split] for split in ("train", "val"))
    old, new = (to_matrix([found[source.path].embedding for source in part]) for part in (training, held_out))
    assert old is not None and new is not None
    cosines = new.astype(np.float32) @ old.astype(np.float32).T  # (held out, training)
    return [source for source, row in zip(held_out, cosines, strict=True) if row.max() >= TWINS]


if __name__ == "__main__":
    main()

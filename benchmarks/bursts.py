"""How alike photos are to the embedded model: what the thresholds of `piqa rank` for bursts go by.

    python -m benchmarks.bursts ../shared/photos

Takes every fourth studio portrait and every eighth other one, and frames as a burst would have them: cut a little
elsewhere, closer, turned, blurred, brighter. Prints cosines of the embeddings, then the bursts that `piqa rank` finds
by likeness alone among the frames, without capture times, and in the folder itself, in the order of names; and the
near-duplicates there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter

from benchmarks.ranking_photos import STUDIO
from piqa_cli.model.store import find_model
from piqa_cli.photos.suffixes import is_photo
from piqa_cli.ranking.bursts import DUPLICATE_SIMILARITY, find_bursts
from piqa_cli.ranking.options import GAP_S
from piqa_cli.ranking.sequence import sequences
from piqa_cli.ranking.similarity import Similarity
from piqa_cli.records import Capture, PhotoFile, PhotoScore
from piqa_cli.scoring.embedding import to_matrix
from piqa_cli.scoring.engine import score_files

SIDE = 1400  # pixels, at most
MARGIN = 0.05  # of the width and height, cut off around the plain frame
QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)
PLAIN = "plain"
FRAMES = (
    PLAIN,
    "shifted by 2 %",
    "shifted by 5 %",
    "closer by 5 %",
    "turned by 2 degrees",
    "blurred",
    "brighter by 30 %",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="portraits, those of studios named neutral_... and smiling_...")
    photos = sorted(path for path in parser.parse_args().folder.iterdir() if is_photo(path.name))
    studio = [path for path in photos if path.name.startswith(STUDIO)]
    others = [path for path in photos if not path.name.startswith(STUDIO)]
    print(f"{'cosines':<28}" + "".join(f"{share:>8.0%}" for share in QUANTILES))
    with tempfile.TemporaryDirectory() as work:
        made = show_frames("studio", studio[::4], Path(work)) + show_frames("other", others[::8], Path(work))
    print()
    show_bursts("frames", made, lambda path: path.name.partition("_")[0] + str(_count(path) // len(FRAMES)))
    scores = score(photos)
    show_bursts("folder", scores, lambda path: path.name)
    show_duplicates("folder", scores)


def show_frames(kind: str, photos: Sequence[Path], work: Path) -> list[PhotoScore]:
    """Print how alike the frames of one photo, and different photos are -> the frames' scores."""
    made = [frame for number, photo in enumerate(photos) for frame in save_frames(photo, work / kind, number)]
    scores = score(made)
    vectors = unit_vectors(scores)  # (N, F)
    names = [FRAMES[_count(path) % len(FRAMES)] for path in made]
    plain = vectors[[name == PLAIN for name in names]]  # (P, F)
    for name in dict.fromkeys(names):
        if name != PLAIN:
            frames = vectors[[other == name for other in names]]  # (P, F)
            print_row(f"{kind}: {name}", (plain * frames).sum(axis=1))
    print_row(f"{kind}: different photos", (plain @ plain.T)[np.triu_indices(len(plain), 1)])
    return scores


def print_row(name: str, cosines: npt.NDArray[np.float32]) -> None:
    print(f"{name:<28}" + "".join(f"{value:>8.3f}" for value in np.quantile(cosines, QUANTILES)))


def save_frames(photo: Path, stem: Path, number: int) -> Iterator[Path]:
    """Write the frames of one photo, counted on from those of the photo before: studio_00007.jpg."""
    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    image.thumbnail((SIDE, SIDE))
    plain = cut(image)
    frames = (
        plain,
        cut(image, across=0.02, down=0.01),
        cut(image, across=0.05, down=0.02),
        cut(image, margin=MARGIN + 0.025),
        cut(image.rotate(2, Image.Resampling.BICUBIC)),
        plain.filter(ImageFilter.GaussianBlur(plain.width / 300)),
        ImageEnhance.Brightness(plain).enhance(1.3),
    )
    for count, frame in enumerate(frames, number * len(FRAMES)):
        path = stem.with_name(f"{stem.name}_{count:05}.jpg")
        frame.save(path, quality=92)
        yield path


def _count(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def cut(image: Image.Image, *, across: float = 0.0, down: float = 0.0, margin: float = MARGIN) -> Image.Image:
    """The image without its margins, which are shares of width and height, as are the shifts."""
    width, height = image.size
    left, top = margin + across, margin + down
    right, bottom = 1 - margin + across, 1 - margin + down
    return image.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))


def score(photos: Sequence[Path]) -> list[PhotoScore]:
    return [scored for batch in score_files(map(PhotoFile, photos), find_model("piqa-lite")) for scored in batch]


def unit_vectors(scores: Sequence[PhotoScore]) -> npt.NDArray[np.float32]:
    """The embeddings, float32 (N, F), rows of length 1."""
    matrix = to_matrix([scored.embedding for scored in scores])
    assert matrix is not None
    return matrix.astype(np.float32)


def show_bursts(name: str, scores: Sequence[PhotoScore], subject: Callable[[Path], str]) -> None:
    """Print what `piqa rank` makes of these photos without their capture times; `subject` says what a photo shows."""
    untimed = [replace(scored, capture=Capture()) for scored in scores]
    similarity = Similarity.of(untimed)
    found = [burst for shots in sequences(untimed) for burst in find_bursts(shots, gap_s=GAP_S, similarity=similarity)]
    bursts = [[shot.score.path for shot in burst] for burst in found if len(burst) > 1]
    mixed = [burst for burst in bursts if len(set(map(subject, burst))) > 1]
    inside = sum(map(len, bursts))
    print(f"{name}: {inside} of {len(scores)} photos in {len(bursts)} bursts, {len(mixed)} of several subjects")
    for burst in mixed:
        print("  " + " ".join(path.name for path in burst))


def show_duplicates(name: str, scores: Sequence[PhotoScore]) -> None:
    """Print how many photos `piqa rank --duplicates` takes together, and the largest such group."""
    similarity = Similarity.of(scores)
    found = [] if similarity is None else similarity.clusters(range(len(scores)), DUPLICATE_SIMILARITY)
    sizes = list(map(len, found))
    inside, largest = sum(sizes), max(sizes, default=0)
    print(f"{name}: {inside} of {len(scores)} photos in {len(found)} groups of near-duplicates, {largest} at most")


if __name__ == "__main__":
    main()

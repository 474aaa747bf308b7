"""Which photos form the batches of an epoch: groups of one scene, so that there are pairs to compare."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch

_MASK = 2**64 - 1


class SceneSampler:
    """Seeded batches in which every photo of every scene is seen in every epoch.

    A scene's photos are shuffled and dealt out in groups of `scene_photos` (2: pairs, as DN-PIQA trains); the last
    group is filled up with other photos of the scene where there are enough. Groups of all scenes are shuffled, and
    `photos / scene_photos` of them make a batch. Everything follows from the seed and the epoch, so an interrupted
    epoch can be entered at any batch.
    """

    def __init__(self, scenes: Sequence[int], *, photos: int, scene_photos: int, seed: int) -> None:
        self.rows: dict[int, list[int]] = {}
        for row, scene in enumerate(scenes):
            self.rows.setdefault(scene, []).append(row)
        self.groups_per_batch = photos // scene_photos
        self.scene_photos = scene_photos
        self.seed = seed

    def __len__(self) -> int:
        """Batches in an epoch."""
        groups = sum(-(-len(rows) // self.scene_photos) for rows in self.rows.values())
        return -(-groups // self.groups_per_batch)

    def epoch(self, epoch: int) -> list[list[int]]:
        """The global batches of an epoch as row numbers."""
        generator = torch.Generator().manual_seed(mixed(self.seed, epoch))
        groups = [group for scene in sorted(self.rows) for group in self._deal(self.rows[scene], generator)]
        order = torch.randperm(len(groups), generator=generator).tolist()
        shuffled = [groups[i] for i in order]
        step = self.groups_per_batch
        return [list(chain(*shuffled[i : i + step])) for i in range(0, len(shuffled), step)]

    def _deal(self, rows: list[int], generator: torch.Generator) -> list[list[int]]:
        dealt = [rows[i] for i in torch.randperm(len(rows), generator=generator)]
        rest = -len(dealt) % self.scene_photos
        dealt += dealt[: min(rest, max(len(rows) - (self.scene_photos - rest), 0))]  # never a photo beside itself
        return [dealt[i : i + self.scene_photos] for i in range(0, len(dealt), self.scene_photos)]


def share_of(batch: Sequence[int], rank: int, world: int) -> list[int]:
    """A process's rows of a global batch.

    Every process gets the same number, so that they stay in step; the last ones are filled up with the last row. The
    shares in the order of the ranks therefore start with the batch itself.
    """
    size = -(-len(batch) // world)
    own = list(batch[rank * size : (rank + 1) * size])
    return own + [batch[-1]] * (size - len(own))


def mixed(*numbers: int) -> int:
    """One seed of several numbers; near inputs give far seeds (the finaliser of MurmurHash3, 64 bits)."""
    value = 0
    for number in numbers:
        value = (value ^ (number + 0x9E3779B97F4A7C15)) & _MASK
        value = ((value ^ (value >> 33)) * 0xFF51AFD7ED558CCD) & _MASK
        value = ((value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53) & _MASK
        value ^= value >> 33
    return value >> 1  # torch takes 63 bits

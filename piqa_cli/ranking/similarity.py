"""How alike two photos are to the network: cosine of their embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from piqa_cli.records import PhotoScore
from piqa_cli.scoring.embedding import Matrix, to_matrix

_DECIMALS = 3  # half precision tells no more: the cosine of a photo with itself is off by up to 0.0003
_ROWS = 512  # compared with all others at a time: 5 MB of answers for 10,000 photos


class Similarity:
    """Embeddings of the photos of a shoot. Photos without one are like nothing."""

    def __init__(self, matrix: Matrix, known: npt.NDArray[np.bool_]) -> None:
        self._matrix = matrix  # float16 (N, F), rows of length 1 or 0
        self._known = known  # bool (N,)

    @classmethod
    def of(cls, scores: Sequence[PhotoScore]) -> Similarity | None:
        """The embeddings of these photos; None where there are none, or where they are of several models."""
        embeddings = [score.embedding for score in scores]
        matrix = to_matrix(embeddings)
        if matrix is None or len({score.model for score in scores if score.embedding is not None}) > 1:
            return None
        return cls(matrix, np.array([embedding is not None for embedding in embeddings]))

    def between(self, first: int, second: int) -> float | None:
        """Cosine in [-1, 1], to three decimals; None where one of the two is unknown."""
        if not (self._known[first] and self._known[second]):
            return None
        pair = self._matrix[[first, second]].astype(np.float32)  # (2, F)
        return round(float(pair[0] @ pair[1]), _DECIMALS)

    def to_each(self, index: int, others: Sequence[int]) -> list[float]:
        """Cosines of one photo with those of the others that are known; none where it is unknown itself."""
        known = [other for other in others if self._known[other]] if self._known[index] else []
        rows = self._matrix[known].astype(np.float32)  # (K, F)
        cosines: list[float] = (rows @ self._matrix[index].astype(np.float32)).tolist()
        return cosines

    def clusters(self, indices: Sequence[int], threshold: float) -> list[list[int]]:
        """Photos that are linked by pairs with a cosine of at least `threshold`, two or more together, in order.

        Memory grows linearly with the photos: cosines are looked at `_ROWS` rows at a time.
        """
        chosen = np.array([i for i in indices if self._known[i]], dtype=np.intp)
        labels = np.arange(len(chosen))  # photos with one label are linked; the smallest position is the label
        for start in range(0, len(chosen), _ROWS):
            alike = self._matches(chosen, start, threshold)  # bool (R, len(chosen))
            for links in alike[alike.sum(axis=1) > 1]:
                found = np.unique(labels[links])
                if len(found) > 1:
                    labels[np.isin(labels, found)] = found[0]
        members: dict[int, list[int]] = {}
        for label, index in zip(labels.tolist(), chosen.tolist(), strict=True):
            members.setdefault(label, []).append(index)
        return [cluster for cluster in members.values() if len(cluster) > 1]

    def _matches(self, chosen: npt.NDArray[np.intp], start: int, threshold: float) -> npt.NDArray[np.bool_]:
        rows = self._matrix[chosen[start : start + _ROWS]].astype(np.float32)  # (R, F)
        alike = np.zeros((len(rows), len(chosen)), dtype=np.bool_)
        for at in range(start, len(chosen), _ROWS):  # the photos before have been compared with these already
            columns = self._matrix[chosen[at : at + _ROWS]].astype(np.float32)  # (C, F)
            alike[:, at : at + _ROWS] = rows @ columns.T >= threshold
        return alike

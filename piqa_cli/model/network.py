"""`DualBranchNet`: the dual-branch network of DN-PIQA (Sun et al., CVPR Workshops 2024, section 3) and its relatives.

Two backbones read the full image and the face, auxiliary features say what is wrong, and a small regressor turns
everything into one number. DN-PIQA itself (two Swin-B, LIQE) and the embedded default are configurations of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from piqa_cli.model import statistics
from piqa_cli.model.backbone import Backbone
from piqa_cli.model.config import BRANCHES, Cut, ModelConfig, ViewConfig
from piqa_cli.model.reader import OUTPUTS, PixelReader
from piqa_cli.records import DEFECTS

LIQE_WIDTH = 495  # 5 qualities x 9 scenes x 11 distortions
STANDARDISE_EPS = 1e-6
HEADS = ("head", "face_head", "photo_defects", "face_defects")  # modules, not all in every configuration
READERS = ("photo_reader", "face_reader")
READER_SHARE = 0.3  # of a defect's log-odds, where a reader of the pixels has a say
LEAST_SEVERITY = 1e-8  # that counts: the root's slope has no end at 0
UNHEARD = 0.5  # share of training samples whose score must do without a reader: it knows the trained damage best

Views = Mapping[Cut, Tensor]  # cut -> float32 (B, K, 3, S, S), normalised; K crops, 1 without cropping


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """What the network says of a batch of B photos."""

    raw: Tensor  # (B,) unbounded, higher is better
    crops: Tensor  # (B, K) the same for each crop; `raw` is their mean
    photo_defects: Tensor | None  # (B, 9) severities in [0, 1]
    face_defects: Tensor | None  # (B, 9)
    embedding: Tensor  # (B, F) the backbone's features of the first view, averaged over the crops


@dataclass(frozen=True, slots=True)
class FaceOutput:
    """What the network says of B single faces."""

    raw: Tensor  # (B,) on the same scale as a photo's
    defects: Tensor | None  # (B, 9)


class Standardise(nn.Module):
    """Fixed shift and scale of features, set once from training data; identity until then."""

    mean: Tensor
    std: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))

    def forward(self, features: Tensor) -> Tensor:
        """(B, width) -> (B, width)."""
        return (features - self.mean) / (self.std + STANDARDISE_EPS)


class LinearReader(nn.Module):
    """A fixed weighted sum of standardised features, fitted once in closed form; 0 until then.

    What people think of a photo is learnt from few photos, and a straight line keeps more of it than a network does
    that learns the order of degradations at the same time ("wide and deep", Cheng et al. 2016).
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(width))
        self.register_buffer("bias", torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """(B, K, width) -> (B, K)."""
        return features @ self.weight + self.bias


class DefectCost(nn.Module):
    """What estimated defects take from a raw score by themselves, set once training is over; nothing until then.

    The regressor hears of them, too, and takes them for what they are worth in the training's recipes; their plain sum
    holds for other damage. The root lets mild ones count, in which the order of two versions of a photo lies.
    """

    each: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("each", torch.zeros(1))

    def forward(self, severities: Tensor) -> Tensor:
        """(B, K, 9) -> (B, K)."""
        return self.each * severities.clamp(min=LEAST_SEVERITY).sqrt().sum(dim=2)


class Regressor(nn.Sequential):
    """Linear -> ReLU -> Dropout -> Linear, the head of DN-PIQA (section 3.4)."""

    def __init__(self, width: int, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, outputs))


class DualBranchNet(nn.Module):
    """Full-image branch, face branch, auxiliary features, regressor; see `ModelConfig` for every choice."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.views: tuple[ViewConfig, ...] = config.preprocess.views
        self.face_views = tuple(view for view in self.views if view.cut != "frame")
        sizes = {branch: max((v.size for v in self.views if v.branch == branch), default=0) for branch in BRANCHES}
        self.full = Backbone(config.full, sizes["full"])
        self.face = Backbone(config.face, sizes["face"])
        self.standardise = nn.ModuleDict({v.cut: self._standardiser(v) for v in self.views})
        photo_width = sum(self.view_width(v) for v in self.views)
        face_width = sum(self.view_width(v) for v in self.face_views)
        auxiliary_width = {"none": 0, "liqe": LIQE_WIDTH, "defects": 2 * len(DEFECTS)}[config.auxiliary]
        reads = bool(config.reader) and config.statistics and config.auxiliary == "defects"
        reader_width = OUTPUTS if reads else 0
        self.photo_defects: Regressor | None = None
        self.face_defects: Regressor | None = None
        if config.auxiliary == "defects":
            self.photo_defects = Regressor(photo_width, config.hidden, len(DEFECTS), config.dropout)
            self.face_defects = Regressor(face_width, config.hidden, len(DEFECTS), config.dropout)
        self.photo_reader: PixelReader | None = None
        self.face_reader: PixelReader | None = None
        if reads:
            self.photo_reader = PixelReader(len(self.views), config.reader)
            self.face_reader = PixelReader(len(self.face_views), config.reader)
        self.hearing = nn.Dropout1d(UNHEARD)  # all that a reader says of a crop, or nothing of it
        self.linear = LinearReader(photo_width) if config.linear else None
        self.face_linear = LinearReader(face_width) if config.face_linear and config.face_head else None
        costs = config.defect_cost and config.auxiliary == "defects"
        self.cost = DefectCost() if costs else None
        self.face_cost = DefectCost() if costs and config.face_head else None
        self.head = Regressor(photo_width + auxiliary_width + 2 * reader_width, config.hidden, 1, config.dropout)
        face_auxiliary = reader_width + (len(DEFECTS) if config.auxiliary == "defects" else 0)
        self.face_head = (
            Regressor(face_width + face_auxiliary, config.hidden, 1, config.dropout) if config.face_head else None
        )

    def forward(self, views: Views, liqe: Tensor | None = None) -> NetworkOutput:
        """Score B photos; `liqe` is (B, 495) and needed by the `liqe` configuration only."""
        return self.from_features(self.features(views), liqe)

    def features(self, views: Views) -> dict[Cut, Tensor]:
        """Standardised features of the given views: cut -> float32 (B, K, F)."""
        result: dict[Cut, Tensor] = {}
        for view in self.views:
            if view.cut in views:
                images = views[view.cut]  # (B, K, 3, S, S)
                vectors = self.standardise[view.cut](self.describe(view, images.flatten(0, 1)))  # (B*K, F)
                result[view.cut] = vectors.unflatten(0, images.shape[:2])
        return result

    def from_features(self, features: Mapping[Cut, Tensor], liqe: Tensor | None = None) -> NetworkOutput:
        """The part of the network after the backbones."""
        photo = torch.cat([features[v.cut] for v in self.views], dim=2)  # (B, K, sum of F)
        batch, crops, _ = photo.shape
        parts = [photo]
        photo_defects = face_defects = None
        if self.photo_defects is not None and self.face_defects is not None:
            read = self._read(self.photo_reader, features, self.views)  # (B, K, `OUTPUTS`)
            face_read = self._read(self.face_reader, features, self.face_views)
            photo_defects = _severities(self.photo_defects(photo), read)  # (B, K, 9)
            face_defects = _severities(self.face_defects(self._face_features(features)), face_read)
            parts += [photo_defects, face_defects, *(self.hearing(r) for r in (read, face_read) if r is not None)]
        elif self.config.auxiliary == "liqe":
            if liqe is None or liqe.shape != (batch, LIQE_WIDTH):
                raise ValueError(f"this model needs LIQE features of shape ({batch}, {LIQE_WIDTH})")
            parts.append(liqe[:, None].expand(batch, crops, LIQE_WIDTH))
        raw = self.head(torch.cat(parts, dim=2)).squeeze(2)  # (B, K)
        if self.linear is not None:
            raw = raw + self.linear(photo)
        if self.cost is not None and photo_defects is not None and face_defects is not None:
            raw = raw - self.cost(torch.maximum(photo_defects, face_defects))
        return NetworkOutput(
            raw=raw.mean(dim=1),
            crops=raw,
            photo_defects=None if photo_defects is None else photo_defects.mean(dim=1),
            face_defects=None if face_defects is None else face_defects.mean(dim=1),
            embedding=features[self.views[0].cut][..., : self._branch(self.views[0]).width].mean(dim=1),
        )

    def faces_from_features(self, features: Mapping[Cut, Tensor]) -> FaceOutput:
        """Score B single faces from the features of the views that read the face; needs `face_head`."""
        assert self.face_head is not None, "configuration has no face head"
        own = self._face_features(features)  # (B, K, F)
        parts, defects = [own], None
        if self.face_defects is not None:
            read = self._read(self.face_reader, features, self.face_views)
            defects = _severities(self.face_defects(own), read)
            parts += [defects, *([] if read is None else [self.hearing(read)])]
        raw = self.face_head(torch.cat(parts, dim=2)).squeeze(2)  # (B, K)
        if self.face_linear is not None:
            raw = raw + self.face_linear(own)
        if self.face_cost is not None and defects is not None:
            raw = raw - self.face_cost(defects)
        return FaceOutput(raw.mean(dim=1), None if defects is None else defects.mean(dim=1))

    @torch.no_grad()
    def rescale_faces(self, slope: float, offset: float) -> None:
        """Let the face head's raw output be `slope` times what it was, plus `offset`; needs `face_head`."""
        assert self.face_head is not None, "configuration has no face head"
        last = self.face_head[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(slope)
        last.bias.mul_(slope).add_(offset)
        if self.face_linear is not None:
            self.face_linear.weight.mul_(slope)
            self.face_linear.bias.mul_(slope)
        if self.face_cost is not None:
            self.face_cost.each.mul_(slope)

    def _face_features(self, features: Mapping[Cut, Tensor]) -> Tensor:
        return torch.cat([features[v.cut] for v in self.face_views], dim=2)

    def _read(
        self, reader: PixelReader | None, features: Mapping[Cut, Tensor], views: tuple[ViewConfig, ...]
    ) -> Tensor | None:
        return None if reader is None else reader(statistics_part(features, views))

    def describe(self, view: ViewConfig, images: Tensor) -> Tensor:
        """What the branch sees in (N, 3, S, S) and, if configured, what the pixels say: (N, F)."""
        seen: Tensor = self._branch(view)(images)
        if not self.config.statistics:
            return seen
        reads = self.config.preprocess
        mean, std = (torch.tensor(v, device=images.device).view(3, 1, 1) for v in (reads.mean, reads.std))
        return torch.cat([seen, statistics.pixel_statistics(images.float() * std + mean)], dim=1)

    def view_width(self, view: ViewConfig) -> int:
        """How many features a view has."""
        return self._branch(view).width + (statistics.WIDTH if self.config.statistics else 0)

    def _branch(self, view: ViewConfig) -> Backbone:
        return self.full if view.branch == "full" else self.face

    def _standardiser(self, view: ViewConfig) -> nn.Module:
        return Standardise(self.view_width(view)) if self._branch(view).pooling == "stages" else nn.Identity()


def statistics_part(features: Mapping[Cut, Tensor], views: tuple[ViewConfig, ...]) -> Tensor:
    """The statistics of the pixels out of the features of some views: (B, K, views x `statistics.WIDTH`)."""
    return torch.cat([features[view.cut][..., -statistics.WIDTH :] for view in views], dim=2)


def _severities(odds: Tensor, read: Tensor | None) -> Tensor:
    """Severities in [0, 1] from the log-odds of a head that sees everything, and of a reader of the pixels."""
    if read is not None:
        odds = (1 - READER_SHARE) * odds + READER_SHARE * read[..., : len(DEFECTS)]
    return odds.sigmoid()

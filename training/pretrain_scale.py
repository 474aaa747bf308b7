"""What is set on held-out photos once the heads are trained: the 0-100 map, the faces' scale, visible severities."""

from __future__ import annotations

import torch
from torch import Tensor

from piqa_cli.model.config import ScoreMapConfig
from piqa_cli.model.network import DualBranchNet
from piqa_training.calibrate import RUINED_LOSS, align, fit_score_map, fit_thresholds
from piqa_training.features import FeatureSet
from piqa_training.fit.observer import Observer
from piqa_training.fit.placement import fresh_map
from piqa_training.heads import standardise

LEAST_UNDEGRADED = 100  # held-out photos, to calibrate severities


def score_map(network: DualBranchNet, features: FeatureSet, observer: Observer) -> ScoreMapConfig:
    """Where good and ruined photos lie decides: held-out ones with a face, else all held-out ones, else all.

    Where none was degraded far enough, the line from good to the worst quarter is drawn on.
    """
    network.eval()
    with torch.inference_mode():
        batch = {cut: values[:, None] for cut, values in standardise(network, features).items()}
        raw, loss = network.from_features(batch).raw, features.loss
    degraded = features.photo_severities[:, 0].isfinite() & _shown_degraded(features)
    chosen = [degraded & part for part in (features.val & features.has_face, features.val, torch.ones_like(degraded))]
    rows = next((rows for rows in chosen if _has_both_ends(loss[rows])), degraded)
    raw, loss = raw[rows], loss[rows]
    try:
        return fit_score_map(raw, loss) if _has_both_ends(loss) else fit_score_map(*_drawn_on(raw, loss))
    except ValueError as error:
        observer.note(f"{error}: 50 is the middle of the photos now; train on more photos or for more epochs")
        return fresh_map(raw)


def align_face_head(network: DualBranchNet, features: FeatureSet) -> None:
    """Bring the scores of single faces onto the photos' scale, by a slope and an offset."""
    rows = features.val & features.has_face & features.photo_severities[:, 0].isfinite()
    loss, face_loss = features.loss[rows], features.face_loss[rows]
    if network.face_head is None or not (_has_both_ends(loss) and _has_both_ends(face_loss)):
        return
    network.eval()
    with torch.inference_mode():
        batch = {cut: values[rows][:, None] for cut, values in standardise(network, features).items()}
        photos, faces = network.from_features(batch).raw, network.faces_from_features(batch).raw
    network.rescale_faces(*align(faces, face_loss, photos, loss))


def visible_at(network: DualBranchNet, features: FeatureSet) -> tuple[float, ...]:
    """Severities that undegraded photos hardly reach: held-out ones with a face, else all held-out ones.

    Where these are too few, too, the configured ones stay.
    """
    undegraded = features.val & (features.loss == 0) & _shown_degraded(features)
    chosen = (rows for rows in (undegraded & features.has_face, undegraded) if int(rows.sum()) >= LEAST_UNDEGRADED)
    if (rows := next(chosen, None)) is None:
        return network.config.visible_at
    network.eval()
    with torch.inference_mode():
        batch = {cut: values[rows][:, None] for cut, values in standardise(network, features).items()}
        output = network.from_features(batch)
    assert output.photo_defects is not None and output.face_defects is not None
    return fit_thresholds(torch.maximum(output.photo_defects, output.face_defects))


def _shown_degraded(features: FeatureSet) -> Tensor:
    """Which samples are of a photo that was degraded too: bool (N,). Those in other tones, and rated ones, are not."""
    return torch.isin(features.photo, features.photo[features.loss > 0])


def _has_both_ends(loss: Tensor) -> bool:
    return bool((loss == 0).any() and (loss >= RUINED_LOSS).any())


def _drawn_on(raw: Tensor, loss: Tensor) -> tuple[Tensor, Tensor]:
    """Two points on the line from the good to the worst quarter: loss 0 and `RUINED_LOSS`."""
    good, bad = raw[loss == 0].median(), loss >= loss.quantile(0.75)
    slope = (raw[bad].median() - good) / loss[bad].median().clamp(min=1e-6)
    return torch.stack([good, good + slope * RUINED_LOSS]), torch.tensor([0.0, RUINED_LOSS])

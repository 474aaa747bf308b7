import pytest
import torch

from piqa_cli.records import DEFECTS
from piqa_training.calibrate import (
    FALSE_REASONS,
    GOOD_SCORE,
    GREATEST_THRESHOLD,
    LEAST_THRESHOLD,
    NAMED_SOONER,
    RUINED_SCORE,
    SHARES,
    align,
    fit_score_map,
    fit_thresholds,
)
from piqa_training.measures import pair_accuracy
from piqa_training.objective import ACROSS_LEAST, Truth, _pairs

NAN = float("nan")


def truth():
    """Two photos with three versions each, and two rated photos."""
    known = torch.zeros(8, 9)
    known[6:] = NAN
    return Truth(
        loss=torch.tensor([0.0, 0.2, 0.9, 0.0, 0.4, 0.8, 0.0, 0.0]),
        face_loss=torch.zeros(8),
        photo_severities=known,
        face_severities=known,
        opinion=torch.tensor([NAN] * 6 + [0.4, 0.8]),
        photo=torch.tensor([0, 0, 0, 1, 1, 1, 2, 3]),
    )


def as_set(pairs):
    return {tuple(pair) for pair in pairs.tolist()}


def test_pairs_are_drawn_within_a_photo_between_clearly_different_ones_and_among_opinions():
    same, across, opinions, untouched = _pairs(truth(), torch.Generator().manual_seed(0))
    assert as_set(same) == {(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)}
    assert as_set(opinions) == {(6, 7)}
    assert as_set(untouched) == {(0, 3)}
    loss = truth().loss
    assert as_set(across) <= {(a, b) for a in range(3) for b in range(3, 6)}
    assert all(abs(loss[a] - loss[b]) >= ACROSS_LEAST for a, b in across.tolist())
    assert len(across) == 5


def test_pair_accuracy_by_hand():
    scores, quality = torch.tensor([3.0, 2.0, 1.0, 5.0, 5.0]), torch.tensor([0.9, 0.1, 0.5, 0.8, 0.2])
    group = torch.tensor([0, 0, 0, 1, 1])
    # group 0: (0, 1) right, (0, 2) right, (1, 2) wrong; group 1: a tie, wrong
    assert pair_accuracy(scores, quality, group) == 0.5


def test_pair_accuracy_leaves_out_pairs_that_hardly_differ():
    assert pair_accuracy(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.51]), torch.zeros(2)) != 1
    assert pair_accuracy(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.50, 0.51, 0.9]), torch.zeros(3)) == 1


def test_the_score_map_puts_good_and_ruined_photos_at_their_anchors():
    raw, loss = torch.tensor([1.0, 2.0, 3.0, -7.0, -8.0, -9.0]), torch.tensor([0.0, 0.0, 0.0, 0.9, 1.0, 0.95])
    fitted = fit_score_map(raw, loss)

    def score(value):
        return 100 * torch.sigmoid(torch.tensor((value - fitted.center) / fitted.scale)).item()

    assert round(score(2.0)) == GOOD_SCORE
    assert round(score(-8.0)) == RUINED_SCORE


def test_few_undegraded_photos_are_above_any_threshold():
    generator = torch.Generator().manual_seed(4)
    severities = torch.rand(500, 9, generator=generator) ** 3 * torch.linspace(0.05, 0.45, 9)
    thresholds = torch.tensor(fit_thresholds(severities), dtype=severities.dtype)
    common = thresholds / torch.tensor(SHARES)
    assert 0.4 * FALSE_REASONS < (severities > common).any(dim=1).float().mean() <= FALSE_REASONS
    assert thresholds.min() == torch.tensor(LEAST_THRESHOLD)
    assert fit_thresholds(severities / 100) == (LEAST_THRESHOLD,) * 9
    assert fit_thresholds(severities.clamp(min=0.4) * 2) == pytest.approx([GREATEST_THRESHOLD * s for s in SHARES])


def test_casts_defocus_and_compression_are_named_sooner():
    alike = torch.rand(500, 1, generator=torch.Generator().manual_seed(4)).expand(500, 9) ** 3 * 0.4
    told = dict(zip(DEFECTS, fit_thresholds(alike), strict=True))
    others = {told[defect] for defect in DEFECTS if defect not in NAMED_SOONER}
    assert len(others) == 1
    for defect, share in NAMED_SOONER.items():
        assert told[defect] == pytest.approx(share * max(others), abs=0.001) and told[defect] < max(others)


def test_one_output_is_brought_onto_the_scale_of_another():
    loss = torch.tensor([0.0, 0.0, 0.3, 0.9, 1.0])
    photos, faces = torch.tensor([1.0, 1.0, 0.0, -5.0, -5.0]), torch.tensor([-1.0, -1.0, -1.5, -4.0, -4.0])
    slope, offset = align(faces, loss, photos, loss)
    moved = slope * faces + offset
    assert moved[0] == 1.0
    assert moved[-1] == -5.0

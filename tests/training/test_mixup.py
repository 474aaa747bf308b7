from dataclasses import replace

import pytest
import torch

from piqa_training.mixup import mix_opinions
from piqa_training.objective import Truth

NAN = float("nan")
RATED = 40
KNOWN = 6  # versions whose severities are known; the last of them has an opinion, too


@pytest.fixture
def truth():
    severities = torch.cat([torch.zeros(KNOWN, 9), torch.full((RATED, 9), NAN)])
    zeros = torch.zeros(KNOWN + RATED)
    opinion = torch.cat([torch.tensor([NAN] * (KNOWN - 1) + [0.9]), torch.linspace(0, 1, RATED)])
    return Truth(zeros, zeros, severities, severities, opinion, torch.arange(KNOWN + RATED))


def features_of(truth):
    """Features that are linear in the opinion, of two cuts."""
    known = truth.opinion.nan_to_num(0.5)[:, None, None]
    return {"frame": known * torch.tensor([1.0, -2.0]), "face": 3 * known + 1}


def mixed(truth, most, seed=0):
    return mix_opinions(features_of(truth), truth, most, torch.Generator().manual_seed(seed))


def test_features_and_opinion_are_mixed_by_the_same_share(truth):
    features, after = mixed(truth, 0.5)
    for cut, values in features_of(after).items():
        assert torch.allclose(features[cut], values, atol=1e-6)


def test_nearly_all_rated_photos_move_and_no_further_than_allowed(truth):
    _, after = mixed(truth, 0.5)
    moved = (after.opinion - truth.opinion)[KNOWN:].abs()
    assert (moved > 0).sum() > 0.8 * RATED
    assert moved.max() <= 0.5 * 1.0
    _, less = mixed(truth, 0.1)
    assert 0 < (less.opinion - truth.opinion)[KNOWN:].abs().max() <= 0.1


def test_photos_with_known_severities_stay_as_they_are(truth):
    features, after = mixed(truth, 0.5)
    assert torch.equal(after.opinion[KNOWN - 1], truth.opinion[KNOWN - 1])
    assert after.opinion[: KNOWN - 1].isnan().all()
    for cut, values in features_of(truth).items():
        assert torch.equal(features[cut][:KNOWN], values[:KNOWN])
    assert after.loss is truth.loss and after.photo_severities is truth.photo_severities


def test_nothing_is_mixed_where_no_part_is_allowed_or_nobody_gave_an_opinion(truth):
    features, after = mixed(truth, 0.0)
    assert torch.equal(after.opinion[KNOWN:], truth.opinion[KNOWN:])
    for cut, values in features_of(truth).items():
        assert torch.allclose(features[cut], values)
    unrated = replace(truth, opinion=torch.full_like(truth.opinion, NAN))
    features, after = mixed(unrated, 0.5)
    assert after.opinion.isnan().all()
    assert all(torch.equal(features[c], v) for c, v in features_of(unrated).items())


def test_the_generator_decides(truth):
    assert torch.equal(mixed(truth, 0.5)[1].opinion[KNOWN:], mixed(truth, 0.5)[1].opinion[KNOWN:])
    assert not torch.equal(mixed(truth, 0.5)[1].opinion[KNOWN:], mixed(truth, 0.5, seed=1)[1].opinion[KNOWN:])

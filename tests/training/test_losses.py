import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from piqa_training.losses import fidelity_loss, pair_fidelity, thurstone

unit = st.floats(0, 1)


@given(st.floats(-6, 6))
def test_thurstone_is_the_normal_distribution(difference):
    assert float(thurstone(torch.tensor(difference, dtype=torch.float64))) == pytest.approx(norm.cdf(difference))


@given(unit, unit)
def test_fidelity_against_the_plain_formula(p, g):
    plain = 1 - math.sqrt(p * g + 1e-8) - math.sqrt((1 - p) * (1 - g) + 1e-8)
    found = fidelity_loss(torch.tensor(p, dtype=torch.float64), torch.tensor(g, dtype=torch.float64))
    assert float(found) == pytest.approx(plain, abs=1e-12)
    assert -2e-4 <= float(found) <= 1


@given(unit)
def test_fidelity_is_least_where_both_agree(p):
    probabilities = torch.linspace(0, 1, 101, dtype=torch.float64)
    losses = fidelity_loss(probabilities, torch.tensor(p, dtype=torch.float64))
    assert abs(float(probabilities[losses.argmin()]) - p) <= 0.0101


def test_pair_fidelity_is_the_mean_over_the_pairs():
    scores, labels = torch.tensor([0.3, -0.2, 1.0]), torch.tensor([1.0, 0.0, 2.5])
    pairs = torch.tensor([[0, 1], [2, 0]])
    expected = [
        float(fidelity_loss(thurstone(scores[a] - scores[b]), thurstone(labels[a] - labels[b]))) for a, b in pairs
    ]
    assert float(pair_fidelity(scores, labels, pairs)) == pytest.approx(sum(expected) / 2)


def test_pair_fidelity_drives_scores_into_the_order_of_the_labels():
    labels = torch.tensor([0.0, 3.0, 1.0, 2.0])
    scores = torch.nn.Parameter(torch.zeros(4))
    pairs = torch.combinations(torch.arange(4))
    optimiser = torch.optim.Adam([scores], lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        pair_fidelity(scores, labels, pairs).backward()
        optimiser.step()
    assert scores.argsort().tolist() == labels.argsort().tolist()


def test_no_pairs_cost_nothing_and_keep_the_graph():
    scores = torch.zeros(3, requires_grad=True)
    loss = pair_fidelity(scores, torch.zeros(3), torch.empty((0, 2), dtype=torch.long))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad.abs().sum() == 0

"""What an epoch of the heads is chosen by."""

from math import isnan, nan

import pytest
import torch

from piqa_training.measures import Measures, _srcc

FIGURES = Measures(same_photo=0.9, face_same_photo=0.8, across=0.7, opinion=0.6, defects=0.9)


def test_order_within_and_across_photos_counts_and_opinions_do_not():
    assert FIGURES.overall == pytest.approx((0.9 + 0.7 + 0.4) / 2.5)
    assert Measures(0.9, 0.8, 0.7, 0.1, 0.2).overall == FIGURES.overall


def test_photos_that_score_alike_are_no_warning_of_another_package():
    same, apart = torch.zeros(4), torch.arange(4.0)
    assert _srcc(apart, 2 * apart) == pytest.approx(1)
    assert isnan(_srcc(same, apart)) and isnan(_srcc(apart, same)) and isnan(_srcc(apart[:0], same[:0]))


def test_what_could_not_be_measured_counts_nothing():
    assert Measures(0.9, nan, 0.7, nan, 0.9).overall == pytest.approx(1.6 / 2.5)

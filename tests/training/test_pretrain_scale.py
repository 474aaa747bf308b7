"""What is set on held-out photos once the heads are trained."""

import pytest
import torch

from piqa_training.calibrate import GOOD_SCORE, GREATEST_THRESHOLD, LEAST_THRESHOLD, RUINED_SCORE
from piqa_training.features import SUPERVISION, FeatureSet
from piqa_training.fit.observer import Observer
from piqa_training.pretrain_scale import LEAST_UNDEGRADED, score_map, visible_at
from tests.model import tiny

DEGRADED, NAN = 2 * LEAST_UNDEGRADED, float("nan")


@pytest.fixture
def network():
    """An untrained one whose estimates lie where thresholds may."""
    made = tiny.network(tiny.LITE).eval()
    for head in (made.photo_defects, made.face_defects):
        torch.nn.init.constant_(head[-1].bias, -2.0)
    return made


def features_of(network, toned=0):
    """Held-out photos in two versions, undegraded and ruined, and `toned` photos that were never degraded.

    The features of the toned photos lie far from all others.
    """
    widths = {view.cut: network.view_width(view) for view in network.views}
    rows = 2 * DEGRADED + toned
    generator = torch.Generator().manual_seed(0)
    features = {cut: torch.randn(rows, width, generator=generator) for cut, width in widths.items()}
    for values in features.values():
        values[2 * DEGRADED :] *= 30
    photo = torch.cat([torch.arange(DEGRADED).repeat(2), DEGRADED + torch.arange(toned)])
    loss = torch.zeros(rows)
    loss[DEGRADED : 2 * DEGRADED] = 1.0
    columns = {
        "photo_severities": torch.zeros(rows, 9),
        "face_severities": torch.zeros(rows, 9),
        "loss": loss,
        "face_loss": loss,
        "opinion": torch.full((rows,), NAN),
        "photo": photo,
        "has_face": torch.ones(rows, dtype=torch.bool),
        "val": torch.ones(rows, dtype=torch.bool),
    }
    assert set(columns) == set(SUPERVISION)
    return FeatureSet(features, **columns)


def raw_of(network, features):
    with torch.inference_mode():
        standardised = {cut: network.standardise[cut](values)[:, None] for cut, values in features.features.items()}
        return network.from_features(standardised).raw


def test_photos_that_are_only_shown_in_other_tones_move_neither_map_nor_thresholds(network):
    plain, more = features_of(network), features_of(network, toned=3 * DEGRADED)
    for cut, values in plain.features.items():
        more.features[cut][: len(values)] = values
    raw = raw_of(network, plain)
    if raw[:DEGRADED].median() < raw[DEGRADED:].median():  # an untrained network may have it the wrong way round
        plain.loss[:], more.loss[: len(plain.loss)] = plain.loss.flip(0), plain.loss.flip(0)
        raw = raw.flip(0)
    expected = score_map(network, plain, Observer())
    assert score_map(network, more, Observer()) == expected
    assert visible_at(network, more) == visible_at(network, plain)
    assert all(LEAST_THRESHOLD < value < GREATEST_THRESHOLD for value in visible_at(network, plain))
    good, ruined = (float(part.median()) for part in (raw[:DEGRADED], raw[DEGRADED:]))
    scores = [100 / (1 + 2.718281828 ** (-(value - expected.center) / expected.scale)) for value in (good, ruined)]
    assert scores == pytest.approx([GOOD_SCORE, RUINED_SCORE], abs=0.01)


def test_photos_with_a_face_set_the_thresholds_where_they_are_enough(network):
    with_face, others = slice(0, LEAST_UNDEGRADED), slice(LEAST_UNDEGRADED, DEGRADED)
    few, all_of_them = features_of(network), features_of(network)
    few.val[others] = False
    all_of_them.has_face[others] = False
    for values in all_of_them.features.values():
        values[others] *= 30
    assert visible_at(network, all_of_them) == visible_at(network, few)
    all_of_them.has_face[with_face.start] = False
    assert visible_at(network, all_of_them) != visible_at(network, few)


def test_too_few_undegraded_photos_leave_the_thresholds_as_configured(network):
    features = features_of(network)
    features.val[LEAST_UNDEGRADED - 1 :] = False
    assert visible_at(network, features) == network.config.visible_at

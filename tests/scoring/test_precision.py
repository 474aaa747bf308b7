import pytest
from PIL import Image, ImageFilter
from skimage import data

from piqa_cli.model.checkpoint import save_model
from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoFile
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions, Precision
from tests.model import tiny

NOT_SEEN = 0.3  # points of 100


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    portrait = Image.fromarray(data.astronaut())
    for name, image in (("sharp", portrait), ("soft", portrait.filter(ImageFilter.GaussianBlur(3)))):
        image.save(folder / f"{name}.png")
    Image.fromarray(data.coffee()).save(folder / "still.png")
    return [PhotoFile(path) for path in sorted(folder.iterdir())]


def scored(photos, precision, model="piqa-lite"):
    options = EngineOptions(device="cpu", workers=0, precision=precision)
    return [record for batch in score_files(photos, find_model(model), options) for record in batch]


def test_the_quickest_arithmetic_gives_the_scores_and_words_of_float32(photos):
    quick, exact = scored(photos, Precision.AUTO), scored(photos, Precision.FLOAT32)
    assert [abs(q.score - e.score) < NOT_SEEN for q, e in zip(quick, exact, strict=True)] == [True] * len(photos)
    assert [q.reasons for q in quick] == [e.reasons for e in exact]
    assert {record.model for record in (*quick, *exact)} == {find_model("piqa-lite").id}


def test_bf16_is_near_float32_and_told_apart_by_the_model_s_id(photos, tmp_path):
    """With a small network: bf16 takes very long on processors that do not know it."""
    save_model(tiny.network(tiny.LITE), tmp_path / "tiny")
    model = find_model(str(tmp_path / "tiny"))
    short, exact = (scored(photos, precision, str(model.path)) for precision in (Precision.BF16, Precision.FLOAT32))
    assert {record.model for record in short} == {f"{model.id}-bf16"}
    assert {record.model for record in exact} == {model.id}
    differences = [abs(s.raw_score - e.raw_score) for s, e in zip(short, exact, strict=True)]
    assert 0 < max(differences) < 0.1

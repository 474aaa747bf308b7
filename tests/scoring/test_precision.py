import pytest
from PIL import Image, ImageFilter
from skimage import data

from piqa_cli.model.store import find_model
from piqa_cli.records import PhotoFile
from piqa_cli.scoring.engine import score_files
from piqa_cli.scoring.options import EngineOptions, Precision

NOT_SEEN = 0.3  # points of 100


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    portrait = Image.fromarray(data.astronaut())
    for name, image in (("sharp", portrait), ("soft", portrait.filter(ImageFilter.GaussianBlur(3)))):
        image.save(folder / f"{name}.png")
    Image.fromarray(data.coffee()).save(folder / "still.png")
    return [PhotoFile(path) for path in sorted(folder.iterdir())]


def scored(photos, precision):
    options = EngineOptions(device="cpu", workers=0, precision=precision)
    return [record for batch in score_files(photos, find_model("piqa-lite"), options) for record in batch]


def test_the_quickest_arithmetic_gives_the_scores_and_words_of_float32(photos):
    quick, exact = scored(photos, Precision.AUTO), scored(photos, Precision.FLOAT32)
    assert [abs(q.score - e.score) < NOT_SEEN for q, e in zip(quick, exact, strict=True)] == [True] * len(photos)
    assert [q.reasons for q in quick] == [e.reasons for e in exact]
    assert {record.model for record in (*quick, *exact)} == {find_model("piqa-lite").id}


def test_bf16_is_told_apart_by_the_model_s_id(photos):
    record = scored(photos[:1], Precision.BF16)[0]
    assert record.model == f"{find_model('piqa-lite').id}-bf16"
    assert record.score is not None

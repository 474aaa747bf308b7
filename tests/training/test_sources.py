import pytest
from PIL import Image
from skimage import data

from piqa_cli.errors import UsageError
from piqa_training.sources import read_sources, split_of


@pytest.fixture
def folder(tmp_path):
    portrait = Image.fromarray(data.astronaut())
    for part in ("photos", "scenes", "biq2021/images"):
        (tmp_path / part).mkdir(parents=True)
    portrait.save(tmp_path / "photos/neutral_front_001_03.jpg")
    portrait.save(tmp_path / "photos/smiling_front_001_03.jpg")
    portrait.save(tmp_path / "scenes/sharp.jpg", quality=95)
    portrait.resize((16, 16)).resize((512, 512)).save(tmp_path / "scenes/blurred.jpg")
    Image.fromarray(data.astronaut() // 8).save(tmp_path / "scenes/dark.jpg")
    for name in ("a", "b"):
        portrait.save(tmp_path / f"biq2021/images/{name}.jpg")
    (tmp_path / "biq2021/labels.csv").write_text("image,score,people\nimages/a.jpg,0.81,1\nimages/b.jpg,0.3,0\n")
    return tmp_path


def test_every_part_is_read_with_what_is_known(folder):
    found = {source.path.name: source for source in read_sources(folder)}
    assert len(found) == 7
    assert (found["a.jpg"].opinion, found["a.jpg"].pristine) == (0.81, True)
    assert (found["b.jpg"].opinion, found["b.jpg"].pristine) == (0.3, False)
    assert found["neutral_front_001_03.jpg"].opinion is None
    assert [found[f"{n}.jpg"].pristine for n in ("sharp", "blurred", "dark")] == [True, False, False]


def test_one_person_stays_in_one_split(folder):
    splits = {s.split for s in read_sources(folder) if "front_001" in s.path.name}
    assert len(splits) == 1


def test_a_fifth_is_held_out():
    held_out = sum(split_of(f"{n}.jpg") == "val" for n in range(2000))
    assert 340 < held_out < 460


def test_a_folder_without_the_parts_is_refused(tmp_path):
    with pytest.raises(UsageError, match="photos/"):
        read_sources(tmp_path)

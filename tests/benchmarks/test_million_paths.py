"""The tree of a million names: as many as asked for, links to few photos, made once."""

from benchmarks import million_paths
from piqa_cli.photos.discover import discover


def test_the_tree_has_as_many_photos_as_asked_for_in_few_files(tmp_path, monkeypatch):
    monkeypatch.setattr(million_paths, "LINKS", 20)
    monkeypatch.setattr(million_paths, "FOLDER", 10)
    tree = million_paths.make_tree(tmp_path / "tree", 45)
    names = [file.path for file in discover([tree])]
    assert len(names) == 45
    assert sorted(len(list(folder.iterdir())) for folder in tree.iterdir()) == [5, 10, 10, 10, 10]
    assert len({name.stat().st_ino for name in names}) == 3
    assert len({name.read_bytes() for name in names}) == 3


def test_a_tree_that_is_there_is_taken_as_it_is(tmp_path):
    tree = million_paths.make_tree(tmp_path / "tree", 3)
    (tree / "0000" / "IMG_0000001.jpg").unlink()
    assert len(list(discover([million_paths.make_tree(tree, 3)]))) == 2

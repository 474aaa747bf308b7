from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from piqa_cli.errors import UsageError
from piqa_cli.gates import bias
from piqa_cli.gates.bias import folder_scores
from piqa_cli.gates.duplicates import exact_copies, near_copies
from piqa_cli.gates.file_checks import wrong_extensions
from piqa_cli.gates.policy import CHECKS, BiasTerms, Limits, Policy, Section, Severity
from piqa_cli.scoring.embedding import to_bytes
from tests.gates.tables import OFF, gates, judged, row, table


def checking(*names: str, **more) -> Policy:
    return Policy(checks={**OFF, **dict.fromkeys(names, Severity.WARNING)}, **more)


def found(policy: Policy, *rows, **material) -> list[tuple[str | None, str]]:
    return [(finding.path, finding.message) for finding in judged(table(*rows), policy, **material).findings]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_unreadable_photos_with_their_reason() -> None:
    policy = checking("unreadable")
    assert found(policy, row("a"), row("b", None), row("c", None, reason=None)) == [
        ("b", "truncated"),
        ("c", "could not be scored"),
    ]


def test_without_dataset_checks_only_gates_count() -> None:
    verdict = judged(table(row("b", None)), Policy(Limits(max_errors=0)), dataset=False)
    assert [finding.rule for finding in verdict.findings] == ["max-errors"]
    assert verdict.active == ("max-errors",)


def test_no_check_alone_fails_a_run_unless_a_policy_says_so() -> None:
    assert judged(table(row("b", None))).passed
    assert not judged(table(row("b", None)), Policy(checks={**CHECKS, "unreadable": Severity.ERROR})).passed


def test_exact_copies_by_content(folder) -> None:
    head = b"x" * 70_000
    contents = {"a": head + b"1", "b": head + b"2", "c": head + b"1", "d": b"1" + head, "e": b"short", "f": b"short"}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for name in ("empty1", "empty2"):
        (folder / name).touch()
    assert exact_copies([*contents, "empty1", "empty2", "gone1", "gone2"]) == [("a", "c"), ("e", "f")]


def test_copies_as_findings_and_as_a_gate(folder) -> None:
    for name in "abcd":
        (folder / name).write_bytes(b"d" if name == "d" else b"x")
    rows = [row(name) for name in "abcd"]
    assert found(checking("duplicate"), *rows) == [("b", "same content as a"), ("c", "same content as a")]
    assert found(gates(max_duplicates=2), *rows) == []
    assert found(gates(max_duplicates=1), *rows) == [(None, "2 photos repeat the content of another; at most 1 may")]
    assert found(gates(max_duplicates=0), *rows[:2]) == [
        (None, "1 photo repeats the content of another; at most 0 may")
    ]


def test_a_section_counts_the_copies_within_it(folder) -> None:
    for name in ("a1", "b1", "b2", "c1"):
        (folder / name).write_bytes(b"x")
    policy = Policy(
        Limits(), (Section("a*", Limits(max_duplicates=0)), Section("b*", Limits(max_duplicates=0))), checks=OFF
    )
    told = found(policy, *map(row, ("a1", "b1", "b2", "c1")))
    assert told == [(None, "in b*: 1 photo repeats the content of another; at most 0 may")]


def test_a_gate_on_copies_needs_the_photos(folder) -> None:
    (folder / "a").write_bytes(b"x")
    with pytest.raises(UsageError, match="max-duplicates cannot be checked: 1 of 2 photos is not where"):
        judged(table(row("a"), row("b")), gates(max_duplicates=5))


def test_a_check_on_copies_says_what_it_has_not_seen(folder) -> None:
    verdict = judged(table(row("a"), row("b")), checking("duplicate", "wrong-extension"))
    reason = "2 of 2 photos are not where the table says"
    assert verdict.skipped == {"duplicate": reason, "wrong-extension": reason}


def look(*numbers: float) -> bytes:
    vector = np.array(numbers) / np.linalg.norm(numbers)
    embedding = to_bytes(vector.tolist())
    assert embedding is not None
    return embedding


EMBEDDINGS = {"a": look(1, 0, 0), "b": look(1, 0.1, 0), "c": look(0, 1, 0), "d": look(1, 0, 0)}


def test_near_copies_by_embedding() -> None:
    assert near_copies(["a", "b", "c", "x"], ["m"] * 4, EMBEDDINGS) == [("a", "b")]
    assert near_copies(["a", "b"], ["m", "another"], EMBEDDINGS) == []


def test_exact_copies_are_no_near_ones(folder) -> None:
    for name in "abcd":
        (folder / name).write_bytes(b"x" if name in "ad" else name.encode())
    rows = [row(name) for name in "abcd"]
    policy = checking("duplicate", "near-duplicate")
    assert found(policy, *rows, embeddings=EMBEDDINGS) == [("d", "same content as a"), ("b", "looks like a")]
    gate = gates(max_near_duplicates=0)
    assert found(gate, *rows, embeddings=EMBEDDINGS) == [(None, "1 photo looks like another photo; at most 0 may")]


def test_near_copies_need_embeddings() -> None:
    assert "near-duplicate" in judged(table(row("a")), checking("near-duplicate")).skipped
    with pytest.raises(UsageError, match="max-near-duplicates cannot be checked: the look of these photos"):
        judged(table(row("a")), gates(max_near_duplicates=0))


def test_near_copies_need_every_readable_photo() -> None:
    """Changed since, or gone: a cache that knows only some photos lets no gate pass."""
    rows = [row("a"), row("c"), row("elsewhere"), row("broken", None)]
    policy, why = checking("near-duplicate"), "the look of 1 of 3 photos is not known: score them again"
    assert judged(table(*rows), policy, embeddings=EMBEDDINGS).skipped["near-duplicate"].startswith(why)
    with pytest.raises(UsageError, match=f"max-near-duplicates cannot be checked: {why}"):
        judged(table(*rows), gates(max_near_duplicates=0), embeddings=EMBEDDINGS)
    assert found(gates(max_near_duplicates=0), *rows[:2], rows[3], embeddings=EMBEDDINGS) == []


def test_near_copies_need_one_model() -> None:
    """Their embeddings cannot be compared, so that nothing is found."""
    rows = [row("a"), row("b", model="another@4567")]
    assert (
        "several models"
        in judged(table(*rows), checking("near-duplicate"), embeddings=EMBEDDINGS).skipped["near-duplicate"]
    )
    with pytest.raises(UsageError, match="max-near-duplicates cannot be checked: the photos were scored by several"):
        judged(table(*rows), gates(max_near_duplicates=0), embeddings=EMBEDDINGS)


@pytest.mark.parametrize("embeddings", [{}, None], ids=["one table", "in parts"])
def test_photos_that_cannot_be_read_have_no_near_copies(embeddings) -> None:
    policy = Policy(Limits(max_near_duplicates=0), checks={**OFF, "near-duplicate": Severity.NOTE})
    verdict = judged(table(row("a", None), row("b", None)), policy, embeddings=embeddings)
    assert (verdict.findings, verdict.skipped) == ((), {})
    with pytest.raises(UsageError, match=r"max-near-duplicates cannot be checked: .*look of the(se)? photos"):
        judged(table(row("a", None), row("b")), policy, embeddings=embeddings)


def test_extensions_that_do_not_fit(folder) -> None:
    picture = Image.new("RGB", (8, 8))
    kinds = {"PNG": ("a.PNG", "a.jpg"), "JPEG": ("b.jpeg", "b.png", "noext"), "WEBP": ("c.webp", "c.jpg")}
    for form, names in kinds.items():
        for name in names:
            picture.save(folder / name, form)
    picture.save(folder / "d.tif", "TIFF")
    picture.save(folder / "d.dng", "TIFF")  # RAW files are TIFF inside
    (folder / "e.jpg").write_bytes(b"text")
    names = [name for group in kinds.values() for name in group]
    findings = wrong_extensions([*names, "d.tif", "d.dng", "e.jpg", "gone.jpg"], Severity.WARNING)
    assert [(finding.path, finding.message) for finding in findings] == [
        ("a.jpg", "PNG content with the extension .jpg"),
        ("b.png", "JPEG content with the extension .png"),
        ("noext", "JPEG content with no extension"),
        ("c.jpg", "WEBP content with the extension .jpg"),
    ]


USUAL = [row(f"{n}.jpg", width=4000 if n % 2 else 3000, height=3000 if n % 2 else 4000) for n in range(8)]


def test_odd_sizes_and_shapes() -> None:
    odd = row("odd.jpg", width=3000, height=3000)
    assert found(checking("odd-size"), *USUAL, odd) == [
        ("odd.jpg", "3000 x 3000 px, nearly all others have 4000 x 3000")
    ]
    assert found(checking("odd-aspect-ratio"), *USUAL, odd) == [
        ("odd.jpg", "aspect ratio 1.00:1, nearly all others have about 1.3:1")
    ]
    assert found(checking("odd-aspect-ratio"), row("long.jpg", width=301, height=100)) == [
        ("long.jpg", "aspect ratio 3.01:1, more than 3:1")
    ]


def test_a_thumbnail_among_sizes_of_all_kinds_is_odd() -> None:
    mixed = [row(f"{n}.jpg", width=3000 + n, height=2000) for n in range(5)]
    message = "1500 x 999 px, less than a quarter of the pixels that are usual here"
    assert found(checking("odd-size"), *mixed, row("small.jpg", width=1500, height=999)) == [("small.jpg", message)]
    assert found(checking("odd-size"), *mixed, row("fine.jpg", width=1500, height=1001)) == []


def test_few_photos_have_no_odd_one() -> None:
    assert found(checking("odd-size"), *USUAL[:3], row("odd.jpg", width=30, height=20)) == []


def test_missing_exif() -> None:
    bare = {"camera": None, "captured_at": None}
    assert found(checking("missing-exif"), row("a"), row("b", **bare), row("c", None, **bare)) == [
        ("b", "neither camera nor capture time in EXIF")
    ]
    everything = found(checking("missing-exif"), row("a", **bare), row("b", **bare))
    assert everything == [(None, "none of the 2 photos has EXIF: camera and capture time are unknown")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, None),
        ({"captured_at": None}, "a camera but no capture time in EXIF"),
        ({"camera": None}, "a capture time but no camera in EXIF"),
        ({"captured_at": "2025-03-04T05:12:00+00:00"}, "capture time 2025-03-04T05:12:00+00:00 is in the future"),
        ({"captured_at": "2025-03-04T05:10:00+00:00"}, None),
        ({"captured_at": "2025-03-04T18:00:00"}, None),  # it may be later where the camera is
        ({"captured_at": "2025-03-05T00:00:00"}, "capture time 2025-03-05T00:00:00 is in the future"),
        ({"captured_at": "1970-01-01T00:00:00"}, "capture time 1970-01-01T00:00:00 is older than digital cameras"),
        ({"captured_at": "0000:00:00"}, "capture time '0000:00:00' is no date"),
        ({"iso": 0}, "ISO speed of 0"),
        ({"shutter_s": -1.0}, "exposure time of -1"),
        ({"aperture": 0.0}, "f-number of 0"),
        ({"focal_length_mm": -50.0}, "focal length of -50 mm"),
        ({"focal_length_mm": 0.0}, None),  # manual lenses
    ],
)
def test_inconsistent_exif(changes, message) -> None:
    expected = [] if message is None else [("a", message)]
    assert found(checking("inconsistent-exif"), row("a", **changes)) == expected


def labels(*, shift: float, photos: int = 40) -> list:
    random = np.random.default_rng(7)
    scores = {label: random.normal(60, 8, photos) for label in ("cat", "dog", "owl")}
    scores["dog"] -= shift
    return [row(f"set/{label}/{n}.jpg", float(s)) for label, values in scores.items() for n, s in enumerate(values)]


def test_a_label_of_lower_quality_is_found() -> None:
    verdict = judged(table(*labels(shift=12)), checking("folder-bias"))
    (finding,) = verdict.findings
    assert (finding.part, finding.path) == ("dog", None)
    assert finding.message.startswith("folder dog: 40 photos average 4")
    assert " below what is usual here (interval -1" in finding.message


def test_a_label_of_higher_quality_is_found() -> None:
    (finding,) = judged(table(*labels(shift=-12)), checking("folder-bias")).findings
    assert finding.part == "dog"
    assert " above what is usual here (interval +" in finding.message


def test_a_difference_that_may_be_chance_is_not_reported() -> None:
    scores = {"x": (0.0, 100.0, 0.0, 100.0, 50.0), "y": (20.0, 100.0, 20.0, 100.0, 60.0)}
    rows = [row(f"{folder}/{n}.jpg", score) for folder, values in scores.items() for n, score in enumerate(values)]
    assert [folder.difference for folder in folder_scores(table(*rows), BiasTerms())] == [-10, 10]
    assert found(checking("folder-bias"), *rows) == []


def test_labels_of_one_quality_are_not_reported() -> None:
    assert judged(table(*labels(shift=0)), checking("folder-bias")).findings == ()


def test_a_certain_but_small_difference_is_not_reported() -> None:
    rows = labels(shift=4, photos=400)
    assert judged(table(*rows), checking("folder-bias")).findings == ()
    assert judged(table(*rows), checking("folder-bias", bias=BiasTerms(min_difference=3))).findings != ()


def test_intervals_by_folder() -> None:
    folders = folder_scores(table(*labels(shift=12), row("set/a.jpg", 3.0)), BiasTerms())
    assert next(folder.folder for folder in folders) == "dog"
    assert {folder.folder for folder in folders} == {"cat", "dog", "owl"}  # one photo is too few
    for folder in folders:
        low, high = folder.interval
        assert low < folder.mean < high
        assert high - low == pytest.approx(2 * 1.96 * 8 / 40**0.5, rel=0.35)
        assert folder.difference_interval[0] <= folder.difference <= folder.difference_interval[1]
    assert folders == folder_scores(table(*labels(shift=12), row("set/a.jpg", 3.0))[::-1], BiasTerms())


def test_folders_too_large_to_be_drawn_from_at_once_have_the_same_intervals(monkeypatch) -> None:
    frame = table(*labels(shift=12, photos=7))
    at_once = folder_scores(frame, BiasTerms())
    monkeypatch.setattr(bias, "_DRAWS", 7 * 300)
    assert folder_scores(frame, BiasTerms()) == at_once


def test_the_difference_is_to_the_usual_folder() -> None:
    rows = [row(f"x/{n}", 10.0) for n in range(5)] + [row(f"y/{n}", 20.0) for n in range(5)]
    more = [row(f"z/{n}", 40.0) for n in range(10)]
    assert {f.folder: f.difference for f in folder_scores(table(*rows, *more), BiasTerms())} == {
        "x": -10,
        "y": 0,
        "z": 20,
    }
    assert {f.folder: f.difference for f in folder_scores(table(*rows), BiasTerms())} == {"x": -10, "y": 10}


def test_one_folder_has_nothing_to_differ_from() -> None:
    (folder,) = folder_scores(table(*[row(f"set/{n}.jpg") for n in range(6)]), BiasTerms())
    assert (folder.folder, folder.difference, folder.difference_interval) == (".", None, None)
    assert folder_scores(table(), BiasTerms()) == []

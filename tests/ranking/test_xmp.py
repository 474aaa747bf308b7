"""Editing packets: what is not meant stays byte for byte, and real readers agree with the result."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piqa_cli.errors import BrokenPhoto
from piqa_cli.photos.metadata import OWN_NAMESPACE, parse_packet
from piqa_cli.ranking import marks
from piqa_cli.ranking.marks import cleared, has_marks, marked
from piqa_cli.ranking.steps import Marks
from piqa_cli.ranking.xmp import edit_packet, is_empty
from tests.ranking.shoots import DIGIKAM, LIGHTROOM, SIDECARS, rated

HERE = Path("IMG_1.xmp")
XMP, OTHER = "http://ns.adobe.com/xap/1.0/", "https://other.example/ns/"
PREFIXES = {OTHER: "other", XMP: "xmp"}
PICK = Marks(4, "Green", 3, "pick", 71.25, "burst 1", ("best of its burst", "face: noise & <blur>"))
REJECT = Marks(-1, "Red", 1, "reject", 11.0, None, ("score below 20",))


@pytest.mark.parametrize("name", SIDECARS)
def test_marks_join_what_is_there_and_leave_the_rest(name: str) -> None:
    before = SIDECARS[name].encode()
    after = marked(before, PICK, HERE, overwrite=False)
    known, found = parse_packet(before, HERE), parse_packet(after, HERE)
    assert found["Xmp.xmp.Rating"] == "4"
    assert found["Xmp.xmp.Label"] == "Green"
    assert found["Xmp.digiKam.PickLabel"] == "3"
    assert found["Xmp.piqa.Score"] == "71.25"
    assert found["Xmp.piqa.Reasons"] == "best of its burst, face: noise & <blur>"
    ours = {key for key in found if ".piqa." in key or key in MARKED}
    assert {k: v for k, v in known.items() if k not in MARKED} == {k: v for k, v in found.items() if k not in ours}
    for line in SIDECARS[name].splitlines():
        assert line in after.decode() or "Rating" in line or "PickLabel" in line


MARKED = ("Xmp.xmp.Rating", "Xmp.xmp.Label", "Xmp.digiKam.PickLabel")


@pytest.mark.parametrize("name", SIDECARS)
def test_clearing_gives_back_every_byte(name: str) -> None:
    before = SIDECARS[name].encode()
    twice = marked(marked(before, PICK, HERE, overwrite=False), REJECT, HERE, overwrite=False)
    assert parse_packet(twice, HERE)["Xmp.xmp.Rating"] == "-1"
    assert cleared(twice, HERE) == before
    assert cleared(before, HERE) == before


def test_a_new_packet_goes_as_it_came() -> None:
    new = marked(b"", PICK, HERE, overwrite=False)
    assert has_marks(parse_packet(new, HERE))
    assert cleared(new, HERE) == b""
    joined = edit_packet(new, {(OTHER, "Mine"): "by hand"}, PREFIXES, HERE)
    left = cleared(joined, HERE)
    assert list(parse_packet(left, HERE).values()) == ["by hand"]


def test_marks_without_stars_leave_the_rating_and_take_back_the_label() -> None:
    before = marked(LIGHTROOM.encode(), PICK, HERE, overwrite=False)
    found = parse_packet(marked(before, Marks(None, decision="keep"), HERE, overwrite=False), HERE)
    assert (found["Xmp.xmp.Rating"], found["Xmp.piqa.Decision"]) == ("4", "keep")
    assert not {"Xmp.xmp.Label", "Xmp.digiKam.PickLabel", "Xmp.piqa.Reasons"} & found.keys()


def test_a_label_that_a_person_has_changed_since_stays() -> None:
    before = marked(LIGHTROOM.encode(), PICK, HERE, overwrite=False)
    changed = before.replace(b'xmp:Label="Green"', b'xmp:Label="Mine"')
    again = marked(changed, REJECT, HERE, overwrite=False)
    found = parse_packet(again, HERE)
    assert (found["Xmp.xmp.Label"], found["Xmp.xmp.Rating"]) == ("Mine", "-1")
    assert parse_packet(cleared(again, HERE), HERE)["Xmp.xmp.Label"] == "Mine"


def test_an_edit_that_changes_more_than_the_marks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(*args: Any) -> bytes:
        return edit_packet(*args).replace(b"wedding", b"welding")

    monkeypatch.setattr(marks, "edit_packet", careless)
    with pytest.raises(BrokenPhoto, match="without changing more"):
        marked(LIGHTROOM.encode(), PICK, HERE, overwrite=False)


def test_a_persons_values_are_left_alone_and_survive_clearing() -> None:
    labelled = LIGHTROOM.replace("xmp:CreatorTool", 'xmp:Label="Mine" xmp:CreatorTool').encode()
    found = parse_packet(marked(labelled, PICK, HERE, overwrite=False), HERE)
    assert found["Xmp.xmp.Label"] == "Mine"
    assert "Xmp.piqa.Label" not in found
    over = marked(labelled, PICK, HERE, overwrite=True)
    assert parse_packet(over, HERE)["Xmp.xmp.Label"] == "Green"
    assert cleared(over, HERE) == labelled
    changed = over.replace(b'xmp:Label="Green"', b'xmp:Label="Blue"')
    assert parse_packet(cleared(changed, HERE), HERE)["Xmp.xmp.Label"] == "Blue"


def test_overwriting_a_rating_remembers_the_first_one() -> None:
    three = rated(LIGHTROOM, 3).encode()
    over = marked(marked(three, PICK, HERE, overwrite=True), REJECT, HERE, overwrite=True)
    assert parse_packet(over, HERE)["Xmp.piqa.RatingBefore"] == "3"
    assert cleared(over, HERE) == three


def test_a_label_no_longer_asked_for_is_taken_back() -> None:
    keep = Marks(3, None, None, "keep", 50.0)
    found = parse_packet(marked(marked(b"", PICK, HERE, overwrite=False), keep, HERE, overwrite=False), HERE)
    assert "Xmp.xmp.Label" not in found
    assert "Xmp.digiKam.PickLabel" not in found
    assert found["Xmp.xmp.Rating"] == "3"


BAD = {
    "empty": b"",
    "blank": b" \n",
    "cut off": LIGHTROOM.encode()[:700],
    "no markup": b"rating 5",
    "two roots": b"<a/><b/>",
    "no rdf": b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
    "unbound prefix": LIGHTROOM.replace("crs:Version", "nope:Version").encode(),
    "twice the same": LIGHTROOM.replace("crs:Version", 'xmp:CreatorTool="b" crs:Version').encode(),
    "latin-1": LIGHTROOM.encode("latin-1", "replace").replace(b"Zo", b"Zo\xeb\xff"),
    "binary": bytes(range(256)),
    "external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + DIGIKAM.encode(),
    "document type": b"<!doctype html>" + LIGHTROOM.encode(),
}
BOMB = "<!DOCTYPE x [<!ENTITY a0 'lol'>" + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 12))
BAD["entity bomb"] = (BOMB + "]>" + LIGHTROOM.replace("wedding", "&a11;")).encode()
BAD["entity bomb, UTF-16"] = (BOMB + "]>" + LIGHTROOM.replace("wedding", "&a11;")).encode("utf-16")


@pytest.mark.parametrize("packet", BAD.values(), ids=BAD)
def test_malformed_is_refused(packet: bytes) -> None:
    with pytest.raises(BrokenPhoto, match=r"malformed|refused") as caught:
        parse_packet(packet, HERE) if not packet else marked(packet, PICK, HERE, overwrite=True)
    assert caught.value.path == HERE


def test_utf_16_and_byte_order_marks_are_read() -> None:
    wide = LIGHTROOM.encode("utf-16")
    assert parse_packet(marked(wide, PICK, HERE, overwrite=False), HERE)["Xmp.crs.Version"] == "15.0"
    declared = ('<?xml version="1.0" encoding="UTF-16"?>' + DIGIKAM.replace("\ufeff", "")).encode("utf-16")
    assert parse_packet(marked(declared, PICK, HERE, overwrite=False), HERE)["Xmp.xmp.Rating"] == "4"
    marked_utf_8 = b"\xef\xbb\xbf" + DIGIKAM.encode()
    assert cleared(marked(marked_utf_8, PICK, HERE, overwrite=False), HERE) == marked_utf_8


SHAPES = {
    "closed rdf": '<rdf:RDF xmlns:rdf="{r}"/>',
    "no xmpmeta": '<rdf:RDF xmlns:rdf="{r}"><rdf:Description rdf:about="" xmlns:o="{o}" o:A="1"/></rdf:RDF>',
    "other prefix": '<rdf:RDF xmlns:rdf="{r}">'
    '<rdf:Description rdf:about="uuid:1" xmlns:x="{x}" x:Rating="1"/></rdf:RDF>',
    "element": '<rdf:RDF xmlns:rdf="{r}"><rdf:Description rdf:about="" xmlns:x="{x}">'
    "<x:Rating>1</x:Rating></rdf:Description></rdf:RDF>",
    "taken prefix": '<rdf:RDF xmlns:rdf="{r}" xmlns:xmp="{o}" xmlns:piqa="{o}2/"><rdf:Description rdf:about="" '
    "xmp:A='it&apos;s > that'/></rdf:RDF>",
}
RDF_URI = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_way_to_write_rdf(shape: str) -> None:
    packet = shape.format(r=RDF_URI, o=OTHER, x=XMP).encode()
    after = marked(packet, PICK, HERE, overwrite=True)
    assert parse_packet(after, HERE)["Xmp.xmp.Rating"] == "4"
    again = marked(after, REJECT, HERE, overwrite=False)
    assert parse_packet(again, HERE)["Xmp.xmp.Rating"] == "-1"
    assert parse_packet(cleared(again, HERE), HERE) == parse_packet(packet, HERE)


HOMES = {
    "closed": 'piqa:Decision="keep" {more}/>',
    "open": 'piqa:Decision="keep" {more}></rdf:Description>',
    "with an element": "{more}><piqa:Decision>keep</piqa:Decision>\n </rdf:Description>",
}


@pytest.mark.parametrize("home", HOMES.values(), ids=HOMES)
@pytest.mark.parametrize(
    "more", ["", 'xmlns:xmp="{o}" xmp:A="1"', 'xmlns="{x}"'], ids=["", "prefix taken", "namespace by default"]
)
def test_new_marks_join_older_ones_however_those_are_written(home: str, more: str) -> None:
    """Reasons are a list, which is no attribute: a description without elements gets its first."""
    start = f'<rdf:RDF xmlns:rdf="{RDF_URI}"><rdf:Description rdf:about="" xmlns:piqa="{OWN_NAMESPACE}" '
    packet = (start + home.format(more=more.format(o=OTHER, x=XMP)) + "</rdf:RDF>").encode()
    after = marked(packet, PICK, HERE, overwrite=False)
    found = parse_packet(after, HERE)
    assert (found["Xmp.xmp.Rating"], found["Xmp.piqa.Decision"]) == ("4", "pick")
    assert found["Xmp.piqa.Reasons"] == "best of its burst, face: noise & <blur>"
    assert after.count(b"<rdf:Description ") == 1
    assert more.format(o=OTHER, x=XMP).encode() in after


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20).filter(str.strip)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(texts, st.lists(texts, max_size=3), st.sampled_from([*SIDECARS.values(), ""]))
def test_any_text_is_written_and_read_back(text: str, items: list[str], packet: str) -> None:
    uri = OTHER + "text/"  # Exiv2 keeps the first prefix that it meets for a namespace, whatever test it was in
    changes = {(uri, "Text"): text, (uri, "List"): tuple(items) or None}
    after = edit_packet(packet.encode(), changes, {uri: "text"}, HERE)
    plain = "".join(c if (c >= " " and c != "\x7f") or c in "\t\n\r" else "\ufffd" for c in text)
    plain = plain.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    assert parse_packet(after, HERE)["Xmp.text.Text"] == plain
    back = edit_packet(after, dict.fromkeys(changes), {uri: "text"}, HERE)
    assert back == packet.encode() or (not packet and is_empty(back, HERE))


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
@pytest.mark.parametrize("name", [*SIDECARS, "new"])
def test_exiftool_reads_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    path.write_text(SIDECARS.get(name, ""))
    before = exiftool(path) if name in SIDECARS else {}
    path.write_bytes(marked(SIDECARS.get(name, "").encode(), REJECT, HERE, overwrite=False))
    after = exiftool(path)
    assert after["XMP-xmp:Rating"] == -1
    assert after["XMP-xmp:Label"] == "Red"
    assert after["XMP-digiKam:PickLabel"] == 1
    assert after["XMP-piqa:Reasons"] == "score below 20"
    ours = ("XMP-xmp:Rating", "XMP-xmp:Label", "XMP-digiKam:PickLabel")
    assert {k: v for k, v in before.items() if k not in ours}.items() <= after.items()
    problems = subprocess.run(["exiftool", "-validate", "-warning", "-a", "-s3", path], capture_output=True, text=True)
    assert "Error" not in problems.stdout


def exiftool(path: Path) -> dict[str, object]:
    command = ["exiftool", "-j", "-G1", "-n", "-XMP:all", str(path)]
    tags = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
    return {key: value for key, value in tags.items() if key != "SourceFile"}


@pytest.mark.skipif(shutil.which("exiv2") is None, reason="needs the program exiv2")
@pytest.mark.parametrize("name", SIDECARS)
def test_exiv2_reads_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(marked(SIDECARS[name].encode(), PICK, HERE, overwrite=False))
    shown = subprocess.run(["exiv2", "-Pkt", str(path)], capture_output=True, text=True, check=True)
    found = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines() if " " in line.strip())
    assert found["Xmp.xmp.Rating"].strip() == "4"
    assert found["Xmp.xmp.Label"].strip() == "Green"
    assert not shown.stderr


def test_a_packet_that_is_no_xml_is_left_alone() -> None:
    with pytest.raises(BrokenPhoto, match="malformed XMP"):
        edit_packet(b"<x:xmpmeta>", {(XMP, "Rating"): "4"}, PREFIXES, HERE)


def test_what_exiv2_cannot_read_is_left_alone() -> None:
    packet = f'<R:RDF xmlns:R="{RDF_URI}"><R:Description R:about="" xmlns:o="{OTHER}" o:A="1"/></R:RDF>'.encode()
    with pytest.raises(BrokenPhoto, match="without changing more"):
        marked(packet, PICK, HERE, overwrite=True)


def test_rdf_without_a_prefix_is_left_alone() -> None:
    packet = f'<RDF xmlns="{RDF_URI}"><Description about="" xmlns:x="{XMP}" x:CreatorTool="a"/></RDF>'.encode()
    with pytest.raises(BrokenPhoto, match="no prefix"):
        marked(packet, PICK, HERE, overwrite=True)
    assert cleared(packet, HERE) == packet


def test_characters_that_xml_does_not_allow_in_the_name_of_a_folder() -> None:
    marks = Marks(4, decision="keep", group="shoot/\x1b[31m\ufffe", reasons=("number 2 of 3 in shoot/\x1b[31m\ufffe",))
    after = marked(b"", marks, HERE, overwrite=False)
    found = parse_packet(after, HERE)
    assert found["Xmp.piqa.Group"] == "shoot/\ufffd[31m\ufffd"
    assert found["Xmp.piqa.Reasons"] == "number 2 of 3 in shoot/\ufffd[31m\ufffd"
    assert marked(after, marks, HERE, overwrite=False) == after
    assert cleared(after, HERE) == b""

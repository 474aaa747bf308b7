"""File names are foreign text: whatever is in them, the files stay what they are, and the names can be read back."""

from __future__ import annotations

import json
import os
import re
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt

from piqa_cli.gates.annotations import escape_message, escape_property, github_annotations
from piqa_cli.gates.junit import to_junit
from piqa_cli.gates.markdown import to_markdown
from piqa_cli.gates.markdown_text import code, escaped
from piqa_cli.gates.places import relative, uri
from piqa_cli.gates.sarif import plain_text, to_sarif
from piqa_cli.gates.xml_text import xml_safe
from tests.gates.tables import gates, judged, row, table

FEW = settings(derandomize=True, deadline=None, max_examples=60, database=None)
PUNCTUATION = "".join(map(chr, range(32, 127)))
TEXT = st.text(
    st.one_of(st.sampled_from(PUNCTUATION + "\n\r\t\x00\x1b\x85\u2028\u202e\ufffe\ud800é写"), st.characters())
)
NAMES = TEXT.filter(lambda text: "\0" not in text and "\ud800" not in text and text.strip("./") and len(text) < 200)


def shown(text: str) -> str:
    """What a reader sees of foreign text: forbidden characters as escapes."""
    return xml_safe(text)


def page(source: str) -> str:
    return MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(source)


@FEW
@given(TEXT)
@example("|a`b`|")
@example("\\|")
@example("``")
@example(" lead")
@example("<script>alert(1)</script>")
@example("[x](http://a) ![y](z) @team #1 www.a.de http://b.de a@b.de ~~c~~ *d* __e__ &amp; \\&")
def test_a_markdown_cell_shows_the_text_and_nothing_else(text) -> None:
    for cell in (escaped(text), code(text)):
        html = page(f"| a | b |\n|---|---|\n| {cell} | end |\n")
        (row_html,) = re.findall(r"<tbody>\s*<tr>(.*?)</tr>\s*</tbody>", html, re.DOTALL)
        first, last = re.findall(r"<td>(.*?)</td>", row_html, re.DOTALL)
        assert last == "end"
        content = first.removeprefix("<code>").removesuffix("</code>")
        assert "<" not in content
        read = etree.fromstring(f"<a>{content}</a>".replace("&quot;", '"')).text or ""
        assert read.split() == shown(text).split()  # a cell's white space folds


@FEW
@given(TEXT)
def test_no_autolink_is_left(text) -> None:
    assert not re.search(r"www\.|://|@|#(?!\d+;)", escaped("www.a http://b " + text), re.IGNORECASE)


@FEW
@given(TEXT)
def test_xml_takes_any_text(text) -> None:
    safe = xml_safe(text)
    element = etree.Element("a", name=safe)
    element.text = safe
    back = etree.fromstring(etree.tostring(element))
    assert (back.text or "", back.get("name")) == (safe, safe)
    assert "\n" not in safe


@FEW
@given(NAMES)
@example("new\nline|<b>&\"'.jpg")
@example("\x1b[31m.jpg")
def test_every_file_stays_readable_with_any_name(name) -> None:
    verdict = judged(table(row(name, 1.0), row("z", None)), gates(fail_under=50, max_errors=0))
    root = etree.fromstring(to_junit(verdict).encode())
    assert xml_safe(name) in {case.get("name") for case in root.iter("testcase")}
    assert json.loads(to_sarif(verdict, "/work"))["runs"][0]["results"]
    lines = to_markdown(verdict).splitlines()
    (cells,) = [line for line in lines if line.startswith("| `fail-under` | ") and "scores 1.00" in line]
    assert page("\n".join(["| a | b | c |", "|---|---|---|", cells])).count("<td>") == 3


@FEW
@given(NAMES)
@example("50%.jpg")
@example("a::error::b\n::set-output name=x::y")
def test_a_name_cannot_start_another_workflow_command(name) -> None:
    verdict = judged(table(row(name, 1.0)), gates(fail_under=50))
    (line,) = github_annotations(verdict, "/work")
    assert line.isprintable()
    command, properties, message = re.fullmatch(r"::(\w+) (.*?)::(.*)", line).groups()
    assert command == "error"
    pairs = dict(pair.split("=", 1) for pair in properties.split(","))
    assert set(pairs) == {"file", "title"}
    assert unescaped(message).endswith(": scores 1.00, at least 50 is wanted")


def unescaped(text: str) -> str:
    """As the runner of GitHub Actions reads it."""
    for code_text, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code_text, character)
    return text


@FEW
@given(st.text(st.sampled_from("ab%:,\r\n0A25Dé ")))
def test_workflow_commands_are_read_back_exactly(text) -> None:
    assert unescaped(escape_property(text)) == unescaped(escape_message(text)) == text
    assert not set(":,\r\n") & set(escape_property(text))
    assert not set("\r\n") & set(escape_message(text))


@FEW
@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name and b"/" not in name))
@example(b"und\xff.jpg")
@example(b"a:b.jpg")
@example("写真 #1?.jpg".encode())
def test_an_address_holds_every_byte_of_the_name(name) -> None:
    if name in (b".", b".."):
        return
    path = os.fsencode(os.fsdecode(b"dir/" + name)).decode("utf-8", "backslashreplace")
    for base, place in (("/work", path), ("/work", f"/work/{path}"), ("/work", f"/other/{path}")):
        parts = urlsplit(uri(place, base))
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) in (("", "", "", ""), ("file", "", "", ""))
        if b"\\x" not in name:
            assert unquote_to_bytes(parts.path).endswith(b"dir/" + name)


def test_places_relative_to_the_repository() -> None:
    assert relative("a/../b.jpg", "/work") == "b.jpg"
    assert relative("/work/a.jpg", "/work") == "a.jpg"
    assert relative("../a.jpg", "/work/sub") == "/work/a.jpg"
    assert uri("../a b.jpg", "/work/sub") == "file:///work/a%20b.jpg"
    assert uri("a:b.jpg", "/work") == "a%3Ab.jpg"
    assert relative("..a.jpg", "/work") == "..a.jpg"


@pytest.mark.parametrize("mark", ["folder", "file"])
def test_places_are_relative_to_the_repository_from_a_folder_in_it(tmp_path, mark) -> None:
    """`cd data && piqa score photos`, as with a job's `working-directory`: services look from the repository."""
    below = tmp_path / "data"
    below.mkdir()
    if mark == "folder":
        (tmp_path / ".git").mkdir()
    else:  # a working tree of another one, or a submodule
        (tmp_path / ".git").write_text("gitdir: elsewhere")
    assert relative("photos/a.jpg", str(below)) == "data/photos/a.jpg"
    assert relative("../photos/a.jpg", str(below)) == "photos/a.jpg"
    assert uri(f"{tmp_path}/a b.jpg", str(below)) == "a%20b.jpg"
    assert relative("../../a.jpg", str(below)) == str(tmp_path.parent / "a.jpg")


def test_places_behind_a_link_to_the_repository_are_relative_to_it(tmp_path) -> None:
    """`piqa score $PWD/photos` where the working tree was entered by a link: piqa's own folder has none in it."""
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "photos").mkdir()
    (tmp_path / "link").symlink_to(tree)
    (tree / "photos" / "b.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    for name in ("a.jpg", "b.jpg"):
        assert relative(f"{tmp_path}/link/photos/{name}", str(tree)) == f"photos/{name}"
    assert relative(f"{tmp_path}/elsewhere.jpg", str(tree)) == f"{tmp_path}/elsewhere.jpg"


def test_a_place_on_another_drive_stays_as_it_is(monkeypatch) -> None:
    def no_way(path, start=None):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", no_way)
    assert relative("/photos/a.jpg", "/work") == "/photos/a.jpg"


def test_sarif_messages_have_no_links_and_placeholders() -> None:
    assert plain_text("same content as [a](1) {0}.jpg") == r"same content as \[a\](1) {{0}}.jpg"
    assert plain_text("[b].jpg") == "[b].jpg"

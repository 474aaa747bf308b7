"""Editing an XMP packet so that every byte that is not meant stays: comments, unknown namespaces, order, spacing.

An XMP library reads a packet into its own model and writes that anew, which loses comments and `rdf:resource`. Here
only the spans of single properties change. What others wrote is edited in place; what is new goes into an
`rdf:Description` of its own, of which there may be several (XMP specification part 1, section 7.4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape

from piqa_cli.errors import BrokenPhoto
from piqa_cli.photos.metadata import packet_text
from piqa_cli.ranking.rdf import RDF, Attribute, Element, Name, Span, find_rdf

Value = str | tuple[str, ...] | None  # text, an ordered list (rdf:Seq), or None: taken out

_SPACE = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"  # UTF-8 byte order mark
_IN_ATTRIBUTE = {'"': "&quot;", "'": "&apos;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], "\ufffd")

EMPTY_PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{RDF}">
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
""".encode()


def edit_packet(packet: bytes, changes: Mapping[Name, Value], prefixes: Mapping[str, str], path: Path) -> bytes:
    """The packet with top-level properties set or taken out; UTF-8 whatever it was. An empty packet: a new one.

    `prefixes`: namespace -> prefix for what the packet does not know yet; the first is the namespace whose description
    is the home of new properties. Raises BrokenPhoto where the packet is malformed or has no `rdf:RDF`, or writes its
    RDF without a prefix.
    """
    data = packet_text(packet, path).encode() if packet else EMPTY_PACKET
    try:
        rdf = find_rdf(data)
    except expat.ExpatError as error:
        raise BrokenPhoto(f"malformed XMP: {error}", path=path, hint="it is left as it is") from None
    if rdf is None:
        raise BrokenPhoto("malformed XMP: no rdf:RDF in it", path=path, hint="it is left as it is")
    edits = _Edits(data, rdf)
    try:
        new = {name: value for name, value in changes.items() if not edits.replace(name, value) and value is not None}
        home = edits.home(next(iter(prefixes)))
        edits.drop_emptied(home if new else None)
        if new:
            edits.add(new, home, prefixes)
    except _NoPrefixError:
        what = "marks cannot be merged into this XMP: its RDF has no prefix"
        raise BrokenPhoto(what, path=path, hint="it is left as it is") from None
    return (_MARK if packet.startswith(_MARK) else b"") + edits.result()


def as_written(value: Value) -> Value:
    """The value as a packet holds it: characters that XML does not allow become U+FFFD."""
    if isinstance(value, tuple):
        return tuple(item.translate(_CONTROLS) for item in value)
    return None if value is None else value.translate(_CONTROLS)


def is_empty(packet: bytes, path: Path) -> bool:
    """Does the packet say nothing at all?"""
    rdf = find_rdf(packet_text(packet, path).encode())
    return rdf is None or not any(True for description in rdf.children for _ in description.properties())


class _NoPrefixError(Exception):
    """The RDF namespace is the default one, which attributes such as `rdf:about` cannot use."""


class _Edits:
    """Spans of the packet to be replaced. They never overlap."""

    def __init__(self, data: bytes, rdf: Element) -> None:
        self._data = data
        self._rdf = rdf
        self._spans: dict[Span, bytes] = {}
        self._removed: set[Span] = set()

    def replace(self, name: Name, value: Value) -> bool:
        """Set the property where it stands, or take it out; False: still to be added, since it stands nowhere."""
        written = False
        for description in self._rdf.children:
            for found in description.properties():
                if found.name == name:
                    written = self._replace_one(found, None if written else value) or written
        return written

    def _replace_one(self, found: Attribute | Element, value: Value) -> bool:
        if isinstance(found, Attribute) and isinstance(value, str):
            self._spans[found.value] = _quoted(value)
        elif isinstance(found, Element) and value is not None:
            self._spans[found.start, found.end] = _element(found.tag, value, self._prefix(found)).encode()
        else:
            self._remove(found)
            return False
        return True

    def _remove(self, found: Attribute | Element) -> None:
        span = found.span if isinstance(found, Attribute) else self._with_space(found)
        self._spans[span] = b""
        self._removed.add(span)

    def _with_space(self, element: Element) -> Span:
        return self._before(element.start), element.end

    def _before(self, at: int) -> int:
        """Where the space before this place begins. No slices: of a large packet they would be copies."""
        while at and self._data[at - 1] in _SPACE:
            at -= 1
        return at

    def home(self, namespace: str) -> Element | None:
        """The description that holds properties of this namespace: new ones join them."""
        return next((d for d in self._rdf.children if any(p.name[0] == namespace for p in d.properties())), None)

    def drop_emptied(self, keep: Element | None) -> None:
        """Take out descriptions that have lost all they said."""
        for description in self._rdf.children:
            said = list(description.properties())
            spans = {p.span if isinstance(p, Attribute) else self._with_space(p) for p in said}
            if said and spans <= self._removed and description is not keep:
                self._spans = {span: text for span, text in self._spans.items() if span not in spans}
                self._spans[self._with_space(description)] = b""

    def add(self, values: Mapping[Name, Value], home: Element | None, prefixes: Mapping[str, str]) -> None:
        """Write new properties into `home`, or into a description of their own at the end."""
        if home is not None:
            self._add_to(home, values, prefixes)
            return
        prefix, about = self._prefix(self._rdf), self._about()
        chosen = {**prefixes, **self._used()}
        opening = f'<{prefix}:Description {prefix}:about="{about}"'
        opening += "".join(f'\n    xmlns:{chosen[uri]}="{uri}"' for uri in dict.fromkeys(name[0] for name in values))
        inner = self._inner(values, chosen.__getitem__, prefix)
        text = "\n  " + opening + _attributes_text(values, chosen.__getitem__)
        text += f">{inner}\n  </{prefix}:Description>" if inner else "/>"
        self._append_description(text)

    def _used(self) -> dict[str, str]:
        """Namespace -> the prefix that the packet has for it: XMP readers stumble over two."""
        scopes = [self._rdf.scope, *(description.scope for description in self._rdf.children)]
        return {uri: prefix for scope in reversed(scopes) for prefix, uri in scope.items() if prefix}

    def _append_description(self, text: str) -> None:
        rdf = self._rdf
        if rdf.closed:
            self._spans[rdf.tag_end - 2, rdf.tag_end] = f">{text}\n </{rdf.tag}>".encode()
        else:
            at = self._before(rdf.close)
            self._spans[at, at] = text.encode()

    def _add_to(self, home: Element, values: Mapping[Name, Value], prefixes: Mapping[str, str]) -> None:
        known = {uri: prefix for prefix, uri in home.scope.items() if prefix}
        chosen = {uri: known.get(uri) or _free(prefixes[uri], home.scope) for uri, _ in values}
        declared = "".join(f'\n    xmlns:{chosen[uri]}="{uri}"' for uri in chosen if uri not in known)
        attributes = (declared + _attributes_text(values, chosen.__getitem__)).encode()
        inner = self._inner(values, chosen.__getitem__, self._prefix(home)).encode()
        end = home.tag_end
        if home.closed and inner:
            self._spans[end - 2, end] = attributes + b">" + inner + f"\n  </{home.tag}>".encode()
            return
        at = end - (2 if home.closed else 1)
        self._spans[at, at] = attributes
        if inner:
            before = self._before(home.close)
            self._spans[before, before] = inner

    @staticmethod
    def _inner(values: Mapping[Name, Value], prefix_of: Callable[[str], str], rdf_prefix: str) -> str:
        lists = ((name, value) for name, value in values.items() if isinstance(value, tuple))
        return "".join("\n   " + _element(f"{prefix_of(uri)}:{local}", v, rdf_prefix) for (uri, local), v in lists)

    @staticmethod
    def _prefix(element: Element) -> str:
        """The prefix of the RDF namespace here."""
        found = next((prefix for prefix, uri in element.scope.items() if uri == RDF and prefix), None)
        if found is None:
            raise _NoPrefixError
        return found

    def _about(self) -> str:
        for description in self._rdf.children:
            for attribute in description.attributes:
                if attribute.name in ((RDF, "about"), ("", "about")):
                    return self._data[slice(*attribute.value)].decode()
        return ""

    def result(self) -> bytes:
        """The packet with all edits made."""
        out, at = [], 0
        for (start, end), text in sorted(self._spans.items()):
            out += [self._data[at:start], text]
            at = end
        return b"".join([*out, self._data[at:]])


def _free(prefix: str, scope: Mapping[str, str]) -> str:
    while prefix in scope:
        prefix += "1"
    return prefix


def _quoted(value: str) -> bytes:
    return escape(value.translate(_CONTROLS), _IN_ATTRIBUTE).encode()


def _attributes_text(values: Mapping[Name, Value], prefix_of: Callable[[str], str]) -> str:
    texts = ((name, value) for name, value in values.items() if isinstance(value, str))
    return "".join(f'\n   {prefix_of(uri)}:{local}="{_quoted(value).decode()}"' for (uri, local), value in texts)


def _element(tag: str, value: str | tuple[str, ...], rdf: str) -> str:
    if isinstance(value, str):
        return f"<{tag}>{escape(value.translate(_CONTROLS))}</{tag}>"
    items = "".join(f"\n     <{rdf}:li>{escape(item.translate(_CONTROLS))}</{rdf}:li>" for item in value)
    return f"<{tag}>\n    <{rdf}:Seq>{items}\n    </{rdf}:Seq>\n   </{tag}>"

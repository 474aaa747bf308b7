"""Where things stand in an XMP packet: byte spans of the top-level properties, found by expat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

Name = tuple[str, str]  # namespace, local name
Span = tuple[int, int]

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=>/]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=>/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A property written as an attribute."""

    name: Name
    span: Span  # with the space before it
    value: Span  # between the quotes


@dataclass(slots=True)
class Element:
    """An element of the packet, by byte offsets."""

    name: Name
    tag: str  # as written, with its prefix
    start: int
    tag_end: int
    closed: bool  # <a/>
    scope: Mapping[str, str]  # prefix -> namespace
    attributes: list[Attribute] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)
    close: int = 0  # where </a> begins; the end for <a/>
    end: int = 0

    def properties(self) -> Iterator[Attribute | Element]:
        """What an rdf:Description says: its attributes but for `rdf:about` and `xml:lang`, then its children."""
        yield from (a for a in self.attributes if a.name[0] not in (RDF, "http://www.w3.org/XML/1998/namespace"))
        yield from self.children


def find_rdf(data: bytes) -> Element | None:
    """The first `rdf:RDF` of a well-formed UTF-8 document, with its descriptions and their properties.

    Raises expat.ExpatError where the document is not well-formed.
    """
    reader = _Reader(data)
    reader.parser.Parse(data, True)
    return reader.found


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.found: Element | None = None
        self._data = data
        self._open: list[Element] = []
        self.parser = expat.ParserCreate(encoding="utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        match = _TAG.match(self._data, at)
        tag_end = match.end() if match else at
        parent = self._open[-1] if self._open else None
        scope = _scope(parent, _declared(attributes))
        closed = self._data[tag_end - 2 : tag_end] == b"/>"
        element = Element(_name(tag, scope, ""), tag, at, tag_end, closed, scope, close=tag_end, end=tag_end)
        self._keep(element, parent)
        self._open.append(element)

    def _keep(self, element: Element, parent: Element | None) -> None:
        """Only three levels matter: rdf:RDF, its descriptions, and their properties."""
        if self.found is None and element.name == (RDF, "RDF"):
            self.found = element
        elif self.found is not None and parent is not None:
            in_rdf = len(self._open) > 1 and self._open[-2] is self.found
            if parent is self.found or in_rdf:
                parent.children.append(element)
            if parent is self.found:
                element.attributes.extend(_attributes(self._data, element))

    def _end(self, _tag: str) -> None:
        element = self._open.pop()
        if not element.closed:
            element.close = self.parser.CurrentByteIndex
            element.end = self._data.index(b">", element.close) + 1


def _scope(parent: Element | None, declared: dict[str, str]) -> Mapping[str, str]:
    """Shared with the parent where nothing is new: copies of a long one for every element would be a bomb."""
    if parent is None:
        return declared
    return {**parent.scope, **declared} if declared else parent.scope


def _attributes(data: bytes, element: Element) -> Iterator[Attribute]:
    for match in _ATTRIBUTE.finditer(data, element.start, element.tag_end):
        tag = match[1].decode()
        if tag != "xmlns" and not tag.startswith("xmlns:"):
            group = 2 if match[2] is not None else 3
            yield Attribute(_name(tag, element.scope, None), match.span(), match.span(group))


def _declared(attributes: Mapping[str, str]) -> dict[str, str]:
    return {key.partition(":")[2]: uri for key, uri in attributes.items() if key == "xmlns" or key.startswith("xmlns:")}


def _name(tag: str, scope: Mapping[str, str], bare: str | None) -> Name:
    """`bare`: the prefix that a name without one has; None for attributes, which then have no namespace."""
    prefix, colon, local = tag.rpartition(":")
    if prefix == "xml":
        return "http://www.w3.org/XML/1998/namespace", local
    if not colon:
        return ("" if bare is None else scope.get(bare, "")), local
    return scope.get(prefix, ""), local

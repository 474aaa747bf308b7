"""What marks look like in XMP: `xmp:Rating`, `xmp:Label`, digiKam's pick label, and piqa's own namespace.

In its own namespace piqa remembers what it wrote and what it found there at first. A value that is still as piqa wrote
it is piqa's to change or to take back; any other value belongs to a person, and so does to piqa's own choices what a
person chose in the report or in a table (`ByHand`).
"""

from __future__ import annotations

from pathlib import Path

from piqa_cli.errors import BrokenPhoto
from piqa_cli.photos.metadata import OWN_NAMESPACE, OWN_PREFIX, Properties, parse_packet
from piqa_cli.photos.ratings import OWN_BY_HAND, as_said, is_unrated
from piqa_cli.ranking.plan import REJECTED, Decision, PlanItem
from piqa_cli.ranking.rdf import Name
from piqa_cli.ranking.steps import Marks
from piqa_cli.ranking.xmp import Value, as_written, edit_packet, is_empty

_PREFIXES = {
    OWN_NAMESPACE: OWN_PREFIX,
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://www.digikam.org/ns/1.0/": "digiKam",
}
_SHARED: dict[str, Name] = {  # piqa's name of it -> the property that other programs read
    "Rating": ("http://ns.adobe.com/xap/1.0/", "Rating"),
    "Label": ("http://ns.adobe.com/xap/1.0/", "Label"),
    "PickLabel": ("http://www.digikam.org/ns/1.0/", "PickLabel"),
}
_MADE = "MadePacket"  # there was no XMP before
_NOTHING = frozenset({None, "", "0"})  # unrated, no label, no pick label: nobody's decision
_PICK_LABELS: dict[Decision, int | None] = {"pick": 3, "keep": None, "reject": 1}


def marks_of(item: PlanItem) -> Marks:
    """The marks that a plan asks for."""
    pick = _PICK_LABELS[item.decision]
    return Marks(item.stars, item.label, pick, item.decision, item.score, item.group, item.reasons, item.by_hand)


def marked(packet: bytes, marks: Marks, path: Path, *, overwrite: bool) -> bytes:
    """The packet with these marks, everything else as it was. An empty packet: a new one.

    A label or pick label that a person set stays unless `overwrite`. (The rating is guarded before: a photo that a
    person has rated gets no marks at all.) Raises BrokenPhoto for malformed XMP; `path` is where the packet is from.
    """
    before = parse_packet(packet, path) if packet else {}
    said = before if marks.by_hand else as_said(before)
    changes: dict[Name, Value] = {}
    if said is not before:
        changes = {_own(own + kind): None for own in _SHARED for kind in ("", "Before")}
    wanted = {"Rating": marks.rating, "Label": marks.label, "PickLabel": marks.pick}
    for own, value in wanted.items():
        changes |= _set(said, own, None if value is None else str(value), overwrite)
    rejected = said.get(_key(_SHARED["Rating"])) == str(REJECTED)
    if rejected and marks.rating is None and marks.decision != "reject":  # a pick without stars is no reject any more
        changes |= _take_back(said, "Rating")
    changes[_own("Decision")] = marks.decision
    changes[_own("Score")] = None if marks.score is None else f"{marks.score:.2f}"
    changes[_own("Group")] = marks.group
    changes[_own("Reasons")] = marks.reasons or None
    says_something = marks.rating is not None or marks.decision != "keep"
    changes[_own(OWN_BY_HAND)] = "yes" if marks.by_hand and says_something else None
    if not packet:
        changes[_own(_MADE)] = "yes"
    return _edited(packet, changes, before, path)


def cleared(packet: bytes, path: Path) -> bytes:
    """The packet without piqa's marks: what is still as piqa wrote it becomes what it was before.

    Empty where piqa had made the packet and nobody else wrote into it. Raises BrokenPhoto.
    """
    before = parse_packet(packet, path)
    if not has_marks(before):
        return packet
    changes: dict[Name, Value] = {}
    for own in _SHARED:
        changes |= _take_back(before, own)
    prefix = f"Xmp.{OWN_PREFIX}."
    changes |= {_own(k.removeprefix(prefix)): None for k in before if k.startswith(prefix) and "[" not in k}
    result = _edited(packet, changes, before, path)
    return b"" if before.get(_key(_own(_MADE))) and is_empty(result, path) else result


def has_marks(properties: Properties) -> bool:
    """Did piqa write here?"""
    return any(key.startswith(f"Xmp.{OWN_PREFIX}.") for key in properties)


def _set(before: Properties, own: str, value: str | None, overwrite: bool) -> dict[Name, Value]:
    shared = _SHARED[own]
    now, written = before.get(_key(shared)), before.get(_key(_own(own)))
    ours = written is not None and now == written
    if value is None:
        return _take_back(before, own) if own != "Rating" else {}
    free = now in _NOTHING or (own == "Rating" and is_unrated(now, before))
    if not (ours or overwrite or free):
        return {_own(own): None, _own(own + "Before"): None}
    first = before.get(_key(_own(own + "Before"))) if ours else now
    return {shared: value, _own(own): value, _own(own + "Before"): first}


def _take_back(before: Properties, own: str) -> dict[Name, Value]:
    shared = _SHARED[own]
    now, written = before.get(_key(shared)), before.get(_key(_own(own)))
    restored: dict[Name, Value] = {_own(own): None, _own(own + "Before"): None}
    if written is not None and now == written:
        restored[shared] = before.get(_key(_own(own + "Before")))
    return restored


def _edited(packet: bytes, changes: dict[Name, Value], before: Properties, path: Path) -> bytes:
    """Edit, then ask Exiv2 whether exactly that has changed."""
    changes = {name: as_written(value) for name, value in changes.items()}
    result = edit_packet(packet, changes, _PREFIXES, path)
    after = parse_packet(result, path)
    touched = {_key(name): ", ".join(v) if isinstance(v, tuple) else v for name, v in changes.items()}
    wrong = [key for key, value in touched.items() if after.get(key) != value]
    others = [{k: v for k, v in properties.items() if k not in touched} for properties in (before, after)]
    if wrong or others[0] != others[1]:
        raise BrokenPhoto("marks cannot be merged into this XMP without changing more", path=path, hint="left as it is")
    return result


def _own(local: str) -> Name:
    return OWN_NAMESPACE, local


def _key(name: Name) -> str:
    return f"Xmp.{_PREFIXES[name[0]]}.{name[1]}"

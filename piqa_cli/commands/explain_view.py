"""How an explanation looks to a person."""

from __future__ import annotations

from collections.abc import Iterator

from piqa_cli.commands.console import Line, safe_text
from piqa_cli.faces.choose import area, is_large
from piqa_cli.faces.eyes import eyes_word
from piqa_cli.records import Box, Severities, score_text
from piqa_cli.scoring.explanation import ExplainedFace, Explanation, Mark
from piqa_cli.scoring.heatmap import LocalMap
from piqa_cli.scoring.liqe_words import Likely, LiqeVerdict
from piqa_cli.scoring.reasons import WORDS
from piqa_cli.scoring.table import path_text

_WIDTH = 9  # of the headings
_BAR = 10  # cells for a severity of 1
_PLACES = (
    ("top left", "top", "top right"),
    ("left", "centre", "right"),
    ("bottom left", "bottom", "bottom right"),
)


def lines(explanation: Explanation, *, draw: bool) -> list[Line]:
    """The explanation, a few short lines for each topic.

    Args:
        explanation: of one photo.
        draw: with bars of block characters beside severities.
    """
    photo = explanation.photo
    found: list[Line] = [((safe_text(path_text(photo.path)), "bold cyan"),)]
    found += _topic(
        "score", [f"{score_text(photo.score or 0.0)} of 100   raw {photo.raw_score:.4f}   {safe_text(photo.model)}"]
    )
    if photo.photo_defects:
        found += _topic("reasons", list(photo.reasons) or ["nothing stands out"])
    if len(explanation.crops) > 1:
        found += _topic("crops", [f"{place:<12} {_both(mark)}" for place, mark in explanation.crops.items()])
    found += _topic("faces", list(_faces(explanation)))
    found += _topic("branches", list(_branches(explanation)))
    if explanation.liqe:
        found += _topic("LIQE", _verdict(explanation.liqe))
    if explanation.local:
        found += _topic("map", list(_map(explanation, explanation.local)))
    found += _defects("photo", photo.photo_defects, draw)
    if photo.faces:
        found += _defects("face", photo.face_defects, draw)
    return found


def _topic(heading: str, texts: list[str]) -> list[Line]:
    return [
        ((f" {heading if row == 0 else '':<{_WIDTH}} ", "bold"), (safe_text(text), ""))
        for row, text in enumerate(texts)
    ]


def _both(mark: Mark) -> str:
    return f"{mark.score:5.1f}   raw {mark.raw_score:.4f}"


def _faces(explanation: Explanation) -> Iterator[str]:
    if not explanation.faces:
        yield explanation.photo.reason or "none"
    for number, face in enumerate(explanation.faces, 1):
        sure = "given" if explanation.face_given else f"confidence {face.confidence:.3f}"
        yield f"{number}. {_corners(face.box)}   {score_text(face.mark.score)} alone   {sure}"
        yield f"   {', '.join(_facts(face, explanation))}"
    rest = len(explanation.photo.faces) - len(explanation.faces)
    if rest:
        yield f"and {rest} {_rest(explanation)}"


def _rest(explanation: Explanation) -> str:
    """Why the faces behind the explained ones are not explained: too small, or too many."""
    shown, found = len(explanation.faces), explanation.photo.faces
    if not is_large(found[shown], beside=found[0]):
        return "smaller, in the background or at the edge"
    return f"more: only the first {shown} are judged one by one"


def _corners(box: Box) -> str:
    x1, y1, x2, y2 = map(round, box)
    return f"{x2 - x1} x {y2 - y1} px at {x1}, {y1}"


def _facts(face: ExplainedFace, explanation: Explanation) -> Iterator[str]:
    """What is known of a face besides its place, and its defects, worst first."""
    photo, known = explanation.photo, face.face
    yield f"{_percent(area(face.box) / ((photo.width or 1) * (photo.height or 1)), 1)} of the photo"
    if known.cut:
        yield "cut by the border"
    if known.pose:
        yield known.pose
    if known.roll is not None:
        yield _tilt(known.roll)
    if known.eyes_open is not None:
        yield f"eyes {eyes_word(known.eyes_open)} ({known.eyes_open:.2f})"
    if face.defects:
        yield from _named(face.defects, explanation.threshold) or ["no defect stands out"]


def _tilt(roll: float) -> str:
    degrees = abs(round(roll))
    way = "clockwise" if roll > 0 else "anticlockwise"
    return f"tilted {degrees} degree{'s' if degrees != 1 else ''} {way}" if degrees else "upright"


def _branches(explanation: Explanation) -> Iterator[str]:
    branches, score = explanation.branches, explanation.photo.score
    if branches is None or score is None:
        yield "both read the whole photo"
        return
    both, face, full = branches.together.score, branches.without_face.score, branches.without_photo.score
    yield f"face branch   {both - face:+5.1f}   ({face:.1f} when it reads the whole photo instead of the face)"
    yield f"full branch   {both - full:+5.1f}   ({full:.1f} when it reads the face instead of the whole photo)"
    if branches.together.raw_score != explanation.photo.raw_score:
        yield f"worst face    {score - both:+5.1f}   ({both:.1f} if all faces were as good as the main one)"


def _map(explanation: Explanation, found: LocalMap) -> Iterator[str]:
    """The worst and the best of the parts with something to judge; a face counts by its score alone, as in the map."""
    photo = explanation.photo
    parts = [(p.score, _place(p.box, photo.width or 1, photo.height or 1), p.defects) for p in found.judged]
    parts += [(f.mark.score, f"face {number}", f.defects) for number, f in enumerate(explanation.faces, 1)]
    if not parts:
        yield "all of the photo is too plain to judge it part by part"
        return
    parts.sort(key=lambda part: part[0])
    alike = parts[0][:2] == parts[-1][:2]
    shown = (("only part", parts[0]),) if alike else (("weakest part", parts[0]), ("best part", parts[-1]))
    for words, (score, place, defects) in shown:
        named = ", ".join(_named(defects, explanation.threshold))
        yield f"{words:<12}  {score:5.1f}   {place}" + (f": {named}" if named else "")


def _place(box: Box, width: int, height: int) -> str:
    """Which ninth of the photo the middle of a part is in."""
    column, row = int(3 * (box[0] + box[2]) / 2 / width), int(3 * (box[1] + box[3]) / 2 / height)
    return _PLACES[min(row, 2)][min(column, 2)]


def _named(values: Severities | None, threshold: float) -> list[str]:
    """The defects from the threshold on, worst first."""
    return [f"{WORDS[name]} {value:.2f}" for name, value in _worst(values) if value >= threshold] if values else []


def _verdict(liqe: LiqeVerdict) -> list[str]:
    quality = f"{liqe.quality.word} quality ({_percent(liqe.quality.probability)})"
    return [
        f"{quality}, on average {liqe.mean_quality:.1f} of 1 to 5",
        f"scene {_sure(liqe.scene)}, distortion {_sure(liqe.distortion)}",
    ]


def _sure(likely: Likely) -> str:
    return f"{likely.word} ({_percent(likely.probability)})"


def _percent(share: float, decimals: int = 0) -> str:
    return f"{100 * share:.{decimals}f} %"


def _worst(values: Severities) -> list[tuple[str, float]]:
    """Worst first."""
    return sorted(values.as_dict().items(), key=lambda item: -item[1])


def _defects(heading: str, values: Severities | None, draw: bool) -> list[Line]:
    if values is None:
        return []
    return _topic(heading, [f"{_bar(value, draw)}{value:.2f}  {WORDS[name]}" for name, value in _worst(values)])


def _bar(severity: float, draw: bool) -> str:
    filled = round(severity * _BAR)
    return "━" * filled + "─" * (_BAR - filled) + "  " if draw else ""

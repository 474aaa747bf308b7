"""A score explained in words, from the estimated severities."""

from __future__ import annotations

from piqa_cli.records import Eyes, Severities

WORDS = {
    "defocus_blur": "out of focus",
    "motion_blur": "motion blur",
    "noise": "noise",
    "compression": "compression artifacts",
    "low_resolution": "low resolution",
    "underexposure": "underexposed",
    "overexposure": "overexposed",
    "low_contrast": "low contrast or haze",
    "color_cast": "color cast",
}
CLOSED_EYES = "face: eyes closed"
MOST_REASONS = 4
FACE_EXCESS = 0.1  # a defect is the face's own when it is worse there by this much
WANTS_A_REASON, FAINT = 65.0, 0.1  # below this score a photo, or a face, has something wrong, if only this severe
NEEDS_A_REASON = 20.0  # and below this one however faint it seems: the network hardly knows frames without anything


def reasons(
    photo: Severities | None,
    face: Severities | None,
    threshold: float,
    eyes: Eyes | None = None,
    *,
    score: float = 100.0,
    worst: Severities | None = None,
) -> tuple[str, ...]:
    """The defects at or above `threshold`, worst first, each named once: on the face where it is worse there.

    In a group `worst` are those of the worst face, where that one is poor and pulls the score down; what is worse on it
    than on the photo and the main face is another face's.

    Where there is none and the score is below `WANTS_A_REASON`, the most severe one is named, from `FAINT` on; below
    `NEEDS_A_REASON` always. Closed eyes come last and beside the limit of `MOST_REASONS`: they are worth knowing, but
    do not lower the score.
    """
    found = _worst_first(photo, face, worst)
    named = [words for severity, words in found if severity >= threshold][:MOST_REASONS]
    if not named and score < WANTS_A_REASON:
        named = [words for severity, words in found[:1] if severity >= FAINT or score < NEEDS_A_REASON]
    return (*named, *((CLOSED_EYES,) if eyes == "closed" else ()))


def _worst_first(
    photo: Severities | None, face: Severities | None, worst: Severities | None
) -> list[tuple[float, str]]:
    if photo is None and face is None:
        return []  # the model estimates none
    on_photo, on_face, on_worst = (part.as_dict() if part else {} for part in (photo, face, worst))
    found: list[tuple[float, str]] = []
    for defect, words in WORDS.items():
        severity, place = on_photo.get(defect, 0.0), "photo"
        for part, name in ((on_face, "face"), (on_worst, "another face")):
            own = part.get(defect, 0.0)
            place = name if own - severity >= FACE_EXCESS else place
            severity = max(severity, own)
        found.append((severity, f"{place}: {words}"))
    return sorted(found, key=lambda item: -item[0])

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


def reasons(
    photo: Severities | None, face: Severities | None, threshold: float, eyes: Eyes | None = None
) -> tuple[str, ...]:
    """The defects at or above `threshold`, worst first, each named once: on the face where it is worse there.

    Closed eyes come last and beside the limit of `MOST_REASONS`: they are worth knowing, but do not lower the score.
    """
    on_photo = photo.as_dict() if photo else {}
    on_face = face.as_dict() if face else {}
    found: list[tuple[float, str]] = []
    for defect, words in WORDS.items():
        whole, own = on_photo.get(defect, 0.0), on_face.get(defect, 0.0)
        if max(whole, own) >= threshold:
            place = "face" if own >= threshold and own - whole >= FACE_EXCESS else "photo"
            found.append((max(whole, own), f"{place}: {words}"))
    found.sort(key=lambda item: -item[0])
    closed = (CLOSED_EYES,) if eyes == "closed" else ()
    return (*(words for _, words in found[:MOST_REASONS]), *closed)

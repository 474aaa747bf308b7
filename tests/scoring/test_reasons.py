import pytest

from piqa_cli.records import DEFECTS, Severities
from piqa_cli.scoring.reasons import CLOSED_EYES, MOST_REASONS, WORDS, reasons


def severities(**named):
    return Severities(tuple(named.get(name, 0.0) for name in DEFECTS))


def test_every_defect_has_words():
    assert set(WORDS) == set(DEFECTS)


@pytest.mark.parametrize(
    ("photo", "face", "expected"),
    [
        (severities(), severities(), ()),
        (severities(noise=0.34), severities(noise=0.34), ()),
        (severities(noise=0.5), severities(noise=0.5), ("photo: noise",)),
        (severities(motion_blur=0.1), severities(motion_blur=0.7), ("face: motion blur",)),
        (severities(defocus_blur=0.9), severities(defocus_blur=0.1), ("photo: out of focus",)),
        (severities(noise=0.5, underexposure=0.8), None, ("photo: underexposed", "photo: noise")),
        (severities(noise=0.5), severities(noise=0.55), ("photo: noise",)),
    ],
    ids=["clean", "below", "both", "face", "background", "no face", "about equal"],
)
def test_defects_in_words_worst_first(photo, face, expected):
    assert reasons(photo, face, 0.35) == expected


@pytest.mark.parametrize(
    ("worst", "expected"),
    [
        (severities(noise=0.2, defocus_blur=0.7), ("another face: out of focus", "face: noise")),
        (severities(noise=0.55), ("face: noise",)),
        (severities(noise=0.65), ("another face: noise",)),
        (severities(underexposure=0.34), ("face: noise",)),
    ],
    ids=["its own", "about equal", "worse there", "below"],
)
def test_the_worst_face_of_a_group_has_defects_of_its_own(worst, expected):
    photo, main = severities(noise=0.1), severities(noise=0.5)
    assert reasons(photo, main, 0.35, worst=worst) == expected
    assert reasons(photo, main, 0.35, worst=main) == ("face: noise",)


def test_only_the_worst_are_named():
    everything = Severities((0.9,) * len(DEFECTS))
    assert len(reasons(everything, everything, 0.35)) == MOST_REASONS


@pytest.mark.parametrize("score", [90.0, 50.0, 5.0])
def test_a_model_without_defects_gives_no_reasons(score):
    assert reasons(None, None, 0.35, score=score) == ()


@pytest.mark.parametrize(
    ("score", "severity", "expected"),
    [
        (64.9, 0.1, ("photo: noise",)),
        (64.9, 0.09, ()),
        (65.0, 0.34, ()),
        (20.0, 0.34, ("photo: noise",)),
        (20.0, 0.09, ()),
        (19.9, 0.09, ("photo: noise",)),
    ],
)
def test_a_low_score_gets_the_likeliest_reason_where_none_is_plain(score, severity, expected):
    assert reasons(severities(noise=severity, low_resolution=0.05), None, 0.35, score=score) == expected


def test_a_low_score_with_a_plain_reason_gets_no_guess_beside_it():
    assert reasons(severities(noise=0.5, motion_blur=0.3), None, 0.35, score=10.0) == ("photo: noise",)
    plain = ("photo: noise", "photo: motion blur")
    assert reasons(severities(noise=0.5, motion_blur=0.4), None, 0.35, score=10.0) == plain


def test_closed_eyes_come_last_and_beside_the_limit():
    everything = Severities((0.9,) * len(DEFECTS))
    found = reasons(everything, everything, 0.35, "closed")
    assert found[-1] == CLOSED_EYES == "face: eyes closed"
    assert found[:-1] == reasons(everything, everything, 0.35)
    assert reasons(None, None, 0.35, "closed") == (CLOSED_EYES,)


@pytest.mark.parametrize("eyes", ["open", "unknown", None])
def test_other_eyes_are_no_reason(eyes):
    assert reasons(severities(noise=0.5), None, 0.35, eyes) == ("photo: noise",)

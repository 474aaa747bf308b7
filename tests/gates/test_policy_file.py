from __future__ import annotations

from pathlib import Path

import pytest

from piqa_cli.errors import UsageError
from piqa_cli.gates.policy import CHECKS, BaselineTerms, BiasTerms, Limits, Resolution, Section, Severity
from piqa_cli.gates.policy_file import LIMITS, read_policy
from piqa_cli.gates.toml_lines import key_lines

ROOT = Path(__file__).parents[2]


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read a policy from its text, in a file called p.toml."""
    monkeypatch.chdir(tmp_path)

    def call(text: str):
        Path("p.toml").write_bytes(text.encode())
        return read_policy(Path("p.toml"))

    return call


def test_everything_that_a_policy_can_say(read) -> None:
    policy = read("""
[gates]
fail-under = 40
max-bad-pct = 5.5
bad-below = 45
max-errors = 0
min-face-px = 120
max-no-face-pct = 10
require-single-face = true
require-open-eyes = false
min-resolution = "1080 x 1920"
max-duplicates = 0
max-near-duplicates = 3
severity = "warning"
[folders."train/*"]
fail-under = 0
[folders."raw/**"]
severity = "note"
min-resolution = "2.5mp"
[checks]
unreadable = "error"
odd-size = "off"
[baseline]
max-drop = 2
alpha = 0.05
min-distance = 0
[bias]
min-difference = 1.5
min-photos = 2
""")
    assert policy.limits == Limits(40, 5.5, 45, 0, 120, 10, True, False, Resolution(1920, 1080), 0, 3)
    assert policy.severity is Severity.WARNING
    assert policy.sections == (
        Section("train/*", Limits(fail_under=0)),
        Section("raw/**", Limits(min_resolution=Resolution(megapixels=2.5)), Severity.NOTE),
    )
    assert policy.checks == {**CHECKS, "unreadable": Severity.ERROR, "odd-size": None}
    assert policy.baseline == BaselineTerms(2, 0.05, 0)
    assert policy.bias == BiasTerms(1.5, 2)


def test_an_empty_policy_asks_for_nothing(read) -> None:
    policy = read("# nothing\n")
    assert policy.limits.asked == ()
    assert policy.severity is Severity.ERROR
    assert policy.checks == CHECKS


def test_a_limit_of_zero_is_asked_for() -> None:
    assert Limits(fail_under=0, max_errors=0, bad_below=3, require_single_face=False).asked == (
        "fail_under",
        "max_errors",
    )


def test_every_limit_has_a_key() -> None:
    assert {name.replace("-", "_") for name in LIMITS} == set(Limits.__dataclass_fields__)


def test_all_problems_come_in_one_message_with_their_lines(read) -> None:
    with pytest.raises(UsageError) as caught:
        read("""# a policy
[gates]
fail-under = 101

max-errors = true
min-resolution = [
    "4k",
]
[folders."a b/*"]
max_bad_pct = 3
[chekcs]
[checks]
unreadable = "fatal"
""")
    assert caught.value.message == (
        "p.toml has 6 problems: line 3: fail-under: 101 is not a score, 0 to 100; "
        "line 5: max-errors: True is not a whole number from 0 on; "
        "line 6: min-resolution: ['4k'] is no resolution like '1920x1080' or '2MP'; "
        "line 10: unknown key 'max_bad_pct', did you mean 'max-bad-pct'?; "
        "line 11: unknown table 'chekcs', did you mean 'checks'?; "
        "line 13: unreadable: 'fatal' is none of error, warning, note, off"
    )
    assert "\n" not in caught.value.message
    assert (ROOT / caught.value.hint.split()[0]).is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail-under = 4", "line 1: unknown key 'fail-under', it belongs into [gates]"),
        ("fail_under = 4", "line 1: unknown key 'fail_under', it belongs into [gates]"),
        ("\n\n[gates]\nzzz = 4", "line 4: unknown key 'zzz', known are fail-under, max-bad-pct"),
        ("gates = 3", "line 1: gates is no table"),
        ("folders = []", 'line 1: folders is no table: sections read [folders."GLOB"]'),
        ("[folders]\nx = 3", "line 2: x is no table"),
        ('[folders.""]\n', "line 1: an empty glob matches nothing"),
        ("[gates]\nfail-under = nan", "line 2: fail-under: nan is not a score"),
        ("[gates]\nmax-no-face-pct = inf", "line 2: max-no-face-pct: inf is not a percentage"),
        ("[gates]\nmin-face-px = 1.5", "line 2: min-face-px: 1.5 is not a whole number"),
        ('[gates]\nrequire-single-face = "yes"', "line 2: require-single-face: 'yes' is neither true nor false"),
        ('[gates]\nseverity = "off"', "line 2: severity: 'off' is none of error, warning, note"),
        ("[baseline]\nalpha = 2", "line 2: alpha: 2 is not a number from 0 to 1"),
        ("[baseline]\nmax-drop = -1", "line 2: max-drop: -1 is not a number from 0 on"),
        ("gates.fail-under = 400", "line 1: fail-under: 400 is not a score"),
        (f"[gates]\nmin-face-px = 0x{'f' * 5000}", "line 2: min-face-px: the number is too large"),
        (f"[baseline]\nmax-drop = {'9' * 400}", "line 2: max-drop: int too large to convert to float"),
        ("[gates]\r\nfail-under = 400\r\n", "line 2: fail-under: 400 is not a score"),
    ],
)
def test_one_problem(read, text, message) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.message.startswith(f"p.toml has 1 problem: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gates]\nfail-under = 4 5", "p.toml line 2 is no TOML: expected newline or end of document"),
        ("[gates]\n[gates]", "p.toml line 2 is no TOML: cannot declare ('gates',) twice"),
        (f"[gates]\nmax-errors = {'9' * 5000}", "p.toml is no TOML: exceeds the limit (4300 digits)"),
        ("[gates", "p.toml is no TOML: expected ']' at the end of a table declaration"),
    ],
)
def test_no_toml(read, text, message) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.message.startswith(message)


def test_files_that_cannot_be_policies(tmp_path) -> None:
    (tmp_path / "bytes").write_bytes(b"[gates]\n\xff")
    (tmp_path / "large").write_bytes(b"#" * 2_000_000)
    for name, message in (("gone", "No such file"), ("bytes", "byte 9 is no UTF-8"), ("large", "larger than")):
        with pytest.raises(UsageError, match=message):
            read_policy(tmp_path / name)


def test_lines_of_keys_in_all_kinds_of_statements() -> None:
    text = '''a = 1 # c
# comment
[t."x # y"]

b.c = """
[not.a.table]
"""
d = [ # [1]
  1,
]
[[many]]
e = {f = 2}
'''
    lines = key_lines(text)
    assert {".".join(path): line for path, line in lines.items()} == {
        "a": 1,
        "t": 3,
        "t.x # y": 3,
        "t.x # y.b": 5,
        "t.x # y.b.c": 5,
        "t.x # y.d": 8,
        "many": 11,
    }

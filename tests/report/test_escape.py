import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piqa_cli.report.escape import to_script_json
from tests.report.made import HOSTILE, HOSTILE_TEXT


@pytest.mark.parametrize("text", [*HOSTILE, HOSTILE_TEXT, "\udcff", "</SCRIPT >", "<!--", "]]>", "\u2029", ""])
def test_any_text_comes_back_and_holds_nothing_that_html_knows(text):
    escaped = str(to_script_json({"a": [text], text: 1}))
    assert json.loads(escaped) == {"a": [text], text: 1}
    assert escaped.isascii()
    assert not set("<>&") & set(escaped)


@settings(deadline=None)
@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_property_of_any_text(text, number):
    escaped = str(to_script_json([text, number]))
    assert json.loads(escaped) == [text, number]
    assert escaped.isascii() and not set("<>&") & set(escaped)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_cannot_hold_is_refused(number):
    with pytest.raises(ValueError, match="JSON compliant"):
        to_script_json([number])

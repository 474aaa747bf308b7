"""Data as JSON inside an HTML page: nothing in it can end the element that holds it."""

from __future__ import annotations

import json

from markupsafe import Markup

_IN_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def to_script_json(value: object) -> Markup:
    """The value as ASCII-only JSON for a `<script type="application/json">`.

    `</script>`, `<!--` and `&...;` cannot occur in it; U+2028 and lone surrogates (bytes of a file name that are no
    UTF-8) are escaped.

    Raises:
        ValueError: a number that JSON cannot hold.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escaped in _IN_HTML.items():
        text = text.replace(character, escaped)
    return Markup(text)  # escaped above

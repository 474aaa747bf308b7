"""Text that may stand in an XML 1.0 document."""

from __future__ import annotations

import re

# Everything but the production Char of XML 1.0, and the line ends and tabs that attributes would lose.
_FORBIDDEN = re.compile("[^\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_safe(text: str) -> str:
    r"""The text on one line with characters that XML forbids, and other control characters, as `\x1b` or `\ud800`."""
    return _FORBIDDEN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

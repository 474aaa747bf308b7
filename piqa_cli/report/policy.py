"""The page's content-security policy: only the scripts and styles that are in it, by their hashes, and no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable


def content_policy(scripts: Iterable[str], css: str) -> str:
    """The policy for a page with exactly these inline texts.

    Pictures may come from the page itself (data:, blob:) and from files beside it. `trusted-types 'none'` makes the
    browser refuse every way to turn text into markup or code.

    Args:
        scripts: the text of each `<script>`, character by character.
        css: the text of the one `<style>`.
    """
    allowed = " ".join(_source(script) for script in scripts) or "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data: blob: file: 'self'",
            f"style-src {_source(css)}",
            f"script-src {allowed}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"

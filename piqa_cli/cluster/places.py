"""Names of photos and folders that may be URIs (`s3://bucket/prefix`), and the file systems behind them.

Free of fsspec until a file system is asked for: the command line asks whether a text is a URI at every start.
"""

from __future__ import annotations

import re
from typing import Any

from piqa_cli.errors import UsageError

_URI = re.compile(r"[a-z][a-z0-9+.-]+://.", re.IGNORECASE)  # two characters at least: C:// is no protocol


def is_uri(text: str) -> bool:
    """Whether the text names something by protocol, `s3://...`, rather than by path."""
    return _URI.match(text) is not None


def filesystem(place: str) -> tuple[Any, str]:
    """The fsspec file system of a URI or a local path, and the name of the place within it, without a slash at its end.

    Credentials, region and endpoint come from the environment of the process, as every AWS tool reads it
    (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, instance roles and so on).

    Raises:
        UsageError: the protocol is unknown, or its package is not installed.
    """
    import fsspec

    try:
        # Listings are read once and page by page; a cache of them would hold every name of a bucket.
        # What follows two colons would be read as a further file system; in a name they are two colons.
        fs, name = fsspec.core.url_to_fs(place.partition("::")[0], use_listings_cache=False)
    except ImportError as error:
        hint = "pip install 'piqa-cli[ray]' brings s3://; other stores have packages of their own, like gcsfs and adlfs"
        raise UsageError(f"{place}: {reason_of(error)}", hint=hint) from None
    except ValueError as error:
        raise UsageError(f"{place}: {error}", hint="s3://bucket/prefix, or a local path") from None
    return fs, str(fs._strip_protocol(place)) if "::" in place else name


def reason_of(error: BaseException) -> str:
    """What a file system complains of, on one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]

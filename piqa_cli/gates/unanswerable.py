"""Gates that cannot be checked, in words. Free of polars: some are known to be so before anything is scored."""

from __future__ import annotations

from piqa_cli.errors import UsageError

_NO_EMBEDDINGS = "the look of these photos is not known: score them with a result cache"
_NOT_KEPT = "a folder of Parquet files is without the look of the photos"
NOT_LOOKED_FOR = f"{_NOT_KEPT}: a run on one machine with -o FILE looks for it"
SEVERAL_MODELS = "the photos were scored by several models, and each sees them in its own way: score them with one"


def cannot_check(limit: str, what: str, hint: str) -> UsageError:
    """The error for a limit that lacks what it goes by; it must not pass in silence."""
    return UsageError(f"{limit.replace('_', '-')} cannot be checked: {what}", hint=hint)


def not_there(photos: int, whole: int) -> str:
    """So many photos of a table are not where it says, in words."""
    return f"{photos:,} of {whole:,} photos {'is' if photos == 1 else 'are'} not where the table says"


def unseen(photos: int, whole: int) -> str:
    """So many of the readable photos are not known by their look (changed since, gone, in no cache), in words."""
    if photos == whole:
        return _NO_EMBEDDINGS
    return f"the look of {photos:,} of {whole:,} photos is not known: score them again, with a result cache"


def look_not_known(why: str = _NO_EMBEDDINGS) -> UsageError:
    """The error for `max-near-duplicates` on a table whose photos the cache does not know, or not all of them."""
    return cannot_check("max_near_duplicates", why, "leave out --no-cache, and name the same --cache-dir")


def look_not_kept(hint: str) -> UsageError:
    """The error for `max-near-duplicates` on a table in parts, which is judged after the scores have left memory."""
    return cannot_check("max_near_duplicates", _NOT_KEPT, hint)

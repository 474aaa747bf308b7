"""What stands between the columns of a CSV file: spreadsheets write what the country's settings say."""

from __future__ import annotations

SEPARATORS = ",;\t"


def separator_of(head: str) -> str:
    """Comma, semicolon or tab: the one that the first line, the names of the columns, has most of."""
    return max(SEPARATORS, key=head.count)

"""Limits on pages of long lists."""

from unlost.model.errors import UsageError

LONGEST = 10_000  # rows of a page
LAST = 1 << 40  # longer than any list


def check_page(*, start: int = 0, most: int) -> None:
    """Raise UsageError (``page-invalid``) for an impossible page."""
    if not (0 <= start < LAST and 0 < most <= LONGEST):
        raise UsageError(
            "page-invalid",
            "A page of {rows} rows from row {start} is not possible.",
            next_step="Request 1 to {longest:,} rows, starting at row 0 or later.",
            rows=most,
            start=start,
            longest=LONGEST,
        )

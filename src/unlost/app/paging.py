"""Limits on pages of long lists."""

from unlost.model.errors import UsageError

LONGEST = 10_000  # rows of a page
LAST = 1 << 40  # longer than any list


def check_page(*, start: int = 0, most: int) -> None:
    """Raise UsageError (``page-invalid``) for an impossible page."""
    if not (0 <= start < LAST and 0 < most <= LONGEST):
        raise UsageError(
            "page-invalid",
            "There is no page of {most} rows from row {start} on.",
            next_step="Ask for 1 to {longest:,} rows, from row 0 on.",
            most=most,
            start=start,
            longest=LONGEST,
        )

"""Pages of long lists: which part of one is shown, and what follows."""

from dataclasses import dataclass

from django.http import HttpRequest

FARTHEST = 10_000_000


@dataclass(frozen=True, slots=True)
class PageLinks:
    """``shown`` rows from the ``start``-th of ``total`` on; a page has at most ``size``."""

    start: int
    size: int
    shown: int
    total: int

    @property
    def first(self) -> int:
        """The number of the first row, counted as people do."""
        return self.start + 1 if self.shown else 0

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.start + self.shown

    @property
    def before(self) -> int | None:
        """Where the page before begins, if there is one."""
        return max(self.start - self.size, 0) if self.start else None

    @property
    def after(self) -> int | None:
        """Where the next page begins, if there is one."""
        return self.last if self.last < self.total and self.shown else None


def start_of(request: HttpRequest) -> int:
    """Where the page that was asked for begins; the first one where that is no number."""
    text = request.GET.get("start", "")
    return min(int(text), FARTHEST) if text.isascii() and text.isdigit() else 0

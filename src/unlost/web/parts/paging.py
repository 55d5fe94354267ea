"""Paging of long lists."""

from dataclasses import dataclass

from django.http import HttpRequest

FARTHEST = 10_000_000


@dataclass(frozen=True, slots=True)
class PageLinks:
    """A page with ``shown`` rows, from ``start`` on, of ``total``; ``size`` is the limit.

    ``more``: there are more rows than ``total``, which no page shows.
    """

    start: int
    size: int
    shown: int
    total: int
    more: bool = False

    @property
    def first(self) -> int:
        """The number of the first row, counted from one."""
        return self.start + 1 if self.shown else 0

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.start + self.shown

    @property
    def before(self) -> int | None:
        """The start of the previous page, if there is one."""
        return max(self.start - self.size, 0) if self.start else None

    @property
    def after(self) -> int | None:
        """The start of the next page, if there is one."""
        return self.last if self.last < self.total and self.shown else None


def start_of(request: HttpRequest, name: str = "start") -> int:
    """Return the start of the requested page; 0 if it is invalid."""
    text = request.GET.get(name, "")
    return min(int(text), FARTHEST) if text.isascii() and text.isdigit() else 0

"""All rows of a query, page by page in the order of their ids, with proof that all of them came.

    first page ─▶ id > last id of it ─▶ … ─▶ empty page ─▶ more rows behind it? ─▶ end ─▶ count
                                                 ▲  yes: go on by offset         │
                                                 └────────────────────────────────┘

For a source that limits a page before it takes away the rows that the user may not see: there a page
may be short or empty and not be the last one. At the end, the rows are compared with the count of the
query, which includes hidden rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from unlost.kit.http.limits import AnswerTooLarge
from unlost.kit.paging import follow_ids
from unlost.model.errors import SourceRefused, TransientError

FEWEST_ROWS = 10  # a page that is not in time with so few rows is given up
NO_IDS = pa.array([], pa.string())


class CountedPage(Protocol):
    """A page of a query."""

    @property
    def ids(self) -> pa.Array:
        """The ids of its rows, in the order of the source."""
        ...

    @property
    def total(self) -> int | None:
        """The rows of the whole query, also hidden ones; None if it was not counted."""
        ...


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Rows ``after`` an id (None: from the first one), without the first ``offset`` of them.

    ``counted``: the answer should have the total.
    """

    after: str | None
    limit: int
    offset: int = 0
    counted: bool = False


class PageTooSlow(TransientError):
    """Raised for a page that took the source too long; fewer rows may come in time."""


class CountedWalk[P: CountedPage](ABC):
    """A walk through the rows of a query. ``seen`` counts them; read ``hidden`` after the end."""

    def __init__(self, *, limit: int) -> None:
        """``limit``: rows of a page."""
        self.seen = 0
        self._limit = limit
        self._total: int | None = None
        self._is_whole = False  # all rows are known to be here

    @abstractmethod
    def fetch(self, request: PageRequest) -> P:
        """A checked page; raises PageTooSlow or AnswerTooLarge if fewer rows may come."""

    @abstractmethod
    def count(self, after: str | None) -> int:
        """The rows after an id, or all of them, also hidden ones; raises SourceRefused."""

    def pages(self) -> Iterator[P]:
        """The pages with rows.

        Raises the errors of ``fetch`` and ``count``, and IntegrityError (``paging-in-circles``).
        """
        for page in follow_ids(self._after, ids=lambda each: NO_IDS if each is None else each.ids):
            assert page is not None  # pages without rows end a walk
            self.seen += len(page.ids)
            yield page

    def hidden(self) -> int:
        """The rows that the count of the query has and that did not come.

        Rows that were created or deleted during the walk are left out, as far as two counts can
        show it. Raises SourceRefused if the source counts in neither way: nothing is proved then.
        """
        if self._is_whole:
            return 0
        total = self._total
        try:
            now = self.count(None)
        except SourceRefused:
            if total is None:
                raise
            now = total
        return max(0, (now if total is None else min(now, total)) - self.seen)

    def _after(self, last: str | None) -> P | None:
        """The next page with rows after an id; None or an empty page at the end."""
        if self._is_whole:
            return None
        page = self._fetch(PageRequest(last, self._limit, counted=last is None))
        if last is None:
            self._total = page.total
            self._is_whole = page.total == len(page.ids)
        return page if len(page.ids) or self._is_whole else self._behind_hidden(last, page)

    def _behind_hidden(self, last: str | None, page: P) -> P:
        """The next page with rows behind pages whose rows are all hidden."""
        offset, total = 0, None
        while not len(page.ids):
            offset += self._limit
            page = self._fetch(PageRequest(last, self._limit, offset, counted=total is None))
            if total is None:
                total = page.total if page.total is not None else self.count(last)
            if offset >= total:
                break
        return page

    def _fetch(self, request: PageRequest) -> P:
        """A page; one that is too slow or too large is fetched with fewer rows."""
        while True:
            try:
                return self.fetch(replace(request, limit=self._limit))
            except (PageTooSlow, AnswerTooLarge):
                if self._limit // 2 < FEWEST_ROWS:
                    raise
                self._limit //= 2

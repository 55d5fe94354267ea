"""Follow pages to their end, and detect pages that lead back."""

from collections.abc import Callable, Iterator
from itertools import takewhile

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import IntegrityError


def circular() -> IntegrityError:
    """The error for pages that lead back to a page that was already read."""
    return IntegrityError(
        "paging-in-circles",
        "The pages of the source lead back to a page that was already read.",
        next_step="Run the backup again. If the problem persists, report it to the vendor of the "
        "source.",
    )


def follow[P](
    first: P, *, fetch: Callable[[str], P], link: Callable[[P], str | None]
) -> Iterator[P]:
    """The first page and all that its links lead to; a repeated link raises IntegrityError."""
    page = first
    seen: set[str] = set()
    while True:
        yield page
        where = link(page)
        if where is None:
            return
        if where in seen:
            raise circular()
        seen.add(where)
        page = fetch(where)


def follow_ids[P](fetch: Callable[[str | None], P], *, ids: Callable[[P], pa.Array]) -> Iterator[P]:
    """The pages of a table that is read in the order of its ids, until a page is empty.

    ``fetch`` returns the page after an id, or the first page. ``ids`` returns the ids of a page in
    the order of the source.

    A source that ignores the condition sends the first page again. That is noticed by the ids, and
    not by comparing them: each source has its own order of texts, often without case. Each page is
    withheld until the next one shows that the condition holds, and the last one until no id came
    twice. Then the ids are strictly ascending, in whatever order.

    That all rows came is not proved: the caller compares their number with a count of the source,
    because a page may also be empty where the user may not see its rows.

    Raises IntegrityError (``paging-in-circles``).
    """
    walk = _IdsOfWalk()
    withheld: P | None = None
    pages = follow(fetch(None), fetch=fetch, link=lambda page: _last(ids(page)))
    for page in takewhile(lambda page: len(ids(page)) > 0, pages):
        if withheld is not None:
            yield withheld
        withheld = page
        walk.add(ids(page))
    walk.check()
    if withheld is not None:
        yield withheld


def _last(ids: pa.Array) -> str | None:
    return str(ids[-1]) if len(ids) else None


class _IdsOfWalk:
    """The ids of a walk. Compared with each other whenever their number has doubled.

    So a walk that never comes to an end is noticed, too, and a long one takes little more than a
    single comparison.
    """

    def __init__(self) -> None:
        self._ids: list[pa.Array] = []
        self._count = 0
        self._next_check = 1

    def add(self, ids: pa.Array) -> None:
        self._ids.append(ids)
        self._count += len(ids)
        if self._count >= self._next_check:
            self.check()
            self._next_check = 2 * self._count

    def check(self) -> None:
        """Raise IntegrityError if an id came twice."""
        if pc.count_distinct(pa.chunked_array(self._ids, pa.string())).as_py() != self._count:
            raise circular()

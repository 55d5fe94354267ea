"""Walks in the order of ids through a source that counts rows which it does not show."""

from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from unlost.kit.counted_walk import CountedWalk, PageRequest, PageTooSlow
from unlost.kit.http import AnswerTooLarge
from unlost.model.errors import IntegrityError, SourceRefused, UnlostError

IDS = [f"{number:03}" for number in range(100)]


@dataclass(frozen=True)
class ListedPage:
    names: list[str]
    total: int | None

    @property
    def ids(self) -> pa.Array:
        return pa.array(self.names, pa.string())


@dataclass
class Ledger:
    """Rows of a source; ``slow_above``: pages with more rows than this fail with ``error``."""

    rows: list[str] = field(default_factory=lambda: list(IDS))
    hidden: set[str] = field(default_factory=set)
    counts_pages: bool = True
    counts: bool = True
    slow_above: int = 1_000
    error: UnlostError = field(default_factory=lambda: PageTooSlow("slow", "Too slow."))
    requests: list[PageRequest] = field(default_factory=list)


class LedgerWalk(CountedWalk[ListedPage]):
    def __init__(self, ledger: Ledger, *, limit: int = 40) -> None:
        super().__init__(limit=limit)
        self.ledger = ledger

    def fetch(self, request: PageRequest) -> ListedPage:
        self.ledger.requests.append(request)
        if request.limit > self.ledger.slow_above:
            raise self.ledger.error
        rows = self._behind(request.after)
        limited = rows[request.offset : request.offset + request.limit]
        shown = [each for each in limited if each not in self.ledger.hidden]
        counted = request.counted and self.ledger.counts_pages
        return ListedPage(shown, len(rows) if counted else None)

    def count(self, after: str | None) -> int:
        if not self.ledger.counts:
            raise SourceRefused("ledger-no-count", "No.")
        return len(self._behind(after))

    def _behind(self, after: str | None) -> list[str]:
        return [each for each in self.ledger.rows if after is None or each > after]


def walked(walk: LedgerWalk) -> list[str]:
    return [name for page in walk.pages() for name in page.names]


@pytest.mark.parametrize("counts_pages", [True, False])
@pytest.mark.parametrize(
    "hidden", [set(), set(IDS[:40]), set(IDS[5:95]), set(IDS[40:]), set(IDS)], ids=len
)
def test_the_walk_goes_on_behind_hidden_rows_and_counts_them(
    hidden: set[str], counts_pages: bool
) -> None:
    walk = LedgerWalk(Ledger(hidden=hidden, counts_pages=counts_pages))
    assert walked(walk) == [each for each in IDS if each not in hidden]
    assert (walk.seen, walk.hidden()) == (100 - len(hidden), len(hidden))


@pytest.mark.parametrize("rows", [IDS[:40], []])
def test_a_query_that_fits_a_page_takes_one_request(rows: list[str]) -> None:
    ledger = Ledger(rows=list(rows), counts=False)
    walk = LedgerWalk(ledger)
    assert walked(walk) == rows
    assert (walk.hidden(), len(ledger.requests)) == (0, 1)


def test_rows_that_are_created_or_deleted_during_the_walk_are_not_hidden() -> None:
    ledger = Ledger()
    walk = LedgerWalk(ledger)
    pages = walk.pages()
    next(pages)
    ledger.rows.insert(0, "!")
    assert sum(1 for _ in pages) == 2
    assert walk.hidden() == 0
    ledger.rows[:] = ledger.rows[:50]
    assert walk.hidden() == 0


def test_without_a_second_count_the_first_one_stands_and_without_both_nothing_is_proved() -> None:
    first = LedgerWalk(Ledger(hidden=set(IDS[:3]), counts=False))
    walked(first)
    assert first.hidden() == 3
    none = LedgerWalk(Ledger())
    with pytest.raises(SourceRefused):
        walked(LedgerWalk(Ledger(counts_pages=False, counts=False)))
    none.ledger.counts_pages = False
    walked(none)
    none.ledger.counts = False
    with pytest.raises(SourceRefused):
        none.hidden()


@pytest.mark.parametrize("error", [PageTooSlow("slow", "Too slow."), AnswerTooLarge("too many")])
def test_a_page_that_is_too_slow_or_too_large_is_fetched_with_fewer_rows(
    error: UnlostError,
) -> None:
    ledger = Ledger(slow_above=15, error=error)
    assert walked(LedgerWalk(ledger)) == IDS
    assert [request.limit for request in ledger.requests[:3]] == [40, 20, 10]
    assert {request.limit for request in ledger.requests[3:]} == {10}
    with pytest.raises(type(error)):
        walked(LedgerWalk(Ledger(slow_above=9, error=error)))


def test_a_source_that_ignores_the_id_is_noticed() -> None:
    walk = LedgerWalk(Ledger())
    walk._behind = lambda after: IDS  # type: ignore[method-assign]
    with pytest.raises(IntegrityError) as caught:
        walked(walk)
    assert caught.value.code == "paging-in-circles"

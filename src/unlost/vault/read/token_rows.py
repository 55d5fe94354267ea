"""Rows of the tables without versions: of ``$search`` by token, of any by a range of ids."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter

import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.format.physical import SEARCH_FIELDS, U_ID
from unlost.vault.format.rowhash import id_hashes
from unlost.vault.format.sidecar import may_hold
from unlost.vault.layout.parallel import spread
from unlost.vault.read.table_view import TableView

_COLUMNS = tuple(field.name for field in SEARCH_FIELDS)


def exact(view: TableView, token: str) -> Iterator[pa.Table]:
    """Rows of ``$search`` with exactly this token, the newest segments first."""
    hashes = id_hashes(pa.array([token], pa.string()))
    for rank in reversed(range(len(view.segments))):
        # Of a merged index, few segments have this range of tokens, and only their sidecars are read.
        places = _groups(view, rank, token, token)
        if places and may_hold(view.sidecar(rank).filter, hashes)[0]:
            yield from _read(view, places, token, token, _COLUMNS)


def beginning(view: TableView, token: str) -> Iterator[pa.Table]:
    """Rows whose token begins with this one, newest segments first, read in parallel."""
    yield from between(view, token, _after_all(token), _COLUMNS)


def rows_near(view: TableView, token: str) -> int:
    """An upper limit of the rows whose token begins with this one; reads only sidecars."""
    return sum(
        view.sidecar(rank).fences[group].rows
        for rank, group in places_between(view, token, _after_all(token))
    )


def between(view: TableView, low: str, high: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Rows with ids from ``low`` to ``high``, newest segments first, read in parallel."""
    places = places_between(view, low, high)
    for parts in spread(lambda place: list(_read(view, [place], low, high, columns)), places):
        yield from parts


def places_between(view: TableView, low: str, high: str) -> list[tuple[int, int]]:
    """Rank and row group of each group that may have ids in the range, newest segments first."""
    ranks = reversed(range(len(view.segments)))
    return [place for rank in ranks for place in _groups(view, rank, low, high)]


def _groups(view: TableView, rank: int, low: str, high: str) -> list[tuple[int, int]]:
    """Rank and row group of each group that may have tokens in the range."""
    entry = view.segments[rank].entry
    if entry.max_id < low or entry.min_id > high:
        return []
    fences, first = view.sidecar(rank).fences, attrgetter("first")
    # The group before the first fence in the range may reach into it.
    begin = max(0, bisect_left(fences, low, key=first) - 1)
    end = bisect_right(fences, high, key=first)
    return [(rank, group) for group in range(begin, end)]


def _read(
    view: TableView,
    places: Sequence[tuple[int, int]],
    low: str,
    high: str,
    columns: Sequence[str],
) -> Iterator[pa.Table]:
    least, most = (pa.scalar(text.encode(), pa.binary()) for text in (low, high))
    for rank, group in places:
        # Of the groups that may have such a token, most have none: ids alone are read quickly.
        inside = _inside(_group(view, rank, group, (U_ID,)), least, most)
        if pc.any(inside).as_py():
            yield _group(view, rank, group, columns).filter(inside)


def _group(view: TableView, rank: int, group: int, columns: Sequence[str]) -> pa.Table:
    entry = view.segments[rank].entry
    return view.reading.segments.read_keys(entry, groups=[group], columns=columns)


def _inside(rows: pa.Table, least: pa.Scalar, most: pa.Scalar) -> pa.ChunkedArray:
    tokens = rows.column(U_ID).cast(pa.binary())
    return pc.and_(pc.greater_equal(tokens, least), pc.less_equal(tokens, most))


def _after_all(token: str) -> str:
    """A text that sorts after all texts with this prefix."""
    return token + "\U0010ffff"

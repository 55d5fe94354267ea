"""The order of a list, and its filter by time: decided over one column of all its records.

    ids ── look up, or read the column of the whole table ──> a value for each id ──> order, or filter

To read a whole table costs as much as to look up some thousand records, so only a short list is
looked up. Values stay in Arrow: a list of a million records takes about 200 MB for a moment.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.records.last_changes import BY_USERS
from unlost.app.records.lists.record_lists import FETCH, ID, OP, ListedIds
from unlost.model.errors import UsageError
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import WireKind

SORTED = 1_000_000  # records of the longest list that is sorted or filtered
LOOKED_UP = 5_000  # records of the longest list that are looked up one by one
MODIFIED_AT = "_u_modified_at"
MODIFIED_BY = "_u_modified_by"
VAULT_COLUMNS = frozenset({OP, MODIFIED_AT, MODIFIED_BY})  # columns of the vault itself
NUMBERS = (WireKind.DECIMAL, WireKind.INTEGER)
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_UTC = r"(Z|[+-]00:?00)$"


@dataclass(frozen=True, slots=True)
class ListOrder:
    """The column by which a list is sorted; ``column`` is empty for the order of ids."""

    column: str = ""
    descending: bool = False


def is_sortable(listed: ListedIds) -> bool:
    """Return True if the list is short enough to be sorted and filtered."""
    return len(listed.ids) <= SORTED


def changed_between(
    listed: ListedIds, *, since: datetime | None, until: datetime | None
) -> ListedIds:
    """Return the records that were last changed or deleted in this time; ``until`` is exclusive.

    Raises UsageError (``list-too-long``).
    """
    if since is None and until is None:
        return listed
    times = _values(listed, listed.dated or listed.snapshot, MODIFIED_AT)
    inside = pc.is_valid(times)
    if since is not None:
        inside = pc.and_kleene(inside, pc.greater_equal(times, pa.scalar(since, times.type)))
    if until is not None:
        inside = pc.and_kleene(inside, pc.less(times, pa.scalar(until, times.type)))
    return replace(listed, ids=listed.ids.filter(pc.fill_null(inside, fill_value=False)))


def changed_by(listed: ListedIds, user: str) -> ListedIds:
    """Return the records that a user (an id) changed last, or deleted; all of them without one.

    Raises UsageError (``list-too-long``).
    """
    if not user:
        return listed
    backup = listed.dated or listed.snapshot
    mine = pc.equal(_values(listed, backup, MODIFIED_BY).cast(pa.string()), user)
    by_users = pc.is_in(
        _values(listed, backup, OP).cast(pa.string()), value_set=pa.array(BY_USERS, pa.string())
    )
    mask = pc.fill_null(pc.and_kleene(mine, by_users), fill_value=False)
    return replace(listed, ids=listed.ids.filter(mask))


def in_order(listed: ListedIds, order: ListOrder) -> pa.StringArray:
    """Return the ids in this order: empty values last, before them numbers that are none.

    Raises UsageError (``list-too-long``).
    """
    column = listed.table.column(order.column) if order.column else None
    if column is None:
        return listed.ids
    texts = _values(listed, listed.snapshot, column.name)
    number, text = _sort_keys(column.kind, texts)
    keys = pa.table({
        "empty": pc.or_kleene(pc.is_null(texts), pc.equal(texts, "")),
        "no_number": pc.is_null(number),
        "number": number,
        "text": text,
        "id": listed.ids,
    })  # fmt: skip
    direction = "descending" if order.descending else "ascending"
    first = [("empty", "ascending"), ("no_number", "ascending")]
    sort = [*first, ("number", direction), ("text", direction), ("id", direction)]
    return listed.ids.take(pc.sort_indices(keys, sort_keys=sort))


def _sort_keys(kind: WireKind, texts: pa.StringArray) -> tuple[pa.Array, pa.Array]:
    """Return a number and a text for each value; the number is null where the text decides."""
    nothing = pa.nulls(len(texts), pa.float64())
    if kind in NUMBERS:
        sound = pc.match_substring_regex(texts, _NUMBER)
        numbers = pc.if_else(sound, texts, pa.scalar(None, pa.string()))
        return pc.cast(numbers, pa.float64()), texts
    if kind is WireKind.INSTANT:  # the notations of UTC mean the same
        return nothing, pc.replace_substring_regex(texts, _UTC, "")
    return nothing, pc.utf8_lower(texts)


def _values(listed: ListedIds, snapshot: Snapshot, column: str) -> pa.Array:
    """Return the value of a column for each record of the list, null where there is none."""
    _check_sortable(listed)
    short = len(listed.ids) <= LOOKED_UP
    parts = list((_looked_up if short else _read)(listed, snapshot, column))
    rows = pa.concat_tables(parts) if parts else pa.table({ID: [], column: []})
    places = pc.index_in(listed.ids, value_set=rows[ID].cast(pa.string()).combine_chunks())
    return rows[column].combine_chunks().take(places)


def _looked_up(listed: ListedIds, snapshot: Snapshot, column: str) -> Iterator[pa.Table]:
    for at in range(0, len(listed.ids), FETCH):
        ids = listed.ids.slice(at, FETCH).to_pylist()
        rows = snapshot.get(listed.table.name, ids, columns=_own(column))
        yield rows.select([ID, column])


def _read(listed: ListedIds, snapshot: Snapshot, column: str) -> Iterator[pa.Table]:
    """Read the column of the whole table; only rows of the list stay in memory."""
    table, columns = listed.table.name, _own(column)
    readers = (snapshot.scan(table, columns=columns), snapshot.scan_deleted(table, columns=columns))
    for batch in chain.from_iterable(readers):
        ids = batch.column(ID).cast(pa.string())
        near = _between(listed.ids, pc.min_max(ids).as_py())
        if len(near):
            rows = batch.select([ID, column]).filter(pc.is_in(ids, value_set=near))
            yield pa.Table.from_batches([rows])


def _own(column: str) -> list[str]:
    """Return the columns to ask for: those of the vault itself are always read."""
    return [] if column in VAULT_COLUMNS else [column]


def _between(ids: pa.StringArray, span: dict[str, str | None]) -> pa.StringArray:
    """Return the ids of a sorted array that lie in a span, so that few are compared."""
    if span["min"] is None or span["max"] is None:
        return ids.slice(0, 0)
    first = bisect_left(ids, span["min"], key=_text)
    return ids.slice(first, bisect_right(ids, span["max"], key=_text) - first)


def _text(value: pa.StringScalar) -> str:
    text: str = value.as_py()
    return text


def _check_sortable(listed: ListedIds) -> None:
    if not is_sortable(listed):
        raise UsageError(
            "list-too-long",
            "A list of more than {most:,} records cannot be sorted or filtered.",
            next_step="Narrow the list first: choose another backup or table.",
            most=SORTED,
        )

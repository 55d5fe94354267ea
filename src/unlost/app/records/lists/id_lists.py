"""Lists of record ids that people paste or upload: one in a line, or a column of a CSV file."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from unlost.app.compose import Application
from unlost.app.records.ids import typed_ids
from unlost.app.records.lists.record_lists import ID, OP
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.restore.planning.selection import MAX_STEPS, too_large
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op

SEPARATORS = "\t;,"
TITLE = re.compile(r"(?:.*[ _])?id", re.IGNORECASE)  # of a column with ids: Id, Case ID, account_id


@dataclass(frozen=True, slots=True)
class TypedIds:
    """The ids of a list, each once; ``repeated`` more lines had one of them."""

    ids: tuple[str, ...]
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class KnownIds:
    """The live records of a list, and the texts that name none in the newest backup."""

    keys: tuple[RecordKey, ...]
    unknown: tuple[str, ...] = ()
    repeated: int = 0


def ids_in(text: str) -> TypedIds:
    """Return the ids of a text: of the column with the title Id, or else of the first column.

    A line without separators is an id. Empty lines do not count.
    """
    rows = list(_rows(text))
    place = _id_column(rows[0]) if rows else None
    cells = [_cell(row, place or 0) for row in (rows if place is None else rows[1:])]
    named = [cell for cell in cells if cell]
    ids = tuple(dict.fromkeys(named))
    return TypedIds(ids, len(named) - len(ids))


def known_ids(
    app: Application, org: ProtectedOrg, head: Snapshot, typed: TypedIds, *, table: str | None
) -> KnownIds:
    """Find the records of a list, in the order of the list.

    An id without a table is looked up in ``table``, or else in all tables. Raises UsageError
    (``restore-too-large``).
    """
    if len(typed.ids) > MAX_STEPS:
        raise too_large()
    candidates = {text: _candidates(app, org, text, table) for text in typed.ids}
    live = _live(head, [key for keys in candidates.values() for key in keys])
    matched = {text: _first(keys, live) for text, keys in candidates.items()}
    named = [key for key in matched.values() if key is not None]
    keys = tuple(dict.fromkeys(named))
    unknown = tuple(text for text, key in matched.items() if key is None)
    return KnownIds(keys, unknown, typed.repeated + len(named) - len(keys))


def _rows(text: str) -> Iterator[Sequence[str]]:
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    if not lines:
        return
    separator = max(SEPARATORS, key=lines[0].count)
    try:
        yield from list(csv.reader(lines, delimiter=separator))
    except csv.Error:  # such as a text without an end: each line is then named as it is
        yield from ([line] for line in lines)


def _id_column(row: Sequence[str]) -> int | None:
    """Return the place of the column with ids, if the row has titles."""
    titles = [cell.strip() for cell in row]
    exact = [place for place, title in enumerate(titles) if title.casefold() == "id"]
    others = [place for place, title in enumerate(titles) if TITLE.fullmatch(title)]
    return next(iter((*exact, *others)), None)


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


type _Candidate = tuple[str | None, str]  # the table, None for all, and an id


def _candidates(
    app: Application, org: ProtectedOrg, text: str, table: str | None
) -> Sequence[_Candidate]:
    """Return the records that a text may name; none for a text that cannot be an id."""
    named, slash, record = text.partition("/")
    try:
        ids = typed_ids(app, org, record if slash else text)
    except UsageError:
        return ()
    return [(named if slash else table, each) for each in ids]


def _first(candidates: Sequence[_Candidate], live: set[RecordKey]) -> RecordKey | None:
    for table, record in candidates:
        tables = [table] if table is not None else sorted({key.table for key in live})
        for name in tables:
            if (key := RecordKey(name, record)) in live:
                return key
    return None


def _live(head: Snapshot, candidates: Sequence[_Candidate]) -> set[RecordKey]:
    """Return the records among these that are live in a backup."""
    anywhere = {record for table, record in candidates if table is None}
    by_table: dict[str, set[str]] = {}
    for table, record in candidates:
        if table is not None:
            by_table.setdefault(table, set()).add(record)
    live: set[RecordKey] = set()
    for name, state in head.tables().items():
        wanted = by_table.get(name, set()) | anywhere
        if wanted and state.alive:
            rows = head.get(name, sorted(wanted), columns=[])
            ids = rows.filter(pc.equal(rows[OP], Op.STATE.value))[ID].to_pylist()
            live |= {RecordKey(name, str(record)) for record in ids}
    return live

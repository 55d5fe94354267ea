"""Rectifying in the memory vault, written as the promise reads: version by version."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from unlost.model.erasure import ErasureProof, ErasureTold, TableErased
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import RecordKey
from unlost.model.reading import Op
from unlost.model.rectification import Rectification, RectifyWish, check_free
from unlost.model.schema import Table, WireKind
from unlost.model.snapshot import Lineage
from unlost.testing.memory_erasure import check_held, closed, log_of, logged
from unlost.testing.memory_rows import Cells, Observed, canonical, digest
from unlost.testing.memory_snapshot import Chain


def planned(
    chain: Chain, wish: RectifyWish, *, org: str, lineage: Sequence[Lineage], now: datetime
) -> Rectification:
    """What would be replaced; raises Conflict, NotFound, UsageError."""
    records = closed((wish.record,), [row for row in lineage if row.target == org])
    check_held(chain, (*records, *logged(chain, records)), now, code="rectify-held")
    _check(chain, wish)
    if not any(chain.rows.get(wish.record.table, {}).get(key.record) for key in records):
        raise NotFound("record-unknown", f"The vault has nothing of {wish.record}.")
    found = [(key, seen, new) for key, seen, new in _changes(chain, wish, records) if new]
    return Rectification(
        records=records,
        tables=tuple(
            _table(chain, table, found) for table in sorted({k.table for k, _, _ in found})
        ),
        columns=tuple(sorted({f"{key.table}.{name}" for key, _, new in found for name in new})),
        current=tuple(sorted(set(_current(chain, wish, found)))),
        elsewhere=tuple(
            (row.target, RecordKey(row.table, row.live))
            for row in lineage
            if row.target != org and RecordKey(row.table, row.old) in records
        ),
    )


def replace_values(chain: Chain, wish: RectifyWish, records: Sequence[RecordKey]) -> None:
    """Do it."""
    for key, seen, new in list(_changes(chain, wish, records)):
        table = _table_of(chain, key.table)
        cells = {**(seen.cells or {}), **new}
        rows = chain.rows[key.table][key.record]
        rows[rows.index(seen)] = replace(seen, cells=cells, digest=digest(table, cells))


def proved(
    plan: Rectification, wish: RectifyWish, *, run: str, at: datetime, number: int
) -> ErasureTold:
    """The proof of a rectification that is done."""
    marks = hashlib.sha256(b"").hexdigest()
    proof = ErasureProof(run, at, wish.by, plan.tables, 0, 0, 0, marks, plan.columns)
    return ErasureTold(proof, number, (), complete=True)


def _check(chain: Chain, wish: RectifyWish) -> None:
    names = {one.column for one in wish.values}
    if not names or len(wish.values) > (len(names) if wish.was is None else 1):
        raise UsageError("rectify-unclear", "It is not said what is to be corrected.")
    tables = [night.schema.table(wish.record.table) for night in chain.nights]
    known = {column.name for table in tables if table is not None for column in table.columns}
    for one in wish.values:
        if one.column not in known:
            raise UsageError("column-unknown", f"There was never a column {one.column}.")
    check_free(_table_of(chain, wish.record.table), wish)


def _changes(
    chain: Chain, wish: RectifyWish, records: Sequence[RecordKey]
) -> Iterator[tuple[RecordKey, Observed, Cells]]:
    """Versions that change, and what in them."""
    kinds = {one.column: _kind(chain, wish.record.table, one.column) for one in wish.values}
    for key in records:
        for seen in chain.rows.get(key.table, {}).get(key.record, ()):
            new = {one.column: one.value for one in wish.values}
            yield from _changed(key, seen, new, wish.was, kinds)
    log = log_of(chain, wish.record.table)
    for key in logged(chain, records) if log is not None else ():
        for seen in chain.rows[key.table][key.record]:
            for one in wish.values:
                if log is not None and (seen.cells or {}).get(log.field_column) == one.column:
                    names = (log.old_column, log.new_column)
                    new = dict.fromkeys(names, one.value)
                    own = dict.fromkeys(names, kinds[one.column])
                    yield from _changed(key, seen, new, wish.was, own)


def _changed(
    key: RecordKey, seen: Observed, new: Cells, was: str | None, kinds: dict[str, WireKind]
) -> Iterator[tuple[RecordKey, Observed, Cells]]:
    cells = seen.cells or {}
    found = {
        name: value
        for name, value in new.items()
        if name in cells and cells[name] != value and _meant(cells[name], was, kinds[name])
    }
    if found:
        yield key, seen, found


def _meant(value: str | None, was: str | None, kind: WireKind) -> bool:
    return was is None or canonical(kind, value or "") == canonical(kind, was)


def _table(
    chain: Chain, table: str, found: Sequence[tuple[RecordKey, Observed, Cells]]
) -> TableErased:
    own = [key.record for key, _, _ in found if key.table == table]
    alive = sum(chain.rows[table][one][-1].op is Op.STATE for one in set(own))
    return TableErased(table, len(set(own)), len(own), alive)


def _current(
    chain: Chain, wish: RectifyWish, found: Sequence[tuple[RecordKey, Observed, Cells]]
) -> Iterator[str]:
    for key, seen, new in found:
        newest = chain.rows[key.table][key.record][-1]
        if key.table == wish.record.table and seen is newest and seen.op is Op.STATE:
            yield from (f"{key.table}.{name}" for name in new)


def _table_of(chain: Chain, name: str) -> Table:
    """The newest description of a table."""
    found = (night.schema.table(name) for night in reversed(chain.nights))
    return next(table for table in found if table is not None)


def _kind(chain: Chain, table: str, name: str) -> WireKind:
    column = _table_of(chain, table).column(name)
    return column.kind if column is not None else WireKind.TEXT

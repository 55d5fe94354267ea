"""Erasing in the memory vault, written as the promise reads: record by record."""

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from unlost.model.erasure import (
    Erasure,
    ErasureProof,
    ErasureTold,
    ErasureWish,
    MatchColumn,
    TableErased,
)
from unlost.model.errors import Conflict, UsageError
from unlost.model.plan import RecordKey
from unlost.model.reading import Op, Rows
from unlost.model.retention import Hold, HoldScope
from unlost.model.schema import ChangeLog
from unlost.model.snapshot import Lineage
from unlost.testing.memory_rows import Observed
from unlost.testing.memory_snapshot import Chain, Night

type Text = tuple[str, str, str]
"""Table, column (empty for the id), and the text in the form in which it is compared."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What an erasure put on the list."""

    told: ErasureTold
    texts: frozenset[Text]


def planned(
    chain: Chain, wish: ErasureWish, *, org: str, lineage: Sequence[Lineage], now: datetime
) -> Erasure:
    """What goes; raises Conflict, UsageError."""
    if not wish.records:
        raise UsageError("erase-nothing", "No record was named that is to be erased.")
    records = closed(wish.records, [row for row in lineage if row.target == org])
    records = tuple(dict.fromkeys((*records, *logged(chain, records))))
    check_held(chain, records, now, code="erase-held")
    known = [key for key in records if _versions(chain, key)]
    gone = frozenset(records)
    files = [one for _, one in chain.files if RecordKey(one.table, one.record) in gone]
    kept = {one.blob for _, one in chain.files if RecordKey(one.table, one.record) not in gone}
    blobs = {one.blob: one.size for one in files if one.blob not in kept}
    return Erasure(
        records=records,
        unknown=tuple(key for key in records if key not in known),
        tables=tuple(_table(chain, name, known) for name in sorted({key.table for key in known})),
        values=sum(
            MatchColumn(table, column) in wish.match
            for table, column, _ in texts_of(chain, wish, records)
        ),
        files=len(blobs),
        file_bytes=sum(blobs.values()),
        elsewhere=tuple(
            (row.target, RecordKey(row.table, row.live))
            for row in lineage
            if row.target != org and RecordKey(row.table, row.old) in gone
        ),
    )


def texts_of(chain: Chain, wish: ErasureWish, records: Sequence[RecordKey]) -> frozenset[Text]:
    """What is not taken in again."""
    texts = {(key.table, "", key.record) for key in records}
    for key in records:
        log = log_of(chain, key.table)
        if log is not None:
            texts.add((log.table, log.record_column, compared(key.record)))
    for one in wish.match:
        for key in records:
            if key.table == one.table:
                cells = [row.cells or {} for row in _versions(chain, key)]
                values = (compared(cell.get(one.column)) for cell in cells)
                texts |= {(one.table, one.column, value) for value in values if value}
    return frozenset(texts)


def take_away(chain: Chain, plan: Erasure) -> None:
    """Do what a plan says."""
    gone = frozenset(plan.records)
    chain.nights = [_without(chain, night, plan.records) for night in chain.nights]
    for table, records in chain.rows.items():
        chain.rows[table] = {
            key: seen for key, seen in records.items() if RecordKey(table, key) not in gone
        }
    chain.files = [
        (number, one) for number, one in chain.files if RecordKey(one.table, one.record) not in gone
    ]
    blobs = {one.blob for _, one in chain.files}
    chain.blobs = {blob: body for blob, body in chain.blobs.items() if blob in blobs}
    chain.marks = [mark for mark in chain.marks if RecordKey(mark[1], mark[3]) not in gone]


def proved(
    plan: Erasure,
    wish: ErasureWish,
    texts: Collection[Text],
    *,
    run: str,
    at: datetime,
    number: int,
) -> ErasureTold:
    """The proof of an erasure that is done."""
    names = tuple(sorted(hashlib.sha256(repr(one).encode()).hexdigest() for one in texts))
    marks = hashlib.sha256("\n".join(names).encode()).hexdigest()
    proof = ErasureProof(run, at, wish.by, plan.tables, plan.files, 0, len(names), marks)
    return ErasureTold(proof, number, names, complete=True)


def admitted(listed: Iterable[Listed], caught: set[Text], table: str, rows: Rows) -> Rows:
    """The rows that are not on the list; ids of those that match go to ``caught``."""
    texts = frozenset(one for every in listed for one in every.texts)
    columns = sorted({column for of, column, _ in texts if of == table and column})
    cells = rows.cells.to_pylist() if rows.cells is not None else [{}] * len(rows)
    kept = []
    for key, cell in zip(rows.ids.to_pylist(), cells, strict=True):
        values = ((table, one, compared(cell.get(one))) for one in columns)
        if any(value in texts for value in values):
            caught.add((table, "", key))
        kept.append((table, "", key) not in texts | caught)
    mask = pa.array(kept, pa.bool_())
    return Rows(
        ids=rows.ids.filter(mask),
        ops=rows.ops.filter(mask),
        modified_at=rows.modified_at.filter(mask),
        modified_by=rows.modified_by.filter(mask),
        cells=rows.cells.filter(mask) if rows.cells is not None else None,
        observed_at=rows.observed_at,
    )


def compared(value: str | None) -> str:
    """A value in the form in which it is compared."""
    return unicodedata.normalize("NFKC", value or "").strip().lower()


def _versions(chain: Chain, key: RecordKey) -> list[Observed]:
    return chain.rows.get(key.table, {}).get(key.record, [])


def _without(chain: Chain, night: Night, records: Sequence[RecordKey]) -> Night:
    """A night whose tables held none of these records."""
    states = dict(night.states)
    for key in records:
        newest = chain.newest(key.table, key.record, night.info.number)
        if newest is not None:
            state, alive = states[key.table], newest.op.alive
            states[key.table] = replace(
                state, held=state.held - alive, deleted=state.deleted - (not alive)
            )
    return replace(night, states=states)


def _table(chain: Chain, table: str, known: Iterable[RecordKey]) -> TableErased:
    seen = [_versions(chain, key) for key in known if key.table == table]
    alive = sum(one[-1].op is Op.STATE for one in seen)
    return TableErased(table, len(seen), sum(map(len, seen)), alive)


def log_of(chain: Chain, table: str) -> ChangeLog | None:
    """Where the org writes down the changes of a table's records."""
    found = chain.nights[-1].schema.table(table) if chain.nights else None
    return found.change_log if found is not None else None


def logged(chain: Chain, records: Iterable[RecordKey]) -> Iterator[RecordKey]:
    """What the org's own log of changes tells of records."""
    for key in records:
        log = log_of(chain, key.table)
        if log is not None:
            for record, seen in chain.rows.get(log.table, {}).items():
                if any((row.cells or {}).get(log.record_column) == key.record for row in seen):
                    yield RecordKey(log.table, record)


def closed(wished: Sequence[RecordKey], rows: Sequence[Lineage]) -> tuple[RecordKey, ...]:
    """The records, and all that they came back as, or came from."""
    found = dict.fromkeys(wished)
    for _ in rows:
        for row in rows:
            pair = RecordKey(row.table, row.old), RecordKey(row.table, row.live)
            if found.keys() & set(pair):
                found |= dict.fromkeys(pair)
    return tuple(found)


def check_held(chain: Chain, records: Sequence[RecordKey], now: datetime, *, code: str) -> None:
    """Raise Conflict if any of them is held."""
    for hold in chain.holds.values():
        if hold.lasts(now) and any(_holds(chain, hold, key) for key in records):
            raise Conflict(code, "It is held.")


def _holds(chain: Chain, hold: Hold, key: RecordKey) -> bool:
    thing = hold.thing
    return (
        thing.scope is HoldScope.ORG
        or (thing.scope is HoldScope.TABLE and thing.table == key.table)
        or (thing.scope is HoldScope.RECORD and RecordKey(thing.table, thing.record) == key)
        or (
            thing.scope is HoldScope.NIGHT
            and any(row.snap <= thing.night for row in _versions(chain, key))
        )
    )

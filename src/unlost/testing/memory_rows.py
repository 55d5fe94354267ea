"""Observed records as plain values: what the memory vault keeps instead of segments.

Written for clearness, not for speed: this is the model that the real vault is compared with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import pyarrow as pa

from unlost.model.reading import Op, Rows
from unlost.model.schema import ColumnTrait, Table, WireKind

type Cells = dict[str, str | None]

INSTANT = pa.timestamp("ms", tz="UTC")
SYSTEM_TYPES = {
    "_u_id": pa.string(),
    "_u_op": pa.string(),
    "_u_snap": pa.int64(),
    "_u_observed_at": INSTANT,
    "_u_modified_at": INSTANT,
    "_u_modified_by": pa.string(),
}


@dataclass(frozen=True, slots=True)
class Observed:
    """One observation of a record; ``snap`` is 0 until its commit is finished."""

    id: str
    op: Op
    observed_at: datetime
    modified_at: datetime | None = None
    modified_by: str | None = None
    cells: Cells | None = None
    digest: frozenset[tuple[str, str]] = frozenset()
    snap: int = 0


def observed(rows: Rows, table: Table) -> list[Observed]:
    """The rows of a batch, one value each."""
    columns = rows.cells.to_pydict() if rows.cells is not None else None
    modified = rows.modified_at.to_pylist()
    users = rows.modified_by.to_pylist()
    ops = rows.ops.to_pylist()
    found = []
    for at, key in enumerate(rows.ids.to_pylist()):
        op = Op(ops[at])
        bare = columns is None or op in (Op.PURGED, Op.MISSING)
        cells = None if bare else {name: column[at] for name, column in (columns or {}).items()}
        made = Observed(key, op, rows.observed_at, modified[at], users[at], cells)
        found.append(replace(made, digest=digest(table, cells)))
    return found


def carried(
    new: Observed, old: Observed | None, columns: tuple[str, ...], table: Table
) -> Observed:
    """The observation with the last known values of ``columns`` that the user may not see."""
    if new.cells is None or not columns:
        return new
    last = (old.cells if old is not None else None) or {}
    cells = {**new.cells, **{column: last.get(column) for column in columns}}
    return replace(new, cells=cells, digest=digest(table, cells))


def digest(table: Table, cells: Cells | None) -> frozenset[tuple[str, str]]:
    """What decides whether two rows are the same: canonical text, nulls and volatile left out."""
    if cells is None:
        return frozenset()
    return frozenset(
        (column.name, canonical(column.kind, text))
        for column in table.columns
        if not column.has(ColumnTrait.VOLATILE) and (text := cells.get(column.name)) is not None
    )


def canonical(kind: WireKind, text: str) -> str:
    """One text for all texts that mean the same value of this kind."""
    try:
        if kind in (WireKind.DECIMAL, WireKind.INTEGER):
            return str(Decimal(text).normalize())
        if kind is WireKind.INSTANT:
            return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds")
    except (InvalidOperation, ValueError):
        return text
    return text.lower() if kind is WireKind.BOOLEAN else text


def supersedes(new: Observed, old: Observed | None) -> bool:
    """True if ``new`` makes a version on top of ``old`` (the vault's rules on tombstones)."""
    if old is None:
        return new.cells is not None
    if old.op is Op.ARCHIVED:
        return new.op is Op.STATE
    if not new.op.alive and not old.op.alive:
        return new.op is Op.DELETED and old.op in (Op.PURGED, Op.MISSING)
    if new.op is not old.op:
        return True
    return new.digest != old.digest


def as_table(rows: list[tuple[Observed, Cells]], columns: list[str]) -> pa.Table:
    """System columns, then ``columns`` as text."""
    system = {
        "_u_id": [o.id for o, _ in rows],
        "_u_op": [o.op.value for o, _ in rows],
        "_u_snap": [o.snap for o, _ in rows],
        "_u_observed_at": [o.observed_at for o, _ in rows],
        "_u_modified_at": [o.modified_at for o, _ in rows],
        "_u_modified_by": [o.modified_by for o, _ in rows],
    }
    arrays = {name: pa.array(values, SYSTEM_TYPES[name]) for name, values in system.items()}
    cells = {name: pa.array([c.get(name) for _, c in rows], pa.string()) for name in columns}
    return pa.table({**arrays, **cells})


def picked(rows: Sequence[tuple[Observed, Cells, int | None]], columns: list[str]) -> pa.Table:
    """System columns and others in any order; the number is ``_u_valid_to``."""
    cells = [name for name in columns if not name.startswith("_u_")]
    table = as_table([(seen, own) for seen, own, _ in rows], cells)
    ends = pa.array([end for _, _, end in rows], pa.int64())
    return table.append_column("_u_valid_to", ends).select(columns)

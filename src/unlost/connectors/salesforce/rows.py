"""Convert a batch of Salesforce columns to observed records: ids, ops, times; all vectorised."""

from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce.ids import CANONICAL_LENGTH, long_id
from unlost.kit.columns import instants, nulls
from unlost.kit.rows import check_ids, deleted_rows, live_rows
from unlost.model.source.reading import Op, Rows

_ID = r"\A[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?\z"
SYSTEM_STAMP = "SystemModstamp"  # moves with every change; no user can set it

# Columns for the time and author of the last change: the first pair that a row has. SystemModstamp
# also moves without a user, so it has no author (object reference, system fields).
STAMPS = (
    ("LastModifiedDate", "LastModifiedById"),
    (SYSTEM_STAMP, None),
    ("CreatedDate", "CreatedById"),
    ("LoginTime", "UserId"),
)


def stamp_columns(names: "set[str] | frozenset[str]") -> tuple[str | None, str | None]:
    """The columns with the time and the author of a row's last change, if present in ``names``."""
    for when, who in STAMPS:
        if when in names:
            return when, who if who in names else None
    return None, None


def observed(batch: pa.RecordBatch, at: datetime) -> Rows:
    """The records of a batch that has a column ``Id``; its cells have the form of ``ids``, too.

    Raises MalformedAnswer for ids that are none: they also stand in addresses and queries.
    """
    delivered = batch.column("Id")
    check_ids(delivered, _ID)
    ids = canonical(delivered)
    if ids is not delivered:
        batch = batch.set_column(batch.schema.get_field_index("Id"), "Id", ids)
    when, who = stamp_columns(set(batch.schema.names))
    rows = live_rows(batch, at, ids="Id", modified_at=when, modified_by=who)
    rows = replace(rows, ops=_ops(batch))
    if when == "LastModifiedDate" and SYSTEM_STAMP in batch.schema.names:
        return _with_last_act(rows, instants(batch.column(SYSTEM_STAMP)))
    return rows


def purged(ids: pa.Array, deleted_at: pa.Array, at: datetime) -> Rows:
    """Records that Salesforce only reports as deleted."""
    return deleted_rows(canonical(ids), deleted_at, at)


def canonical(ids: pa.Array) -> pa.Array:
    """Ids in their form of 18 characters, in which Salesforce nearly always answers."""
    if not len(ids) or pc.all(pc.equal(pc.binary_length(ids), CANONICAL_LENGTH)).as_py():
        return ids
    return pa.array([long_id(value) for value in ids.to_pylist()], pa.string())


def _with_last_act(rows: Rows, stamped: pa.Array) -> Rows:
    """The rows with the time and author of the last change or deletion.

    Of a deleted row, administrators read LastModified* as the time and user of the deletion (common
    practice; no page of the vendor promises it). A deletion always moves SystemModstamp (object
    reference, system fields). If LastModified* lags behind it, it still describes the last edit
    before the deletion. Then the user of the deletion is unknown.
    """
    deleted = pc.equal(rows.ops, Op.DELETED.value)
    lags = pc.fill_null(pc.less(rows.modified_at, stamped), fill_value=True)
    older = pc.and_(deleted, lags)
    return replace(
        rows,
        modified_at=pc.if_else(older, stamped, rows.modified_at),
        modified_by=pc.if_else(older, nulls(len(rows), pa.string()), rows.modified_by),
    )


def _ops(batch: pa.RecordBatch) -> pa.Array:
    if batch.schema.get_field_index("IsDeleted") < 0:
        return pa.repeat(Op.STATE.value, batch.num_rows)
    deleted = pc.fill_null(pc.equal(batch.column("IsDeleted"), "true"), fill_value=False)
    return pc.if_else(deleted, Op.DELETED.value, Op.STATE.value)

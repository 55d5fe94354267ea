"""Convert a batch of Salesforce columns to observed records: ids, ops, times; all vectorised."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce.ids import CANONICAL_LENGTH, long_id
from unlost.kit.columns import INSTANT, column_or_null, instants, nulls
from unlost.kit.json_to_arrow import MalformedAnswer
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
    check_ids(delivered)
    ids = canonical(delivered)
    if ids is not delivered:
        batch = batch.set_column(batch.schema.get_field_index("Id"), "Id", ids)
    when, who = stamp_columns(set(batch.schema.names))
    ops = _ops(batch)
    changed_at = instants(column_or_null(batch, when))
    changed_by = column_or_null(batch, who)
    if when == "LastModifiedDate" and SYSTEM_STAMP in batch.schema.names:
        changed_at, changed_by = _last_act(batch, ops, changed_at, changed_by)
    return Rows(
        ids=ids,
        ops=ops,
        modified_at=changed_at,
        modified_by=changed_by,
        cells=batch,
        observed_at=at,
    )


def purged(ids: pa.Array, deleted_at: pa.Array, at: datetime) -> Rows:
    """Records that the source only reports as deleted."""
    return Rows(
        ids=canonical(ids),
        ops=pa.repeat(Op.PURGED.value, len(ids)),
        modified_at=instants(deleted_at),
        modified_by=nulls(len(ids), pa.string()),
        cells=None,
        observed_at=at,
    )


def nothing(at: datetime) -> Rows:
    """No record at all, for a page that carries only findings."""
    none = pa.array([], pa.string())
    return Rows(none, none, pa.array([], INSTANT), none, None, at)


def check_ids(ids: pa.Array) -> None:
    """Raise MalformedAnswer unless all are ids of 15 or 18 letters and digits."""
    fits = pc.fill_null(pc.match_substring_regex(ids, _ID), fill_value=False)
    if not pc.all(fits, min_count=0).as_py():
        raise MalformedAnswer("the id of a record is not an id")


def canonical(ids: pa.Array) -> pa.Array:
    """Ids in their form of 18 characters, in which Salesforce nearly always answers."""
    if not len(ids) or pc.all(pc.equal(pc.binary_length(ids), CANONICAL_LENGTH)).as_py():
        return ids
    return pa.array([long_id(value) for value in ids.to_pylist()], pa.string())


def _last_act(
    batch: pa.RecordBatch, ops: pa.Array, at: pa.Array, by: pa.Array
) -> tuple[pa.Array, pa.Array]:
    """The time and author of the last change or deletion.

    Of a deleted row, administrators read LastModified* as the time and user of the deletion (common
    practice; no page of the vendor promises it). A deletion always moves SystemModstamp (object
    reference, system fields). If LastModified* lags behind it, it still describes the last edit
    before the deletion. Then the user of the deletion is unknown.
    """
    stamped = instants(batch.column(SYSTEM_STAMP))
    deleted = pc.equal(ops, Op.DELETED.value)
    older = pc.and_(deleted, pc.fill_null(pc.less(at, stamped), fill_value=True))
    return pc.if_else(older, stamped, at), pc.if_else(older, nulls(len(by), pa.string()), by)


def _ops(batch: pa.RecordBatch) -> pa.Array:
    if batch.schema.get_field_index("IsDeleted") < 0:
        return pa.repeat(Op.STATE.value, batch.num_rows)
    deleted = pc.fill_null(pc.equal(batch.column("IsDeleted"), "true"), fill_value=False)
    return pc.if_else(deleted, Op.DELETED.value, Op.STATE.value)

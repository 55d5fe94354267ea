"""Observed records of a batch of text columns; all vectorised.

cells                 ids       modified_at          modified_by
sys_id  sys_updated…  sys_id    from a time column   from a user column
"""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.kit.columns import INSTANT, Zoneless, column_or_null, instants, nulls
from unlost.kit.json_to_arrow import MalformedAnswer
from unlost.model.source.reading import Op, Rows


def live_rows(
    cells: pa.RecordBatch,
    at: datetime,
    *,
    ids: str,
    modified_at: str | None = None,
    modified_by: str | None = None,
    zoneless: Zoneless = Zoneless.UNKNOWN,
) -> Rows:
    """The records of a batch, as they are at the source; the others are names of its columns."""
    return Rows(
        ids=cells.column(ids),
        ops=pa.repeat(Op.STATE.value, cells.num_rows),
        modified_at=instants(column_or_null(cells, modified_at), zoneless=zoneless),
        modified_by=column_or_null(cells, modified_by),
        cells=cells,
        observed_at=at,
    )


def deleted_rows(
    ids: pa.Array,
    deleted_at: pa.Array,
    at: datetime,
    *,
    deleted_by: pa.Array | None = None,
    zoneless: Zoneless = Zoneless.UNKNOWN,
) -> Rows:
    """Records that the source only reports as deleted, by their ids; times and users as text."""
    return Rows(
        ids=ids,
        ops=pa.repeat(Op.PURGED.value, len(ids)),
        modified_at=instants(deleted_at, zoneless=zoneless),
        modified_by=nulls(len(ids), pa.string()) if deleted_by is None else deleted_by,
        cells=None,
        observed_at=at,
    )


def no_rows(at: datetime) -> Rows:
    """No record at all, for a page that carries only findings."""
    none = pa.array([], pa.string())
    return Rows(none, none, pa.array([], INSTANT), none, None, at)


def check_ids(ids: pa.Array, pattern: str) -> None:
    r"""Raise MalformedAnswer unless all ids fit a pattern, such as ``\A[0-9a-f]{32}\z``.

    Ids also stand in addresses and queries.
    """
    fits = pc.fill_null(pc.match_substring_regex(ids, pattern), fill_value=False)
    if not pc.all(fits, min_count=0).as_py():
        raise MalformedAnswer("the id of a record is not an id")

"""The records of a selection that a backup has alive."""

from collections.abc import Sequence

from unlost.engine.restore.planning.survey import FETCH_IDS, chunks
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op


def alive_records(snapshot: Snapshot, keys: Sequence[RecordKey]) -> tuple[RecordKey, ...]:
    """Return the records that were alive in a backup, in order."""
    by_table: dict[str, list[str]] = {}
    for key in keys:
        by_table.setdefault(key.table, []).append(key.record)
    alive = {
        RecordKey(table, row["_u_id"])
        for table, ids in by_table.items()
        if table in snapshot.tables()
        for some in chunks(ids, FETCH_IDS)
        for row in snapshot.get(table, list(some), columns=[]).to_pylist()
        if row["_u_op"] == Op.STATE.value
    }
    return tuple(key for key in keys if key in alive)

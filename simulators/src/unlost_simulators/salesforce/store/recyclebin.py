"""The recycle bin: undelete, emptying, expiry after 15 days, capacity.

Works set-wise in the caller's transaction. Rules: Salesforce SOAP guide (undelete,
emptyRecycleBin), Apex guide (undelete restores these lookups).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from unlost_simulators.salesforce.model.schema import Schema
from unlost_simulators.salesforce.store import database, tables
from unlost_simulators.salesforce.store.values import refuse

RESTORED_STANDARD_LOOKUPS = frozenset(
    {
        ("Account", "ParentId"),
        ("AccountContactRelation", "AccountId"),
        ("Case", "ParentId"),
        ("Contact", "ReportsToId"),
        ("Asset", "Product2Id"),
        ("Quote", "OpportunityId"),
    }
)
"""Standard lookups that an undelete puts back; custom lookups all come back (Apex guide)."""

SAFE_TIME = timedelta(hours=2)
"""Rows younger than this never leave the bin for lack of room."""


def undeletable(
    cursor: duckdb.DuckDBPyConnection, object_name: str, chosen: Sequence[str]
) -> set[str]:
    """Return the ids of rows of the object that can be undeleted."""
    return _entries(cursor, object_name, chosen, " AND NOT b.lost")


def entries(cursor: duckdb.DuckDBPyConnection, object_name: str, chosen: Sequence[str]) -> set[str]:
    """Return the ids that have an entry in the bin themselves."""
    return _entries(cursor, object_name, chosen, "")


def _entries(
    cursor: duckdb.DuckDBPyConnection, object_name: str, chosen: Sequence[str], further: str
) -> set[str]:
    _choose(cursor, chosen)
    keys = database.column(
        cursor,
        "SELECT b.id FROM _bin b SEMI JOIN _chosen c ON b.id = c.id "
        f"WHERE b.root = b.id AND b.object = {tables.text(object_name)}{further}",
    )
    cursor.unregister("_chosen")
    return set(keys)


def undelete(
    cursor: duckdb.DuckDBPyConnection, schema: Schema, chosen: Sequence[str], stamp: datetime
) -> list[str]:
    """Bring back rows and what went with them; gives the names of the objects touched."""
    _choose(cursor, chosen)
    known = _count(
        cursor,
        "SELECT count(*) FROM _chosen c SEMI JOIN _bin b "
        "ON b.id = c.id AND b.root = c.id AND NOT b.lost",
    )
    # A row deleted by a cascade has another root: it is undeleted with that root only.
    if known != len(set(chosen)):
        cursor.unregister("_chosen")
        raise refuse("UNDELETE_FAILED", "Entity is not in the recycle bin")
    groups = "SELECT b.* FROM _bin b SEMI JOIN _chosen c ON b.root = c.id WHERE NOT b.lost"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE _back AS {groups}")
    cursor.unregister("_chosen")
    touched = database.column(cursor, "SELECT DISTINCT object FROM _back ORDER BY object")
    for name in touched:
        _revive(cursor, schema, name, stamp)
    cleared = _restore_lookups(cursor, schema, stamp)
    cursor.execute("DELETE FROM _bin b USING _back k WHERE b.id = k.id AND b.root = k.root")
    cursor.execute("DELETE FROM _deleted d USING _back k WHERE d.id = k.id")
    cursor.execute("DROP TABLE _back")
    return sorted(set(touched) | cleared)


def _count(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(database.scalar(cursor, sql))


def _choose(cursor: duckdb.DuckDBPyConnection, chosen: Sequence[str]) -> None:
    cursor.register("_chosen", pa.table({"id": pa.array(sorted(set(chosen)), pa.string())}))


def _moved(schema: Schema, name: str, stamp: datetime) -> str:
    if schema.index[name.lower()].field("SystemModstamp") is None:
        return ""
    return f", \"SystemModstamp\" = TIMESTAMP '{stamp.isoformat(sep=' ')}'"


def _revive(cursor: duckdb.DuckDBPyConnection, schema: Schema, name: str, stamp: datetime) -> None:
    # A record that lost a merge stands alone again; its former children stay with the master.
    merged = schema.index[name.lower()].field("MasterRecordId") is not None
    alone = ', "MasterRecordId" = NULL' if merged else ""
    cursor.execute(f"""
        UPDATE {tables.name(name)} t SET "IsDeleted" = FALSE{alone}{_moved(schema, name, stamp)}
        FROM _back b WHERE b.object = {tables.text(name)} AND t."Id" = b.id""")


def _restore_lookups(
    cursor: duckdb.DuckDBPyConnection, schema: Schema, stamp: datetime
) -> set[str]:
    changed = set()
    pairs = cursor.execute(
        "SELECT DISTINCT n.object, n.field FROM _nulled n SEMI JOIN _back b ON n.root = b.root"
    ).fetchall()
    for name, field in pairs:
        definition = schema.get(name)
        column = definition.field(field) if definition else None
        # The field may have been removed since; and not every standard lookup is restored.
        if column is None or not (column.custom or (name, field) in RESTORED_STANDARD_LOOKUPS):
            continue
        lookup = tables.name(column.name)
        cursor.execute(f"""
            UPDATE {tables.name(name)} t SET {lookup} = n.old{_moved(schema, name, stamp)}
            FROM _nulled n SEMI JOIN _back b ON n.old = b.id
            WHERE n.object = {tables.text(name)} AND n.field = {tables.text(field)}
              AND t."Id" = n.id AND t.{lookup} IS NULL""")
        changed.add(name)
    cursor.execute("DELETE FROM _nulled n USING _back b WHERE n.root = b.root")
    return changed


def empty(
    cursor: duckdb.DuckDBPyConnection, chosen: Sequence[str], shown_until: datetime | None = None
) -> dict[str, int]:
    """Purge rows of the bin with what went with them; raises for ids that have no entry there.

    ``shown_until``: the rows cannot come back, yet queries of deleted rows show them until then.
    """
    _choose(cursor, chosen)
    known = _count(
        cursor, "SELECT count(*) FROM _chosen c SEMI JOIN _bin b ON b.id = c.id AND b.root = c.id"
    )
    if known != len(set(chosen)):
        cursor.unregister("_chosen")
        raise refuse("INVALID_ID_FIELD", "invalid record id; no recycle bin entry found")
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE _gone AS "
        "SELECT b.* FROM _bin b SEMI JOIN _chosen c ON b.root = c.id"
    )
    cursor.unregister("_chosen")
    return _purge(cursor, shown_until)


def empty_all(
    cursor: duckdb.DuckDBPyConnection,
    object_name: str | None = None,
    shown_until: datetime | None = None,
) -> dict[str, int]:
    """Purge the whole bin, or what lies in it because rows of one object were deleted."""
    roots = (
        ""
        if object_name is None
        else (f" WHERE root IN (SELECT id FROM _bin WHERE object = {tables.text(object_name)})")
    )
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE _gone AS SELECT * FROM _bin{roots}")
    return _purge(cursor, shown_until)


def purge_shown(cursor: duckdb.DuckDBPyConnection, now: datetime) -> dict[str, int]:
    """Purge rows that were shown long enough after their bin was emptied."""
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE _gone AS SELECT object, id, id AS root FROM _shown "
        f"WHERE until <= TIMESTAMP '{now.isoformat(sep=' ')}'"
    )
    cursor.execute("DELETE FROM _shown s USING _gone g WHERE s.id = g.id")
    return _purge(cursor)


def purge_before(cursor: duckdb.DuckDBPyConnection, limit: datetime) -> dict[str, int]:
    """Purge what was deleted before ``limit``."""
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE _gone AS SELECT * FROM _bin "
        f"WHERE deleted_at < TIMESTAMP '{limit.isoformat(sep=' ')}'"
    )
    return _purge(cursor)


def purge_surplus(
    cursor: duckdb.DuckDBPyConnection, capacity: int, now: datetime
) -> dict[str, int]:
    """Purge the oldest rows beyond ``capacity``, except rows deleted in the last two hours.

    A row leaves together with the rows that went with it.
    """
    # Newest first, so that what is summed up beyond the capacity are the oldest rows. Of rows with
    # one stamp, as a mass deletion gives them, the first ones are the oldest.
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE _gone AS
        SELECT * FROM _bin WHERE deleted_at <= TIMESTAMP '{(now - SAFE_TIME).isoformat(sep=" ")}'
          AND root IN (
            SELECT root FROM (
              SELECT root, sum(count(*)) OVER (
                ORDER BY min(deleted_at) DESC, min(rowid) DESC) AS rows
              FROM _bin GROUP BY root)
            WHERE rows > {capacity})""")
    return _purge(cursor)


def _purge(
    cursor: duckdb.DuckDBPyConnection, shown_until: datetime | None = None
) -> dict[str, int]:
    """Remove what ``_gone`` lists; gives how many rows of each object went."""
    counts: dict[str, int] = dict(
        cursor.execute("SELECT object, count(*) FROM _gone GROUP BY object ORDER BY 1").fetchall()
    )
    if shown_until is not None:
        until = f"TIMESTAMP '{shown_until.isoformat(sep=' ')}'"
        cursor.execute(f"INSERT INTO _shown SELECT object, id, {until} FROM _gone")
    for name in counts if shown_until is None else ():
        cursor.execute(f"""
            DELETE FROM {tables.name(name)} t USING _gone g
            WHERE g.object = {tables.text(name)} AND t."Id" = g.id""")
    cursor.execute("DELETE FROM _bin b USING _gone g WHERE b.id = g.id")
    cursor.execute("DELETE FROM _nulled n USING _gone g WHERE n.root = g.id")
    cursor.execute("DROP TABLE _gone")
    return counts

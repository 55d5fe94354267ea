"""Deletion with everything that hangs on it: cascade, restrict, cleared lookups, bin, undelete.

Works set-wise in the caller's transaction on a temporary table ``_doomed``. Rules: Salesforce SOAP
guide (delete, undelete, emptyRecycleBin), describe's childRelationships.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from unlost_simulators.salesforce import ids
from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.schema import DeleteRule, ObjectDef, Schema
from unlost_simulators.salesforce.store import database, tables
from unlost_simulators.salesforce.store.values import refuse
from unlost_simulators.salesforce.store.writes import Author, stamps_of_change

CASCADE_LIMIT = 100_000
"""Most children that one record may take along (DELETE_OPERATION_TOO_LARGE)."""
ACTIVATED = "Activated"
"""Category of a status (``StatusCode``) in which orders and contracts stay with their account."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One deletion: when, by whom, and whether it skips the recycle bin."""

    stamp: datetime
    user_id: str
    hard: bool = False

    @property
    def sql(self) -> str:
        """The stamp as SQL."""
        return f"TIMESTAMP '{self.stamp.isoformat(sep=' ')}'"


def delete(
    cursor: duckdb.DuckDBPyConnection,
    schema: Schema,
    of: ObjectDef,
    chosen: pa.Array | Sequence[str],
    deletion: Deletion,
) -> list[str]:
    """Delete rows by id with what hangs on them; gives the names of the objects touched."""
    _begin(cursor, of, chosen)
    # All checks come before the first change: a refused delete must change nothing.
    _doom_all_children(cursor, schema, of)
    for error in _too_large(cursor).values():
        raise error
    touched = _touched(cursor, schema)
    for error in _restricted(cursor, schema, touched).values():
        raise error
    cleared = _clear_lookups(cursor, schema, touched, deletion)
    for definition in touched:
        _lock_out_details(cursor, schema, definition)
    for definition in touched:
        if deletion.hard or vanishes(definition):
            _erase(cursor, definition, deletion)
        else:
            _bin(cursor, definition, deletion)
    cursor.execute("DROP TABLE _doomed")
    return sorted({definition.name for definition in touched} | cleared)


def gone() -> SalesforceError:
    """The refusal of ids that have no live row."""
    return SalesforceError(404, "ENTITY_IS_DELETED", "entity is deleted", [])


def vanishes(of: ObjectDef) -> bool:
    """Return true if deleted rows skip the bin: deletable objects that cannot be undeleted."""
    return of.field("IsDeleted") is None or (of.deletable and not of.undeletable)


def _begin(
    cursor: duckdb.DuckDBPyConnection, of: ObjectDef, chosen: pa.Array | Sequence[str]
) -> None:
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE _doomed "
        "(object VARCHAR, id VARCHAR, k BIGINT, root VARCHAR, level INTEGER)"
    )
    given = pa.array(chosen, pa.string()) if not isinstance(chosen, pa.Array) else chosen
    cursor.register("_chosen", pa.table({"id": given, "k": pa.array(ids.counters(given))}))
    name = tables.text(of.name)
    cursor.execute(f"INSERT INTO _doomed SELECT DISTINCT {name}, id, k, id, 0 FROM _chosen")
    cursor.unregister("_chosen")
    alive = 'AND NOT t."IsDeleted"' if of.field("IsDeleted") else ""
    missing = database.column(
        cursor,
        f"""
        SELECT d.id FROM _doomed d ANTI JOIN {tables.name(of.name)} t
        ON t."Id" = d.id AND t.{tables.ORDER} = d.k {alive} LIMIT 1""",
    )
    if missing:
        raise gone()


def _doom_all_children(cursor: duckdb.DuckDBPyConnection, schema: Schema, of: ObjectDef) -> None:
    frontier, level = [of], 0
    # Breadth first, level by level: objects may refer to themselves or in circles.
    while frontier:
        children: list[ObjectDef] = []
        for parent in frontier:
            for child, field in _children(schema, parent, DeleteRule.CASCADE):
                if _doom_children(cursor, parent, child, field, level, _alive(child)):
                    children.append(child)
            for child, field in _children(schema, parent, DeleteRule.CASCADE_DRAFTS):
                drafts = f"{_alive(child)} AND NOT {_activated(child)}"
                if _doom_children(cursor, parent, child, field, level, drafts):
                    children.append(child)
        frontier = list({definition.name: definition for definition in children}.values())
        level += 1


def _too_large(cursor: duckdb.DuckDBPyConnection) -> dict[str, SalesforceError]:
    """The rows that would take too many others along."""
    counts = cursor.execute(
        "SELECT root, count(*) FROM _doomed WHERE level > 0 GROUP BY root "
        f"HAVING count(*) > {CASCADE_LIMIT}"
    ).fetchall()
    return {
        root: refuse(
            "DELETE_OPERATION_TOO_LARGE",
            f"cascade delete of {root} would delete {count} records",
        )
        for root, count in counts
    }


def _children(schema: Schema, parent: ObjectDef, rule: DeleteRule) -> list[tuple[ObjectDef, str]]:
    return [
        (schema.index[child.child.lower()], child.field)
        for child in schema.children_of(parent.name)
        if child.on_delete is rule
    ]


def _alive(of: ObjectDef) -> str:
    return 'NOT c."IsDeleted"' if of.field("IsDeleted") else "TRUE"


def _activated(of: ObjectDef) -> str:
    if of.field("StatusCode") is None:
        return "FALSE"
    return f'c."StatusCode" IS NOT DISTINCT FROM {tables.text(ACTIVATED)}'


def _doom_children(
    cursor: duckdb.DuckDBPyConnection,
    parent: ObjectDef,
    child: ObjectDef,
    field: str,
    level: int,
    going: str,
) -> bool:
    # A row that is already doomed keeps its first root; otherwise circles would not end.
    added = database.scalar(
        cursor,
        f"""
        INSERT INTO _doomed
        SELECT {tables.text(child.name)}, c."Id", c.{tables.ORDER}, any_value(d.root), {level + 1}
        FROM {tables.name(child.name)} c JOIN _doomed d ON c.{tables.name(field)} = d.id
        WHERE d.object = {tables.text(parent.name)} AND d.level = {level} AND {going}
          AND NOT EXISTS (SELECT 1 FROM _doomed x WHERE x.id = c."Id")
        GROUP BY c."Id", c.{tables.ORDER}""",
    )
    return bool(added)


def _restricted(
    cursor: duckdb.DuckDBPyConnection, schema: Schema, touched: Sequence[ObjectDef]
) -> dict[str, SalesforceError]:
    """The rows that something else holds fast."""
    errors: dict[str, SalesforceError] = {}
    for parent in touched:
        holding = [
            (child, field, _alive(child))
            for child, field in _children(schema, parent, DeleteRule.RESTRICT)
        ] + [
            (child, field, f"{_alive(child)} AND {_activated(child)}")
            for child, field in _children(schema, parent, DeleteRule.CASCADE_DRAFTS)
        ]
        for child, field, condition in holding:
            rows = cursor.execute(f"""
                SELECT d.root, list(c."Id" ORDER BY c.{tables.ORDER})[1:5]
                FROM {tables.name(child.name)} c
                JOIN _doomed d ON c.{tables.name(field)} = d.id
                WHERE {condition} AND NOT EXISTS
                  (SELECT 1 FROM _doomed x WHERE x.id = c."Id")
                GROUP BY d.root ORDER BY d.root""").fetchall()
            for root, blocked in rows:
                # The first reason per root counts: the org reports one.
                errors.setdefault(root, _associated(parent, child, blocked))
    return errors


def _associated(parent: ObjectDef, child: ObjectDef, blocked: Sequence[str]) -> SalesforceError:
    message = (
        f"Your attempt to delete {parent.label} could not be completed because it is "
        f"associated with the following {child.plural.lower()}.: {', '.join(blocked)}\n"
    )
    return refuse("DELETE_FAILED", message)


def obstacles(
    cursor: duckdb.DuckDBPyConnection, schema: Schema, of: ObjectDef, chosen: Sequence[str]
) -> dict[str, SalesforceError]:
    """Return the live rows that cannot be deleted, with the reasons."""
    _begin(cursor, of, chosen)
    _doom_all_children(cursor, schema, of)
    errors = _restricted(cursor, schema, _touched(cursor, schema)) | _too_large(cursor)
    cursor.execute("DROP TABLE _doomed")
    return errors


def _touched(cursor: duckdb.DuckDBPyConnection, schema: Schema) -> list[ObjectDef]:
    names = database.column(cursor, "SELECT DISTINCT object FROM _doomed ORDER BY object")
    return [schema.index[name.lower()] for name in names]


def _clear_lookups(
    cursor: duckdb.DuckDBPyConnection,
    schema: Schema,
    touched: Sequence[ObjectDef],
    deletion: Deletion,
) -> set[str]:
    """Set lookups to the doomed rows to null, and note them for an undelete.

    The platform moves SystemModstamp for this, yet not LastModifiedDate.
    """
    changed = set()
    for parent in touched:
        for child, field in _children(schema, parent, DeleteRule.SET_NULL):
            column = tables.name(field)
            noted = database.scalar(
                cursor,
                f"""
                INSERT INTO _nulled
                SELECT {tables.text(child.name)}, c."Id", {tables.text(field)}, c.{column}, d.root
                FROM {tables.name(child.name)} c JOIN _doomed d ON c.{column} = d.id
                WHERE d.object = {tables.text(parent.name)} AND {_alive(child)}
                  AND NOT EXISTS (SELECT 1 FROM _doomed x WHERE x.id = c."Id")""",
            )
            if not noted:
                continue
            changed.add(child.name)
            cursor.execute(f"""
                UPDATE {tables.name(child.name)} c SET {column} = NULL{_moved(child, deletion)}
                FROM _doomed d WHERE c.{column} = d.id AND d.object = {tables.text(parent.name)}
                  AND {_alive(child)} AND NOT EXISTS
                    (SELECT 1 FROM _doomed x WHERE x.id = c."Id")""")
    return changed


def _moved(of: ObjectDef, deletion: Deletion) -> str:
    return f', "SystemModstamp" = {deletion.sql}' if of.field("SystemModstamp") else ""


def _lock_out_details(cursor: duckdb.DuckDBPyConnection, schema: Schema, master: ObjectDef) -> None:
    """Mark details that were deleted before their master: they can never be undeleted."""
    for child, field in _children(schema, master, DeleteRule.CASCADE):
        if vanishes(child):
            continue
        cursor.execute(f"""
            UPDATE _bin SET lost = TRUE FROM {tables.name(child.name)} c
            JOIN _doomed d ON c.{tables.name(field)} = d.id
            WHERE _bin.id = c."Id" AND _bin.object = {tables.text(child.name)}
              AND d.object = {tables.text(master.name)} AND c."IsDeleted"
            """)


def _doomed_rows(of: ObjectDef) -> str:
    return f"(SELECT * FROM _doomed WHERE object = {tables.text(of.name)})"


def _log(cursor: duckdb.DuckDBPyConnection, of: ObjectDef, deletion: Deletion) -> None:
    owner = 't."OwnerId"' if of.field("OwnerId") else "NULL"
    cursor.execute(f"""
        INSERT INTO _deleted SELECT {tables.text(of.name)}, d.id, {deletion.sql}, {owner}
        FROM {_doomed_rows(of)} d JOIN {tables.name(of.name)} t ON t."Id" = d.id""")


def _erase(cursor: duckdb.DuckDBPyConnection, of: ObjectDef, deletion: Deletion) -> None:
    _log(cursor, of, deletion)
    cursor.execute(f"""
        DELETE FROM {tables.name(of.name)} t USING {_doomed_rows(of)} d
        WHERE t."Id" = d.id AND t.{tables.ORDER} = d.k""")


def _bin(cursor: duckdb.DuckDBPyConnection, of: ObjectDef, deletion: Deletion) -> None:
    # The log is what getDeleted reads; it outlives the entry in the bin.
    _log(cursor, of, deletion)
    # Admins read in the audit columns when a row was deleted, and by whom; rows that went by
    # cascade name the user who deleted their parent.
    stamps = stamps_of_change(of, Author(deletion.user_id, deletion.stamp))
    sets = "".join(f", {tables.name(name)} = {sql}" for name, sql in stamps.items())
    cursor.execute(f"""
        UPDATE {tables.name(of.name)} t SET "IsDeleted" = TRUE{sets}
        FROM {_doomed_rows(of)} d WHERE t."Id" = d.id AND t.{tables.ORDER} = d.k""")
    cursor.execute(f"""
        INSERT INTO _bin SELECT object, id, root, {deletion.sql}, FALSE FROM {_doomed_rows(of)}""")

"""The rows that a deletion takes away, and those that are in its way.

The rows are in ``_doomed``, a temporary table of the caller's transaction. Rules: Salesforce SOAP
guide (delete), describe's childRelationships.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import numpy as np
import pyarrow as pa

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import DeleteRule, ObjectDef, Schema
from unlost_simulators.salesforce.store import database, referrers, tables
from unlost_simulators.salesforce.store.referrers import Counters, Hashes, Referrers
from unlost_simulators.salesforce.store.values import refuse

ACTIVATED = "Activated"
"""Category of a status (``StatusCode``) in which orders and contracts stay with their account."""
NAMED = 5
"""Most rows that a refusal names."""
_REFERRING = "_referring"


def gone() -> SalesforceError:
    """The refusal of ids that have no live row."""
    return SalesforceError(404, "ENTITY_IS_DELETED", "entity is deleted", [])


def alive(of: ObjectDef) -> str:
    """Condition for a row ``c`` that is not deleted."""
    return 'NOT c."IsDeleted"' if of.field("IsDeleted") else "TRUE"


def _activated(of: ObjectDef) -> str:
    if of.field("StatusCode") is None:
        return "FALSE"
    return f'c."StatusCode" IS NOT DISTINCT FROM {tables.text(ACTIVATED)}'


class Doomed:
    """The rows of one deletion, from the search for them to the last statement about them."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, schema: Schema, index: Referrers) -> None:
        self.cursor = cursor
        self._schema = schema
        self._index = index
        self._hashes: dict[tuple[str, int | None], Hashes] = {}
        self._rows: dict[str, Counters] = {}
        self.touched: list[ObjectDef] = []

    def choose(self, of: ObjectDef, chosen: pa.Array | Sequence[str]) -> None:
        """Mark live rows with all that hangs on them; raises ENTITY_IS_DELETED."""
        self._begin(of, chosen)
        self._take_children(of)
        names = database.column(self.cursor, "SELECT DISTINCT object FROM _doomed ORDER BY object")
        self.touched = [self._schema.index[name.lower()] for name in names]

    def end(self) -> None:
        """Forget the rows."""
        self.cursor.execute("DROP TABLE _doomed")

    def obstacles(self, of: ObjectDef, most_children: int) -> dict[str, SalesforceError]:
        """The chosen rows that cannot be deleted, with the reasons."""
        return self._restricted(of) | self._too_large(most_children)

    def is_independent(self) -> bool:
        """True if every doomed row refers only to rows that go with the same chosen row."""
        return not any(
            self._crosses(parent, child, field)
            for parent in self.touched
            for rule in DeleteRule
            if rule is not DeleteRule.NONE
            for child, field in self.children(parent, rule)
        )

    def _crosses(self, parent: ObjectDef, child: ObjectDef, field: str) -> bool:
        if child.name not in self._rows:
            return False
        referring = self._index.rows(self.cursor, child, field, self._targets(parent, None))
        doomed = np.intersect1d(referring, self._rows[child.name], assume_unique=True)
        with self._joined(parent, child, field, doomed, None) as rows:
            if rows is None:
                return False
            sql = f'SELECT 1 FROM {rows} JOIN _doomed x ON x.id = c."Id" WHERE x.root <> d.root'
            return bool(database.column(self.cursor, f"{sql} LIMIT 1"))

    def children(self, parent: ObjectDef, rule: DeleteRule) -> list[tuple[ObjectDef, str]]:
        """References to an object that have this rule: the referring object and its field."""
        return [
            (self._schema.index[child.child.lower()], child.field)
            for child in self._schema.children_of(parent.name)
            if child.on_delete is rule
        ]

    @contextmanager
    def referring(
        self, parent: ObjectDef, child: ObjectDef, field: str, level: int | None = None
    ) -> Iterator[str | None]:
        """SQL of rows ``c`` that are not doomed, joined with the doomed rows ``d`` they refer to.

        None if there are none. ``c`` is of ``child``. ``level`` takes rows ``d`` of one level only.
        """
        rows = self._index.rows(self.cursor, child, field, self._targets(parent, level))
        if len(rows) and child.name in self._rows:
            rows = np.setdiff1d(rows, self._rows[child.name], assume_unique=True)
        with self._joined(parent, child, field, rows, level) as sql:
            yield sql

    @contextmanager
    def _joined(
        self, parent: ObjectDef, child: ObjectDef, field: str, rows: Counters, level: int | None
    ) -> Iterator[str | None]:
        if not len(rows):
            yield None
            return
        self.cursor.register(_REFERRING, pa.table({"k": rows}))
        at = "" if level is None else f" AND d.level = {level}"
        try:
            # The counters come first: they prune the scan, which the texts of the ids do not.
            yield (
                f"{tables.name(child.name)} c JOIN {_REFERRING} r ON c.{tables.ORDER} = r.k "
                f"JOIN _doomed d ON c.{tables.name(field)} = d.id "
                f"AND d.object = {tables.text(parent.name)}{at}"
            )
        finally:
            self.cursor.unregister(_REFERRING)

    def _targets(self, parent: ObjectDef, level: int | None) -> Hashes:
        key = (parent.name, level)
        if key not in self._hashes:
            at = "" if level is None else f" AND level = {level}"
            self._hashes[key] = referrers.hashes(
                self.cursor,
                f"SELECT hash(id) AS hash FROM _doomed "
                f"WHERE object = {tables.text(parent.name)}{at}",
            )
        return self._hashes[key]

    def _begin(self, of: ObjectDef, chosen: pa.Array | Sequence[str]) -> None:
        self.cursor.execute(
            "CREATE OR REPLACE TEMP TABLE _doomed "
            "(object VARCHAR, id VARCHAR, k BIGINT, root VARCHAR, level INTEGER)"
        )
        given = pa.array(chosen, pa.string()) if not isinstance(chosen, pa.Array) else chosen
        self.cursor.register("_chosen", pa.table({"id": given, "k": ids.counters(given)}))
        name = tables.text(of.name)
        self.cursor.execute(
            f"INSERT INTO _doomed SELECT DISTINCT {name}, id, k, id, 0 FROM _chosen"
        )
        self.cursor.unregister("_chosen")
        self._note_rows(of)
        missing = database.column(
            self.cursor,
            f"""
            SELECT d.id FROM _doomed d ANTI JOIN {tables.name(of.name)} c
            ON c."Id" = d.id AND c.{tables.ORDER} = d.k AND {alive(of)} LIMIT 1""",
        )
        if missing:
            raise gone()

    def _take_children(self, of: ObjectDef) -> None:
        frontier, level = [of], 0
        # Breadth first, level by level: objects may refer to themselves or in circles.
        while frontier:
            children: dict[str, ObjectDef] = {}
            for parent in frontier:
                for child, field in self.children(parent, DeleteRule.CASCADE):
                    if self._take(parent, child, field, level, alive(child)):
                        children[child.name] = child
                for child, field in self.children(parent, DeleteRule.CASCADE_DRAFTS):
                    drafts = f"{alive(child)} AND NOT {_activated(child)}"
                    if self._take(parent, child, field, level, drafts):
                        children[child.name] = child
            frontier = list(children.values())
            level += 1

    def _take(
        self, parent: ObjectDef, child: ObjectDef, field: str, level: int, going: str
    ) -> bool:
        # A row that is already doomed keeps its first root; otherwise circles would not end.
        with self.referring(parent, child, field, level) as rows:
            if rows is None:
                return False
            added = database.scalar(
                self.cursor,
                f"""
                INSERT INTO _doomed
                SELECT {tables.text(child.name)}, c."Id", c.{tables.ORDER}, any_value(d.root),
                  {level + 1}
                FROM {rows} WHERE {going} GROUP BY c."Id", c.{tables.ORDER}""",
            )
        if added:
            self._note_rows(child)
        return bool(added)

    def _note_rows(self, of: ObjectDef) -> None:
        sql = f"SELECT DISTINCT k FROM _doomed WHERE object = {tables.text(of.name)}"
        self._rows[of.name] = database.arrow(self.cursor, sql).column("k").to_numpy()

    def _too_large(self, most: int) -> dict[str, SalesforceError]:
        """The rows that would take too many others along."""
        counts = self.cursor.execute(
            "SELECT root, count(*) FROM _doomed WHERE level > 0 GROUP BY root "
            f"HAVING count(*) > {most}"
        ).fetchall()
        return {
            root: refuse(
                "DELETE_OPERATION_TOO_LARGE",
                f"cascade delete of {root} would delete {count} records",
            )
            for root, count in counts
        }

    def _restricted(self, of: ObjectDef) -> dict[str, SalesforceError]:
        """The rows that something else holds fast."""
        errors: dict[str, SalesforceError] = {}
        for parent in self.touched:
            holding = [
                (child, field, alive(child))
                for child, field in self.children(parent, DeleteRule.RESTRICT)
            ] + [
                (child, field, f"{alive(child)} AND {_activated(child)}")
                for child, field in self.children(parent, DeleteRule.CASCADE_DRAFTS)
            ]
            for child, field, condition in holding:
                for root, blocking in self._blocked(parent, child, field, condition):
                    # The first reason per root counts: the org reports one.
                    if root not in errors:
                        errors[root] = self._associated(of, root, child, blocking)
        return errors

    def _blocked(
        self, parent: ObjectDef, child: ObjectDef, field: str, condition: str
    ) -> list[tuple[str, list[str]]]:
        with self.referring(parent, child, field) as rows:
            if rows is None:
                return []
            return self.cursor.execute(f"""
                SELECT d.root, list({_name(child)} ORDER BY c.{tables.ORDER})[1:{NAMED}]
                FROM {rows} WHERE {condition}
                GROUP BY d.root ORDER BY d.root""").fetchall()

    def _associated(
        self, of: ObjectDef, root: str, child: ObjectDef, blocking: Sequence[str]
    ) -> SalesforceError:
        name = database.scalar(
            self.cursor,
            f"SELECT {_name(of)} FROM {tables.name(of.name)} c "
            f'WHERE c.{tables.ORDER} = {ids.counter_of(root)} AND c."Id" = {tables.text(root)}',
        )
        # As live orgs word it, line break included.
        message = (
            f"Your attempt to delete {name} could not be completed because it is "
            f"associated with the following {child.plural.lower()}.: {', '.join(blocking)}\n"
        )
        return refuse("DELETE_FAILED", message)


def _name(of: ObjectDef) -> str:
    """SQL of the name of a row ``c``; a row without a name has its id."""
    field = next((field for field in of.fields if field.name_field), None)
    parts = ("Salutation", "FirstName", "LastName")
    names = [field.name] if field is not None and not field.computed else []
    if field is not None and field.computed:
        names = [part for part in parts if of.field(part)]
    listed = ", ".join(f"c.{tables.name(name)}" for name in names)
    return f"coalesce(nullif(concat_ws(' ', {listed}), ''), c.\"Id\")" if names else 'c."Id"'

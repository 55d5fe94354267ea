"""Name resolution: fields and parent paths of one SELECT become SQL expressions and joins.

A ``Frame`` is one level of SELECT: its object, the alias of its table and the joins that its
parent paths needed. What the user may not see does not exist here.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import (
    FieldDef,
    FieldType,
    ObjectDef,
    Schema,
)
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.soql.grammar import ast, refusals
from unlost_simulators.salesforce.soql.sources import poly_source, source
from unlost_simulators.salesforce.store import tables

DEEPEST_PATH = 5
"""Parents in one path (SOQL relationship queries)."""
NAME_OBJECT = "Name"
"""Type of the parent of a polymorphic path, as REST shows it."""

_HOLE = re.compile(r"\{([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}")


@dataclass(frozen=True, slots=True)
class CompileContext:
    """The context of a compilation: schema, caller, time, settings."""

    soql: str
    schema: Schema
    user: SimUser
    now: datetime
    settings: OrgSettings
    all_rows: bool = False

    def object(self, name: str) -> ObjectDef | None:
        """The object of that name if the user sees it."""
        definition = self.schema.get(name)
        return definition if definition is not None and self.user.sees(definition.name) else None

    def sees(self, of: ObjectDef, definition: FieldDef) -> bool:
        """Return true if the user sees the field."""
        return self.user.sees(of.name, definition.name)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A field as SQL: the expression, its definition, and the table alias that it comes from."""

    sql: str
    field: FieldDef
    of: ObjectDef | None
    alias: str
    through: tuple[str, ...] = ()
    """Relationship names from the frame's object to the field's, in describe's case."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A joined parent: its alias and its object (None for a polymorphic parent)."""

    alias: str
    of: ObjectDef | None
    through: tuple[str, ...]


@dataclass
class Frame:
    """One level of SELECT under compilation. Collects joins as paths are resolved."""

    context: CompileContext
    of: ObjectDef
    alias: str = "t0"
    nickname: str | None = None
    """Alias of the object in the SOQL text."""
    joins: dict[tuple[str, ...], tuple[str, Parent]] = field(default_factory=dict)

    def joins_sql(self) -> str:
        """The LEFT JOINs of all parents used so far."""
        return "".join(f" {sql}" for sql, _ in self.joins.values())

    def from_sql(self) -> str:
        """FROM with the joins used so far."""
        base = source(self.of, self.context.schema, self.context.user)
        return f"FROM {base} {self.alias}{self.joins_sql()}"

    @property
    def root(self) -> Parent:
        """The frame's own object as the start of paths."""
        return Parent(self.alias, self.of, ())

    def field(self, path: ast.Path) -> Resolved:
        """The field that a path of the query names."""
        names = self._own(path.names)
        if len(names) - 1 > DEEPEST_PATH:
            text = f"A maximum of {DEEPEST_PATH} levels of relationship is allowed: {path.text}"
            raise refusals.malformed(self.context.soql, path.at, text)
        return self.walk(self.root, names, path.at)

    def _own(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The names without a leading alias or object name."""
        if len(names) == 1:
            return names
        head = names[0].lower()
        if self.nickname and head == self.nickname.lower():
            return names[1:]
        if head == self.of.name.lower() and head not in self.of.by_relationship:
            return names[1:]
        return names

    def walk(self, start: Parent, names: tuple[str, ...], at: int) -> Resolved:
        """Follow relationship names from ``start`` and resolve the last name as a field."""
        here = start
        for name in names[:-1]:
            here = self.parent(here, name, at)
        return self._leaf(here, names[-1], at)

    def parent(self, here: Parent, name: str, at: int) -> Parent:
        """The parent by one relationship name, joined on first use."""
        link = None if here.of is None else here.of.by_relationship.get(name.lower())
        if link is None or here.of is None or not self.context.sees(here.of, link):
            raise refusals.no_parent(self.context.soql, at, name)
        through = (*here.through, str(link.relationship))
        join = self.joins.get(through)
        if join is not None:
            return join[1]
        return self._join(here, link, through, at)

    def _join(self, here: Parent, link: FieldDef, through: tuple[str, ...], at: int) -> Parent:
        targets = [
            target for target in map(self.context.object, link.targets) if target is not None
        ]
        if not targets:
            raise refusals.no_parent(self.context.soql, at, through[-1])
        alias = f"{self.alias}_{len(self.joins) + 1}"
        key = f"{here.alias}.{tables.name(link.name)}"
        if link.polymorphic:
            table, parent = poly_source(targets), Parent(alias, None, through)
        else:
            table = source(targets[0], self.context.schema, self.context.user)
            parent = Parent(alias, targets[0], through)
        match = f"{alias}.{tables.name(_key_of(targets[0]))}"
        self.joins[through] = (f"LEFT JOIN {table} {alias} ON {match} = {key}", parent)
        return parent

    def join_type(self, here: Parent, link: FieldDef, of: ObjectDef) -> Parent:
        """The parent of one type behind a polymorphic reference (TYPEOF)."""
        through = (*here.through, str(link.relationship), f":{of.name}")
        join = self.joins.get(through)
        if join is not None:
            return join[1]
        alias = f"{self.alias}_{len(self.joins) + 1}"
        table = source(of, self.context.schema, self.context.user)
        key = f"{here.alias}.{tables.name(link.name)}"
        parent = Parent(alias, of, through)
        self.joins[through] = (f'LEFT JOIN {table} {alias} ON {alias}."Id" = {key}', parent)
        return parent

    def _leaf(self, here: Parent, name: str, at: int) -> Resolved:
        if here.of is None:
            return self._name_field(here, name, at)
        definition = here.of.field(name)
        if definition is None or not self.context.sees(here.of, definition):
            raise refusals.no_field(self.context.soql, at, name, here.of.name)
        return Resolved(self.value(here, definition), definition, here.of, here.alias, here.through)

    def _name_field(self, here: Parent, name: str, at: int) -> Resolved:
        kind = NAME_FIELDS.get(name.lower())
        if kind is None:
            raise refusals.no_field(self.context.soql, at, name, NAME_OBJECT)
        sql = f"{here.alias}.{tables.name(kind.name)}"
        return Resolved(sql, kind, None, here.alias, here.through)

    def value(self, here: Parent, definition: FieldDef) -> str:
        """SQL of a field's value; formulas and roll-ups are worked out here."""
        if definition.formula is not None:
            return self._formula(here, definition.formula.sql)
        if definition.rollup is not None:
            return self._rollup(here, definition)
        sql = f"{here.alias}.{tables.name(definition.name)}"
        encrypted = definition.type is FieldType.ENCRYPTED
        if encrypted and not self.context.user.may(Permission.VIEW_ENCRYPTED_DATA):
            return f"CASE WHEN {sql} IS NULL THEN NULL ELSE repeat('*', length({sql})) END"
        return sql

    def template(self, template: str) -> str:
        """A DuckDB expression whose holes (``{Field}``, ``{Parent.Field}``) the frame fills."""
        return self._formula(self.root, template)

    def _formula(self, here: Parent, template: str) -> str:
        """The template with its holes filled; formulas see fields that the user does not."""

        def fill(match: re.Match[str]) -> str:
            names = tuple(match.group(1).split("."))
            end = here
            for name in names[:-1]:
                end = self._formula_parent(end, name)
            definition = None if end.of is None else end.of.field(names[-1])
            return "NULL" if definition is None else self.value(end, definition)

        return f"({_HOLE.sub(fill, template)})"

    def _formula_parent(self, here: Parent, name: str) -> Parent:
        link = None if here.of is None else here.of.by_relationship.get(name.lower())
        if link is None:
            return Parent(here.alias, None, here.through)
        through = (*here.through, str(link.relationship))
        join = self.joins.get(through)
        if join is not None:
            return join[1]
        try:
            return self._join(here, link, through, 0)
        except SalesforceError:
            return Parent(here.alias, None, through)

    def _rollup(self, here: Parent, definition: FieldDef) -> str:
        rollup = definition.rollup
        child = None if rollup is None else self.context.schema.get(rollup.child)
        if rollup is None or child is None or child.field(rollup.via) is None:
            return "NULL"
        alive = 'AND NOT c."IsDeleted"' if child.field("IsDeleted") else ""
        value = f"{rollup.function}(c.{tables.name(rollup.field)})"
        return (
            f"(SELECT CAST({value} AS {tables.sql_type(definition)}) "
            f"FROM {tables.name(child.name)} c "
            f'WHERE c.{tables.name(rollup.via)} = {here.alias}."Id" {alive})'
        )


def _key_of(of: ObjectDef) -> str:
    """The column that references point to; rows of virtual objects all have the same Id."""
    return "DurableId" if of.empty_key and of.field("DurableId") else "Id"


def _name(name: str, kind: FieldType = FieldType.STRING) -> FieldDef:
    return FieldDef(name, kind, name, length=255, createable=False, updateable=False)


NAME_FIELDS = {
    definition.name.lower(): definition
    for definition in (
        _name("Id", FieldType.ID),
        _name("Name"),
        _name("Type", FieldType.PICKLIST),
        *(_name(each) for each in ("FirstName", "LastName", "Alias", "Title", "Username")),
        _name("Email", FieldType.EMAIL),
        _name("Phone", FieldType.PHONE),
        _name("IsActive", FieldType.BOOLEAN),
        _name("ProfileId", FieldType.REFERENCE),
        _name("UserRoleId", FieldType.REFERENCE),
    )
}
"""Fields of the parent of a polymorphic path (object reference, Name)."""

"""The select list: which flat columns the result has, and the plan that shapes them to records."""

from dataclasses import replace

from unlost_simulators.salesforce.model.schema import COMPOUNDS, FieldDef, FieldType
from unlost_simulators.salesforce.soql.forms import for_json
from unlost_simulators.salesforce.soql.functions import typed
from unlost_simulators.salesforce.soql.grammar import ast, refusals
from unlost_simulators.salesforce.soql.names import NAME_OBJECT, Frame, Parent
from unlost_simulators.salesforce.soql.shape import (
    BlobLeaf,
    Branch,
    ChildLeaf,
    CompoundLeaf,
    Leaf,
    Node,
    TypeOfLeaf,
)


class SelectColumns:
    """The flat columns of a result, each expression once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, sql: str) -> int:
        """The number of the column with this expression."""
        return self._places.setdefault(sql, len(self._places))

    def sql(self) -> str:
        """The select list."""
        return ", ".join(f"{sql} AS c{place}" for sql, place in self._places.items())


def name_of(expression: ast.Expression) -> str:
    """Name of an expression in a refusal: the path, or the function."""
    return expression.text if isinstance(expression, ast.Path) else expression.name


class Planner:
    """Turns the select list of a query into columns and the plan of its records."""

    def __init__(self, frame: Frame, columns: SelectColumns) -> None:
        self._frame = frame
        self._columns = columns
        self._context = frame.context

    def plan(self, select: ast.Select) -> Branch:
        """The plan of the query's own records."""
        root = Branch("", self._frame.of.name, self._id(self._frame.root))
        seen: set[str] = set()
        for item in select.items:
            match item:
                case ast.FieldItem(expression, alias):
                    self._check_single(expression, alias, seen)
                    self._add(root, expression)
                case ast.ChildItem(inner):
                    root.members.append(self._children(inner))
                case ast.TypeOf():
                    root.members.append(self._typeof(item))
        return root

    def _id(self, parent: Parent) -> int:
        if parent.of is not None and parent.of.field("Id") is None:
            return self._columns.place("''")
        return self._columns.place(f'{parent.alias}."Id"')

    def _check_single(self, expression: ast.Expression, alias: str | None, seen: set[str]) -> None:
        soql = self._context.soql
        if alias is not None:
            text = "only aggregate expressions use field aliasing"
            raise refusals.malformed(soql, expression.at, text)
        name = name_of(expression).lower()
        if isinstance(expression, ast.Path) and name in seen:
            text = f"duplicate field selected: {name_of(expression)}"
            raise refusals.at(soql, expression.at, "INVALID_FIELD", text)
        seen.add(name)

    def _add(self, root: Branch, expression: ast.Expression) -> None:
        typed_expression = typed(self._frame, expression)
        if typed_expression.path is None or isinstance(expression, ast.FunctionCall):
            key = typed_expression.field.name
            place = self._columns.place(for_json(typed_expression.field, typed_expression.sql))
            root.members.append(Leaf(key, place))
            return
        branch = root
        for depth in range(len(typed_expression.path.through)):
            branch = self._branch(branch, typed_expression.path.through[: depth + 1])
        here = self._parent(typed_expression.path.through)
        branch.members.append(self._leaf(here, typed_expression.field, typed_expression.sql))

    def _parent(self, through: tuple[str, ...]) -> Parent:
        return self._frame.joins[through][1] if through else self._frame.root

    def _branch(self, within: Branch, through: tuple[str, ...]) -> Branch:
        # Paths with the same beginning share one nested record.
        for member in within.members:
            if isinstance(member, Branch) and member.key == through[-1]:
                return member
        parent = self._parent(through)
        type_column = None
        if parent.of is None:
            type_column = self._columns.place(f'{parent.alias}."Type"')
        named = NAME_OBJECT if parent.of is None else parent.of.name
        branch = Branch(through[-1], named, self._id(parent), type_column)
        within.members.append(branch)
        return branch

    def _leaf(self, here: Parent, field: FieldDef, sql: str) -> Node:
        if field.type in COMPOUNDS and here.of is not None:
            return CompoundLeaf(field.name, self._parts(here, field))
        if field.type is FieldType.BASE64 and here.of is not None:
            return BlobLeaf(field.name, self._columns.place(sql), here.of.name, self._id(here))
        return Leaf(field.name, self._columns.place(for_json(field, sql)))

    def _parts(self, here: Parent, whole: FieldDef) -> tuple[tuple[str, int], ...]:
        of = here.of
        if of is None:
            return ()
        stem = whole.name.removesuffix("Address")
        parts = []
        for field in of.fields:
            if field.compound == whole.name and self._context.sees(of, field):
                sql = for_json(field, self._frame.value(here, field))
                parts.append((_part_key(field.name, stem), self._columns.place(sql)))
        return tuple(parts)

    def _typeof(self, item: ast.TypeOf) -> TypeOfLeaf:
        here = self._frame.root
        for name in item.path.names[:-1]:
            here = self._frame.parent(here, name, item.path.at)
        name = item.path.names[-1]
        generic = self._frame.parent(here, name, item.path.at)
        link = None if here.of is None else here.of.by_relationship.get(name.lower())
        if link is None or generic.of is not None:
            raise refusals.no_parent(self._context.soql, item.path.at, name)
        id_column = self._id(generic)
        branches = {}
        for type_name, paths in item.branches:
            of = self._context.object(type_name)
            if of is None or of.name not in link.targets:
                raise refusals.no_object(self._context.soql, item.path.at, type_name)
            parent = self._frame.join_type(here, link, of)
            branches[of.name] = self._type_branch(parent, paths)
        otherwise = self._type_branch(generic, item.otherwise) if item.otherwise else None
        type_column = self._columns.place(f'{generic.alias}."Type"')
        key = str(link.relationship)
        return TypeOfLeaf(key, id_column, type_column, branches, otherwise)

    def _type_branch(self, parent: Parent, paths: tuple[ast.Path, ...]) -> Branch:
        branch = Branch("", NAME_OBJECT if parent.of is None else parent.of.name, self._id(parent))
        for path in paths:
            resolved = self._frame.walk(parent, path.names, path.at)
            branch.members.append(self._leaf(parent, resolved.field, resolved.sql))
        return branch

    def _children(self, select: ast.Select) -> ChildLeaf:
        of = self._frame.of
        name = select.source.rsplit(".", 1)[-1]
        relation = next(
            (
                relation
                for relation in self._context.schema.children_of(of.name)
                if relation.name is not None and relation.name.lower() == name.lower()
            ),
            None,
        )
        child = None if relation is None else self._context.object(relation.child)
        if (
            relation is None
            or child is None
            or not self._context.user.sees(child.name, relation.field)
        ):
            raise refusals.no_children(self._context.soql, select.source_at, name)
        if any(isinstance(item, ast.ChildItem) for item in select.items):
            text = "SOQL relationships of more than one level of children are not supported"
            raise refusals.malformed(self._context.soql, select.source_at, text)
        inner = replace(select, source=child.name)
        return ChildLeaf(
            str(relation.name), self._id(self._frame.root), inner, child.name, relation.field
        )


def _part_key(name: str, stem: str) -> str:
    """Key of an address part in JSON: ``BillingPostalCode`` is ``postalCode``."""
    if name.endswith("__s"):
        return "latitude" if "Latitude" in name else "longitude"
    bare = name.removeprefix(stem)
    return bare[:1].lower() + bare[1:]

"""From the flat columns of a result to JSON records: nested parents, addresses, blob addresses.

A plan is a tree of nodes that name columns of the flat result by number. Pages are small (at most
2,000 rows), so this is the one place where rows are Python objects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.answers import Json
from unlost_simulators.salesforce.model.numbers import Number
from unlost_simulators.salesforce.soql.grammar import ast


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value."""

    key: str
    column: int


@dataclass(frozen=True, slots=True)
class BlobLeaf:
    """A base64 field: REST shows the address of its bytes."""

    key: str
    column: int
    owner: str
    id_column: int


@dataclass(frozen=True, slots=True)
class CompoundLeaf:
    """An address or location: an object of its parts, or null when all of them are null."""

    key: str
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ChildLeaf:
    """A child subquery: the children of the row whose id stands in a column."""

    key: str
    id_column: int
    select: ast.Select
    child: str
    via: str


@dataclass
class Branch:
    """A record: the query's own, or a parent's.

    ``type_column`` has the type of a polymorphic parent's row, whose ``attributes`` contain Name.
    """

    key: str
    type: str
    id_column: int
    type_column: int | None = None
    members: "list[Node]" = field(default_factory=list)


@dataclass
class TypeOfLeaf:
    """TYPEOF: one branch per type, chosen by the row."""

    key: str
    id_column: int
    type_column: int
    branches: Mapping[str, Branch]
    otherwise: Branch | None


type Node = Leaf | BlobLeaf | CompoundLeaf | ChildLeaf | Branch | TypeOfLeaf
type Row = Sequence[Any]
type Children = Mapping[tuple[int, str], Any]
"""Child subqueries of a page: (position of the node, parent id) to the JSON of the children."""


@dataclass(frozen=True, slots=True)
class Shaper:
    """Shapes the rows of one page."""

    version: str
    children: Children

    def record(self, branch: Branch, row: Row) -> Json | None:
        """The JSON of a record, or None for a parent that is not there."""
        record_id = row[branch.id_column]
        if record_id is None:
            return None
        real = branch.type if branch.type_column is None else row[branch.type_column]
        record: Json = {"attributes": {"type": branch.type, "url": self._url(real, record_id)}}
        self._fill(record, branch.members, row)
        return record

    def aggregate(self, branch: Branch, row: Row) -> Json:
        """The JSON of an AggregateResult."""
        record: Json = {"attributes": {"type": "AggregateResult"}}
        self._fill(record, branch.members, row)
        return record

    def _url(self, of: str, record_id: str) -> str:
        return f"/services/data/{self.version}/sobjects/{of}/{record_id or ids.EMPTY_KEY}"

    def _fill(self, record: Json, members: "list[Node]", row: Row) -> None:
        for node in members:
            if type(node) is Leaf:  # most are
                value = row[node.column]
                record[node.key] = Number(value) if type(value) is Decimal else value
            else:
                record[node.key] = self._value(node, row)

    def _value(self, node: Node, row: Row) -> Any:
        match node:
            case Branch():
                return self.record(node, row)
            case CompoundLeaf(_, parts):
                return _compound(parts, row)
            case BlobLeaf():
                return self._blob(node, row)
            case ChildLeaf():
                return self.children.get((id(node), row[node.id_column]))
            case TypeOfLeaf():
                return self._typeof(node, row)

    def _blob(self, node: BlobLeaf, row: Row) -> str | None:
        if row[node.column] is None:
            return None
        return f"{self._url(node.owner, row[node.id_column])}/{node.key}"

    def _typeof(self, node: TypeOfLeaf, row: Row) -> Json | None:
        of = row[node.type_column]
        if of is None:
            return None
        branch = node.branches.get(of, node.otherwise)
        if branch is None:
            url = self._url(of, row[node.id_column])
            return {"attributes": {"type": of, "url": url}}
        record = self.record(branch, row)
        if record is not None:
            record["attributes"] = {"type": of, "url": self._url(of, row[node.id_column])}
        return record


def _compound(parts: tuple[tuple[str, int], ...], row: Row) -> Json | None:
    values = {key: row[column] for key, column in parts}
    if all(value is None for value in values.values()):
        return None
    return {
        key: Number(value) if type(value) is Decimal else value
        for key, value in sorted(values.items())
    }

"""The order in which records are written: parents first, cycles broken by a second pass. Pure.

A record can be created when all records that it refers to exist. Levels express that; records of
one level and table go out in the same calls:

  level 0   Account A, Account B
  level 1   Contact C  ──AccountId──► A
  level 2   Case D     ──ContactId──► C
  second pass          A.PrimaryContact ──► C   (A and C refer to each other: a cycle)

Levels follow the tables as far as possible, so that the records of one table stand in few levels
and go out in full calls; only tables that refer to one another are ordered record by record. In a
cycle, a reference that may be empty at first is set late: that of the column which breaks the
cycles with the fewest late references. A column whose chains run through so many levels that calls
go out nearly empty is set late as well, unless that writes many more records a second time: a
record that is written again shows a change now, whatever its dates. Records in cycles without such
a reference are ``stuck``. See docs/adr/0011.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from unlost.engine.restore.values.cycles import circular, components, depths
from unlost.model.plan import RecordKey

# Rough, for any org: rows that a call writes, rows that a call reads, and calls of a job that
# writes any number of rows.
ROWS_PER_CALL = 200
ROWS_PER_LOOKUP = 2_000
JOB_CALLS = 5
WORTH = 20  # calls that a second pass must save before chains are cut for it
WORTH_ANYWAY = 4  # the same, where the table has a second pass already
TOUCHED_PER_CALL = 50  # records that may be written twice for each saved call

type TableColumn = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RecordReference:
    """A reference of a record to another. ``late``: it may be set in a second pass."""

    column: str
    target: RecordKey
    late: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A record that is written, and its references."""

    key: RecordKey
    links: tuple[RecordReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """``levels`` begin with 0. ``stuck`` records stand in cycles that cannot be broken."""

    levels: Mapping[RecordKey, int]
    late: Mapping[RecordKey, tuple[str, ...]]
    stuck: frozenset[RecordKey]


@dataclass(slots=True)
class _Arc:
    """A reference between two records that are written."""

    source: int
    target: int
    column: TableColumn
    late: bool


@dataclass(slots=True)
class _Graph:
    keys: list[RecordKey]
    arcs: list[_Arc]
    postponed: list[_Arc] = field(default_factory=list)
    stuck: set[int] = field(default_factory=set)


def find_order(
    nodes: Iterable[Node], *, after: Mapping[str, Collection[str]] | None = None
) -> Order:
    """The order of these records.

    References to other records are ignored. ``after`` names, by table, tables whose records must
    exist first; it gives way where references require the contrary.
    """
    graph = _graph(sorted(nodes, key=_by_key))
    _break_cycles(graph)
    _cut_chains(graph)
    levels = _levels(graph, after or {})
    late: dict[RecordKey, list[str]] = defaultdict(list)
    for arc in graph.postponed:
        late[graph.keys[arc.source]].append(arc.column[1])
    return Order(
        {key: levels[at] for at, key in enumerate(graph.keys) if at not in graph.stuck},
        {key: tuple(sorted(set(columns))) for key, columns in sorted(late.items(), key=_first)},
        frozenset(graph.keys[at] for at in graph.stuck),
    )


def _by_key(node: Node) -> tuple[str, str]:
    return node.key.table, node.key.record


def _first(item: tuple[RecordKey, list[str]]) -> tuple[str, str]:
    return item[0].table, item[0].record


def _graph(nodes: Sequence[Node]) -> _Graph:
    place = {node.key: at for at, node in enumerate(nodes)}
    arcs = [
        _Arc(at, place[link.target], (node.key.table, link.column), link.late)
        for at, node in enumerate(nodes)
        for link in node.links
        if link.target in place
    ]
    return _Graph([node.key for node in nodes], arcs)


# --- cycles ---------------------------------------------------------------------------------------


def _break_cycles(graph: _Graph) -> None:
    """Postpone references until no cycle is left; records for which that fails are stuck."""
    while bound := _arcs_on_cycles(graph):
        columns = {arc.column for arc in bound if arc.late}
        if not columns:
            graph.stuck |= {arc.source for arc in bound}
            graph.arcs = [arc for arc in graph.arcs if not graph.stuck & {arc.source, arc.target}]
            continue
        best = min(columns, key=lambda column: _cost(graph, bound, column))
        _postpone(graph, [arc for arc in bound if arc.late and arc.column == best])


def _postpone(graph: _Graph, given_up: Sequence[_Arc]) -> None:
    graph.postponed += given_up
    gone = {id(arc) for arc in given_up}
    graph.arcs = [arc for arc in graph.arcs if id(arc) not in gone]


def _arcs_on_cycles(graph: _Graph) -> list[_Arc]:
    """The references that lie on cycles."""
    group = components(len(graph.keys), _pairs(graph.arcs))
    return [arc for arc in graph.arcs if group[arc.source] == group[arc.target]]


def _cost(
    graph: _Graph, bound: Sequence[_Arc], column: TableColumn
) -> tuple[int, int, TableColumn]:
    """Records that stay on cycles without this column, and references that it would postpone."""
    rest = [arc for arc in bound if not (arc.late and arc.column == column)]
    remaining = circular(len(graph.keys), _pairs(rest))
    return len(remaining), len(bound) - len(rest), column


def _pairs(arcs: Iterable[_Arc]) -> Iterator[tuple[int, int]]:
    return ((arc.source, arc.target) for arc in arcs)


# --- chains ---------------------------------------------------------------------------------------


def _cut_chains(graph: _Graph) -> None:
    """Postpone whole columns while a second pass saves calls; required references stay."""
    # The lower bound: without references, all records of a table are in one level.
    fewest = _creates(graph, [])
    while _creates(graph, graph.arcs) >= fewest + WORTH_ANYWAY:
        now = _calls(graph, None)
        columns = sorted({arc.column for arc in _within_blocks(graph) if arc.late})
        again = {graph.keys[arc.source].table for arc in graph.postponed}
        cuts = [
            _Cut(column, now - _calls(graph, column), _touched(graph, column), column[0] in again)
            for column in columns
        ]
        best = max((cut for cut in cuts if cut.pays), key=lambda cut: cut.saved, default=None)
        if best is None:
            return
        _postpone(graph, [arc for arc in graph.arcs if arc.late and arc.column == best.column])


@dataclass(frozen=True, slots=True)
class _Cut:
    """A column that could be set late: calls that it saves, records that it makes written twice.

    ``anyway``: the table has a second pass already.
    """

    column: TableColumn
    saved: int
    touched: int
    anyway: bool

    @property
    def pays(self) -> bool:
        enough = WORTH_ANYWAY if self.anyway else WORTH
        return self.saved >= enough and self.touched <= self.saved * TOUCHED_PER_CALL


def _touched(graph: _Graph, column: TableColumn) -> int:
    """Records that are written twice only for this column."""
    already = {arc.source for arc in graph.postponed}
    return len({a.source for a in graph.arcs if a.late and a.column == column} - already)


def _within_blocks(graph: _Graph) -> list[_Arc]:
    """References between tables that refer to one another: only these make levels."""
    table, block = _blocks(graph.keys, graph.arcs, {})
    return [arc for arc in graph.arcs if block[table[arc.source]] == block[table[arc.target]]]


def _calls(graph: _Graph, without: TableColumn | None) -> int:
    """Calls of both passes, if this column is set late, too; the second pass also reads."""
    rest = [arc for arc in graph.arcs if not (arc.late and arc.column == without)]
    arc_ids = {id(arc) for arc in rest}
    later = {arc.source for arc in graph.postponed}
    later |= {arc.source for arc in graph.arcs if id(arc) not in arc_ids}
    by_table = Counter(graph.keys[source].table for source in later)
    second = sum(_writes(count) + -(-count // ROWS_PER_LOOKUP) for count in by_table.values())
    return _creates(graph, rest) + second


def _creates(graph: _Graph, arcs: Sequence[_Arc]) -> int:
    """Calls that create all records, level by level."""
    table, block = _blocks(graph.keys, arcs, {})
    steps = Counter(zip(table, _depths(arcs, table, block), strict=True))
    return sum(_writes(count) for count in steps.values())


def _writes(rows: int) -> int:
    return min(-(-rows // ROWS_PER_CALL), JOB_CALLS)


# --- levels ---------------------------------------------------------------------------------------


def _levels(graph: _Graph, after: Mapping[str, Collection[str]]) -> list[int]:
    """The level of each record: blocks of tables that refer to one another, one after the other."""
    table, block = _blocks(graph.keys, graph.arcs, after)
    needs = _needs(graph.keys, graph.arcs, after)
    inner = _depths(graph.arcs, table, block)
    height: Counter[int] = Counter()
    for at, depth in enumerate(inner):
        mine = block[table[at]]
        height[mine] = max(height[mine], depth + 1)
    base = _bases(block, needs, height)
    return [base[block[table[at]]] + depth for at, depth in enumerate(inner)]


def _needs(
    keys: Sequence[RecordKey], arcs: Sequence[_Arc], after: Mapping[str, Collection[str]]
) -> set[tuple[int, int]]:
    """The pairs of tables of which the first needs the second, by their numbers."""
    number = {name: at for at, name in enumerate(sorted({key.table for key in keys}))}
    table = [number[key.table] for key in keys]
    needs = {(table[arc.source], table[arc.target]) for arc in arcs}
    return needs | {
        (number[name], number[other])
        for name, others in after.items()
        for other in others
        if name in number and other in number
    }


def _blocks(
    keys: Sequence[RecordKey], arcs: Sequence[_Arc], after: Mapping[str, Collection[str]]
) -> tuple[list[int], list[int]]:
    """The number of each record's table, and for each table its block."""
    names = sorted({key.table for key in keys})
    number = {name: at for at, name in enumerate(names)}
    block = components(len(names), sorted(_needs(keys, arcs, after)))
    return [number[key.table] for key in keys], block


def _depths(arcs: Sequence[_Arc], table: Sequence[int], block: Sequence[int]) -> list[int]:
    """The depth of each record within its block."""
    inside = [p for p in _pairs(arcs) if block[table[p[0]]] == block[table[p[1]]]]
    return depths(len(table), inside)


def _bases(
    block: Sequence[int], needs: Collection[tuple[int, int]], height: Mapping[int, int]
) -> dict[int, int]:
    """The first level of each block, above all blocks that it needs; numbered bottom up."""
    below: dict[int, set[int]] = defaultdict(set)
    for source, target in needs:
        if block[source] != block[target]:
            below[block[source]].add(block[target])
    base: dict[int, int] = {}
    for block_node in sorted(set(block)):
        base[block_node] = max(
            (base[other] + height[other] for other in below[block_node]), default=0
        )
    return base

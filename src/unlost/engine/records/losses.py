"""Group the records that a backup found deleted into losses, as people see them. Pure.

    deleted rows ──references──> a tree ──roots──> one group for each act

    Account 1 ◀─ Contact 2 ◀─ Task 3        one root, and two records with it
    Task 4 ─▶ Account 9 (live) ◀─ Task 5    two roots of one live record: one group
    1,204 Contacts by one user              more than ``MANY`` groups of a table and user: one

A record hangs on the deleted record to which its most binding reference points. Records of tables
that people do not open, such as history, hang on others and do not count. All steps are vectorised:
Python sees groups, never records.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from unlost.engine.named_rows import AT, RECORD, TABLE, TEXT, naming_rows
from unlost.engine.storage.mails import frame, instants
from unlost.model.losses import FoldReason, LossGroup, LossLink, LossRule, LossRules
from unlost.model.named_records import names_ids, read_columns
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, DeleteRule, Table

MANY = 10  # more groups of one table and user than this are shown as one
BRIEF = timedelta(days=1)

type Locate = Callable[[Sequence[str], Sequence[str]], Mapping[str, str]]
"""Returns the table of each of these ids, which are in one of several tables."""

_BINDING = (DeleteRule.CASCADE, DeleteRule.RESTRICT)
_INSTANT = pl.Datetime("us", "UTC")
_N, _TABLE, _ID, _BY, _AT, _BIN = "n", "table", "id", "by", "at", "bin"
_OPENED, _OWN, _ARCHIVED, _BRIEF = "opened", "own", "archived", "brief"
_SURVIVOR = "survivor"
_UNDONE, _BELOW = "undone", "below"
_PARENT, _VIA, _ROOT, _FOLD, _GROUP = "parent", "via", "root", "fold", "group"


@dataclass(frozen=True, slots=True)
class DeletedTable:
    """The records of a table that a backup found deleted, as ``Snapshot.get`` returns them.

    With the reference columns of the table, and the columns that its rule names. ``by_runs``: the ids
    of those that restores of ours deleted. ``by_archives``: those that an archive deleted and did not
    commit by then.
    """

    table: Table
    rows: pa.Table
    by_runs: frozenset[str] = frozenset()
    by_archives: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Place:
    """A deleted table within all rows: its frame, the number of its first row, and its rule."""

    deleted: DeletedTable
    cells: pl.DataFrame
    start: int
    rule: LossRule | None

    @property
    def table(self) -> Table:
        return self.deleted.table

    @property
    def numbers(self) -> pl.Series:
        return pl.Series(_N, np.arange(self.start, self.start + self.cells.height, dtype=np.int64))


def loss_columns(table: Table, rule: LossRule | None) -> list[str]:
    """The columns that ``group_losses`` needs of a table."""
    ruled = (rule.born_column, rule.author_column, rule.state_column) if rule is not None else ()
    named = (table.merged_into_column, *ruled)
    references = read_columns(table, _references(table))
    return list(dict.fromkeys([*references, *(name for name in named if name is not None)]))


def group_losses(
    deleted: Sequence[DeletedTable], rules: LossRules, *, locate: Locate
) -> tuple[LossGroup, ...]:
    """The losses among the records that one backup found deleted, by table and first record."""
    places = _places(deleted, rules)
    rows = pl.concat([_rows(place) for place in places]) if places else None
    if rows is None or not rows[_OPENED].any():
        return ()
    parents = _parents(rows, _edges(places, rows, rules))
    rows = rows.with_columns(pl.Series(_ROOT, roots_of(parents)))
    counting = rows.filter(pl.col(_OPENED))
    roots = _grouped(_roots(counting, places, rules))
    return tuple(_groups(roots, counting, _vias(places, rules), locate))


def roots_of(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """The root of each node; a node without a parent is its own. Of a cycle, the first node.

    Each round doubles the distance, so that no depth of a tree costs more than a few rounds.
    """
    jump, least = parents, np.arange(len(parents), dtype=np.int64)
    for _ in range(len(parents).bit_length()):
        least = np.minimum(least, least[jump])
        jump = jump[jump]
    return least[jump]


# --- rows -----------------------------------------------------------------------------------------


def _places(deleted: Sequence[DeletedTable], rules: LossRules) -> list[_Place]:
    places: list[_Place] = []
    start = 0
    for entry in deleted:
        cells = frame(entry.rows)
        rule = rules.tables.get(entry.table.name)
        places.append(_Place(entry, cells, start, rule))
        start += cells.height
    return places


def _rows(place: _Place) -> pl.DataFrame:
    """The facts about the deleted records of a table, numbered over all tables."""
    rule = place.rule or LossRule()
    op = pl.col("_u_op").cast(pl.String)
    record = pl.col("_u_id").cast(pl.String)
    in_bin = op == Op.DELETED.value
    # Of other tombstones, a lookup may fill the time and user from the last change.
    by = pl.when(in_bin).then(pl.col("_u_modified_by").cast(pl.String)).fill_null("")
    at = pl.when(in_bin).then(pl.col("_u_modified_at").cast(_INSTANT))
    return place.cells.select(
        place.numbers,
        pl.lit(place.table.name).alias(_TABLE),
        record.alias(_ID),
        by.alias(_BY),
        at.alias(_AT),
        (pl.when(in_bin).then(at + rule.bin) if rule.bin else pl.lit(None, _INSTANT)).alias(_BIN),
        pl.lit(place.rule is not None).alias(_OPENED),
        record.is_in(sorted(place.deleted.by_runs)).alias(_OWN),
        ((op == Op.ARCHIVED.value) | record.is_in(sorted(place.deleted.by_archives))).alias(
            _ARCHIVED
        ),
        _brief(rule, by, at).alias(_BRIEF),
        _cell(place.table.merged_into_column).alias(_SURVIVOR),
        _undone(rule).alias(_UNDONE),
    )


def _undone(rule: LossRule) -> pl.Expr:
    """True for a record on which work was not done, such as an open case."""
    if rule.state_column is None:
        return pl.lit(False)  # noqa: FBT003
    state = _cell(rule.state_column)
    return state.is_not_null() & ~state.is_in(sorted(rule.closed_states))


def _brief(rule: LossRule, by: pl.Expr, at: pl.Expr) -> pl.Expr:
    """True for a record that one user created and deleted within a day."""
    if rule.born_column is None or rule.author_column is None:
        return pl.lit(False)  # noqa: FBT003
    lived = at - instants(rule.born_column)
    same = (by != "") & (_cell(rule.author_column) == by)
    return (same & (lived <= BRIEF)).fill_null(value=False)


def _cell(column: str | None) -> pl.Expr:
    """The text of a column; null for an empty one."""
    if column is None:
        return pl.lit(None, pl.String)
    text = pl.col(column).cast(pl.String)
    return pl.when(text != "").then(text)


# --- the tree -------------------------------------------------------------------------------------


def _parents(rows: pl.DataFrame, edges: pl.DataFrame) -> NDArray[np.int64]:
    """The parent of each row: the row itself if it hangs on no other."""
    parents = np.arange(rows.height, dtype=np.int64)
    best = edges.sort("child", "rank", "parent_hidden", "column", "parent").unique(
        "child", keep="first", maintain_order=True
    )
    parents[best["child"].to_numpy()] = best["parent"].to_numpy()
    return parents


def _edges(places: Sequence[_Place], rows: pl.DataFrame, rules: LossRules) -> pl.DataFrame:
    """All references from one deleted record to another, with the rank of the reference."""
    parts = [
        _edges_of(place, column, number, rows)
        for place in places
        for number, column in enumerate(_references(place.table))
    ]
    links = [_linked(place, link, rows) for link in rules.links for place in places]
    empty = pl.DataFrame(schema=_EDGE)
    edges = pl.concat([empty, *parts, *(part for part in links if part is not None)])
    # What a person deleted is a loss, also if an archive took the record on which it hangs.
    archived = rows[_ARCHIVED]
    alike = archived.gather(edges["child"]) == archived.gather(edges["parent"])
    return edges.filter(alike)


_EDGE = {
    "child": pl.Int64,
    "parent": pl.Int64,
    "rank": pl.Int64,
    "column": pl.Int64,
    "parent_hidden": pl.Boolean,
}


def _references(table: Table) -> list[Column]:
    return [*filter(names_ids, table.columns)]


def _edges_of(place: _Place, column: Column, number: int, rows: pl.DataFrame) -> pl.DataFrame:
    assert column.reference is not None
    rule, opened = column.reference.rule, place.rule is not None
    rank = _BINDING.index(rule) if rule in _BINDING else len(_BINDING)
    targets = rows.select(
        pl.col(_TABLE).alias(TABLE), pl.col(_ID).alias(TEXT), pl.col(_N).alias(RECORD)
    )
    named = naming_rows(place.cells, column, targets)
    pairs = named.select(
        (pl.col(AT).cast(pl.Int64) + place.start).alias("child"), pl.col(RECORD).alias("parent")
    ).join(rows, left_on="parent", right_on=_N)
    if rank == len(_BINDING):  # a loose reference: only what one user deleted belongs together
        by = rows.select(pl.col(_N).alias("child"), pl.col(_BY).alias("child_by"))
        pairs = pairs.join(by, on="child").filter(
            (pl.col(_BY) == pl.col("child_by"))
            & (pl.col(_TABLE) != place.table.name)
            & (pl.col(_BY) != "")
        )
    # A record that counts may only hang on one that counts: its root must be one.
    fitting = pairs.filter(pl.col(_OPENED)) if opened else pairs
    return fitting.select(
        "child",
        "parent",
        pl.lit(rank, pl.Int64).alias("rank"),
        pl.lit(number, pl.Int64).alias("column"),
        (~pl.col(_OPENED)).alias("parent_hidden"),
    ).filter(pl.col("child") != pl.col("parent"))


def _linked(place: _Place, link: LossLink, rows: pl.DataFrame) -> pl.DataFrame | None:
    """The records that deleted links attached to deleted records, such as files."""
    if place.table.name != link.table:
        return None
    opened = rows.filter(pl.col(_OPENED)).select(_ID, _N)
    pairs = place.cells.select(
        _cell(link.member_column).alias("member"), _cell(link.holder_column).alias("holder")
    )
    known = pairs.join(opened.rename({_ID: "member", _N: "child"}), on="member").join(
        opened.rename({_ID: "holder", _N: "parent"}), on="holder"
    )
    return known.select(
        "child",
        "parent",
        pl.lit(len(_BINDING) + 1, pl.Int64).alias("rank"),
        pl.lit(0, pl.Int64).alias("column"),
        pl.lit(False).alias("parent_hidden"),  # noqa: FBT003
    ).filter(pl.col("child") != pl.col("parent"))


# --- groups ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Via:
    """A binding reference of a table to tables that people open."""

    table: str
    column: str
    tables: tuple[str, ...]


def _vias(places: Sequence[_Place], rules: LossRules) -> list[_Via]:
    return [
        _Via(place.table.name, column.name, opened)
        for place in places
        if place.rule is not None
        for rule in _BINDING
        for column in _references(place.table)
        if column.reference is not None and column.reference.rule is rule
        if (opened := tuple(name for name in column.reference.tables if name in rules.tables))
    ]


def _roots(counting: pl.DataFrame, places: Sequence[_Place], rules: LossRules) -> pl.DataFrame:
    """The records at the head of each tree, with the live record on which each depended.

    Briefly lived are only roots with nothing else in their tree.
    """
    brief = counting.group_by(_ROOT).agg(pl.col(_BRIEF).all(), (pl.len() - 1).alias(_BELOW))
    roots = counting.filter(pl.col(_N) == pl.col(_ROOT)).drop(_BRIEF)
    vias = _vias(places, rules)
    depended = pl.concat(
        [_depended(place, vias) for place in places if place.rule is not None],
    )
    return roots.join(brief, on=_ROOT).join(depended, on=_N)


def _depended(place: _Place, vias: Sequence[_Via]) -> pl.DataFrame:
    """The first record on which each depends, and the number of the reference; or nulls."""
    mine = [(at, via.column) for at, via in enumerate(vias) if via.table == place.table.name]
    cells = [_cell(column) for _, column in mine]
    numbers = [
        pl.when(cell.is_not_null()).then(pl.lit(at, pl.Int64))
        for cell, (at, _) in zip(cells, mine, strict=True)
    ]
    return place.cells.select(
        place.numbers,
        pl.coalesce(*cells, pl.lit(None, pl.String)).alias(_PARENT),
        pl.coalesce(*numbers, pl.lit(None, pl.Int64)).alias(_VIA),
    )


def _grouped(roots: pl.DataFrame) -> pl.DataFrame:
    """The roots with the number of their group."""
    fold = (
        pl.when(_ARCHIVED)
        .then(pl.lit(FoldReason.ARCHIVED.value))
        .when(_OWN)
        .then(pl.lit(FoldReason.OWN_RUN.value))
        .when(pl.col(_SURVIVOR).is_not_null())
        .then(pl.lit(FoldReason.MERGED.value))
        .when(_BRIEF)
        .then(pl.lit(FoldReason.BRIEF.value))
        .otherwise(pl.lit(""))
    )
    base = (
        pl.when(pl.col(_FOLD) == FoldReason.MERGED.value)
        .then(pl.col(_SURVIVOR))
        .when(pl.col(_FOLD) != "")
        .then(pl.lit(""))
        .otherwise(pl.coalesce("<" + pl.col(_PARENT), ">" + pl.col(_ID)))
    )
    act = [_TABLE, _BY, _FOLD]
    roots = roots.with_columns(fold.alias(_FOLD)).with_columns(base.alias("base"))
    many = pl.col("base").n_unique().over(act) > MANY
    roots = roots.with_columns(pl.when(many).then(pl.lit("")).otherwise("base").alias("base"))
    return roots.with_columns(pl.struct(*act, "base").rank("dense").alias(_GROUP))


def _groups(
    roots: pl.DataFrame, counting: pl.DataFrame, vias: Sequence[_Via], locate: Locate
) -> Iterator[LossGroup]:
    undone = pl.col(_UNDONE) & (pl.col(_N) != pl.col(_ROOT))
    members = (
        counting.join(roots.select(_ROOT, _GROUP), on=_ROOT)
        .sort(_TABLE, _ID)
        .group_by(_GROUP, _TABLE, maintain_order=True)
        .agg(_ID, undone.sum().alias(_UNDONE))
    )
    records: dict[int, dict[str, tuple[str, ...]]] = {}
    open_counts: dict[int, dict[str, int]] = {}
    for row in members.iter_rows(named=True):
        records.setdefault(row[_GROUP], {})[row[_TABLE]] = tuple(row[_ID])
        if row[_UNDONE]:
            open_counts.setdefault(row[_GROUP], {})[row[_TABLE]] = row[_UNDONE]
    facts = list(_facts(roots))
    parents = _located(facts, vias, locate)
    for row in facts:
        group = _group(row, records[row[_GROUP]], parents)
        yield replace(group, open_counts=open_counts.get(row[_GROUP], {}))


def _facts(roots: pl.DataFrame) -> Iterator[dict[str, Any]]:
    groups = roots.sort(_ID).group_by(_GROUP, _TABLE, _BY, _FOLD, "base").agg(
        pl.col(_ID),
        pl.col(_AT).min().alias("first"),
        pl.col(_AT).max().alias("last"),
        pl.col(_BIN).min(),
        pl.col(_BELOW).max(),
        pl.col(_UNDONE).sum(),
        pl.col(_PARENT).first(),
        pl.col(_VIA).first(),
    )  # fmt: skip
    first = pl.col(_ID).list.first()
    return groups.with_columns(first.alias("head")).sort(_TABLE, "head").iter_rows(named=True)


def _located(
    facts: Sequence[Mapping[str, Any]], vias: Sequence[_Via], locate: Locate
) -> Mapping[tuple[str, int], RecordKey]:
    """The live parents of groups, by their id and the reference to them."""
    wanted: dict[int, list[str]] = {}
    for row in facts:
        if row["base"].startswith("<"):
            wanted.setdefault(row[_VIA], []).append(row[_PARENT])
    parents: dict[tuple[str, int], RecordKey] = {}
    for via, ids in wanted.items():
        tables = vias[via].tables
        known = locate(tables, ids) if len(tables) > 1 else dict.fromkeys(ids, tables[0])
        parents |= {(record, via): RecordKey(table, record) for record, table in known.items()}
    return parents


def _group(
    row: Mapping[str, Any],
    records: Mapping[str, tuple[str, ...]],
    parents: Mapping[tuple[str, int], RecordKey],
) -> LossGroup:
    base, merged = row["base"], row[_FOLD] == FoldReason.MERGED.value
    return LossGroup(
        table=row[_TABLE],
        roots=tuple(row[_ID]),
        records=records,
        by=row[_BY],
        first=row["first"],
        last=row["last"],
        bin_until=row[_BIN],
        parent=parents.get((row[_PARENT], row[_VIA])) if base.startswith("<") else None,
        merged_into=RecordKey(row[_TABLE], base) if merged and base else None,
        folded=FoldReason(row[_FOLD]) if row[_FOLD] else None,
        below=row[_BELOW],
        open_roots=row[_UNDONE],
    )

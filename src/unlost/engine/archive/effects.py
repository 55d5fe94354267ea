"""Effects of an archive beyond the records that leave: roll-ups, numbers, and rows without a way
back.

A backup does not say how the org calculates a roll-up. If its values equal the number of the
related records, or the sum of one of their columns, for each record that stays, its new value is
known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from unlost.engine.archive.graph import ArchiveGraph
from unlost.engine.archive.members import ID, NODE, near_to
from unlost.engine.archive.settle import Mask
from unlost.engine.archive.shared import FILE, NAMED
from unlost.engine.storage import versions
from unlost.engine.storage.chunks import in_chunks
from unlost.engine.storage.mails import frame
from unlost.model.archive import LeavingTable
from unlost.model.archive_effects import (
    ArchiveEffects,
    GivenNumber,
    LosingFiles,
    SummaryChange,
    UnreturningCount,
)
from unlost.model.archive_facts import ArchiveFacts
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import (
    Column,
    ColumnTrait,
    DeleteRule,
    Schema,
    Table,
    WireKind,
)
from unlost.model.source.shared_files import SharedFile
from unlost.model.storage import OldVersions

LARGEST = 20  # files whose old versions a preview lists
PARENT, GOES, VALUE, COUNT = "_u_parent", "_u_goes", "_u_value", "_u_count"  # like no column
_NUMBERS = (WireKind.INTEGER, WireKind.DECIMAL)
_CLOSE = 1e-6  # sums of decimals differ by their order


def effects_of(
    snapshot: Snapshot,
    graph: ArchiveGraph,
    going: Mask,
    tables: Sequence[LeavingTable],
    facts: ArchiveFacts,
    kind: SharedFile | None = None,
) -> ArchiveEffects:
    """The effects of a policy whose records leave these tables; the recycle bin is not among them.

    ``kind``: of the files whose old versions it frees.
    """
    schema = snapshot.schema()
    leaving = [table for line in tables if (table := schema.table(line.table)) is not None]
    return ArchiveEffects(
        tuple(_summaries(snapshot, graph, going, schema, leaving)),
        tuple(
            GivenNumber(table.name, column.name)
            for table in leaving
            for column in table.columns
            if column.has(ColumnTrait.AUTO_NUMBER)
        ),
        tuple(
            UnreturningCount(line.table, line.records)
            for line in tables
            if line.table in facts.unreturning
        ),
        files=tuple(losing_files(graph, going)) if kind is None else (),
        old_versions=_freed_versions(snapshot, graph, going, kind),
    )


def _freed_versions(
    snapshot: Snapshot, graph: ArchiveGraph, going: Mask, kind: SharedFile | None
) -> OldVersions | None:
    if kind is None or kind.versions is None:
        return None
    files = leaving_ids(graph, going, kind.table).rename({ID: versions.FILE})
    total = versions.old_by_file(snapshot, kind.versions.rule)
    return versions.summed(total.join(files, on=versions.FILE, how="semi"), most=LARGEST)


def losing_files(graph: ArchiveGraph, going: Mask) -> Iterator[LosingFiles]:
    """The number of records that stay and lose files, by table."""
    for released in graph.released:
        leaving = released.links.filter(pl.Series(going[released.links[FILE].to_numpy()]))
        gone = leaving_ids(graph, going, released.table).rename({ID: NAMED})
        losing = leaving.join(gone, on=NAMED, how="anti")
        if len(losing):
            yield LosingFiles(released.table, losing[NAMED].n_unique(), losing[FILE].n_unique())


def leaving_ids(graph: ArchiveGraph, going: Mask, table: str) -> pl.DataFrame:
    """The ids of a table's records that go, in the order in which they were met."""
    members = graph.members.of([table])
    return members.filter(pl.Series(going[members[NODE].to_numpy()])).select(ID)


@dataclass(frozen=True, slots=True)
class _Relation:
    """Records of ``leaving`` that refer by ``column`` to ``parent``, which has ``summaries``."""

    leaving: Table
    column: str
    parent: Table
    summaries: tuple[Column, ...]


def _relations(schema: Schema, leaving: Sequence[Table]) -> Iterator[_Relation]:
    """Only a record that takes others along can have roll-ups of them."""
    for table in leaving:
        for column in table.columns:
            if column.reference is None or column.reference.rule is not DeleteRule.CASCADE:
                continue
            for parent in filter(None, map(schema.table, column.reference.tables)):
                summaries = tuple(c for c in parent.columns if c.has(ColumnTrait.SUMMARY))
                if summaries:
                    yield _Relation(table, column.name, parent, summaries)


def _summaries(
    snapshot: Snapshot,
    graph: ArchiveGraph,
    going: Mask,
    schema: Schema,
    leaving: Sequence[Table],
) -> Iterator[SummaryChange]:
    for relation in _relations(schema, leaving):
        ids = leaving_ids(graph, going, relation.leaving.name)
        gone = leaving_ids(graph, going, relation.parent.name)
        staying = _parents(snapshot, relation, ids).join(gone, on=ID, how="anti")
        if len(staying):
            values = _values(snapshot, relation, staying)
            sums = _sums(snapshot, relation, ids, staying)
            for column in relation.summaries:
                change = _change(relation, column, values, sums)
                if change.records:
                    yield change


def _parents(snapshot: Snapshot, relation: _Relation, ids: pl.DataFrame) -> pl.DataFrame:
    """The records to which leaving ones refer."""
    parts = [
        rows.join(near_to(ids, rows[ID]), on=ID, how="semi")
        .select(pl.col(relation.column).alias(ID))
        .drop_nulls()
        .unique()
        for rows in _frames(snapshot, relation.leaving.name, [relation.column])
    ]
    return pl.concat([pl.DataFrame(schema={ID: pl.String}), *parts]).unique()


def _values(snapshot: Snapshot, relation: _Relation, staying: pl.DataFrame) -> pl.DataFrame:
    """The roll-ups of records that stay: ``id``, and numbers."""
    names = [column.name for column in relation.summaries]
    parts = [
        rows.join(staying, on=ID, how="semi").select(ID, *map(_number, names))
        for rows in _frames(snapshot, relation.parent.name, names)
    ]
    shape = {ID: pl.String, **dict.fromkeys(names, pl.Float64)}
    return pl.concat([pl.DataFrame(schema=shape), *parts])


def _sums(
    snapshot: Snapshot, relation: _Relation, ids: pl.DataFrame, staying: pl.DataFrame
) -> pl.DataFrame:
    """Sums for each record that stays, by ``parent`` and whether the summed records go."""
    names = [column.name for column in relation.leaving.columns if column.kind in _NUMBERS]
    parts = []
    for rows in _frames(snapshot, relation.leaving.name, [relation.column, *names]):
        related = rows.rename({relation.column: PARENT}).join(
            staying.rename({ID: PARENT}), on=PARENT, how="semi"
        )
        goes = pl.col(ID).is_in(near_to(ids, rows[ID])[ID].implode()).alias(GOES)
        numbers = related.select(PARENT, goes, pl.lit(1.0).alias(COUNT), *map(_number, names))
        parts.append(numbers.group_by(PARENT, GOES).agg(pl.col(COUNT, *names).sum()))
    return pl.concat(parts).group_by(PARENT, GOES).agg(pl.col(COUNT, *names).sum())


def _change(
    relation: _Relation, column: Column, values: pl.DataFrame, sums: pl.DataFrame
) -> SummaryChange:
    known = values.select(pl.col(ID).alias(PARENT), pl.col(column.name).alias(VALUE)).drop_nulls()
    candidates = [name for name in sums.columns if name not in (PARENT, GOES)]
    totals = sums.group_by(PARENT).agg(pl.col(candidates).sum()).join(known, on=PARENT)
    equal = {
        round(float(sums.filter(GOES)[name].sum()), 6)
        for name in candidates
        if ((totals[name] - totals[VALUE]).abs() <= _CLOSE * (1 + totals[VALUE].abs())).all()
    }
    before = float(known[VALUE].sum())
    after = before - equal.pop() if len(equal) == 1 else None
    return SummaryChange(
        relation.parent.name, column.name, relation.leaving.name, len(known), before, after
    )


def _number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64, strict=False)


def _frames(snapshot: Snapshot, table: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    wanted = list(dict.fromkeys(columns))
    for rows in in_chunks(snapshot.read(table, ["_u_id", *wanted])):
        yield frame(rows).rename({"_u_id": ID})

"""The order in which the records of a policy leave the org, if a plan cannot have all of them."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from unlost.engine.archive.conditions import moments
from unlost.engine.archive.graph import ArchiveGraph
from unlost.engine.archive.groups import GroupOrder, Ranking
from unlost.engine.archive.members import ID, NODE, near_to
from unlost.engine.archive.preview import sizes_of, without_newest
from unlost.engine.archive.versions import of_columns
from unlost.engine.storage.chunks import in_chunks
from unlost.engine.storage.mails import frame
from unlost.model.archive import ArchiveOrder, ArchivePolicy, Comparison
from unlost.model.ports.vault import Snapshot
from unlost.model.source.shared_files import SharedFile
from unlost.model.storage import StorageRule

MODIFIED, AT, BYTES = "_u_modified_at", "at", "bytes"


def age_column(policy: ArchivePolicy) -> str | None:
    """The column of the first age condition on the selected records; None without one."""
    tests = (test for test in of_columns(policy) if test.comparison is Comparison.OLDER)
    return next((test.column for test in tests), None)


def order_of(
    copy: Snapshot,
    policy: ArchivePolicy,
    graph: ArchiveGraph,
    *,
    rules: Mapping[str, StorageRule],
    kind: SharedFile | None = None,
) -> GroupOrder | None:
    """The order of a policy; None if it has none. It reads dates or sizes from the backup.

    ``kind``: the files of which the policy frees old versions.
    """
    column = age_column(policy)
    match policy.order:
        case ArchiveOrder.LARGEST:
            return _largest(copy, graph, rules, kind)
        case ArchiveOrder.OLDEST:
            return _oldest(copy, policy, graph, column or MODIFIED)
        case _:
            return _oldest(copy, policy, graph, column) if column is not None else None


def _oldest(copy: Snapshot, policy: ArchivePolicy, graph: ArchiveGraph, column: str) -> GroupOrder:
    values = np.full(graph.members.count, np.inf)
    at = pl.col(MODIFIED) if column == MODIFIED else moments(column)
    wanted = (pl.col("_u_id").alias(ID), at.dt.epoch("us").cast(pl.Float64).alias(AT))
    roots = graph.members.of([policy.table]).filter(pl.col(NODE) < len(graph.roots))
    for rows in in_chunks(copy.read(policy.table, ["_u_id", column])):
        dates = frame(rows).select(wanted).drop_nulls(AT)
        known = near_to(roots, dates[ID]).join(dates, on=ID)
        values[known[NODE].to_numpy()] = known[AT].to_numpy()
    return GroupOrder(values, Ranking.LEAST)


def _largest(
    copy: Snapshot,
    graph: ArchiveGraph,
    rules: Mapping[str, StorageRule],
    kind: SharedFile | None,
) -> GroupOrder:
    values = np.zeros(graph.members.count)
    for table, members in graph.members.tables.items():
        freed = without_newest(copy, table, members, kind)
        for sizes in _sizes(copy, table, freed, rules):
            values[sizes[NODE].to_numpy()] += sizes[BYTES].to_numpy()
    return GroupOrder(values, Ranking.LARGEST)


def _sizes(
    copy: Snapshot, table: str, members: pl.DataFrame, rules: Mapping[str, StorageRule]
) -> Iterator[pl.DataFrame]:
    """The numbers of records and their bytes: ``node`` and ``bytes``; each record once at a time."""
    rule = rules.get(table)
    for weight in rule.weights if rule is not None else ():
        if weight.size_column is None and not weight.texts:
            yield members.select(NODE, pl.lit(float(weight.least)).alias(BYTES))
            continue
        for sizes in sizes_of(copy, table, weight):
            yield near_to(members, sizes[ID]).join(sizes, on=ID).select(NODE, BYTES)

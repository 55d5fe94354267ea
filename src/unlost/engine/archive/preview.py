"""The preview of a policy: the records that would go, their bytes, and why others stay.

It reads one backup, and makes no call to the org.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl

from unlost.engine.archive.effects import effects_of, leaving_ids
from unlost.engine.archive.graph import NO_FACTS, OWNER, ROW, ArchiveGraph, collect
from unlost.engine.archive.members import ID, NODE, near_to
from unlost.engine.archive.settle import Mask
from unlost.engine.archive.versions import freed_kind, newest_versions
from unlost.engine.storage.chunks import in_chunks
from unlost.engine.storage.mails import frame, measured, size_of_measured
from unlost.model.archive import (
    ArchivePolicy,
    ArchivePreview,
    EmptiedCount,
    LeavingTable,
    StayCount,
)
from unlost.model.archive_facts import ArchiveFacts
from unlost.model.ports.vault import Snapshot
from unlost.model.source.shared_files import SharedFile
from unlost.model.storage import StorageRule, StorageWeight
from unlost.model.vault.retention import Hold

SAMPLES = 5


def preview(
    snapshot: Snapshot,
    policy: ArchivePolicy,
    rules: Mapping[str, StorageRule],
    *,
    shared: Sequence[SharedFile] = (),
    holds: Sequence[Hold] = (),
    facts: ArchiveFacts = NO_FACTS,
    now: datetime,
) -> ArchivePreview:
    """The effect of a policy on the org, as of a backup.

    Raises UsageError (``archive-…``) for a policy that cannot be used.
    """
    graph = collect(snapshot, policy, shared=shared, holds=holds, facts=facts, now=now)
    going = graph.going()
    roots = graph.roots[going[graph.roots]]
    kind = freed_kind(policy, shared)
    tables = tuple(_leaving(snapshot, graph, going, rules, kind))
    return ArchivePreview(
        policy,
        snapshot.info.number,
        snapshot.info.as_of,
        len(graph.roots),
        len(roots),
        graph.named(roots[:SAMPLES].tolist()),
        tables,
        tuple(stays_of(graph, going)),
        tuple(_emptied(graph, going)),
        effects_of(snapshot, graph, going, tables, facts, kind),
    )


def _leaving(
    snapshot: Snapshot,
    graph: ArchiveGraph,
    going: Mask,
    rules: Mapping[str, StorageRule],
    kind: SharedFile | None,
) -> Iterator[LeavingTable]:
    for table in sorted(graph.members.tables):
        ids = leaving_ids(graph, going, table)
        if len(ids):
            freed = without_newest(snapshot, table, ids, kind)
            yield LeavingTable(table, len(ids), bytes_of(snapshot, table, freed, rules))


def without_newest(
    snapshot: Snapshot, table: str, ids: pl.DataFrame, kind: SharedFile | None
) -> pl.DataFrame:
    """The records whose storage is freed: the newest versions of files stay, in new files."""
    if kind is None or kind.versions is None or table != kind.versions.rule.table:
        return ids
    return ids.join(newest_versions(snapshot, kind.versions.rule), on=ID, how="anti")


def bytes_of(
    snapshot: Snapshot, table: str, ids: pl.DataFrame, rules: Mapping[str, StorageRule]
) -> Mapping[str, int]:
    """The bytes that live records of a table need, by storage. ``ids``: frame of ``id``."""
    rule = rules.get(table)
    weights = rule.weights if rule is not None else ()
    return {weight.storage: _bytes(snapshot, table, weight, ids) for weight in weights}


def bytes_of_records(
    snapshot: Snapshot, records: Mapping[str, Sequence[str]], rules: Mapping[str, StorageRule]
) -> Mapping[str, int]:
    """The bytes that live records need, by storage. ``records``: ids by table."""
    sums: Counter[str] = Counter()
    for table, ids in records.items():
        sums.update(bytes_of(snapshot, table, pl.DataFrame({ID: list(ids)}), rules))
    return sums


def _bytes(snapshot: Snapshot, table: str, weight: StorageWeight, ids: pl.DataFrame) -> int:
    """The bytes that these records need; their rows are read only where they decide it."""
    if not weight.texts and not weight.size_column:
        return weight.least * len(ids)
    return sum(
        int(sizes.join(near_to(ids, sizes[ID]), on=ID, how="semi")["bytes"].sum())
        for sizes in sizes_of(snapshot, table, weight)
    )


def sizes_of(snapshot: Snapshot, table: str, weight: StorageWeight) -> Iterator[pl.DataFrame]:
    """The bytes of all live records, many at a time: of their texts only the sizes are kept."""
    columns = [*weight.texts, *([weight.size_column] if weight.size_column else [])]
    wanted = (pl.col("_u_id").alias(ID), size_of_measured(weight).alias("bytes"))
    batches = (
        measured(batch, weight.texts).select(["_u_id", *columns])
        # ``scan`` reads texts in smaller parts than ``read`` does.
        for batch in snapshot.scan(table, columns=columns)
    )
    return (frame(rows).select(wanted) for rows in in_chunks(batches))


def stays_of(graph: ArchiveGraph, going: Mask) -> Iterator[StayCount]:
    """The number of records that stay for each cause."""
    causes = pl.concat([graph.stops, graph.unmet(going)]).unique()
    for number, cause in enumerate(graph.causes):
        nodes = causes.filter(pl.col("cause") == number)[NODE].sort()
        if len(nodes):
            few = graph.places(nodes.head(SAMPLES).to_list())
            yield StayCount(cause, len(nodes), few, graph.roots_with(nodes.to_numpy()))


def _emptied(graph: ArchiveGraph, going: Mask) -> Iterator[EmptiedCount]:
    """The number of records that stay and lose a reference, by column."""
    for references in graph.emptied:
        outside = references.outside
        lost = int(outside["rows"].to_numpy()[going[outside[OWNER].to_numpy()]].sum())
        owner, row = references.pairs[OWNER].to_numpy(), references.pairs[ROW].to_numpy()
        lost += len(np.unique(row[going[owner] & ~going[row]]))
        if lost:
            yield EmptiedCount(references.table, references.column, lost)

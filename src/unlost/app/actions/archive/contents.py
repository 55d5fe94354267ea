"""The archive of an org: the records that archives took out of it and the vault has, counted.

table ── archived rows, batch by batch ──> records and bytes of each archive ──> by table, by run
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

import pyarrow as pa

from unlost.app.access import action
from unlost.app.archive.freed import figures_by_run
from unlost.app.archive.periods import archives_of
from unlost.app.compose import Application
from unlost.app.records.archived.archived_rows import SNAP, ArchivedRows, archived_records
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.storage.mails import frame, measured, size_of_measured
from unlost.model.access import Right, Trace
from unlost.model.purge import names_purge
from unlost.model.storage import StorageRule, StorageWeight


@dataclass(frozen=True, slots=True)
class ArchivedTable:
    """Archived records of a table; ``bytes``: the storage of the org that they needed.

    Without sizes, ``bytes`` is 0.
    """

    table: str
    label: str
    records: int
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """The records that an archive run took out of the org, without those that came back.

    ``predicted``: the bytes that the run was to free; 0 if that is unknown. ``due``: the day on which
    the retention of its records ends; None for ever.
    """

    run: str
    policy: str
    archived: datetime
    records: int
    bytes: int
    tables: tuple[ArchivedTable, ...]
    predicted: int = 0
    due: date | None = None

    @property
    def is_purge(self) -> bool:
        """True for a purge."""
        return names_purge(self.policy)


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """The archived records of an org: by table, most first, and by run, newest first.

    ``sized``: the bytes were measured.
    """

    org: str
    zone: str
    sized: bool
    records: int
    bytes: int
    tables: tuple[ArchivedTable, ...]
    runs: tuple[ArchivedRun, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """The archived records of a table by commit, with their bytes."""

    table: ArchivedTable
    records: Mapping[int, int]
    bytes: Mapping[int, int]

    def of(self, commit: int) -> ArchivedTable:
        """Return what one commit archived."""
        return replace(self.table, records=self.records[commit], bytes=self.bytes.get(commit, 0))


@action("archive.contents", Right.READ, trace=Trace.READ)
def archive_contents(app: Application, org: str, *, sizes: bool = False) -> ArchiveContents:
    """Count the archived records of an org by table and by run; raises NotFound (``org-unknown``).

    ``sizes``: measure also the storage that they needed. This reads the texts of archived e-mails.
    """
    known = get_org(org)
    archive = archived_records(app, known)
    parts = list(_parts(app, known, archive, sizes=sizes)) if archive is not None else []
    tables = sorted((part.table for part in parts), key=lambda each: (-each.records, each.table))
    return ArchiveContents(
        known.name,
        known.identity.zone,
        sizes,
        sum(table.records for table in tables),
        sum(table.bytes for table in tables),
        tuple(tables),
        tuple(_runs(app, known, parts)),
    )


def _parts(
    app: Application, org: ProtectedOrg, archive: ArchivedRows, *, sizes: bool
) -> Iterator[_Part]:
    """Yield the tables that have archived records."""
    schema = archive.head.schema()
    rules = app.connector(org.identity.connector).storage_rules(schema) if sizes else {}
    words = TableWords(schema)
    for name in sorted(table.name for table in schema.tables):
        records, sums = _counted(archive, name, rules.get(name)) if archive.size(name) else ({}, {})
        total = sum(records.values())
        if total:
            label = words.label(name, count=total)
            table = ArchivedTable(name, label, total, sum(sums.values()))
            yield _Part(table, records, sums)


def _counted(
    archive: ArchivedRows, table: str, rule: StorageRule | None
) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """Return the records of a table and their bytes, by commit."""
    weights = rule.weights if rule is not None else ()
    columns = dict.fromkeys(name for weight in weights for name in _columns(weight))
    records: Counter[int] = Counter()
    sums: Counter[int] = Counter()
    for rows in archive.current(table, list(columns)):
        counts = rows[SNAP].value_counts()
        records.update(dict(zip(*(part.to_pylist() for part in counts.flatten()), strict=True)))
        for weight in weights:
            for batch in rows.to_batches():
                sums.update(_bytes(batch, weight))
    return records, sums


def _columns(weight: StorageWeight) -> tuple[str, ...]:
    return (*weight.texts, *((weight.size_column,) if weight.size_column else ()))


def _bytes(batch: pa.RecordBatch, weight: StorageWeight) -> Mapping[int, int]:
    """Return the bytes of the rows by commit."""
    size = size_of_measured(weight).alias("bytes")
    rows = frame(measured(batch.select([SNAP, *_columns(weight)]), weight.texts))
    sums = rows.select(SNAP, size).group_by(SNAP).sum()
    return dict(zip(sums[SNAP].to_list(), sums["bytes"].to_list(), strict=True))


def _runs(app: Application, org: ProtectedOrg, parts: list[_Part]) -> Iterator[ArchivedRun]:
    """Yield the archives of which records are still archived, newest first."""
    commits = {info.number: info for info in app.vault.commits(org.oid)}
    figures = figures_by_run(org)
    for archive in reversed(archives_of(app, org)):
        mine = (part.of(archive.number) for part in parts if archive.number in part.records)
        tables = sorted(mine, key=lambda each: (-each.records, each.table))
        if tables:
            yield ArchivedRun(
                archive.run,
                archive.period.policy if archive.period is not None else "",
                commits[archive.number].finished,
                sum(table.records for table in tables),
                sum(table.bytes for table in tables),
                tuple(tables),
                sum(figure.bytes for figure in figures.get(archive.run, ())),
                archive.ends,
            )

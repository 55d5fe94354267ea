"""Replacement certificates: what is still known of a backup whose certificate is lost, and a gap.

A backup without a certificate would pass for a backup without gaps, and the next one relies on it.
See docs/adr/0032.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Noun, counted, message
from unlost.model.source.schema import Schema, Table, WireKind
from unlost.model.vault.certificate import Certificate, TableLine, Verdict
from unlost.model.vault.snapshot import CommitKind, Counts, SnapshotInfo, TableState, nights
from unlost.vault.commits.state import LiveState
from unlost.vault.format.manifest import Manifest
from unlost.vault.format.physical import FILES, U_ID, U_SNAP
from unlost.vault.maintenance.retain.contents import files_column
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.objects.files import FILE_ROW
from unlost.vault.read.merge import key_rows, newest_of_each
from unlost.vault.read.org_vault import OrgVault

_QUOTE = '"'
_TABLE = 3  # of the parts between the quotes of ["file","Table","Id","Column"]
LOST = Finding.of(
    FindingKind.SALVAGED,
    Severity.GAP,
    "The certificate of this backup was lost. The gaps that it listed are unknown.",
    "Start a new backup. It verifies everything again.",
)
FILES_UNKNOWN = Finding.of(
    FindingKind.FILE_UNREADABLE,
    Severity.GAP,
    "The certificate of this backup was lost. It is unknown whether all files were read.",
    "The next backup fully re-reads the table, with all files that the vault does not have.",
)

type Files = Mapping[str, tuple[int, int]]
"""By table how many files the vault has of it, and their bytes."""


@dataclass(frozen=True, slots=True)
class ReplacementCertificates:
    """Writes replacement certificates; ``state``: the org as it is after the salvage."""

    org_vault: OrgVault
    state: LiveState
    pause: Pause

    def of(self, names: Iterable[str]) -> Iterator[tuple[str, Certificate]]:
        """Iterate over replacements for the certificates with these names.

        There is none if no commit names the certificate, or if the manifest is lost: then the
        backup cannot be shown.
        """
        lost = frozenset(names)
        manifests = {
            number: manifest
            for number, info in sorted(self.state.commits.items())
            if info.certificate in lost and (manifest := self._manifest(number)) is not None
        }
        files = self._files(manifests) if manifests else {}
        for number, manifest in manifests.items():
            info = self.state.commits[number]
            assert info.certificate is not None, "it is one of those that are lost"
            yield info.certificate, self._certificate(manifest, info, files.get(number, {}))

    def _manifest(self, number: int) -> Manifest | None:
        with suppress(IntegrityError, NotFound):
            return self.org_vault.chain.manifest(number)[0]
        return None

    def _certificate(self, manifest: Manifest, info: SnapshotInfo, files: Files) -> Certificate:
        lines = tuple(self._lines(manifest, info, files))
        text = message(
            Verdict.GAPS.value,
            "{why} The vault has {records} of {tables}.",
            why=LOST.message,
            records=counted(sum(line.stored for line in lines), Noun.RECORD),
            tables=counted(len(lines), Noun.TABLE),
        )
        return Certificate(
            org=manifest.identity,
            run=info.run,
            as_of=info.as_of,
            started=info.started,
            finished=info.finished,
            tables=lines,
            findings=(LOST,),
            quotas=(),
            verdict=Verdict.GAPS,
            sentence=text.sentence,
            template=text.template,
            args=text.args,
            files=sum(line.files for line in lines),
            file_bytes=sum(line.file_bytes for line in lines),
            rests_on=self._night_before(info.number) if info.partial else None,
        )

    def _lines(self, manifest: Manifest, info: SnapshotInfo, files: Files) -> Iterator[TableLine]:
        """Iterate over the lines of the tables.

        An hourly backup has only the tables read since the last nightly one, whose certificate has
        the rest.
        """
        schema, read = self.org_vault.schemas.get(manifest.schema).schema, self._read_since(info)
        for state in manifest.states:
            if not info.partial or state.table in read:
                line = _line(manifest, state, schema, files)
                yield line if info.read(state.table) else replace(line, carried=True)

    def _read_since(self, hour: SnapshotInfo) -> frozenset[str]:
        """Return the tables that hourly backups have read since the last nightly one."""
        night = self._night_before(hour.number) or 0
        hours = (
            info for number, info in self.state.commits.items() if night < number <= hour.number
        )
        return frozenset(table for info in hours for table in info.only)

    def _night_before(self, number: int) -> int | None:
        backups = (info for _, info in sorted(self.state.commits.items()) if info.number < number)
        before = nights(backup for backup in backups if backup.kind is CommitKind.BACKUP)
        return before[-1].number if before else None

    def _files(self, numbers: Iterable[int]) -> dict[int, Files]:
        """Count the files as of some commits: each file once, in its state at that time."""
        view = self.org_vault.view(FILES, until=self.state.seq, state=self.state)
        size, frames_by_seq = files_column(self.org_vault, "size"), dict[int, list[pl.DataFrame]]()
        for rows in key_rows(view, (U_SNAP, size)):
            self.pause()
            files = rows.filter(pc.starts_with(rows.column(U_ID).cast(pa.string()), FILE_ROW))
            for number in numbers:
                then = files.filter(pc.less_equal(files.column(U_SNAP), number))
                frames_by_seq.setdefault(number, []).append(_by_table(newest_of_each(then), size))
        return {number: _summed(parts) for number, parts in frames_by_seq.items()}


def _summed(parts: Iterable[pl.DataFrame]) -> Files:
    whole = pl.concat(parts).group_by("table").agg(pl.sum("files"), pl.sum("bytes"))
    return {table: (files, size) for table, files, size in whole.iter_rows()}


def _by_table(rows: pa.Table, size: str) -> pl.DataFrame:
    cells = [rows.column(name).cast(pa.string()) for name in (U_ID, size)]
    contents = pl.DataFrame(pl.from_arrow(pa.table(cells, names=["id", "bytes"])))
    named = contents.select(
        pl.col("id").str.split(_QUOTE).list.get(_TABLE, null_on_oob=True).alias("table"),
        pl.col("bytes").cast(pl.Int64, strict=False).fill_null(0),
    )
    return named.group_by("table").agg(pl.len().cast(pl.Int64).alias("files"), pl.sum("bytes"))


def _line(manifest: Manifest, state: TableState, schema: Schema, files: Files) -> TableLine:
    parts = [part for part in manifest.tables if part.table == state.table]
    counts = sum((part.counts for part in parts), Counts())
    table = schema.table(state.table)
    count, size = files.get(state.table, (0, 0))
    return TableLine(
        state.table,
        table.label if table is not None else "",
        "",
        None,
        state.alive,
        counts.created,
        counts.changed,
        counts.deleted,
        full=any(part.full for part in parts),
        window_start=state.window_start,
        window_end=state.window_end,
        files=count,
        file_bytes=size,
        findings=tuple(_findings(state, table)),
    )


def _findings(state: TableState, table: Table | None) -> Iterator[Finding]:
    if state.finding is not None:
        yield state.finding
    if table is not None and has_files(table):
        yield replace(FILES_UNKNOWN, table=table.name)


def has_files(table: Table) -> bool:
    """Return true if records of the table may have files."""
    return bool(table.files) or any(column.kind is WireKind.BINARY for column in table.columns)

"""Files: stream files that the vault does not hold yet into it, in groups."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import pyarrow as pa

from unlost.engine.backup.row_observer import ReadResult, file_ref
from unlost.engine.backup.session import BackupSession
from unlost.engine.temp_rows import TempRows, open_temp_rows
from unlost.model.errors import TransientError
from unlost.model.ports.vault import IncomingFile
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.reading import FileRef
from unlost.model.vault.snapshot import Added, StoredFile


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Some files of one temporary file of rows: rows ``start`` to ``stop`` of a batch."""

    table: str
    temp_rows: TempRows
    batch: int
    start: int
    stop: int

    @property
    def key(self) -> str:
        """The group's key among the run's steps."""
        return f"{self.temp_rows.name}/{self.batch}/{self.start}"


@dataclass(frozen=True, slots=True)
class FilesResult:
    """The files added by a group: a JSON value. ``fresh`` files are new to the vault."""

    table: str
    added: Added | None
    fresh: int = 0
    grown: int = 0


def add_files(
    session: BackupSession,
    reads: Sequence[ReadResult],
    *,
    round_name: str,
    compare_by_size: bool = False,
) -> list[FilesResult]:
    """Add the files of the rows read to the commit.

    ``compare_by_size``: a file without a checksum in its row is the same if it has the same size.
    """
    groups = [group for read in reads for group in _groups(session, read)]
    return session.runner.map(
        f"{round_name}/files",
        lambda group: _add_group(session, group, compare_by_size=compare_by_size),
        groups,
        key=lambda group: group.key,
        result=FilesResult,
    )


def new_file_refs(
    refs: Sequence[FileRef], files: Sequence[StoredFile], *, compare_by_size: bool = False
) -> list[FileRef]:
    """The files whose present form is not in the vault: new size, new checksum, or unknown."""
    known = {(file.record, file.column): file for file in files}
    return [
        ref
        for ref in refs
        if not _unchanged(ref, known.get((ref.record, ref.column)), compare_by_size=compare_by_size)
    ]


def _unchanged(ref: FileRef, file: StoredFile | None, *, compare_by_size: bool) -> bool:
    if file is None:
        return False
    if ref.checksum is None:
        return compare_by_size and ref.size == file.size
    return ref.checksum == file.checksum and ref.size in (None, file.size)


def _groups(session: BackupSession, read: ReadResult) -> Iterator[FileGroup]:
    if not read.files.rows:
        return
    policy = session.policy
    with open_temp_rows(session.folder, read.files) as reader:
        for batch in range(reader.num_record_batches):
            sizes = reader.get_batch(batch).column("size").fill_null(0).to_pylist()
            cuts = _split_groups(sizes, policy.file_group, policy.file_group_bytes)
            for start, stop in cuts:
                yield FileGroup(read.table, read.files, batch, start, stop)


def _split_groups(sizes: Sequence[int], most: int, most_bytes: int) -> Iterator[tuple[int, int]]:
    start, group_bytes = 0, 0
    for at, size in enumerate(sizes):
        if at > start and (at - start >= most or group_bytes + size > most_bytes):
            yield start, at
            start, group_bytes = at, 0
        group_bytes += size
    yield start, len(sizes)


def _add_group(session: BackupSession, group: FileGroup, *, compare_by_size: bool) -> FilesResult:
    refs = _refs(session, group)
    files: Sequence[StoredFile] = ()
    if session.previous is not None and group.table in session.previous.tables():
        files = session.previous.files(group.table, [ref.record for ref in refs])
    # The vault's file of such a record may be an older one of the same size.
    missing = {finding.detail for finding in session.table(group.table).missing_files}
    proved = [file for file in files if file.record not in missing]
    wanted = new_file_refs(refs, proved, compare_by_size=compare_by_size)
    if not wanted:
        return FilesResult(group.table, None)
    # A generator: a file is opened only when the vault reads it.
    incoming = (IncomingFile(ref, partial(_open, session, ref)) for ref in wanted)
    added = session.commit.add_files(incoming)
    session.ports.observer.progress(
        Progress(Phase.FILES, group.table, files=added.files, bytes=added.file_bytes)
    )
    replaced = {(file.record, file.column): file.size for file in files}
    old = [replaced[key] for ref in wanted if (key := (ref.record, ref.column)) in replaced]
    return FilesResult(
        group.table, added, max(added.files - len(old), 0), added.file_bytes - sum(old)
    )


def _refs(session: BackupSession, group: FileGroup) -> list[FileRef]:
    with open_temp_rows(session.folder, group.temp_rows) as reader:
        rows = reader.get_batch(group.batch).slice(group.start, group.stop - group.start)
        return [file_ref(group.table, row) for row in pa.Table.from_batches([rows]).to_pylist()]


def _open(session: BackupSession, ref: FileRef) -> AbstractContextManager[BinaryIO]:
    try:
        return session.source.open_file(ref)
    except TransientError:
        return session.source.open_file(ref)

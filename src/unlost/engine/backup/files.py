"""Files: stream files that the vault does not hold yet into it, in groups."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, cast

import pyarrow as pa

from unlost.engine.backup.repeated_files import (
    FileKey,
    FilePlace,
    FileRound,
    RepeatedFiles,
    find_repeated,
)
from unlost.engine.backup.row_observer import ReadResult, file_ref
from unlost.engine.backup.session import BackupSession
from unlost.engine.temp_rows import TempRows, open_temp_rows
from unlost.model.errors import TransientError
from unlost.model.ports.vault import IncomingFile
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.images import is_image
from unlost.model.source.reading import FileRef
from unlost.model.vault.snapshot import Added, StoredFile

SEARCHED = 100_000  # files for which the run's other reads are searched together


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Some files of one temporary file of rows: rows ``start`` to ``stop`` of a batch.

    ``first``: the number of the group's first row in the whole file.
    """

    table: str
    temp_rows: TempRows
    batch: int
    start: int
    stop: int
    first: int

    @property
    def key(self) -> str:
        """The group's key among the run's steps."""
        return f"{self.temp_rows.name}/{self.batch}/{self.start}"


@dataclass(frozen=True, slots=True)
class FileSize:
    """The size of a file that was read, and whose row contains none."""

    record: str
    column: str
    size: int


@dataclass(frozen=True, slots=True)
class FilesResult:
    """The files added by a group: a JSON value.

    ``fresh`` files are new to the vault and to the run; the others replace one. ``grown``: bytes
    that were added, less those of replaced files. ``recovered``: files that an earlier round of the
    run could not read, and that are in the vault now.
    """

    table: str
    added: Added | None
    fresh: int = 0
    grown: int = 0
    sizes: tuple[FileSize, ...] = ()
    recovered: tuple[FileKey, ...] = ()


def add_files(
    session: BackupSession,
    reads: Sequence[ReadResult],
    *,
    round_name: str,
    compare_by_size: bool = False,
) -> list[FilesResult]:
    """Add the files of the rows read to the commit; each counts once in a run.

    ``compare_by_size``: a file without a checksum in its row is the same if it has the same size.
    """
    groups = [group for read in reads for group in _groups(session, read)]
    rounds = _rounds(reads)
    results: list[FilesResult] = []
    for part in _parts(groups):
        tables = {group.table for group in part}
        repeated = {table: _repeated(session, part, rounds[table]) for table in tables}
        results += _add_part(
            session, part, repeated, round_name=round_name, compare_by_size=compare_by_size
        )
    session.file_rounds += [_finished(rounds[table], results) for table in rounds]
    return results


def new_file_refs(
    refs: Sequence[FileRef], files: Sequence[StoredFile], *, compare_by_size: bool = False
) -> list[FileRef]:
    """The files whose present form is not in the vault: new size, new checksum, or unknown.

    The bytes of an image in a text never change under its name.
    """
    known = {(file.record, file.column): file for file in files}
    return [
        ref
        for ref in refs
        if not _unchanged(ref, known.get((ref.record, ref.column)), compare_by_size=compare_by_size)
    ]


def _unchanged(ref: FileRef, file: StoredFile | None, *, compare_by_size: bool) -> bool:
    if file is None:
        return False
    if is_image(ref.column):
        return True
    if ref.checksum is None:
        return compare_by_size and ref.size == file.size
    return ref.checksum == file.checksum and ref.size in (None, file.size)


def _groups(session: BackupSession, read: ReadResult) -> Iterator[FileGroup]:
    if not read.files.rows:
        return
    policy, before = session.policy, 0
    with open_temp_rows(session.folder, read.files) as reader:
        for batch in range(reader.num_record_batches):
            sizes = reader.get_batch(batch).column("size").fill_null(0).to_pylist()
            cuts = _split_groups(sizes, policy.file_group, policy.file_group_bytes)
            for start, stop in cuts:
                yield FileGroup(read.table, read.files, batch, start, stop, before + start)
            before += len(sizes)


def _split_groups(sizes: Sequence[int], most: int, most_bytes: int) -> Iterator[tuple[int, int]]:
    start, group_bytes = 0, 0
    for at, size in enumerate(sizes):
        if at > start and (at - start >= most or group_bytes + size > most_bytes):
            yield start, at
            start, group_bytes = at, 0
        group_bytes += size
    yield start, len(sizes)


def _rounds(reads: Sequence[ReadResult]) -> dict[str, FileRound]:
    """The files that reads name, by table, in the order in which the reads count."""
    named: dict[str, list[TempRows]] = {}
    for read in reads:
        if read.files.rows:
            named.setdefault(read.table, []).append(read.files)
    return {table: FileRound(table, tuple(files)) for table, files in named.items()}


def _parts(groups: Sequence[FileGroup]) -> Iterator[list[FileGroup]]:
    """The groups in parts of a bounded number of files."""
    part: list[FileGroup] = []
    files = 0
    for group in groups:
        part.append(group)
        files += group.stop - group.start
        if files >= SEARCHED:
            yield part
            part, files = [], 0
    if part:
        yield part


def _repeated(
    session: BackupSession, groups: Sequence[FileGroup], present: FileRound
) -> RepeatedFiles:
    rows = [_rows(session, group) for group in groups if group.table == present.table]
    records = pa.chunked_array([batch.column("record") for batch in rows])
    earlier = [past for past in session.file_rounds if past.table == present.table]
    return find_repeated(session.folder, records, present=present, earlier=earlier)


def _finished(present: FileRound, results: Sequence[FilesResult]) -> FileRound:
    """The round with the results of its groups."""
    of_table = [result for result in results if result.table == present.table]
    return FileRound(
        present.table,
        present.files,
        frozenset(key for result in of_table for key in _unread(result.added)),
        {(file.record, file.column): file.size for result in of_table for file in result.sizes},
    )


def _unread(added: Added | None) -> set[FileKey]:
    """The files that could not be read."""
    findings = added.findings if added is not None else ()
    return {(finding.detail, finding.column or "") for finding in findings}


def _add_part(
    session: BackupSession,
    groups: Sequence[FileGroup],
    repeated: Mapping[str, RepeatedFiles],
    *,
    round_name: str,
    compare_by_size: bool,
) -> list[FilesResult]:
    return session.runner.map(
        f"{round_name}/files",
        lambda group: _add_group(
            session, group, repeated[group.table], compare_by_size=compare_by_size
        ),
        groups,
        key=lambda group: group.key,
        result=FilesResult,
    )


def _add_group(
    session: BackupSession, group: FileGroup, repeated: RepeatedFiles, *, compare_by_size: bool
) -> FilesResult:
    refs = _refs(session, group, repeated)
    before = _before(session, group.table, refs) | {
        key: repeated.stored[key] for ref in refs if (key := _key(ref)) in repeated.stored
    }
    # The vault's file of such a record may be an older one of the same size.
    missing = {finding.detail for finding in session.table(group.table).missing_files}
    proved = [f for key, f in before.items() if key in repeated.stored or f.record not in missing]
    wanted = new_file_refs(refs, proved, compare_by_size=compare_by_size)
    fetched = _fetch(session, group.table, wanted, before)
    unread = _unread(fetched.added)
    recovered = (key for ref in refs if (key := _key(ref)) in repeated.unread - unread)
    return replace(fetched, recovered=tuple(recovered))


def _fetch(
    session: BackupSession,
    table: str,
    refs: Sequence[FileRef],
    before: Mapping[FileKey, StoredFile],
) -> FilesResult:
    """Add files to the commit. ``before``: the files that they replace."""
    if not refs:
        return FilesResult(table, None)
    sizes: list[FileSize] = []
    # A generator: a file is opened only when the vault reads it.
    incoming = (IncomingFile(ref, partial(_open, session, ref, sizes)) for ref in refs)
    added = session.commit.add_files(incoming)
    session.ports.observer.progress(
        Progress(Phase.FILES, table, files=added.files, bytes=added.file_bytes)
    )
    unread = _unread(added)
    replaced = [
        before[key].size for ref in refs if (key := _key(ref)) in before and key not in unread
    ]
    return FilesResult(
        table,
        added,
        added.files - len(replaced),
        added.file_bytes - sum(replaced),
        tuple(sizes),
    )


def _before(
    session: BackupSession, table: str, refs: Sequence[FileRef]
) -> dict[FileKey, StoredFile]:
    """The files of the previous snapshot."""
    if session.newest is None or table not in session.newest.tables():
        return {}
    files = session.newest.files(table, [ref.record for ref in refs])
    return {(file.record, file.column): file for file in files}


def _key(ref: FileRef) -> FileKey:
    return ref.record, ref.column


def _refs(session: BackupSession, group: FileGroup, repeated: RepeatedFiles) -> list[FileRef]:
    """The files of a group, without those that its round names again later."""
    rows = pa.Table.from_batches([_rows(session, group)]).to_pylist()
    refs = [file_ref(group.table, row) for row in rows]
    places = (FilePlace(group.temp_rows.name, group.first + at) for at in range(len(refs)))
    return [
        ref
        for ref, place in zip(refs, places, strict=True)
        if not repeated.outdated(_key(ref), place)
    ]


def _rows(session: BackupSession, group: FileGroup) -> pa.RecordBatch:
    with open_temp_rows(session.folder, group.temp_rows) as reader:
        return reader.get_batch(group.batch).slice(group.start, group.stop - group.start)


def _open(
    session: BackupSession, ref: FileRef, sizes: list[FileSize]
) -> AbstractContextManager[BinaryIO]:
    """Open a file; its size is added to ``sizes`` when it was read, if its row contains none."""
    try:
        opened = session.source.open_file(ref)
    except TransientError:
        opened = session.source.open_file(ref)
    return opened if ref.size is not None else _measured(opened, ref, sizes)


@dataclass(slots=True)
class MeasuredStream:
    """A stream that counts the bytes read from it."""

    stream: BinaryIO
    size: int = 0

    def read(self, size: int = -1) -> bytes:
        """Read from the stream."""
        chunk = self.stream.read(size)
        self.size += len(chunk)
        return chunk


@contextmanager
def _measured(
    opened: AbstractContextManager[BinaryIO], ref: FileRef, sizes: list[FileSize]
) -> Iterator[BinaryIO]:
    with opened as stream:
        measured = MeasuredStream(stream)
        yield cast("BinaryIO", measured)
        sizes.append(FileSize(ref.record, ref.column, measured.size))

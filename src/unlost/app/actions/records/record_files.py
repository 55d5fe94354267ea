"""Show the files of a record as of a backup, and the other versions of each that the vault has.

A file gets other bytes in two ways: the bytes of its record are replaced, or the org adds a record
as its new version (``model.source.version_links``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from unlost.app.access import action
from unlost.app.actions.records.show import ShowResult, show
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.relations.linked_files import every_version
from unlost.app.records.relations.related import RelatedState
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.vault.snapshot import SnapshotInfo, StoredFile

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot

MOST_REPLACED = 20  # earlier contents of one record that are looked for


@dataclass(frozen=True, slots=True)
class FileVersion:
    """Another version of a file. ``record`` has the bytes in the backup ``snapshot``.

    ``since``: the time of the first backup with these bytes. ``size`` is in bytes.
    """

    table: str
    record: str
    name: str
    media_type: str
    size: int
    snapshot: int
    since: datetime


@dataclass(frozen=True, slots=True)
class RecordFiles:
    """A record with its files as of a backup, and the other versions of these, newest first.

    ``snapshot``: the backup with the bytes of the record's own files.
    """

    shown: ShowResult
    snapshot: int
    versions: tuple[FileVersion, ...]


@action("record.files", Right.READ, trace=Trace.READ, subject=("table", "record", "at"))
def record_files(
    app: Application,
    org: str,
    table: str,
    record: str,
    *,
    at: str,
    related_state: RelatedState = RelatedState.ANY,
) -> RecordFiles:
    """Show a record with its files as of a moment, and the other versions of these files.

    ``related_state``: of the files of related records, only those in this state are shown. Raises
    as ``record.show`` does.
    """
    shown = show(app, org, table, record, at=at, related_state=related_state)
    known = get_org(org)
    if shown.snapshot is None:
        snapshot = newest_backup(app.vault, known)
    else:
        snapshot = app.vault.at(known.oid, shown.snapshot)
    backups = app.vault.snapshots(known.oid)
    versions = {
        (file.table, file.record, file.blob): _version(backups, number, file)
        for seen, files in _files_seen(app, known, snapshot, shown)
        for number, file in (*_others(seen, files), *_replaced(app, known, backups, files))
    }
    ordered = sorted(versions.values(), key=lambda version: version.since, reverse=True)
    return RecordFiles(shown, snapshot.info.number, tuple(ordered))


def _files_seen(
    app: Application, org: ProtectedOrg, snapshot: Snapshot, shown: ShowResult
) -> Iterator[tuple[Snapshot, Sequence[StoredFile]]]:
    """Yield the files of the record and those of related ones, with the backup that has them."""
    yield snapshot, [file for file in shown.files if not file.is_image]
    if shown.related is not None:
        before = app.vault.at(org.oid, shown.related.snapshot)
        by_table: dict[str, list[str]] = {}
        for file in shown.related.files:
            by_table.setdefault(file.table, []).append(file.record)
        stored = [file for name, ids in by_table.items() for file in before.files(name, ids)]
        yield before, [file for file in stored if not file.is_image]


def _others(snapshot: Snapshot, files: Sequence[StoredFile]) -> Iterator[tuple[int, StoredFile]]:
    """Yield the other records that are versions of these files, with a backup that has them."""
    for file in every_version(snapshot, files)[len(files) :]:
        yield snapshot.info.number, file


def _replaced(
    app: Application,
    org: ProtectedOrg,
    backups: Sequence[SnapshotInfo],
    files: Sequence[StoredFile],
) -> Iterator[tuple[int, StoredFile]]:
    """Yield the bytes that these files had in earlier backups, with a backup that has them."""
    shown = {(file.table, file.record, file.blob) for file in files}
    later = files
    for _ in range(MOST_REPLACED):
        earlier = list(_before(app, org, backups, later))
        for number, file in earlier:
            if (file.table, file.record, file.blob) not in shown:
                yield number, file
        later = [file for _, file in earlier]


def _before(
    app: Application,
    org: ProtectedOrg,
    backups: Sequence[SnapshotInfo],
    files: Sequence[StoredFile],
) -> Iterator[tuple[int, StoredFile]]:
    """Yield these files as of the last backup before each got its present bytes or name."""
    groups: dict[tuple[int, str], list[str]] = {}
    for file in files:
        before = max((info.number for info in backups if info.number < file.since), default=None)
        if before is not None:
            groups.setdefault((before, file.table), []).append(file.record)
    for (number, name), records in groups.items():
        snapshot = app.vault.at(org.oid, number)
        if name in snapshot.tables():
            stored = snapshot.files(name, records)
            yield from ((number, file) for file in stored if not file.is_image)


def _version(backups: Sequence[SnapshotInfo], number: int, file: StoredFile) -> FileVersion:
    """Return a version for people; of a forgotten backup the next one counts."""
    since = next(info.as_of for info in backups if info.number >= file.since)
    return FileVersion(
        file.table, file.record, file.name, file.media_type, file.size, number, since
    )

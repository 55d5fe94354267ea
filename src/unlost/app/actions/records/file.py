"""Restore a file's bytes to disk."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from unlost.app.access import action
from unlost.app.backups.moments import LATEST, parse_past, snapshot_at
from unlost.app.compose import Application
from unlost.app.records.ids import typed_ids
from unlost.app.records.record_facts import table_named
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, NotFound, StoreError
from unlost.model.ports.vault import Snapshot
from unlost.model.vault.snapshot import StoredFile
from unlost.outside.private_files import for_its_owner

PIECE = 1 << 20  # bytes copied at a time


@dataclass(frozen=True, slots=True)
class FileResult:
    """A file that was written."""

    org: str
    table: str
    record: str
    name: str
    media_type: str
    size: int
    checksum: str | None
    out: str


@action("file.read", Right.READ, trace=Trace.READ, subject=("record",), writes_files=True)
def file(
    app: Application,
    org: str,
    record: str,
    *,
    table: str | None = None,
    image: str | None = None,
    at: str = LATEST,
    out: Path,
) -> FileResult:
    """Write the file of a record as of a backup to disk, never over an existing file.

    Without ``table``, the record is searched for in all tables. ``image``: an image in a text of the
    record instead, as COLUMN/IMAGE. The file appears under its name only when all bytes were read
    and verified. Raises NotFound, UsageError, Conflict, StoreError, IntegrityError.
    """
    known, stored = _stored_file_of(app, org, record, table, image, at=at)
    with written(out) as target, app.vault.open_file(known.oid, stored.blob) as body:
        shutil.copyfileobj(body, target, PIECE)
    return file_result(org, stored, out=str(out))


@action("file.open", Right.READ, trace=Trace.READ, subject=("record",))
def open_stored(
    app: Application,
    org: str,
    record: str,
    *,
    table: str | None = None,
    image: str | None = None,
    at: str = LATEST,
    stack: ExitStack,
) -> tuple[StoredFile, BinaryIO]:
    """Download the file of a record as of a backup, or an image in a text of it (COLUMN/IMAGE).

    Without ``table``, the record is searched for in all tables. The stream stays open until ``stack``
    is closed. Raises NotFound, UsageError, IntegrityError.
    """
    known, stored = _stored_file_of(app, org, record, table, image, at=at)
    return stored, stack.enter_context(app.vault.open_file(known.oid, stored.blob))


def file_result(org: str, stored: StoredFile, *, out: str = "") -> FileResult:
    """Return the result for a stored file; ``out`` is the path where it was written, if any."""
    return FileResult(
        org=org,
        table=stored.table,
        record=stored.record,
        name=stored.name,
        media_type=stored.media_type,
        size=stored.size,
        checksum=stored.checksum,
        out=out,
    )


@contextmanager
def written(out: Path) -> Iterator[BinaryIO]:
    """Open a new file that appears under its name once it is complete, never over an existing one.

    Raises Conflict (``file-exists``), StoreError (``file-not-written``).
    """
    if out.exists():
        raise Conflict(
            "file-exists",
            "{out} already exists and is not overwritten.",
            next_step="Move the existing file, or choose another name with --out.",
            out=out,
        )
    # In the same folder, so that the rename is atomic.
    draft = out.with_name(f".{out.name}.unlost-part")
    try:
        draft.unlink(missing_ok=True)  # a file that is there may belong to others, or be a link
        with open(draft, "xb", opener=for_its_owner) as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        draft.rename(out)
    except OSError as error:
        raise StoreError(
            "file-not-written",
            "{out} cannot be written: {reason}.",
            next_step="Choose a folder that you may write to and that has free space.",
            out=out,
            reason=error.strerror,
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _stored_file_of(
    app: Application, org: str, record: str, table: str | None, image: str | None, *, at: str
) -> tuple[ProtectedOrg, StoredFile]:
    known = get_org(org)
    snapshot = snapshot_at(app, known, parse_past(at, zone=known.identity.zone))
    stored = _stored(snapshot, typed_ids(app, known, record), table, image)
    if stored is None and image is not None:
        raise NotFound(
            "image-unknown",
            "The vault has no image {image!r} of the record {record!r}.",
            next_step="`unlost show` lists the images in the texts of a record. Write COLUMN/IMAGE.",
            image=image,
            record=record,
        )
    if stored is None:
        raise NotFound(
            "file-unknown",
            "The vault has no file for the record {record!r}.",
            next_step="Use the id of the record that contains the file. `unlost show` lists "
            "the files of a record, and `unlost find` finds files by name.",
            record=record,
        )
    return known, stored


def _stored(
    snapshot: Snapshot, ids: Sequence[str], table: str | None, image: str | None
) -> StoredFile | None:
    """Return the newest file of the first of these records that has one, or this image."""
    schema = snapshot.schema()
    tables = schema.tables if table is None else (table_named(schema, table),)
    files = [
        stored
        for described in tables
        if (described.files if image is None else described.image_columns)
        for stored in snapshot.files(described.name, ids)
        if (not stored.is_image if image is None else stored.column == image)
    ]
    return max(
        files,
        key=lambda stored_file: (-ids.index(stored_file.record), stored_file.since),
        default=None,
    )

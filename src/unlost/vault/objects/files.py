"""Files: storing a source's streams as blobs, and the rows of ``$files`` that refer to them.

``$files`` is a system table with two kinds of rows, recognized by the first part of their id:

 ["blob", blob]                    size, extents, encoding
 ["file", table, record, column]   blob, size, checksum, name, media_type

The column of an image in a text is COLUMN/IMAGE (see ``model.source.images``).

All cells are text. ``extents`` is a JSON array of [pack, offset, length]; ``encoding`` is null if
the bytes in packs are not compressed. A blob's row is in the commit that added its bytes; a file's
row is in each commit in which the file changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from unlost.model.decoders import decoder_for
from unlost.model.errors import (
    AuthExpired,
    IntegrityError,
    LimitReached,
    NotFound,
    StoreError,
    UnlostError,
    UsageError,
)
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import message
from unlost.model.source.images import (
    SIGNATURE_BYTES,
    image_file_name,
    image_name,
    is_image,
    media_type_of,
)
from unlost.model.source.reading import FileRef, Rows
from unlost.model.vault.snapshot import PackEntry, StoredFile
from unlost.vault.format.blobs import encoding_named
from unlost.vault.layout.system_rows import system_rows, text_cells
from unlost.vault.objects.packs import Blob, Extent, PackWriter

if TYPE_CHECKING:
    from unlost.model.ports.vault import IncomingFile

type _ExtentCell = tuple[str, int, int]
type _Row = tuple[str, tuple[str | None, ...]]

FILES_COLUMNS = ("blob", "size", "checksum", "name", "media_type", "extents", "encoding")
BLOB_COLUMNS = ("size", "extents", "encoding")
_CHUNK = 256 << 10
_BATCH_ROWS = 2_048
_STOPS_THE_RUN = (LimitReached, AuthExpired, StoreError)  # not the fault of a single file


BLOB_ROW = '["blob",'  # the id of a blob's row begins with it
FILE_ROW = '["file",'  # the id of a file's row begins with it


def blob_row_id(blob: str) -> str:
    """The id of a blob's row."""
    return msgspec.json.encode(["blob", blob]).decode()


def file_row_id(table: str, record: str, column: str) -> str:
    """The id of a file's row."""
    return msgspec.json.encode(["file", table, record, column]).decode()


def file_row_beginning(table: str, record: str) -> str:
    """The beginning of the ids of all files of a record; a comma and the column follow."""
    return msgspec.json.encode(["file", table, record]).decode().removesuffix("]")


def blob_of_row(row: Mapping[str, str | None]) -> Blob:
    """The blob that a row with ``_u_id`` and ``BLOB_COLUMNS`` describes."""
    _, blob = decoder_for(tuple[str, str]).decode(row["_u_id"] or "")
    extents = decoder_for(tuple[_ExtentCell, ...]).decode(row["extents"] or "")
    return Blob(
        id=blob,
        size=int(row["size"] or 0),
        extents=tuple(Extent(*extent) for extent in extents),
        encoding=encoding_named(row["encoding"]),
    )


def file_of_row(row: Mapping[str, str | None], *, since: int) -> StoredFile:
    """The file that a row with ``_u_id`` and the cells of a file describes."""
    _, table, record, column = decoder_for(tuple[str, str, str, str]).decode(row["_u_id"] or "")
    return StoredFile(
        blob=row["blob"] or "",
        table=table,
        record=record,
        column=column,
        size=int(row["size"] or 0),
        checksum=row["checksum"],
        name=row["name"] or "",
        media_type=row["media_type"] or "",
        since=since,
    )


def blob_rows(blobs: Sequence[Blob], *, observed_at: datetime) -> Rows:
    """Rows of ``$files`` for blobs that are not files of a record, for example very long cells."""
    return _rows([_blob_row(blob) for blob in blobs], observed_at)


@dataclass(slots=True)
class FileIntake:
    """Stores files in packs and returns rows of ``$files``; counts them. Use once.

    ``writer`` must not be shared. The counts, ``findings``, ``packs`` and ``reuses`` are complete
    when ``rows`` is exhausted.
    """

    writer: PackWriter
    observed_at: datetime
    files: int = 0
    file_bytes: int = 0
    findings: tuple[Finding, ...] = ()
    packs: tuple[PackEntry, ...] = ()

    @property
    def reuses(self) -> tuple[str, ...]:
        """Packs of earlier commits that contain some of the contents already."""
        return self.writer.reused

    def rows(self, incoming: Iterable[IncomingFile]) -> Iterator[Rows]:
        """Store the files; rows in bounded batches. All packs are durable at the end."""
        batch: list[_Row] = []
        for file in incoming:
            batch.extend(self._take(file))
            if len(batch) >= _BATCH_ROWS:
                yield _rows(batch, self.observed_at)
                batch = []
        self.packs += self.writer.finish()
        if batch:
            yield _rows(batch, self.observed_at)

    def _take(self, file: IncomingFile) -> tuple[_Row, ...]:
        try:
            ref, chunks = _described(file.ref, read_checked(file))
            stored = self.writer.put_chunks(chunks)
        except FileUnreadable as error:
            self.findings += (error.finding,)
            return ()
        self.files += 1
        self.file_bytes += stored.blob.size
        row = _file_row(ref, stored.blob)
        return (_blob_row(stored.blob), row) if stored.new else (row,)


def _described(ref: FileRef, chunks: Iterator[bytes]) -> tuple[FileRef, Iterator[bytes]]:
    """The file with name and type. Those of an image are in no row, but in its first bytes."""
    if not is_image(ref.column) or ref.media_type:
        return ref, chunks
    first = next(chunks, b"")
    media_type = media_type_of(first[:SIGNATURE_BYTES])
    name = image_file_name(ref.name or image_name(ref.column), media_type)
    return replace(ref, name=name, media_type=media_type), chain((first,), chunks)


class FileUnreadable(Exception):
    """A file's stream broke off or did not match its row. Internal to the intake of files."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


def read_checked(file: IncomingFile) -> Iterator[bytes]:
    """A file's bytes in chunks, checked against the size and checksum in its row.

    Raises FileUnreadable; limits, ended sessions and failures of our own store pass through.
    """
    try:
        check = _Check(file.ref)
        with file.open() as stream:
            yield from check.over(stream)
    except _STOPS_THE_RUN:
        raise
    except (UnlostError, OSError) as error:
        raise FileUnreadable(_finding(file.ref, error)) from error


class _Check:
    """Counts and hashes a body while it passes."""

    def __init__(self, ref: FileRef) -> None:
        self._ref = ref
        self._size = 0
        algorithm, _, self._expected = (ref.checksum or "").partition(":")
        self._digest = _digest(algorithm) if ref.checksum else None

    def over(self, stream: BinaryIO) -> Iterator[bytes]:
        """The same bytes; the last chunk is withheld until all is proved."""
        carried = b""
        while chunk := stream.read(_CHUNK):
            self._count(chunk)
            if carried:
                yield carried
            carried = chunk
        self._prove()
        if carried:
            yield carried

    def _count(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._ref.size is not None and self._size > self._ref.size:
            raise _disagrees("it is longer than the {size} bytes in its row", size=self._ref.size)
        if self._digest is not None:
            self._digest(chunk)

    def _prove(self) -> None:
        if self._ref.size is not None and self._size != self._ref.size:
            raise _disagrees(
                "{arrived} of {size} bytes arrived", arrived=self._size, size=self._ref.size
            )
        if self._digest is not None and self._digest(b"") != self._expected.lower():
            raise _disagrees("its bytes do not match the checksum in its row")


def _digest(algorithm: str) -> Callable[[bytes], str]:
    """A function that hashes bytes; with no bytes it returns the hex digest so far."""
    try:
        # Sources use MD5. It only detects damage here, not forgery.
        digest = hashlib.new(algorithm, usedforsecurity=False)
    except ValueError:
        raise UsageError(
            "checksum-unknown",
            "Unlost cannot compute the checksum “{algorithm}”, so files cannot be verified "
            "with it.",
            next_step="Report this to the author of the connector.",
            algorithm=algorithm,
        ) from None

    def feed(chunk: bytes) -> str:
        digest.update(chunk)
        return digest.hexdigest() if not chunk else ""

    return feed


def _disagrees(template: str, **args: Any) -> IntegrityError:
    return IntegrityError(
        "file-disagrees",
        "The file was not delivered completely: {why}.",
        why=message("", template, **args),
    )


def _finding(ref: FileRef, error: UnlostError | OSError) -> Finding:
    """Without the file's name: who reads certificates may not be allowed to read records."""
    if is_image(ref.column) and isinstance(error, NotFound):
        return _broken_image(ref, error)
    return Finding.of(
        FindingKind.FILE_UNREADABLE,
        Severity.GAP,
        "The file of {record} could not be stored: {error}",
        next_step="The next backup tries again. If the problem persists, open the file in the source.",
        table=ref.table,
        column=ref.column,
        detail=ref.record,
        record=f"{ref.table} {ref.record}",
        error=error.message if isinstance(error, UnlostError) else error,
    )


def _broken_image(ref: FileRef, error: NotFound) -> Finding:
    """A note: the org itself cannot show the image, so nothing is unprotected."""
    return Finding.of(
        FindingKind.FILE_UNREADABLE,
        Severity.NOTE,
        "A text of {record} shows an image that the org does not have: {error}",
        next_step="Open the record in the org, and remove the image from the text.",
        table=ref.table,
        column=ref.column,
        detail=ref.record,
        record=f"{ref.table} {ref.record}",
        error=error.message,
    )


def _blob_row(blob: Blob) -> _Row:
    extents = msgspec.json.encode([[e.pack, e.offset, e.length] for e in blob.extents]).decode()
    encoding = blob.encoding.value or None
    return blob_row_id(blob.id), (None, str(blob.size), None, None, None, extents, encoding)


def _file_row(ref: FileRef, blob: Blob) -> _Row:
    cells = (blob.id, str(blob.size), ref.checksum, ref.name, ref.media_type, None, None)
    return file_row_id(ref.table, ref.record, ref.column), cells


def _rows(batch: Sequence[_Row], observed_at: datetime) -> Rows:
    cells = zip(*(cells for _, cells in batch), strict=True)
    return system_rows(
        [id_ for id_, _ in batch],
        observed_at=observed_at,
        cells=text_cells(cells, FILES_COLUMNS),
    )

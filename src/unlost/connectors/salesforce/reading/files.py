"""Files of records: the rows that have files, and the proved bytes of each; images in texts.

Sources: REST guide (sObject blob retrieve), object reference (ContentVersion, Attachment,
Document).
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SALESFORCE, SalesforceRefusal
from unlost.connectors.salesforce.images import image_path, images_in
from unlost.kit.columns import column_or_null
from unlost.kit.files import BUFFER, ProvedFile, file_refs, proved_stream
from unlost.kit.http import FILE, IMAGE
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.source.images import (
    SIGNATURE_BYTES,
    image_name,
    media_type_of,
    text_column,
)
from unlost.model.source.reading import FileRef, Rows
from unlost.model.source.schema import Table

# ContentVersion.ContentLocation: E is a file outside Salesforce, without bytes here.
OUTSIDE = "E"
GONE = "NOT_FOUND"  # REST guide, status codes: the resource could not be found


def files_in(table: Table, rows: Rows) -> Sequence[FileRef]:
    """The files of live rows, and the images in their texts.

    Links and files stored elsewhere have no bytes and are skipped.
    """
    if rows.cells is None or not (table.files or table.image_columns):
        return ()
    elsewhere = _elsewhere(rows.cells)
    files = file_refs(table, rows, algorithm="md5", elsewhere=elsewhere)
    return [*files, *images_in(table, rows)]


def _elsewhere(cells: pa.RecordBatch) -> pa.Array:
    """True for links, and for files outside Salesforce."""
    linked = pc.is_valid(column_or_null(cells, "ContentUrl"))
    outside = pc.equal(column_or_null(cells, "ContentLocation"), OUTSIDE)
    return pc.or_(linked, pc.fill_null(outside, fill_value=False))


class ProvedImage(ProvedFile):
    """The bytes of an image in a text. Salesforce gives neither its size nor a checksum.

    Raises IntegrityError (``not-an-image``) for content of another kind, such as a page that asks
    to sign in.
    """

    _beginning = b""  # not judged before it is long enough: bytes may arrive one by one

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill the buffer as far as bytes come; the first bytes must be those of an image."""
        size = super().readinto(buffer)
        missing = SIGNATURE_BYTES - len(self._beginning)
        if missing <= 0:
            return size
        self._beginning += bytes(buffer[: min(size, missing)])
        complete = not size or len(self._beginning) == SIGNATURE_BYTES
        if complete and not media_type_of(self._beginning):
            raise _no_image(self.ref)
        return size


def _no_image(ref: FileRef) -> IntegrityError:
    return IntegrityError(
        "not-an-image",
        "The org returned something else than an image for {image} in {column}.",
        next_step="Open the record in the org. If the image is broken there, remove it from the "
        "text.",
        image=image_name(ref.column),
        column=text_column(ref.column),
    )


def _image_gone(ref: FileRef) -> NotFound:
    return NotFound(
        "image-gone",
        "The org no longer has the image {image}, which {column} still shows.",
        next_step="Remove the broken image from the text.",
        image=image_name(ref.column),
        column=text_column(ref.column),
    )


def open_file(api: SalesforceApi, ref: FileRef) -> AbstractContextManager[BinaryIO]:
    """A file's bytes as a stream; one API call. Not for images.

    Raises the errors of the call; IntegrityError (``file-not-whole``).
    """
    path = f"sobjects/{ref.table}/{ref.record}/{ref.column}"
    reopen = partial(api.stream, path, accept_type="*/*", limits=FILE)
    return proved_stream(ref, reopen, api.client.backoff, source=SALESFORCE)


@contextmanager
def open_image(
    api: SalesforceApi, ref: FileRef, other_columns: Iterable[str]
) -> Iterator[BinaryIO]:
    """The bytes of an image in a text as a stream.

    ``other_columns``: the other rich texts of the table. A text that a person copied from one of
    them shows an image that Salesforce stores with that field; one more API call each.

    Raises the errors of the call; NotFound (``image-gone``) if Salesforce has it in none of the
    columns; IntegrityError (``file-not-whole``, ``not-an-image``).
    """
    with io.BufferedReader(_image(api, ref, other_columns), BUFFER) as stream:
        yield stream


def _image(api: SalesforceApi, ref: FileRef, other_columns: Iterable[str]) -> ProvedImage:
    """The image, from the first of the columns that has it."""
    gone: SalesforceRefusal | None = None
    for column in (text_column(ref.column), *other_columns):
        path = image_path(ref.table, ref.record, column, image_name(ref.column))
        reopen = partial(api.stream, path, accept_type="*/*", limits=IMAGE)
        try:
            return ProvedImage(ref, reopen, api.client.backoff, source=SALESFORCE)
        except SalesforceRefusal as refusal:
            # Only Salesforce can say so: a proxy answers 404, too.
            if not refusal.has_code(GONE):
                raise
            gone = refusal
    raise _image_gone(ref) from gone

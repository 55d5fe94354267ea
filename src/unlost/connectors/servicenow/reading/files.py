"""Files of attachments: the rows that have bytes, and the proved bytes of each.

Source: ServiceNow docs, "Attachment API". Not every release gives a hash; that it is SHA-256 of the
bytes is an inference.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import BinaryIO

from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.errors import SERVICENOW
from unlost.kit.files import file_refs, proved_stream
from unlost.model.source.reading import FileRef, Rows
from unlost.model.source.schema import Table


def files_in(table: Table, rows: Rows) -> Sequence[FileRef]:
    """The files of live rows that have bytes."""
    return list(file_refs(table, rows, algorithm="sha256"))


def open_file(api: ServiceNowApi, ref: FileRef) -> AbstractContextManager[BinaryIO]:
    """The bytes of an attachment as a stream; size and hash are proved at its end."""
    return proved_stream(ref, partial(api.file, ref.record), api.client.backoff, source=SERVICENOW)

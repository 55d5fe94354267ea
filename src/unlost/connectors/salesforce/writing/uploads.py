"""Records with bytes: multipart, streamed.

Source: REST guide, insert or update blob data: a JSON part first, then the file; up to 2 GB for a
content version.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from unlost.connectors.salesforce.http.api import JSON
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.shapes import Created
from unlost.connectors.salesforce.writing.answers import failed
from unlost.connectors.salesforce.writing.calls import WriteClient
from unlost.connectors.salesforce.writing.values import encode, json_record
from unlost.kit.files import pieces_of
from unlost.kit.http import AnswerLost, HttpCall
from unlost.kit.outcomes import done, unknown
from unlost.model.ports.system import Entropy
from unlost.model.source.schema import Table
from unlost.model.source.writing import RowOutcome, WriteRow

_UNSAFE = re.compile(r'[\r\n"\\]')


class FileUploads:
    """Creates records with their file."""

    def __init__(self, client: WriteClient, entropy: Entropy) -> None:
        self._client = client
        self._entropy = entropy

    def create(self, table: Table, column: str, row: WriteRow, body: BinaryIO) -> RowOutcome:
        """Create the record with the file in ``column``."""
        boundary = f"unlost-{self._entropy.bytes(16).hex()}"
        record = json_record(table, row.cells, lists=frozenset(), record=None)
        del record["attributes"]
        headers = {**JSON, "Content-Type": f'multipart/form-data; boundary="{boundary}"'}
        url = self._client.api.url(f"sobjects/{table.name}")
        content = multipart(boundary, encode(record), column, _file_name(row), body)
        try:
            call = HttpCall("POST", url, headers, content)
            created = self._client.send_json(call, Created)
        except AnswerLost:
            return unknown(row.key)
        except SalesforceRefusal as refused:
            return failed(row.key, None, refused.native, refused.text)
        return done(row.key, created.id)


def multipart(
    boundary: str, record: bytes, column: str, name: str, body: BinaryIO
) -> Iterator[bytes]:
    """The body of the call, in pieces."""
    yield (
        f'--{boundary}\r\nContent-Disposition: form-data; name="entity_content";\r\n'
        f"Content-Type: application/json\r\n\r\n"
    ).encode()
    yield record
    yield (
        f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="{column}"; '
        f'filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    ).encode()
    yield from pieces_of(body)
    yield f"\r\n--{boundary}--\r\n".encode()


def _file_name(row: WriteRow) -> str:
    name = row.cells.get("PathOnClient") or row.cells.get("Name") or row.key
    return _UNSAFE.sub("_", name)

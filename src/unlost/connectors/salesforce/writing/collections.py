"""Small sets of rows: sObject Collections, at most 200 records a call.

Sources: REST guide, sObject Collections (create, update, delete): one result a record, in order;
insert blob data: a collection takes files as separate parts, which its records name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unlost.connectors.salesforce.http.api import JSON, SEND_JSON
from unlost.connectors.salesforce.writing.answers import of_collection
from unlost.connectors.salesforce.writing.calls import WriteClient
from unlost.connectors.salesforce.writing.values import encode, json_record
from unlost.kit.http import AnswerLost, HttpCall
from unlost.kit.outcomes import unknown
from unlost.model.errors import UnlostError
from unlost.model.ports.system import Entropy
from unlost.model.source.schema import Table
from unlost.model.source.writing import RowOutcome, WriteOp, WriteRow

MOST = 200
# A request body may have 50 MB (REST guide, limits); rows with long texts are sent in parts.
LONGEST_BODY = 20_000_000
OCTETS = "application/octet-stream"
METHODS = {WriteOp.CREATE: "POST", WriteOp.UPDATE: "PATCH"}


class CollectionCalls:
    """Writes rows of one table by collections calls."""

    def __init__(self, client: WriteClient, entropy: Entropy) -> None:
        self._client = client
        self._entropy = entropy

    def write(
        self,
        op: WriteOp,
        table: Table,
        rows: Sequence[WriteRow],
        *,
        lists: frozenset[str],
        file: str | None = None,
    ) -> list[RowOutcome]:
        """Write rows; one outcome a row, in order. After a lost answer nothing more is sent.

        ``file`` is the column that holds the bytes of rows with a file.
        """
        outcomes: list[RowOutcome] = []
        for part in _parts(table, rows, lists, file):
            try:
                outcomes += self._send(op, part)
            except UnlostError:
                if not outcomes:
                    raise
                break  # the outcomes of earlier calls must reach the journal
            if any(outcome.code == "write-answer-lost" for outcome in outcomes):
                break
        missing = rows[len(outcomes) :]
        return outcomes + [_unsent(row) for row in missing]

    def delete(self, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        """Delete records into the recycle bin."""
        outcomes: list[RowOutcome] = []
        for at in range(0, len(rows), MOST):
            part = rows[at : at + MOST]
            ids = ",".join(str(row.id) for row in part)
            url = self._client.api.url(f"composite/sobjects?ids={ids}&allOrNone=false")
            try:
                outcomes += self._answered(HttpCall("DELETE", url, SEND_JSON), part)
            except UnlostError:
                if not outcomes:
                    raise
                break  # the outcomes of earlier calls must reach the journal
        return outcomes + [_unsent(row) for row in rows[len(outcomes) :]]

    def _send(self, op: WriteOp, part: "EncodedRows") -> list[RowOutcome]:
        body = b'{"allOrNone":false,"records":[' + b",".join(part.records) + b"]}"
        headers = SEND_JSON
        if part.files:
            boundary = f"unlost-{self._entropy.bytes(16).hex()}"
            body = _multipart(boundary, body, part.files)
            headers = {**JSON, "Content-Type": f'multipart/form-data; boundary="{boundary}"'}
        url = self._client.api.url("composite/sobjects")
        return self._answered(HttpCall(METHODS[op], url, headers, body), part.rows)

    def _answered(self, request: HttpCall, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        try:
            answer = self._client.send_json(request, list[dict[str, Any]])
        except AnswerLost:
            return [unknown(row.key) for row in rows]
        if len(answer) != len(rows):
            return [unknown(row.key) for row in rows]
        return [
            of_collection(row.key, row.id, result) for row, result in zip(rows, answer, strict=True)
        ]


class EncodedRows:
    """Rows of one call, encoded."""

    def __init__(self) -> None:
        self.rows: list[WriteRow] = []
        self.records: list[bytes] = []
        self.files: dict[str, bytes] = {}
        self.size = 0

    def add(self, row: WriteRow, record: bytes) -> None:
        """Add a row, with its file."""
        self.rows.append(row)
        self.records.append(record)
        self.size += len(record)
        if row.file is not None:
            self.files[_part_name(row)] = row.file
            self.size += len(row.file)


def _parts(
    table: Table, rows: Sequence[WriteRow], lists: frozenset[str], file: str | None
) -> Iterator[EncodedRows]:
    part = EncodedRows()
    for row in rows:
        row_json = json_record(table, row.cells, lists=lists, record=row.id)
        if file is not None and row.file is not None:
            row_json["attributes"] |= {
                "binaryPartName": _part_name(row),
                "binaryPartNameAlias": file,
            }
        record = encode(row_json)
        size = len(record) + len(row.file or b"")
        full = len(part.rows) == MOST or part.size + size > LONGEST_BODY
        if part.rows and full:
            yield part
            part = EncodedRows()
        part.add(row, record)
    if part.rows:
        yield part


def _unsent(row: WriteRow) -> RowOutcome:
    """The outcome of a row after a lost answer: it was not sent, so it will not be found."""
    return unknown(row.key)


def _part_name(row: WriteRow) -> str:
    return f"file_{row.key}"


def _multipart(boundary: str, collection: bytes, files: Mapping[str, bytes]) -> bytes:
    """The body of a call: the collection, then each file under its part name."""
    pieces = [_head(boundary, 'name="collection"', "application/json"), collection]
    for name, data in files.items():
        pieces.append(_head(boundary, f'name="{name}"; filename="{name}"', OCTETS))
        pieces.append(data)
    return b"".join([*pieces, f"\r\n--{boundary}--\r\n".encode()])


def _head(boundary: str, disposition: str, kind: str) -> bytes:
    return (
        f"\r\n--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
        f"Content-Type: {kind}\r\n\r\n"
    ).encode()

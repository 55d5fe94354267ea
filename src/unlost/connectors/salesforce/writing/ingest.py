"""Large sets of rows: Bulk API 2.0 ingest jobs, whose results come back shuffled.

Sources: Bulk API 2.0 guide (create a job, upload job data, get job info, successful, failed and
unprocessed results). Results carry no position in the upload: rows are matched by their values, and
equal rows are interchangeable. A failed job may have written a part.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from unlost.connectors.salesforce.http.api import JSON, SEND_JSON
from unlost.connectors.salesforce.http.shapes import Created, IngestJob, IngestJobList
from unlost.connectors.salesforce.reading.bulk import pause
from unlost.connectors.salesforce.writing.answers import of_bulk
from unlost.connectors.salesforce.writing.calls import WriteClient
from unlost.connectors.salesforce.writing.values import csv_cell, encode
from unlost.kit.http import RESULTS, AnswerLost, HttpCall
from unlost.kit.outcomes import done, unknown
from unlost.kit.paging import follow
from unlost.model.errors import UnlostError
from unlost.model.ports.system import Entropy
from unlost.model.source.schema import Table
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow

# Characters of a job's data that can be sent with it (Bulk API 2.0 guide, create a job).
LONGEST_WHOLE = 100_000
# 150 MB a job after base64, so 100 MB of CSV (Bulk API 2.0 guide, limits).
LONGEST_JOB = 95_000_000
OPERATIONS = {
    WriteOp.CREATE: "insert",
    WriteOp.UPDATE: "update",
    WriteOp.DELETE: "delete",
    WriteOp.HARD_DELETE: "hardDelete",
}
OPEN, UPLOADED = "Open", "UploadComplete"
OVER = frozenset({"JobComplete", "Failed", "Aborted"})
NOT_REACHED = "UNKNOWN_EXCEPTION:The job ended before this row.:--"
CSV = {"Content-Type": "text/csv; charset=UTF-8", "Accept": "application/json"}

type Line = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IngestUpload:
    """The CSV of one job. ``lines`` are the cells of each row as a reader parses them, in order."""

    columns: Line
    rows: tuple[WriteRow, ...]
    lines: tuple[Line, ...]
    text: str


class IngestJobs:
    """Writes rows of one table by jobs."""

    def __init__(self, client: WriteClient, entropy: Entropy) -> None:
        self._client = client
        self._entropy = entropy
        self._api = client.api

    def write(self, op: WriteOp, table: Table, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        """Write rows; one outcome a row, in order. Raises only if nothing was uploaded."""
        outcomes: dict[str, RowOutcome] = {}
        for upload in uploads(op, rows):
            try:
                outcomes |= self._job(op, table, upload)
            except UnlostError:
                if not outcomes:
                    raise
                break  # the outcomes of earlier jobs must reach the journal
            if any(_is_unknown(outcomes.get(row.key)) for row in upload.rows):
                break  # it was interrupted, or its answer was lost: no other job follows
        return [outcomes.get(row.key, unknown(row.key)) for row in rows]

    def settle(self, table: Table, *, since: str) -> None:
        """Wait for this user's own jobs on a table that began since then; abort open ones."""
        for job in list(self._mine(table, since)):
            if job.state == OPEN:
                self._patch(job.id, "Aborted")
            elif job.state not in OVER:
                self._wait(job.id)

    # --- one job -----------------------------------------------------------------------------------

    def _job(self, op: WriteOp, table: Table, upload: IngestUpload) -> dict[str, RowOutcome]:
        try:
            job = self._start(op, table, upload)
        except AnswerLost:
            return {row.key: unknown(row.key) for row in upload.rows}
        try:
            info = self._wait(job)
            return self._results(job, upload, whole=_all_written(info, len(upload.rows)))
        except UnlostError:
            # Also of a cancelled run: the org goes on with the job, so the run must look for it.
            return {row.key: unknown(row.key) for row in upload.rows}

    def _start(self, op: WriteOp, table: Table, upload: IngestUpload) -> str:
        wanted = {
            "object": table.name,
            "operation": OPERATIONS[op],
            "contentType": "CSV",
            "lineEnding": "LF",
        }
        if len(upload.text) <= LONGEST_WHOLE:
            return self._start_whole(wanted, upload)
        job = self._client.post_json("jobs/ingest", wanted, Created).id
        url = self._api.url(f"jobs/ingest/{job}/batches")
        self._client.send(HttpCall("PUT", url, CSV, upload.text.encode()))
        self._patch(job, UPLOADED)
        return job

    def _start_whole(self, wanted: Mapping[str, str], upload: IngestUpload) -> str:
        """Open, upload and close in one call."""
        boundary = f"unlost-{self._entropy.bytes(16).hex()}"
        headers = {**JSON, "Content-Type": f'multipart/form-data; boundary="{boundary}"'}
        body = _multipart(boundary, encode(wanted), upload.text.encode())
        url = self._api.url("jobs/ingest")
        job = self._client.send_json(HttpCall("POST", url, headers, body), IngestJob)
        if job.state == OPEN:
            self._patch(job.id, UPLOADED)
        return job.id

    def _patch(self, job: str, state: str) -> None:
        url = self._api.url(f"jobs/ingest/{job}")
        body = b'{"state":"%s"}' % state.encode()
        self._client.send(HttpCall("PATCH", url, SEND_JSON, body))

    def _wait(self, job: str) -> IngestJob:
        for polls in count():
            info = self._api.get_json(f"jobs/ingest/{job}", IngestJob)
            if info.state in OVER:
                return info
            self._api.clock.sleep(pause(polls))
        raise AssertionError

    def _mine(self, table: Table, since: str) -> Iterator[IngestJob]:
        me = self._api.token_field("id").rsplit("/", 1)[-1][:15]
        pages = follow(
            self._api.get_json("jobs/ingest", IngestJobList),
            fetch=lambda link: self._api.get_json(self._api.link(link), IngestJobList),
            link=lambda page: None if page.done else page.next_records_url,
        )
        for job in (job for page in pages for job in page.records or ()):
            is_own = (job.created_by_id or "")[:15] == me
            if is_own and job.object == table.name and (job.created_date or "") >= since:
                yield job

    # --- results -----------------------------------------------------------------------------------

    def _results(self, job: str, upload: IngestUpload, *, whole: bool) -> dict[str, RowOutcome]:
        """Outcomes by key. Rows that no result names are unknown.

        ``whole``: the job reports that it wrote all rows; then failed results are not fetched.
        """
        write_rows: dict[Line, list[WriteRow]] = defaultdict(list)
        for row, line in zip(upload.rows, upload.lines, strict=True):
            write_rows[line].append(row)
        outcomes: dict[str, RowOutcome] = {}
        for record, _, line in self._lines(job, "successfulResults", upload.columns):
            for row in _take(write_rows, line):
                outcomes[row.key] = done(row.key, record)
        if not whole or len(outcomes) < len(upload.rows):
            outcomes |= self._not_written(job, upload, write_rows)
        return outcomes

    def _not_written(
        self, job: str, upload: IngestUpload, write_rows: dict[Line, list[WriteRow]]
    ) -> dict[str, RowOutcome]:
        """Outcomes of rows that were refused or not reached."""
        outcomes: dict[str, RowOutcome] = {}
        for _, error_text, line in self._lines(job, "failedResults", upload.columns):
            outcomes |= {
                row.key: of_bulk(row.key, row.id, error_text) for row in _take(write_rows, line)
            }
        for _, _, line in self._lines(job, "unprocessedrecords", upload.columns):
            outcomes |= {
                row.key: of_bulk(row.key, row.id, NOT_REACHED) for row in _take(write_rows, line)
            }
        return outcomes

    def _lines(self, job: str, kind: str, columns: Line) -> Iterator[tuple[str, str, Line]]:
        """For each result row: the record's id, its error or creation flag, its uploaded cells."""
        url = self._api.url(f"jobs/ingest/{job}/{kind}")
        headers = {**JSON, "Accept": "text/csv"}
        answer = self._api.client.send(HttpCall("GET", url, headers, limits=RESULTS))
        if answer.status == 204 or not answer.body.strip():
            return
        reader = csv.reader(io.StringIO(answer.body.decode(), newline=""))
        head = next(reader)
        at = {name: place for place, name in enumerate(head)}
        nothing = len(head)  # the position of a missing column: one more cell, which is empty
        ids_at, errors_at = (at.get(name, nothing) for name in ("sf__Id", "sf__Error"))
        errors_at = at.get("sf__Created", nothing) if errors_at == nothing else errors_at
        line = [at.get(name, nothing) for name in columns]
        for cells in filter(None, reader):
            cells.extend([""] * (nothing + 1 - len(cells)))
            yield cells[ids_at], cells[errors_at], tuple(map(cells.__getitem__, line))


def _all_written(info: IngestJob, rows: int) -> bool:
    if info.number_records_processed is None or info.number_records_failed is None:
        return False
    processed, failed = int(info.number_records_processed), int(info.number_records_failed)
    return info.state == "JobComplete" and failed == 0 and processed == rows


def uploads(op: WriteOp, rows: Sequence[WriteRow]) -> Iterator[IngestUpload]:
    """Split the rows into job files, none too long."""
    names = sorted({name for row in rows for name in row.cells})
    columns = (("Id", *names) if op is not WriteOp.CREATE else tuple(names)) or ("Id",)
    collected: list[tuple[WriteRow, Line, str]] = []
    size = 0
    for row in rows:
        sent = _sent(op, row, names)
        text = ",".join(sent)
        length = len(text.encode()) + 1
        if collected and size + length > LONGEST_JOB:
            yield _upload(columns, collected)
            collected, size = [], 0
        collected.append((row, tuple(map(_plain, sent)), text))
        size += length
    if collected:
        yield _upload(columns, collected)


def _upload(columns: Line, collected: Sequence[tuple[WriteRow, Line, str]]) -> IngestUpload:
    rows, lines, texts = zip(*collected, strict=True)
    return IngestUpload(columns, rows, lines, "\n".join([",".join(columns), *texts, ""]))


def _sent(op: WriteOp, row: WriteRow, names: Sequence[str]) -> list[str]:
    """The fields of a row, as written to the file."""
    row_cells = row.cells
    cells = [csv_cell(row_cells[n]) if n in row_cells else "" for n in names]
    return cells if op is WriteOp.CREATE else [str(row.id), *cells]


def _plain(cell: str) -> str:
    """A field as a reader of CSV returns it."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _is_unknown(outcome: RowOutcome | None) -> bool:
    return outcome is None or outcome.kind is OutcomeKind.UNKNOWN


def _multipart(boundary: str, job: bytes, data: bytes) -> bytes:
    """The body of a call that opens a job with its data."""
    mark = f"--{boundary}".encode()
    form = b"Content-Disposition: form-data; name="
    return b"".join([
        mark, b"\r\n", form, b'"job"\r\nContent-Type: application/json\r\n\r\n', job,
        b"\r\n", mark, b"\r\n", form, b'"content"; filename="content.csv"\r\n',
        b"Content-Type: text/csv; charset=UTF-8\r\n\r\n", data,
        b"\r\n", mark, b"--\r\n",
    ])  # fmt: skip


def _take(write_rows: dict[Line, list[WriteRow]], line: Line) -> list[WriteRow]:
    """Take one of the rows sent with these cells, if any is left."""
    rows = write_rows.get(line)
    return [rows.pop()] if rows else []

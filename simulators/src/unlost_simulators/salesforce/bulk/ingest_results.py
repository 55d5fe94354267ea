"""The three result files of an ingest job, written once it has ended.

Form: ``sf__`` columns quoted, the uploaded ones quoted where needed, in the job's delimiter and
line ending; rows in no order of the upload (Bulk API 2.0 guide, job results; recorded answers).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from unlost_simulators.salesforce.bulk.ingest_habits import Quoting, RowOrder
from unlost_simulators.salesforce.bulk.ingest_jobs import IngestJob
from unlost_simulators.salesforce.bulk.ingest_run import Load, Operation

# Bulk API 2.0 guide: from this version on failed rows of other operations carry their id.
FAILED_IDS_FROM = 53


class Results(StrEnum):
    """The result files of a job."""

    SUCCESSFUL = "successfulresults"
    FAILED = "failedresults"
    UNPROCESSED = "unprocessedrecords"

    @property
    def extra(self) -> tuple[str, ...]:
        """Give the columns before the uploaded ones."""
        return _EXTRA[self]


_EXTRA = {
    Results.SUCCESSFUL: ("sf__Id", "sf__Created"),
    Results.FAILED: ("sf__Id", "sf__Error"),
    Results.UNPROCESSED: (),
}


def places(job: IngestJob, kind: Results) -> Sequence[int]:
    """Give the rows of a result file, in its order."""
    load = job.load
    match kind:
        case Results.SUCCESSFUL:
            rows = [at for at, row in load.outcomes.items() if row.error is None]
        case Results.FAILED:
            rows = [at for at, row in load.outcomes.items() if row.error is not None]
        case _:
            rows = load.unprocessed()
    rows.sort()
    if load.habits.row_order is RowOrder.SHUFFLED:
        random.Random(f"{job.id} {kind}").shuffle(rows)
    return rows


def write(job: IngestJob, kind: Results) -> tuple[Path, int]:
    """Write a result file, unless it is there already; gives it with its number of rows."""
    path = job.folder / f"{kind}.csv"
    rows = places(job, kind)
    if not path.exists():
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as out:
            out.writelines(_lines(job, kind, rows))
        unfinished.rename(path)
    return path, len(rows)


def _lines(job: IngestJob, kind: Results, rows: Sequence[int]) -> Iterator[bytes]:
    load = job.load
    if load.upload is None:
        return
    line = _Line(load)
    yield line.text(kind.extra, load.upload.header)
    for at, cells in zip(rows, load.upload.read(rows), strict=True):
        yield line.text(_facts(job, kind, at), cells)


def _facts(job: IngestJob, kind: Results, at: int) -> tuple[str, ...]:
    if kind is Results.UNPROCESSED:
        return ()
    row = job.load.outcomes[at]
    if kind is Results.SUCCESSFUL:
        return row.id, "true" if row.created else "false"
    shows_id = job.order.operation is not Operation.INSERT
    shows_id = shows_id and float(job.order.version) >= FAILED_IDS_FROM
    return row.id if shows_id else "", row.error or ""


class _Line:
    """Writes the lines of one job's results."""

    def __init__(self, load: Load) -> None:
        form = load.order.form
        self._mark, self._set_final_state = form.delimiter.char, form.line_ending.chars
        self._places = _echoed_places(load)
        self._all = load.habits.quoting is Quoting.ALL
        self._special = frozenset('"\r\n' + self._mark)

    def text(self, extra: Sequence[str], cells: Sequence[str]) -> bytes:
        """Return one line: the columns of the service, then the relevant columns of the upload."""
        upload_cells = [self._cell(cells[at]) for at in self._places]
        return (
            self._mark.join([*map(quoted, extra), *upload_cells]) + self._set_final_state
        ).encode()

    def _cell(self, text: str) -> str:
        if self._all or not self._special.isdisjoint(text):
            return quoted(text)
        return text


def _echoed_places(load: Load) -> Sequence[int]:
    """Give the columns that results show: all of them where the header was refused."""
    if load.columns is not None:
        return load.columns.places
    return range(0 if load.upload is None else len(load.upload.header))


def quoted(text: str) -> str:
    """Give a cell in quotes."""
    return '"' + text.replace('"', '""') + '"'

"""Bulk API 2.0 query jobs: start them, poll them, and read their results with every proof.

Sources: Bulk API 2.0 guide (create a query job, get job results, get parallel results, limits).
"""

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import MOST_POLLS, POLLS
from unlost.connectors.salesforce.http.shapes import Created, JobState, ResultLinks
from unlost.connectors.salesforce.reading.pieces import ResultStream
from unlost.connectors.salesforce.reading.work import TableQuery
from unlost.kit.csv_to_arrow import BLOCK_BYTES, CsvReader, RowTooWide, doubled
from unlost.kit.http import ROWS, BodyStream
from unlost.kit.http.body import number_in
from unlost.kit.paging import circular, follow
from unlost.model.errors import TransientError
from unlost.model.source.reading import Page

CSV = "text/csv"
ROWS_HEADER = "sforce-numberofrecords"
# Pages of one result: more than a billion rows.
MOST_PAGES = 100_000
LAST = "null"  # the locator of the last page


@dataclass(frozen=True, slots=True)
class JobInfo:
    """The state of a job; ``rows`` is Salesforce's numberRecordsProcessed."""

    state: str
    rows: int = 0
    message: str = ""

    @property
    def complete(self) -> bool:
        """True if its results can be read."""
        return self.state == "JobComplete"

    @property
    def lost(self) -> bool:
        """True if it will never have results."""
        return self.state in {"Failed", "Aborted", "Gone"}


GONE = JobInfo("Gone", message="the job no longer exists")
ENDLESS = JobInfo("Aborted", message="the job does not end")


@dataclass(frozen=True, slots=True)
class ResultPage:
    """The end of a result page: its rows, and the locator of the next page."""

    rows: int
    locator: str | None


@dataclass(slots=True)
class JobTotals:
    """Pages of one job that workers of this process have read, to be added up at the end.

    ``firsts``: the addresses of the pages by their first ids.
    """

    pages: set[str] = field(default_factory=set)
    rows: int = 0
    firsts: dict[str, str] = field(default_factory=dict)


class BulkQueries:
    """Query jobs of one org."""

    def __init__(self, api: SalesforceApi, *, page_rows: int) -> None:
        self._api = api
        self._page_rows = page_rows
        self._lock = threading.Lock()
        self._tallies: dict[str, JobTotals] = {}
        self._read: set[str] = set()
        # larger parser blocks, by columns with wide rows
        self._blocks: dict[tuple[str, ...], int] = {}

    def start(self, reading: TableQuery, *, all_rows: bool = True) -> str:
        """Create a job and return its id; raises SalesforceRefusal if Bulk will not read this."""
        operation = "queryAll" if all_rows else "query"
        job = {"operation": operation, "query": reading.soql}
        return self._api.post_json("jobs/query", job, Created).id

    def job_info(self, job: str) -> JobInfo:
        """The state of a job."""
        try:
            answer = self._api.get_json(f"jobs/query/{job}", JobState)
        except SalesforceRefusal as error:
            if error.status == 404:
                return GONE
            raise
        rows = int(answer.number_records_processed or 0)
        return JobInfo(answer.state, rows, answer.error_message or "")

    def wait(self, job: str) -> JobInfo:
        """Poll a job until it ends."""
        for polls in range(MOST_POLLS):
            info = self.job_info(job)
            if info.complete or info.lost:
                return info
            self._api.clock.sleep(pause(polls))
        return ENDLESS

    def page_paths(self, job: str) -> list[str]:
        """Addresses of all result pages (API 58 and newer), which may be read in any order."""
        lists = follow(
            self._api.get_json(f"jobs/query/{job}/resultPages", ResultLinks),
            fetch=lambda link: self._api.get_json(self._api.link(link), ResultLinks),
            link=_more,
        )
        paths: list[str] = []
        for links in lists:
            paths += [self._api.link(page.result_url) for page in links.result_pages or ()]
            if not links.result_pages or len(paths) > MOST_PAGES:
                break  # no job has so many; a page that is missing is noticed by its rows
        return paths

    def read_all(self, job: str, rows: int, columns: tuple[str, ...]) -> Iterator[Page]:
        """All pages of a job with ``rows`` rows, one after the other."""
        total = 0
        locator: str | None = ""
        seen: set[str] = set()
        while locator is not None:
            if locator in seen or len(seen) > MOST_PAGES:
                raise circular()
            seen.add(locator)
            path = self._result_path(job, locator)
            owed = rows - total
            result = yield from self._page(job, path, columns, owed=owed, most=owed)
            total += result.rows
            locator = result.locator
        self._done(job)

    def read_page(
        self, job: str, path: str, columns: tuple[str, ...], *, pages: int, rows: int
    ) -> Iterator[Page]:
        """One of a job's ``pages``; the last one read proves that their sum is ``rows``."""
        result = yield from self._page(job, path, columns, owed=None, most=rows)
        with self._lock:
            tally = self._tallies.setdefault(job, JobTotals())
            if path not in tally.pages:
                tally.pages.add(path)
                tally.rows += result.rows
            complete = len(tally.pages) == pages
        if complete and tally.rows != rows:
            raise _short(tally.rows, rows, "job")
        if complete:
            self._done(job)

    def forget_read_jobs(self) -> None:
        """Delete the jobs whose results were read completely."""
        with self._lock:
            done, self._read = self._read, set()
        for job in sorted(done):
            self.forget(job)

    def forget(self, job: str) -> None:
        """Delete a job; one that cannot be deleted expires after seven days."""
        with self._lock:
            self._read.discard(job)
        try:
            self._api.delete(f"jobs/query/{job}")
        except SalesforceRefusal:
            return

    def _check_new(self, job: str, path: str, first: str | None) -> None:
        """Raise TransientError (``page-repeats``) if another page of the job begins like this one.

        The sum of the rows would be right, and the rows of this page would be missing.
        """
        with self._lock:
            firsts = self._tallies.setdefault(job, JobTotals()).firsts
            if first is not None and firsts.setdefault(first, path) != path:
                raise TransientError(
                    "page-repeats",
                    "Salesforce delivered a result page twice instead of the next one.",
                    next_step="Unlost reads it again automatically.",
                )

    def _done(self, job: str) -> None:
        with self._lock:
            self._read.add(job)
            self._tallies.pop(job, None)

    def _result_path(self, job: str, locator: str) -> str:
        more = f"&locator={quote(locator, safe='')}" if locator else ""
        return f"jobs/query/{job}/results?maxRecords={self._page_rows}{more}"

    def _page(
        self, job: str, path: str, columns: tuple[str, ...], *, owed: int | None, most: int
    ) -> Generator[Page, None, ResultPage]:
        """One page of a job, of at most ``most`` rows, read again until it is proved.

        ``owed``: the rows that are missing, if it is known which pages were read.
        """
        delivery = ResultStream()
        attempt = 1
        while True:
            block = self._blocks.get(columns, BLOCK_BYTES)
            try:
                with self._api.stream(path, accept_type=CSV, limits=ROWS) as body:
                    result = yield from self._parsed(body, columns, delivery, block, most=most)
                _check_end(body, result, owed)
                self._check_new(job, path, delivery.first())
                yield from delivery.proved(result.rows)
                return result
            except RowTooWide:
                self._blocks[columns] = doubled(block)
            except TransientError as error:
                self._api.client.backoff.wait(attempt, error)
                attempt += 1
            delivery.again()

    def _parsed(
        self,
        body: BodyStream,
        columns: tuple[str, ...],
        delivery: ResultStream,
        block: int,
        *,
        most: int,
    ) -> Generator[Page, None, ResultPage]:
        reader = CsvReader(body, block_bytes=block)
        if reader.columns and sorted(reader.columns) != sorted(columns):
            raise TransientError(
                "page-columns", "A result page does not have the requested columns."
            )
        at = self._api.time_of(body.headers)
        announced = number_in(body.headers, ROWS_HEADER)
        most = most if announced is None else min(announced, most)
        size = 0
        for batch in reader.batches():
            if reader.rows > most:
                raise _short(reader.rows, most, "page")  # perhaps without an end
            size, before = reader.bytes, size
            ordered = batch if reader.columns == columns else batch.select(list(columns))
            yield from delivery.take(ordered, at, size=size - before)
        if announced is not None and announced != reader.rows:
            raise _short(reader.rows, announced, "page")
        return ResultPage(reader.rows, _locator(body))


def pause(polls: int) -> float:
    """Seconds until the next poll of a job."""
    return POLLS[min(polls, len(POLLS) - 1)]


def _locator(body: BodyStream) -> str | None:
    locator = body.headers.get("sforce-locator", "")
    return None if locator in {"", LAST} else locator


def _check_end(body: BodyStream, result: ResultPage, owed: int | None) -> None:
    """Accept a missing locator, or a missing body, as the end only if all rows are there."""
    if owed is None:
        if result.rows == 0 and ROWS_HEADER not in body.headers:
            raise _short(0, 1, "page")
    elif result.rows > owed or (result.locator is None and result.rows != owed):
        raise _short(result.rows, owed, "page")


def _short(have: int, want: int, what: str) -> TransientError:
    return TransientError(
        "page-short",
        "A result {part} of Salesforce has {rows} rows instead of the announced {announced}.",
        next_step="Unlost reads it again automatically. If the problem persists, report it to "
        "Salesforce with the id of the job.",
        part=what,
        rows=have,
        announced=want,
    )


def _more(links: ResultLinks) -> str | None:
    """The next list of result pages."""
    return None if links.done else links.next_records_url or links.next_record_url

"""Results of the org's facade: values without any HTTP in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

type Json = dict[str, Any]
"""One JSON object as it leaves through HTTP (a record, a describe, an entry of limits)."""


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes of one blob field: ``chunks`` yields ``size`` bytes in pieces of at most 1 MiB."""

    content_type: str
    size: int
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class BulkSelect:
    """A query prepared for Bulk API 2.0.

    ``sql`` is a DuckDB SELECT without parameters that gives one VARCHAR column per header, in the
    order of ``headers`` and under these names, in CSV form (`...Z` datetimes, doubles as Java
    prints them, empty text for null). ``ordered``: the query has an ORDER BY or a LIMIT, which
    switches off chunking. Run it on ``org.store.cursor()``.
    """

    object: str
    headers: tuple[str, ...]
    sql: str
    ordered: bool


@dataclass(frozen=True, slots=True)
class UpdatedIds:
    """Answer of getUpdated."""

    ids: tuple[str, ...]
    latest_date_covered: datetime


@dataclass(frozen=True, slots=True)
class DeletedIds:
    """Answer of getDeleted: pairs of id and time of deletion."""

    records: tuple[tuple[str, datetime], ...]
    earliest_date_available: datetime
    latest_date_covered: datetime


@dataclass(frozen=True, slots=True)
class Described:
    """A describe with what HTTP needs for conditional requests."""

    body: Json
    etag: str
    """Entity tag in double quotes, of the content (without the ``--gzip`` that HTTP adds)."""
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """The number of rows of an object in the store, regardless of what a user may see."""

    live: int
    deleted: int


class ChildCursor(Protocol):
    """Registers the rest of a child subquery and gives its ``nextRecordsUrl``."""

    def __call__(self, rest: "ResultRows", offset: int, /) -> str:
        """Give the URL under which ``rest`` continues at ``offset``."""
        ...


class ResultRows(Protocol):
    """A query's result as it was at the moment of the query; later writes do not change it."""

    object: str
    """Name of the object in FROM."""
    total: int
    """``totalSize``."""
    page_size: int
    """Rows to put on one page: 2,000, or what Sforce-Query-Options asked, less for wide rows."""
    returned: int
    """Rows to page through; 0 for ``SELECT COUNT()``, whose answer is ``total`` alone."""

    def records(
        self,
        offset: int,
        limit: int,
        *,
        version: str = "v66.0",
        child_cursor: ChildCursor | None = None,
    ) -> Sequence[Json]:
        """Records ``offset`` to ``offset + limit``, in the JSON form of REST."""
        ...

    def close(self) -> None:
        """Free what the result holds; it gives no records afterwards."""
        ...

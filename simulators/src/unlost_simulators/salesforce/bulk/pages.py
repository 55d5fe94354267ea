"""Cutting a rendered result into pages, and the opaque locators that name where a page begins."""

from __future__ import annotations

import base64
import binascii
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unlost_simulators.kit.http.encoding import GZIP_LEVEL, GZIP_WINDOW
from unlost_simulators.salesforce.bulk.render import Rendered
from unlost_simulators.salesforce.model.errors import SalesforceError

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class PageSizes:
    """Page sizes chosen by the server; a client can only ask for fewer rows."""

    rows: int = 250_000
    max_bytes: int = 512 << 20


@dataclass(frozen=True, slots=True)
class Page:
    """Rows ``start`` to ``end`` of a result, and whether more follow."""

    start: int
    end: int
    last: bool

    @property
    def rows(self) -> int:
        """Give the number of rows on the page."""
        return self.end - self.start


def cut(result: Rendered, start: int, *, limit: int | None, sizes: PageSizes) -> Page:
    """Give the page that begins at a row: bounded by the client, by rows and by bytes.

    A page holds at least one row, however long that is.
    """
    wanted = min(limit or sizes.rows, result.rows - start)
    if wanted <= 0:
        return Page(start, start, last=True)
    edge = int(result.offsets[start]) + sizes.max_bytes
    fitting = int(np.searchsorted(result.offsets, edge, side="right")) - 1 - start
    end = start + max(1, min(wanted, fitting))
    return Page(start, end, last=end >= result.rows)


def starts(result: Rendered, start: int, *, sizes: PageSizes, count: int) -> tuple[list[int], int]:
    """Give where the next ``count`` pages of the server's own size begin, and where they end."""
    first_rows: list[int] = []
    while len(first_rows) < count and (start < result.rows or (start == 0 and not first_rows)):
        first_rows.append(start)
        start = max(cut(result, start, limit=None, sizes=sizes).end, start + 1)
    return first_rows, start


def locator(job_id: str, row: int) -> str:
    """Give the locator of a row: base64url without padding, as the real ones look."""
    return base64.urlsafe_b64encode(f"{row}:{job_id}:1".encode()).rstrip(b"=").decode()


def row_of(job_id: str, text: str) -> int:
    """Read a locator of this job."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        row, owner, _ = raw.split(":")
        if owner == job_id and row.isdecimal():
            return int(row)
    except (ValueError, binascii.Error):
        pass
    raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "Invalid query locator")


class GzipPages:
    """Compressed pages on disk: each is compressed when first asked for, and only then."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[Path, threading.Lock] = {}

    def file(self, result: Rendered, page: Page) -> Path:
        """Give the file that holds the page with its header as one gzip member."""
        path = result.folder / f"page-{page.start}-{page.end}.csv.gz"
        with self._guard:
            lock = self._locks.setdefault(path, threading.Lock())
        with lock:
            if not path.exists():
                _compress(result, page, path)
        return path


def _compress(result: Rendered, page: Page, path: Path) -> None:
    squeeze = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as out:
        out.write(squeeze.compress(result.header))
        for chunk in _chunks(result, page):
            out.write(squeeze.compress(chunk))
        out.write(squeeze.flush())
    unfinished.replace(path)


def _chunks(result: Rendered, page: Page) -> Iterator[bytes]:
    remaining = int(result.offsets[page.end] - result.offsets[page.start])
    with result.data.open("rb") as rows:
        rows.seek(int(result.offsets[page.start]))
        while remaining > 0:
            chunk = rows.read(min(CHUNK, remaining))
            remaining -= len(chunk)
            yield chunk

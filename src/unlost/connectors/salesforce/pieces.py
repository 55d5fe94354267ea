"""From pieces of a result to pages: held back until proved, and never delivered twice."""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce.rows import observed
from unlost.model.reading import Page, Proof


class ResultStream:
    """One result on its way to the vault, over all attempts to read it.

    The last piece is held until ``proved``: what was cut or short then never looks complete. When
    a result is read again, rows that were delivered before are left out.
    """

    def __init__(self) -> None:
        self.rows = 0  # delivered so far
        self._delivered: list[pa.Array] = []
        self._earlier: pa.ChunkedArray | None = None
        self._held: Page | None = None

    def again(self) -> None:
        """A new attempt begins; the piece that was held is read again."""
        self._held = None
        if self._delivered:
            self._earlier = pa.chunked_array(self._delivered, pa.string())

    def take(self, batch: pa.RecordBatch, at: datetime, *, size: int = 0) -> Iterator[Page]:
        """Hold this piece back, and let go of the one before it. ``size`` in bytes."""
        if self._earlier is not None:
            seen = pc.is_in(batch.column("Id"), value_set=self._earlier)
            batch = batch.filter(pc.invert(seen))
        if not batch.num_rows:
            return
        before, self._held = self._held, Page(observed(batch, at), Proof(None, len(batch), size))
        if before is not None:
            yield self._let_go(before)

    def proved(self, announced: int | None) -> Iterator[Page]:
        """The result is whole; ``announced`` is how many rows the source said it has."""
        if self._held is None:
            return
        page, self._held = self._held, None
        owed = None if announced is None else announced - self.rows
        yield self._let_go(Page(page.rows, Proof(owed, page.proof.parsed, page.proof.bytes)))

    def _let_go(self, page: Page) -> Page:
        self._delivered.append(page.rows.ids)
        self.rows += len(page.rows)
        return page

"""Turn pieces of a result into pages: withheld until proved, and never delivered twice."""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce.rows import observed
from unlost.model.source.reading import Page, Proof


class ResultStream:
    """One result on its way to the vault, over all attempts to read it.

    The last piece is withheld until ``proved``, so that a cut or short result never looks complete.
    If a result is read again, rows delivered before are skipped.
    """

    def __init__(self) -> None:
        self.rows = 0  # delivered so far
        self._delivered: list[pa.Array] = []
        self._earlier: pa.ChunkedArray | None = None
        self._withheld: Page | None = None

    def again(self) -> None:
        """Begin a new attempt; the withheld piece is read again."""
        self._withheld = None
        if self._delivered:
            self._earlier = pa.chunked_array(self._delivered, pa.string())

    def take(self, batch: pa.RecordBatch, at: datetime, *, size: int = 0) -> Iterator[Page]:
        """Withhold this piece, and release the one before it. ``size`` in bytes."""
        if self._earlier is not None:
            seen = pc.is_in(batch.column("Id"), value_set=self._earlier)
            batch = batch.filter(pc.invert(seen))
        if not batch.num_rows:
            return
        before, self._withheld = (
            self._withheld,
            Page(observed(batch, at), Proof(None, len(batch), size)),
        )
        if before is not None:
            yield self._release(before)

    def proved(self, announced: int | None) -> Iterator[Page]:
        """Release the last piece: the result is whole; ``announced`` is the source's row count."""
        if self._withheld is None:
            return
        page, self._withheld = self._withheld, None
        owed = None if announced is None else announced - self.rows
        yield self._release(Page(page.rows, Proof(owed, page.proof.parsed, page.proof.bytes)))

    def _release(self, page: Page) -> Page:
        self._delivered.append(page.rows.ids)
        self.rows += len(page.rows)
        return page

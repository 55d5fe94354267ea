"""Turn pieces of a result into pages: withheld until proved, and never delivered twice."""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce.http.limits import EMPTY_KEY
from unlost.connectors.salesforce.rows import observed
from unlost.model.errors import TransientError
from unlost.model.source.reading import Page, Proof

PREFIX = 3


class ResultStream:
    """One result on its way to the vault, over all attempts to read it.

    The last piece is withheld until ``proved``, so that a cut or short result never looks complete,
    and one that repeats rows instead of others neither. If a result is read again, rows delivered
    before are skipped, except records that came twice: which of their states was true is unknown.

    The ids of one object begin with the same three characters (key prefix, object reference). A
    piece with others is probably another table's, and not delivered: the result is read again. If
    it is the same again, this table's ids differ.
    """

    def __init__(self) -> None:
        self.rows = 0  # delivered so far
        self._delivered: list[pa.Array] = []
        self._read: list[pa.Array] = []  # ids of this attempt
        self._earlier: pa.ChunkedArray | None = None
        self._withheld: Page | None = None
        self._prefixes: set[str] = set()  # of this attempt
        self._may_mix = False

    def again(self) -> None:
        """Begin a new attempt; the withheld piece is read again."""
        repeated = _repeated(self._read)
        self._withheld, self._read, self._prefixes = None, [], set()
        if self._delivered:
            delivered = pa.chunked_array(self._delivered, pa.string())
            sure = pc.invert(pc.is_in(delivered, value_set=repeated))
            self._earlier = delivered.filter(sure)
            self.rows = pc.count_distinct(self._earlier).as_py()

    def take(self, batch: pa.RecordBatch, at: datetime, *, size: int = 0) -> Iterator[Page]:
        """Withhold this piece, and release the one before it. ``size`` in bytes.

        Raises TransientError (``result-mixed``) if its ids begin otherwise, once in all attempts.
        """
        self._check_alike(batch.column("Id"))
        self._read.append(batch.column("Id"))
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
        """Release the last piece: the result is whole; ``announced`` is the source's row count.

        Raises TransientError (``result-repeats``) if a record came twice, so that another one may
        be missing.
        """
        _check_once(self._read)
        if self._withheld is None:
            return
        page, self._withheld = self._withheld, None
        owed = None if announced is None else announced - self.rows
        yield self._release(Page(page.rows, Proof(owed, page.proof.parsed, page.proof.bytes)))

    def first(self) -> str | None:
        """The first id of this attempt, by which a page is known that comes a second time."""
        first = next((ids for ids in self._read if len(ids)), None)
        return str(first[0]) if first is not None else None

    def _check_alike(self, ids: pa.Array) -> None:
        self._prefixes |= set(pc.unique(pc.utf8_slice_codeunits(ids, 0, PREFIX)).to_pylist())
        if len(self._prefixes) > 1 and not self._may_mix:
            self._may_mix = True
            raise TransientError(
                "result-mixed",
                "A result of Salesforce has records of another table.",
                next_step="Unlost reads it again automatically.",
            )

    def _release(self, page: Page) -> Page:
        self._delivered.append(page.rows.ids)
        self.rows += len(page.rows)
        return page


def _repeated(read: list[pa.Array]) -> pa.Array:
    """The ids that came more than once."""
    counts = pc.value_counts(pa.chunked_array(read, pa.string()))
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))


def _check_once(read: list[pa.Array]) -> None:
    ids = pa.chunked_array(read, pa.string())
    repeated = len(ids) - pc.count_distinct(ids).as_py()
    # Rows without ids of their own are refused as such (``EMPTY_KEY``).
    if repeated and ids[0].as_py() != EMPTY_KEY:
        raise TransientError(
            "result-repeats",
            "A result of Salesforce has {repeated} records twice, so others may be missing.",
            next_step="Unlost reads it again automatically.",
            repeated=repeated,
        )

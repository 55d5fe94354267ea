"""The words of stored rows, computed again: to check, to repair and to renew the search index."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import U_BLOBS, U_ID, U_SHAPE, U_SNAP, is_system
from unlost.vault.format.words.tokens import Tokenizer
from unlost.vault.layout.segment_label import SegmentShape
from unlost.vault.objects.segment_writer import CommitRange
from unlost.vault.read.big_cells import LoadBlobs, resolve
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView, named


@dataclass(frozen=True, slots=True)
class RowWords:
    """Computes the words of the rows of source tables by the present rules.

    Words come from the columns that the schema of a row searches. With ``newest``, the id of a
    later schema, also from the columns that this one searches: the index then finds old rows like
    new ones.
    """

    org_vault: OrgVault
    load: LoadBlobs
    newest: str = ""
    pause: Callable[[], None] = field(default=lambda: None)

    def of_tables(
        self,
        state: LiveState,
        *,
        shapes: Callable[[SegmentShape], bool] = lambda _: True,
        within: CommitRange | None = None,
    ) -> Iterator[pa.Table]:
        """The words of all rows of chosen shapes, of the commits ``within``."""
        for table, segments in sorted(state.segments.items()):
            for live in segments.values() if not is_system(table) else ():
                if within is None or (live.first <= within.last and live.last >= within.first):
                    yield from self.of_segment(live, shapes=shapes, within=within)

    def of_segment(
        self,
        live: LiveSegment,
        *,
        shapes: Callable[[SegmentShape], bool],
        within: CommitRange | None = None,
    ) -> Iterator[pa.Table]:
        """The words of the rows of chosen shapes, of the commits ``within``, by row groups."""
        label, _ = self.org_vault.reader.facts(live.entry)
        for number, shape in enumerate(label.all_shapes()):
            if shapes(shape):
                yield from self._of_shape(live, number, shape, within)

    def tokenizer(
        self, table: str, shape: SegmentShape, names: tuple[str, ...]
    ) -> Tokenizer | None:
        """The tokenizer of rows of a shape that have the columns ``names``."""
        schemas = self.org_vault.schemas
        then = schemas.tokenizer(shape.schema, table, names=names)
        if not self.newest or self.newest == shape.schema:
            return then
        now = schemas.tokenizer(self.newest, table, names=names)
        return now.with_columns_of(then) if now and then else now or then

    def _of_shape(
        self, live: LiveSegment, number: int, shape: SegmentShape, within: CommitRange | None
    ) -> Iterator[pa.Table]:
        table = live.entry.table
        view = TableView(table, [live], self.org_vault.reading)
        present = view.names(0, shape=number)
        tokenizer = self.tokenizer(table, shape, tuple(present))
        if tokenizer is None:
            return
        names = tuple(dict.fromkeys(tokenizer.columns))
        columns = [U_ID, U_BLOBS, U_SHAPE, U_SNAP, *dict.fromkeys(present[n] for n in names)]
        for group in range(len(view.sidecar(0).fences)):
            self.pause()
            rows = _chosen(view.read(0, [group], columns), number, within)
            if len(rows):
                cells = resolve(named(rows, names, present), names, self.load)
                yield tokenizer.tokens(cells.append_column(U_ID, rows.column(U_ID)))


def _chosen(rows: pa.Table, shape: int, within: CommitRange | None) -> pa.Table:
    mask = pc.equal(rows.column(U_SHAPE), shape)
    if within is not None:
        snaps = rows.column(U_SNAP)
        mask = pc.and_(mask, pc.greater_equal(snaps, within.first))
        mask = pc.and_(mask, pc.less_equal(snaps, within.last))
    return rows.filter(mask)

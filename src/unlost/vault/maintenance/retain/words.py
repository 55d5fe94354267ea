"""Words of removed versions that no remaining version of the same record has."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.vault.format.physical import SEARCH, SEARCH_FIELDS, U_BLOBS, U_ID, U_OP, U_SHAPE
from unlost.vault.format.words.token_rules import VERSION
from unlost.vault.format.words.tokens import Tokenizer
from unlost.vault.layout.segment_label import SegmentShape
from unlost.vault.maintenance.rewrite.bare import without_rows
from unlost.vault.maintenance.rewrite.row_words import RowWords
from unlost.vault.read.big_cells import resolve
from unlost.vault.read.candidates import old_part
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import RANK, TableView

IDS_AT_ONCE = 2_048
_SCHEMA = pa.schema(SEARCH_FIELDS)


class VersionWords:
    """Recomputes the words of versions of one table."""

    def __init__(self, org_vault: OrgVault, view: TableView) -> None:
        self._org_vault = org_vault
        self._view = view
        self._tokenizers: dict[tuple[int, int], Tokenizer | None] = {}
        seq = org_vault.chain.live().seq
        self._load = org_vault.load_blob(until=seq)
        newest = org_vault.chain.manifest(seq)[0].schema
        self._words = RowWords(org_vault, self._load, newest=newest)
        # Then no word of earlier rules is left, whatever rules the rows were written under.
        self._renewed = not old_part(org_vault.view(SEARCH, until=seq)).segments

    def lost(self, ids: pa.Array, goes: NDArray[np.bool_]) -> Iterator[pa.Table]:
        """Iterate over rows of ``$search`` that are no longer needed.

        ``ids``: of each shown version of some records, by id and age; ``goes``: mask of versions
        that go.
        """
        names = self._names()
        if not names:
            return
        for at, count in _by_records(ids, IDS_AT_ONCE):
            part, going = ids.slice(at, count), goes[at : at + count]
            if going.any():
                yield self._lost(part, going, names)

    def _lost(self, ids: pa.Array, goes: NDArray[np.bool_], names: tuple[str, ...]) -> pa.Table:
        rows = self._view.find(pc.unique(ids), (U_OP, U_SHAPE), cells=names)
        cells = resolve(rows.select([*names, U_BLOBS]), names, self._load)
        head = rows.select([U_ID, RANK, U_SHAPE])
        whole = pa.table([*head.columns, *cells.columns], [*head.column_names, *cells.column_names])
        gone, kept_tokens = (self._tokens(whole.filter(pa.array(mask))) for mask in (goes, ~goes))
        return without_rows(gone, kept_tokens, _SCHEMA)

    def _tokens(self, rows: pa.Table) -> pa.Table:
        """Compute the words of versions, each by the schema under which it was written."""
        kinds = rows.select([RANK, U_SHAPE]).group_by([RANK, U_SHAPE]).aggregate([])
        token_tables = [_SCHEMA.empty_table()]
        for kind in kinds.to_pylist():
            tokenizer = self._tokenizer(kind[RANK], kind[U_SHAPE])
            if tokenizer is not None:
                same = pc.and_(
                    pc.equal(rows.column(RANK), kind[RANK]),
                    pc.equal(rows.column(U_SHAPE), kind[U_SHAPE]),
                )
                token_tables.append(tokenizer.tokens(rows.filter(same)))
        return pa.concat_tables(token_tables)

    def _names(self) -> tuple[str, ...]:
        """Return all columns that the words of any version come from."""
        names: dict[str, None] = {}
        for rank in range(len(self._view.segments)):
            for number in range(len(self._shapes(rank))):
                tokenizer = self._tokenizer(rank, number)
                names |= dict.fromkeys(tokenizer.columns if tokenizer is not None else ())
        return tuple(names)

    def _tokenizer(self, rank: int, number: int) -> Tokenizer | None:
        """Return the tokenizer of a shape; None if it was another version of it, or none."""
        key = (rank, number)
        if key not in self._tokenizers:
            shape = self._shapes(rank)[number]
            present = tuple(self._view.names(rank, shape=number))
            # Words of earlier rules cannot be recomputed. They stay, which costs only space.
            known = shape.tokenizer == VERSION or self._renewed
            self._tokenizers[key] = (
                self._words.tokenizer(self._view.table, shape, present) if known else None
            )
        return self._tokenizers[key]

    def _shapes(self, rank: int) -> tuple[SegmentShape, ...]:
        label = self._org_vault.reader.facts(self._view.segments[rank].entry)[0]
        return label.all_shapes()


def _by_records(ids: pa.Array, most: int) -> Iterator[tuple[int, int]]:
    """Split sorted ids into (start, count) of about ``most``, without splitting an id."""
    fresh = np.ones(len(ids), dtype=np.bool_)
    if len(ids) > 1:
        fresh[1:] = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy(
            zero_copy_only=False
        )
    starts = np.flatnonzero(fresh)
    at = 0
    while at < len(ids):
        later = starts[np.searchsorted(starts, at + most) :]
        end = int(later[0]) if len(later) else len(ids)
        yield at, end - at
        at = end

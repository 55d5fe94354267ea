"""Recomputation of all search words.

The words of a large org do not fit into memory. They are compared as hashes, in several passes:
each pass handles the words whose hash leaves one remainder.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
from numpy.typing import NDArray

from unlost.model.errors import IntegrityError
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import (
    SEARCH,
    SEARCH_FIELDS,
    is_system,
)
from unlost.vault.format.words.token_rules import VERSION
from unlost.vault.layout.segment_label import SegmentLabel, SegmentShape
from unlost.vault.maintenance.rewrite.row_words import RowWords
from unlost.vault.maintenance.rewrite.tiers import tiers_of
from unlost.vault.objects.segment_writer import CommitRange
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView

_COLUMNS = tuple(field.name for field in SEARCH_FIELDS)
PASS_WORDS = 8_000_000  # hashes in memory at a time, 8 bytes each

type Hashes = NDArray[np.uint64]


def hashes_of(rows: pa.Table) -> Hashes:
    """Hash each row of ``$search``, over all of its columns."""
    frame = pl.DataFrame(pl.from_arrow(rows.select(_COLUMNS)))
    text = pl.concat_str([pl.col(name) for name in _COLUMNS], separator="\0")
    hashed = frame.select(cast("plh.HExpr", text).nchash.xxh3_64(seed=0).alias("hash"))
    return np.asarray(hashed.get_column("hash").to_numpy(), dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class _Pass:
    """The words whose hash leaves this remainder."""

    number: int
    of: int

    def chosen(self, hashes: Hashes) -> Hashes:
        """Return the hashes that belong to this pass."""
        remainders = hashes % np.uint64(self.of)
        return np.asarray(hashes[remainders == self.number], dtype=np.uint64)


class WordsCheck:
    """Check of the words of one org."""

    def __init__(self, org_vault: OrgVault, state: LiveState) -> None:
        self._org_vault = org_vault
        self._state = state
        self._words = list(state.segments.get(SEARCH, {}).values())
        self._tables = [
            live
            for table, segments in state.segments.items()
            for live in segments.values()
            if not is_system(table)
        ]

    def check(self) -> None:
        """Raise IntegrityError if a word is missing, or follows from no row.

        Surplus words are allowed where they have a harmless cause: a merged segment may have
        dropped rows that no snapshot shows, a salvage may have lost rows, and the words of an older
        tokenizer cannot be traced to rows.
        """
        rows = sum(live.entry.rows for live in self._words)
        passes = rows // PASS_WORDS + 1
        for number in range(passes):
            self._check(_Pass(number, passes))

    def _check(self, word_pass: _Pass) -> None:
        parts = [word_pass.chosen(hashes) for hashes in self._stored_words()]
        stored_hashes = np.unique(np.concatenate([np.zeros(0, np.uint64), *parts]))
        used = np.zeros(len(stored_hashes), dtype=np.bool_)
        for table, hashes in self._expected():
            wanted = word_pass.chosen(hashes)
            at = np.searchsorted(stored_hashes, wanted)
            if (at == len(stored_hashes)).any() or (stored_hashes[at] != wanted).any():
                raise _disagrees(
                    "Words of “{table}” are missing from the search index.", table=table
                )
            # The stored hashes are sorted and unique, so each expected word marks exactly its own
            # place.
            used[at] = True
        if self._exact() and not used.all():
            raise _disagrees("The search index has words that are in no row.")

    def _exact(self) -> bool:
        merged = any(live.merged for live in (*self._words, *self._tables))
        kinds = {info.kind for info in self._state.commits.values()}
        return (
            not merged
            and CommitKind.SALVAGE not in kinds
            and all(
                self._label(live).tokenizer in (0, VERSION)
                for live in (*self._words, *self._tables)
            )
        )

    def _label(self, live: LiveSegment) -> SegmentLabel:
        return self._org_vault.reader.facts(live.entry)[0]

    def _stored_words(self) -> Iterator[Hashes]:
        for live in self._words:
            for rows in self._groups(live, _COLUMNS):
                yield hashes_of(rows)

    def _expected(self) -> Iterator[tuple[str, Hashes]]:
        """Compute the words that the present rules made, or that a renewal made again."""
        load = self._org_vault.load_blob(until=self._state.seq)
        words = RowWords(self._org_vault, load)
        for live in self._tables:
            for tokens in words.of_segment(live, shapes=lambda shape: shape.tokenizer == VERSION):
                yield live.entry.table, hashes_of(tokens)
            for reach in self._renewed:
                if live.first <= reach.last and live.last >= reach.first:
                    for tokens in words.of_segment(live, shapes=_is_older, within=reach):
                        yield live.entry.table, hashes_of(tokens)

    @cached_property
    def _renewed(self) -> list[CommitRange]:
        """The commits whose words all follow the present rules, though their rows may be older."""
        return [
            CommitRange(tier.first, tier.last)
            for tier in tiers_of(self._words)
            if all(self._label(live).tokenizer == VERSION for live in tier.segments)
            and any(live.merged for live in tier.segments)
        ]

    def _groups(self, live: LiveSegment, columns: Iterable[str]) -> Iterator[pa.Table]:
        view = TableView(live.entry.table, [live], self._org_vault.reading)
        for group in range(len(view.sidecar(0).fences)):
            yield view.read(0, [group], tuple(columns))


def _is_older(shape: SegmentShape) -> bool:
    return 0 < shape.tokenizer < VERSION


def _disagrees(template: str, **args: Any) -> IntegrityError:
    return IntegrityError(
        "search-disagrees",
        template,
        next_step="Restore the object from a mirror of the vault.",
        **args,
    )

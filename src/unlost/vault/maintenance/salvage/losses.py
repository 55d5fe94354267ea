"""Counts and ids of what a table loses, collected during the survey."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa
from blake3 import blake3

from unlost.model.vault.salvage import DIGEST_BYTES, LISTED, LostSpan, TableSalvaged
from unlost.vault.maintenance.salvage.pieces import SalvagedRows


@dataclass(slots=True)
class Losses:
    """The losses of a table; ``ids`` and ``spans``: records with a lost or reduced version.

    ``digest`` covers all losses, including the ones that are too many to list.
    """

    table: str
    whole: int = 0
    reduced: int = 0
    lost: int = 0
    columns: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    gone: dict[str, None] = field(default_factory=dict)
    spans: list[LostSpan] = field(default_factory=list)
    digest: blake3 = field(default_factory=blake3)

    def add(self, piece: SalvagedRows, low: str, high: str) -> None:
        """Add a row group between these ids."""
        if piece.lost is None:
            self.span(low, high, piece.count)
            return
        self._note(piece)
        self.lost += len(piece.lost)
        self.reduced += len(piece.reduced)
        self.whole += piece.count - len(piece.lost) - len(piece.reduced)
        self.columns |= piece.columns
        self.gone |= dict.fromkeys(piece.lost)
        self.ids.update((*piece.lost, *piece.reduced))

    def _note(self, piece: SalvagedRows) -> None:
        # The digest gets the columns of each reduced version too: equal counts may hide another
        # loss.
        short = zip(piece.reduced, map(sorted, piece.lacking), strict=True)
        self.digest.update(msgspec.json.encode((piece.count, piece.lost, tuple(short))))

    def span(self, low: str, high: str, versions: int) -> None:
        """Add lost versions whose ids are lost too."""
        self.digest.update(msgspec.json.encode((low, high, versions)))
        self.lost += versions
        self.spans.append(LostSpan(low, high, versions))

    def touches(self, rows_ids: pa.ChunkedArray) -> Sequence[bool]:
        """Return, for each row, if its record has a lost or reduced version."""
        return [
            ident in self.ids or any(span.low <= ident <= span.high for span in self.spans)
            for ident in rows_ids.to_pylist()
        ]

    @property
    def any(self) -> bool:
        """True if anything is lost or reduced."""
        return bool(self.lost or self.reduced)

    @property
    def report(self) -> TableSalvaged:
        """The losses in the form that people see."""
        return TableSalvaged(
            table=self.table,
            whole=self.whole,
            reduced=self.reduced,
            lost=self.lost,
            columns=tuple(sorted(self.columns)),
            ids=tuple(self.gone)[:LISTED],
            spans=tuple(self.spans),
            digest=self.digest.hexdigest(DIGEST_BYTES),
        )

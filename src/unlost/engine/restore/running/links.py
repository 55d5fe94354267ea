"""Map records of the vault to the live records that represent them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial

import pyarrow as pa

from unlost.engine.named_rows import tables_and_texts, with_cells
from unlost.engine.restore.journal.log import RestoreState
from unlost.model.named_records import (
    named_records,
    names_ids,
    rewritten,
    tables_of,
    texts_of,
)
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.ports.vault import Vault
from unlost.model.source.schema import Column
from unlost.model.vault.lineage import resolve as last_lives


class MissingLink(Enum):
    """A reference to a record of the plan that has no live record (yet)."""

    MISSING = auto()


MISSING = MissingLink.MISSING


@dataclass(slots=True)
class Links:
    """Maps ids to live ones, for the plan's records and those that came back in earlier restores.

    Any other id stays as it is. ``earlier`` begins with the plan's knowledge, and learns the rest from the vault.
    """

    vault: Vault
    org: str
    target: str
    state: RestoreState
    steps: Mapping[RecordKey, PlanStep]
    earlier: dict[RecordKey, str | None] = field(default_factory=dict)

    def live(self, key: RecordKey) -> str | None:
        """The live id of a record of the plan, if it has one by now."""
        return self.state.links.get(key)

    def prefetch(self, columns: Iterable[Column], rows: Iterable[Mapping[str, str | None]]) -> None:
        """Learn the live ids of all records that these rows refer to, with few queries."""
        all_rows = list(rows)
        wanted: dict[tuple[str, ...], set[str]] = {}
        for column in filter(names_ids, columns):
            for row in all_rows if column.reference is not None else ():
                for named in named_records(column, row):
                    wanted.setdefault(named.tables, set()).add(named.text)
        self._learn_all(wanted)

    def learn(self, columns: Iterable[Column], rows: pa.Table) -> None:
        """The same for rows in columns."""
        wanted: dict[tuple[str, ...], set[str]] = {}
        for column in filter(names_ids, columns):
            if column.name in rows.column_names:
                for tables, texts in tables_and_texts(rows, column).items():
                    wanted.setdefault(tables, set()).update(texts)
        self._learn_all(wanted)

    def mapped(self, column: Column, rows: pa.Table) -> pa.Array:
        """The cells that a reference must have now; null if its record has no live id (yet)."""
        return with_cells(rows, column, partial(self._cell, column))

    def _cell(self, column: Column, cells: Mapping[str, str | None]) -> str | None:
        live = self.resolve(column, cells)
        return None if isinstance(live, MissingLink) else live

    def _learn_all(self, wanted: Mapping[tuple[str, ...], set[str]]) -> None:
        by_table: dict[str, set[str]] = {}
        for tables, texts in wanted.items():
            for table in tables:
                by_table.setdefault(table, set()).update(texts)
        for table, texts in by_table.items():
            self._learn(table, texts)

    def _learn(self, table: str, values: set[str]) -> None:
        unknown = sorted(
            value
            for value in values
            if self._linked(key := RecordKey(table, value)) is None and key not in self.earlier
        )
        if not unknown:
            return
        # Records without lineage are remembered as well, so that each is looked up once.
        self.earlier.update({RecordKey(table, value): None for value in unknown})
        rows = self.vault.lineage(self.org, table=table, records=unknown)
        came = last_lives(rows, org=self.org, target=self.target)
        self.earlier.update({key: came[key] for key in came if key in self.earlier})

    def resolve(self, column: Column, cells: Mapping[str, str | None]) -> str | MissingLink | None:
        """The cell that a reference must have now; ``cells``: those of its row in the vault.

        In a list, each record with a live id gets it, and all others keep theirs.
        """
        cell, reference = cells.get(column.name), column.reference
        if cell is None or reference is None:
            return cell
        tables = tables_of(reference, cells)
        if reference.separator is None:
            return self._current(tables, cell)
        current = ((text, self._current(tables, text)) for text in texts_of(reference, cell))
        live = {text: now for text, now in current if isinstance(now, str)}
        return rewritten(reference, cell, lambda text: live.get(text, text))

    def _current(self, tables: Iterable[str], value: str) -> str | MissingLink:
        for table in tables:
            key = RecordKey(table, value)
            live = self._linked(key)
            if live is not None:
                return live
            earlier = self.earlier.get(key)
            if earlier is not None:  # it came back, and may be lost again and planned
                return self._linked(RecordKey(table, earlier)) or earlier
        return value

    def _linked(self, key: RecordKey) -> str | MissingLink | None:
        """The live id of a record in this run; None if the run does not bring it back.

        A copy is another record: references to the first one never lead to it.
        """
        step = self.steps.get(key)
        if step is not None and step.beside:
            return None
        live = self.state.links.get(key)
        return MISSING if live is None and step is not None else live

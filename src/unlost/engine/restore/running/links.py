"""Map records of the vault to the live records that represent them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.journal.log import RestoreState
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
        wanted: dict[str, set[str]] = {}
        for column in columns:
            if column.reference is None:
                continue
            values = {value for row in all_rows if (value := row.get(column.name))}
            for table in column.reference.tables:
                wanted.setdefault(table, set()).update(values)
        for table, values in wanted.items():
            self._learn(table, values)

    def learn(self, columns: Iterable[Column], rows: pa.Table) -> None:
        """The same for rows in columns."""
        wanted: dict[str, set[str]] = {}
        for column in columns:
            if column.reference is None or column.name not in rows.column_names:
                continue
            values = set(pc.unique(rows.column(column.name)).to_pylist()) - {None, ""}
            for table in column.reference.tables if values else ():
                wanted.setdefault(table, set()).update(values)
        for table, values in wanted.items():
            self._learn(table, values)

    def mapped(self, column: Column, texts_of_column: pa.ChunkedArray) -> pa.Array:
        """The live ids that these references must have now; null if there is none (yet)."""
        texts = texts_of_column.combine_chunks().dictionary_encode()
        live = [self.resolve(column, value) for value in texts.dictionary.to_pylist()]
        ids = pa.array(
            [None if isinstance(target, MissingLink) else target for target in live], pa.string()
        )
        return ids.take(texts.indices)

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

    def resolve(self, column: Column, value: str) -> str | MissingLink:
        """The live id that a reference must have now."""
        for table in column.reference.tables if column.reference else ():
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

"""The wanted state of an undo's records: what the undone run replaced or deleted, from its journal.

A file of a deleted record is found where the first restore found it: an undo deletes only what a
restore brought, and the vault has the bytes under the record's id of that time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import pyarrow as pa

from unlost.engine.restore.journal.effects import EffectKind, RunEffects, history_of
from unlost.engine.restore.running.wanted import States, WantedReader, moved
from unlost.engine.restore.values.cells import digest
from unlost.model.plan import Action, PlanStep, RecordKey, RestorePlan
from unlost.model.ports.vault import Vault
from unlost.model.source.schema import Schema, Table
from unlost.model.vault.snapshot import Lineage, StoredFile

type Origin = tuple[str, int]
"""The id of a record in the vault, and the snapshot whose state the first restore wanted."""


class UndoneReader(WantedReader):
    """Reads wanted cells from the journal of the run that is undone."""

    def __init__(self, vault: Vault, plan: RestorePlan, schema: Schema) -> None:
        super().__init__(vault, plan.org, ())
        self._tables = {table.name: table for table in schema.tables}
        self._history = history_of(vault, plan.target, plan.selection.run)
        self.undone = self._history[0]

    def columns(self, step: PlanStep) -> tuple[str, ...]:
        """The columns of a record that the undone run brought, in which it must be unchanged."""
        return self.undone.effects[step.key].columns

    def brought_as(self, step: PlanStep) -> str:
        """The id for which the undone run brought a record."""
        effect = self.undone.effects.get(step.key)
        return effect.record if effect is not None else step.record

    def _unedited(self, steps: Sequence[PlanStep]) -> Iterator[States]:
        groups: dict[tuple[str, tuple[str, ...]], list[PlanStep]] = defaultdict(list)
        for step in steps:
            effect = self.undone.effects.get(step.key)
            if effect is None or digest(self._table(step), effect.before) != step.digest:
                raise moved(step.key)
            groups[step.table, tuple(sorted(effect.before))].append(step)
        for (_, names), some in groups.items():
            befores = [self.undone.effects[step.key].before for step in some]
            columns = [pa.array([cells[name] for cells in befores], pa.string()) for name in names]
            rows = pa.table(columns, names=list(names)) if names else _without_columns(len(some))
            yield States(some, rows)

    def _table(self, step: PlanStep) -> Table:
        return self._tables[step.table]

    def files(self, steps: Sequence[PlanStep]) -> dict[RecordKey, StoredFile]:
        """The file with which a restore created each record."""
        stored: dict[RecordKey, StoredFile] = {}
        for step in steps:
            origin = self._origins.get(step.key)
            if origin is not None:
                record, number = origin
                snapshot = self._vault.at(self._org, number, forgotten=True)
                files = snapshot.files(step.table, [record])
                bodies = [file for file in files if not file.is_image]
                if bodies:
                    stored[step.key] = bodies[0]
        return stored

    @cached_property
    def _origins(self) -> Mapping[RecordKey, Origin]:
        """The place from which the first restore took each live record."""
        steps = {step.key: step for step in self._first.plan.steps}
        return {
            RecordKey(key.table, live): (key.record, steps[key].snapshot or steps[key].version)
            for key, live in self._first.links.items()
            if key in steps
        }

    @property
    def _first(self) -> RunEffects:
        """The restore at the beginning: an undo may undo an undo."""
        return self._history[-1]

    def lineage(self, now: Mapping[RecordKey, str | None], *, org: str, run: str) -> list[Lineage]:
        """Rows about the records that the first restore brought or adopted, by their vault ids.

        ``now``: the live ids after this run, None for deleted records. A row that leads to its own
        record ends what an earlier row said. A deleted record has such a row, too: it stays another
        life of the record that it stood for (``planning.lives``).
        """
        ends = len(self._history) % 2 == 1
        adopted = {step.key for step in self._first.plan.steps if step.action is Action.ADOPT}
        beside = {step.key for step in self._first.plan.steps if step.beside}
        rows = []
        for key, live in self._first.links.items():
            if key in beside:  # it never was that record
                continue
            place = RecordKey(key.table, live)
            effect = self._first.effects.get(place)
            brought = effect is not None and effect.kind is EffectKind.BROUGHT
            if live == key.record or place not in now or not (brought or key in adopted):
                continue
            target = None if ends and key in adopted else now[place]
            rows.append(Lineage(key.table, key.record, target or key.record, org, run))
            if brought and now[place] is None:
                rows.append(Lineage(key.table, live, live, org, run))
        return rows


def _without_columns(rows: int) -> pa.Table:
    """A table of rows without columns."""
    return pa.table({"": pa.nulls(rows)}).select([])

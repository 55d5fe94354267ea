"""Records of a plan that changed more than once between the two backups that it compares.

    backup 2: +41 7      backup 3: 0 (the damage)      backup 4: +41 77 (a correction?)

The plan puts back the value of the first backup wherever that of the second one differs. A value in
between shows that the newest one may be a correction.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.actions.records.history import ChangedField, field_line
from unlost.app.records.last_changes import UNKNOWN_CHANGE, LastChange, last_changes
from unlost.app.records.record_facts import RecordNames
from unlost.app.records.stored_cells import Cells, stored_cells
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.explain import FieldChange
from unlost.engine.restore.values.cells import different
from unlost.model.plan import Action, PlanStep, RestorePlan, SelectionKind
from unlost.model.ports.vault import VaultReader
from unlost.model.source.schema import Table

SHOWN = 25  # records
READ = 500  # records whose values between the two backups are read
MOST_BACKUPS = 14  # between the two; each is compared with the next. Over more, nothing is marked


@dataclass(frozen=True, slots=True)
class ChangedAgain:
    """A record with another value in between: ``old`` ones of ``fields``. ``new`` are overwritten.

    ``change`` is the last change of the record in the second backup.
    """

    table: str
    record: str
    name: str
    fields: tuple[ChangedField, ...]
    change: LastChange


@dataclass(frozen=True, slots=True)
class ChangedAgainRecords:
    """The first records that changed more than once between backups ``after`` and ``until``."""

    after: int
    until: int
    records: tuple[ChangedAgain, ...]
    more: bool


def changed_again(
    vault: VaultReader, org: ProtectedOrg, plan: RestorePlan
) -> ChangedAgainRecords | None:
    """Return the records that changed more than once; None if there are none, or too many backups."""
    selection = plan.selection
    after, until = selection.after, selection.until
    if selection.kind is not SelectionKind.CHANGED or after is None or until is None:
        return None
    listed = [night.number for night in vault.snapshots(org.oid)]
    if after not in listed or until not in listed:
        return None  # forgotten since the plan was made
    numbers = [number for number in listed if after < number < until]
    table = vault.at(org.oid, until, forgotten=True).schema().table(selection.table or "")
    if table is None or not 0 < len(numbers) <= MOST_BACKUPS:
        return None
    steps = {step.record: step for step in plan.steps if step.action is Action.UPDATE}
    chain = (after, *numbers, until)
    often = _changed_often(vault, org, table.name, chain, records=steps)
    reader = _Reader(vault, org.oid, table, chain)
    records = list(reader.records([steps[record] for record in often[:READ]]))
    if not records:
        return None
    shown = tuple(records[:SHOWN])
    return ChangedAgainRecords(after, until, shown, len(records) > SHOWN or len(often) > READ)


def _changed_often(
    vault: VaultReader,
    org: ProtectedOrg,
    table: str,
    chain: Sequence[int],
    *,
    records: Mapping[str, PlanStep],
) -> list[str]:
    """Return the ids of these records that changed between more than one pair of backups."""
    wanted = pa.array(sorted(records), pa.string())
    counts: Counter[str] = Counter()
    for older, newer in pairwise(chain):
        for batch in vault.changes(org.oid, table, after=older, until=newer):
            ids = batch["_u_id"].cast(pa.string()).combine_chunks()
            counts.update(ids.filter(pc.is_in(ids, value_set=wanted)).to_pylist())
    return sorted(record for record, count in counts.items() if count > 1)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the values of records in each backup of a chain."""

    vault: VaultReader
    org: str
    table: Table
    chain: Sequence[int]

    def records(self, steps: Sequence[PlanStep]) -> Iterator[ChangedAgain]:
        """Yield the records that had a value in between which is neither the first nor the last."""
        if not steps:
            return
        ids = [step.record for step in steps]
        columns = sorted({column for step in steps for column in step.columns})
        backups = [self.vault.at(self.org, number, forgotten=True) for number in self.chain]
        cells = [stored_cells(backup, self.table.name, ids, columns) for backup in backups]
        changes = last_changes(backups[-1], self.table.name, ids)
        names = RecordNames(backups[-1])
        named = names.of([self.table.name], ids)
        for step in steps:
            states = [by_id[step.record] for by_id in cells if step.record in by_id]
            fields = tuple(
                field_line(between, self.table, names)
                for column in step.columns
                if (between := self._between(column, states)) is not None
            )
            if fields:
                last_change = changes.get(step.record, UNKNOWN_CHANGE)
                name = named.get(step.record, "")
                yield ChangedAgain(self.table.name, step.record, name, fields, last_change)

    def _between(self, column: str, states: Sequence[Cells]) -> FieldChange | None:
        """Return the last value in between, and the newest one; None if there is no other one."""
        first, last = states[0], states[-1]
        for state in reversed(states[1:-1]):
            others = (different(self.table, state, other, [column]) for other in (first, last))
            if all(others):
                return FieldChange(column, state.get(column), last.get(column))
        return None

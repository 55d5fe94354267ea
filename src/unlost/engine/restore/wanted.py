"""The wanted state of records: read from the vault when it is needed, never kept in a plan."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlost.engine.restore.cells import digests
from unlost.model.errors import IntegrityError
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.ports import Snapshot, Vault
from unlost.model.snapshot import StoredFile
from unlost.model.writing import Gather

READ_ROWS = 1_000  # records of one table that are held as Python values at a time


@dataclass(slots=True)
class Wanted:
    """Reads wanted cells and files of the plan's records."""

    vault: Vault
    org: str

    def cells(self, steps: Sequence[PlanStep]) -> dict[RecordKey, dict[str, str | None]]:
        """The wanted cells of these records, typed edits included.

        Raises IntegrityError (``restore-version-moved``) if the vault's version is not the one
        that the plan was made for.
        """
        groups: dict[tuple[int, str], list[PlanStep]] = defaultdict(list)
        for step in steps:
            groups[_night(step), step.table].append(step)
        found: dict[RecordKey, dict[str, str | None]] = {}
        for (night, table), own in groups.items():
            snapshot = self.vault.at(self.org, night)
            for at in range(0, len(own), READ_ROWS):
                found.update(_read(snapshot, table, own[at : at + READ_ROWS]))
        return found

    def file(self, step: PlanStep) -> StoredFile | None:
        """The newest file that the vault held for the record in the wanted state."""
        files = self.vault.at(self.org, _night(step)).files(step.table, [step.record])
        return files[0] if files else None

    def files(self, steps: Sequence[PlanStep]) -> dict[RecordKey, StoredFile]:
        """The newest file of each record that has one in the wanted state."""
        groups: dict[tuple[int, str], list[PlanStep]] = defaultdict(list)
        for step in steps:
            groups[_night(step), step.table].append(step)
        found: dict[RecordKey, StoredFile] = {}
        for (night, table), own in groups.items():
            stored = self.vault.at(self.org, night).files(table, [one.record for one in own])
            for file in stored:
                found.setdefault(RecordKey(table, file.record), file)
        return found

    def gathered(
        self, gather: Gather, rows: Sequence[PlanStep]
    ) -> Mapping[str, Sequence[tuple[RecordKey, str]]]:
        """By parent: the gathered rows and the references that they hold."""
        cells = self.cells(rows)
        by_parent: dict[str, list[tuple[RecordKey, str]]] = defaultdict(list)
        for key, own in cells.items():
            parent, value = own.get(gather.parent_column), own.get(gather.value_column)
            fits = all(own.get(column) == text for column, text in gather.where)
            if fits and parent is not None and value is not None:
                by_parent[parent].append((key, value))
        return by_parent


def _night(step: PlanStep) -> int:
    """The snapshot to read from: few of them serve many versions."""
    return step.snapshot or step.version


def _read(
    snapshot: Snapshot, name: str, steps: Sequence[PlanStep]
) -> dict[RecordKey, dict[str, str | None]]:
    schema = snapshot.schema().table(name)
    if schema is None:
        raise moved(steps[0])
    rows = snapshot.get(name, [step.record for step in steps])
    columns = [column.name for column in schema.columns if column.name in rows.column_names]
    ids = rows["_u_id"].to_pylist()
    told = zip(digests(schema, rows, columns), rows.select(columns).to_pylist(), strict=True)
    values = dict(zip(ids, told, strict=True))
    return {step.key: _checked(step, *values.get(step.record, (None, {}))) for step in steps}


def _checked(
    step: PlanStep, digest: str | None, cells: Mapping[str, str | None]
) -> dict[str, str | None]:
    if digest != step.digest:
        raise moved(step)
    return {**cells, **step.edits}


def moved(step: PlanStep) -> IntegrityError:
    """The vault does not hold what the plan was made for."""
    return IntegrityError(
        "restore-version-moved",
        f"The vault's version of {step.key} is not the one that the plan was made for.",
        next_step="Run `unlost verify --level full`, then make the plan again.",
    )

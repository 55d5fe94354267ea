"""The values that restores of ours wrote between two backups, from their journals."""

from collections.abc import Iterator, Sequence

from unlost.app.compose import Application
from unlost.engine.records.mass_changes import PutBackValues
from unlost.engine.restore.journal.log import RestoreLog
from unlost.model.plan import Action, PlanStep
from unlost.model.vault.snapshot import CommitKind

WRITTEN = frozenset({Action.UPDATE, Action.UNDELETE, Action.ADOPT})  # actions on existing records


def put_back_values(
    app: Application, oid: str, *, after: int, until: int
) -> Sequence[PutBackValues]:
    """Return what the restores between two backups wrote into records that were there before."""
    vault = app.whole_vault
    return [
        values
        for commit in vault.commits(oid)
        if commit.kind is CommitKind.RESTORE and after < commit.number < until
        for values in _values(RestoreLog(vault.journal(oid, commit.run)), oid)
    ]


def _values(log: RestoreLog, oid: str) -> Iterator[PutBackValues]:
    opened = log.state.opened
    if opened is None or opened.plan.org != oid:  # its records have other ids here
        return
    groups: dict[tuple[str, int, tuple[str, ...]], set[str]] = {}
    for step in opened.plan.steps:
        if _is_written(step):
            for number, columns in _sources(step, opened.plan.snapshot).items():
                groups.setdefault((step.table, number, columns), set()).add(step.record)
    for (table, snapshot, columns), records in groups.items():
        yield PutBackValues(table, snapshot, frozenset(columns), frozenset(records))


def _sources(step: PlanStep, newest: int) -> dict[int, tuple[str, ...]]:
    """Return the columns that were set, by the backup from which their values come."""
    wanted = step.snapshot or newest
    sources: dict[int, tuple[str, ...]] = {}
    for column in step.columns:
        number = step.taken.get(column, wanted)
        sources[number] = (*sources.get(number, ()), column)
    return sources or {wanted: ()}


def _is_written(step: PlanStep) -> bool:
    return step.action in WRITTEN and step.live in (None, step.record)

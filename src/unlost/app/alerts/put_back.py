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
            key = (step.table, step.snapshot or opened.plan.snapshot, step.columns)
            groups.setdefault(key, set()).add(step.record)
    for (table, snapshot, columns), records in groups.items():
        yield PutBackValues(table, snapshot, frozenset(columns), frozenset(records))


def _is_written(step: PlanStep) -> bool:
    return step.action in WRITTEN and step.live in (None, step.record)

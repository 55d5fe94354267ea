"""The run that an undo takes back: it is over once the undo begins.

    restore R   writes 300 of 500 records, and waits for tomorrow's calls
    undo U      checks that R is as the plan saw it, ends the journal of R, begins its own
    midnight    R would create the other 200 and commit the ids of deleted records: it is refused

The records that R created stay known as those of the vault: its commit says so, as if it had closed.
A process that ends between the two journals leaves R over and U not begun. See docs/adr/0059.
"""

from datetime import datetime

from unlost.engine.restore.journal.effects import EffectKind, RunEffects, history_of
from unlost.engine.restore.journal.entries import RunUndone
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.running.commit import commit_lineage, lineage_of
from unlost.engine.restore.running.undone import UndoneReader
from unlost.model.errors import Conflict
from unlost.model.plan import RecordKey, RestorePlan, SelectionKind
from unlost.model.ports.vault import Vault


def end_undone_run(plan: RestorePlan, vault: Vault, *, undo: str, at: datetime) -> None:
    """End the run that a plan takes back, unless it has reached its end.

    Raises Conflict (``undo-outdated``) if that run has gone on since the plan was made, and NotFound
    (``journal-gone``).
    """
    run = plan.selection.run
    undone = history_of(vault, plan.target, run)[0]
    _check_as_planned(plan, undone)
    if undone.closed:
        return
    log = RestoreLog(vault.journal(plan.target, run))
    if not undone.undo:
        log.write(RunUndone(undo, at))
    _commit(vault, log, undone)


def _commit(vault: Vault, log: RestoreLog, undone: RunEffects) -> None:
    """Commit the ids of the records that the run brought; without them, they would come back twice."""
    plan, run = log.opened.plan, undone.run
    rows = lineage_of(plan, log.state.links, run=run)
    if plan.selection.kind is SelectionKind.UNDO:
        schema = vault.at(plan.org, plan.snapshot, forgotten=True).schema()
        reader = UndoneReader(vault, plan, schema)
        rows += reader.lineage(_lives_now(undone), org=plan.target, run=run)
    commit_lineage(vault, plan, rows, run=run, as_of=log.opened.at)


def _lives_now(undone: RunEffects) -> dict[RecordKey, str | None]:
    """The live ids of the records that an undo brought; None for those that it deleted."""
    return {
        RecordKey(effect.table, effect.record): (
            effect.live if effect.kind is EffectKind.BROUGHT else None
        )
        for effect in undone.effects.values()
        if effect.kind is not EffectKind.CHANGED
    }


def _check_as_planned(plan: RestorePlan, undone: RunEffects) -> None:
    planned = plan.selection.run_entries  # 0: the plan of an earlier release
    if planned and planned != undone.entries:
        raise Conflict(
            "undo-outdated",
            "The run {run} continued after this undo was planned, so the plan does not include all of its "
            "changes. Nothing was written.",
            next_step="Plan the undo again: `unlost undo ORG {run} --out FILE`.",
            run=undone.run,
        )

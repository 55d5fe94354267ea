"""The run that an undo takes back: it is over once the undo begins.

    restore R   writes 300 of 500 records, and waits for tomorrow's calls
    undo U      checks that R is as the plan saw it, ends the journal of R, begins its own
    midnight    R would create the other 200 and commit the ids of deleted records: it is refused

A process that ends between the two journals leaves R over and U not begun. See docs/adr/0059.
"""

from datetime import datetime

from unlost.engine.restore.journal.effects import RunEffects, history_of
from unlost.engine.restore.journal.entries import RunUndone
from unlost.engine.restore.journal.log import RestoreLog
from unlost.model.errors import Conflict
from unlost.model.plan import RestorePlan
from unlost.model.ports.vault import Vault


def end_undone_run(plan: RestorePlan, vault: Vault, *, undo: str, at: datetime) -> None:
    """End the run that a plan takes back, unless it has reached its end.

    Raises Conflict (``undo-outdated``) if that run has gone on since the plan was made, and NotFound
    (``journal-gone``).
    """
    run = plan.selection.run
    undone = history_of(vault, plan.target, run)[0]
    _check_as_planned(plan, undone)
    if not undone.closed and not undone.undo:
        RestoreLog(vault.journal(plan.target, run)).write(RunUndone(undo, at))


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

"""Records on legal hold stay in the org, whatever an undo would delete."""

from collections.abc import Iterable

from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.planning.undo_step import UndoStep
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.on_hold import records_on_hold
from unlost.model.plan import Action


def keep_on_hold(survey: RestoreSurvey, steps: Iterable[UndoStep]) -> None:
    """Skip the deletion of records on legal hold; those that they need are kept as for any record."""
    doomed = {step.key: step for step in steps if step.action is Action.DELETE}
    records = {key: step.effect.record for key, step in doomed.items()}
    ports = survey.ports
    for key in records_on_hold(ports.vault, survey.org, records, now=ports.clock.now()):
        doomed[key].skip(NoteCode.ON_HOLD)

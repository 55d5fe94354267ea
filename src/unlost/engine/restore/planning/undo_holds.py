"""Records on legal hold stay in the org with their files, whatever an undo would delete."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.planning.undo_step import UndoStep
from unlost.engine.restore.values.cells import Cells
from unlost.engine.restore.values.files_on_hold import FilesOnHold
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.on_hold import hold_targets, records_on_hold
from unlost.engine.restore.values.referrers import referring_ids
from unlost.model.plan import Action


def keep_on_hold(survey: RestoreSurvey, steps: Iterable[UndoStep]) -> None:
    """Skip the deletion of records on legal hold; those that they need are kept as for any record."""
    doomed = {step.key: step for step in steps if step.action is Action.DELETE}
    records = {key: step.effect.record for key, step in doomed.items()}
    ports = survey.ports
    for key in records_on_hold(ports.vault, survey.org, records, now=ports.clock.now()):
        doomed[key].skip(NoteCode.ON_HOLD)


def keep_files_on_hold(survey: RestoreSurvey, steps: Sequence[UndoStep]) -> None:
    """Skip the deletion of files that a record on legal hold has."""
    ports = survey.ports
    doomed = {step.key: step for step in steps if step.action is Action.DELETE}
    files = FilesOnHold(
        ports.shared,
        hold_targets(ports.vault, survey.org, now=ports.clock.now()),
        {step.effect.live: step.effect.record for step in steps},
        lambda table, ids, columns: _rows(survey, table, ids, columns),
        lambda table, column, ids: _referring(survey, table, column, ids),
    )
    for key in files.among(doomed):
        doomed[key].skip(NoteCode.FILE_ON_HOLD)


def _rows(
    survey: RestoreSurvey, table: str, ids: Sequence[str], columns: Sequence[str]
) -> Mapping[str, Cells]:
    if table not in survey.tables:
        return {}
    rows = survey.rows(table, ids, columns=columns)
    return {record: row.cells for record, row in rows.items() if not row.deleted}


def _referring(
    survey: RestoreSurvey, table: str, column: str, ids: Sequence[str]
) -> Collection[str]:
    described = survey.tables.get(table)
    return referring_ids(survey.ports.writer, described, column, ids) if described else ()

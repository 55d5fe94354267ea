"""The storage that archive runs were to free, and whether the figures of the org followed.

Right after a run its records are measured in the backup that has them, and the figures of the org are
read once: the forecast then starts from the new level. Later backups show if the org followed.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.vault.storage import (
    StorageHistory,
    keep_samples,
    note_undone,
    predictions_of,
    storages,
    store_predictions,
)
from unlost.engine.archive.preview import bytes_of_records
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.values.outcome import Ending, RestoreOutcome
from unlost.engine.storage.forecast import LOOKED_BACK, forecast
from unlost.engine.storage.freed import DAY, ENOUGH, WINDOW, freed_figure
from unlost.model.freed import FreedFigure, PredictedBytes
from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.ports.source import Source
from unlost.model.source.quota import Quota

type FiguresByRun = Mapping[str, tuple[FreedFigure, ...]]


@dataclass(frozen=True, slots=True)
class OrgFigures:
    """The storage figures of an org at an instant of the lower of its clock and the local one.

    ``read_at``: the same instant by the local clock.
    """

    at: datetime
    read_at: datetime
    quotas: tuple[Quota, ...]


def read_figures(app: Application, source: Source) -> OrgFigures | None:
    """Read the storage figures of an org after a run; None if it does not report them.

    They are information only: the run is over, and a refusal fails nothing.
    """
    with suppress(Exception):
        quotas = tuple(source.quotas())
        server, now = source.server_time(), app.clock.now()
        return OrgFigures(min(server, now), now, quotas)
    return None


def note_freed(
    app: Application,
    org: ProtectedOrg,
    plan: RestorePlan,
    outcome: RestoreOutcome,
    figures: OrgFigures | None,
) -> None:
    """Store the figures of an org after an archive run, and the bytes that the run was to free."""
    if figures is None:
        return
    keep_samples(org.oid, figures.quotas, at=figures.at)
    # The local clock may differ from that of the samples; the time since the first entry of the
    # journal does not. The run may have ended long ago: only its commit may have been missing.
    began = figures.at - (figures.read_at - outcome.started)
    store_predictions(
        org.oid,
        [
            PredictedBytes(outcome.run, storage, size, began, figures.at)
            for storage, size in sorted(_predicted(app, org, plan, outcome).items())
        ],
    )


def end_comparisons(app: Application, org: ProtectedOrg, restored: Collection[RecordKey]) -> None:
    """Record that records of recent archive runs are back: their figures are no longer compared.

    ``restored``: the records that a restore brought back, by their former ids.
    """
    since = app.clock.now() - WINDOW
    recent = {each.run for each in predictions_of(org.oid) if each.at >= since and not each.undone}
    back = set(restored) if recent else set()
    for run in sorted(recent):
        archived = _archived(app, org, run)
        if len(archived & back) > (1 - ENOUGH) * len(archived):
            note_undone(org.oid, run)


def _archived(app: Application, org: ProtectedOrg, run: str) -> set[RecordKey]:
    """Return the records that a run took out of the org; none if its journal was erased."""
    closed = RestoreLog(app.whole_vault.journal(org.oid, run)).state.closed
    records = closed.records if closed is not None else ()
    return {each.key for each in records if each.ending is Ending.ARCHIVED}


def figures_by_run(org: ProtectedOrg) -> FiguresByRun:
    """Return the predicted bytes of the archive runs of an org, compared with its figures."""
    predictions = predictions_of(org.oid)
    if not predictions:
        return {}
    since = predictions[0].began - LOOKED_BACK - DAY
    histories = {each.name: each for each in storages(org.oid, since=since)}
    by_storage: dict[str, list[PredictedBytes]] = defaultdict(list)
    for prediction in predictions:
        by_storage[prediction.storage].append(prediction)
    figures: dict[str, tuple[FreedFigure, ...]] = {}
    for prediction in predictions:
        history = histories.get(prediction.storage)
        figure = freed_figure(
            prediction,
            by_storage[prediction.storage],
            history.samples if history is not None else (),
            daily=_daily(history, prediction.began) if history is not None else 0.0,
        )
        figures[prediction.run] = (*figures.get(prediction.run, ()), figure)
    return figures


def _daily(history: StorageHistory, at: datetime) -> float:
    """Return the growth of a day as it was when a run began: later growth says nothing about it."""
    recent = [sample for sample in history.samples if at - LOOKED_BACK <= sample.at <= at]
    seen = forecast(recent, limit=history.limit, now=at, stop=1.0)
    return seen.daily if seen is not None else 0.0


def _predicted(
    app: Application, org: ProtectedOrg, plan: RestorePlan, outcome: RestoreOutcome
) -> Mapping[str, int]:
    """Return the bytes of the records that left, by storage."""
    records: dict[str, list[str]] = defaultdict(list)
    for record in outcome.records:
        if record.ending is Ending.ARCHIVED:
            records[record.table].append(record.record)
    snapshot = app.whole_vault.at(org.oid, plan.snapshot, forgotten=True)
    rules = app.connector(org.identity.connector).storage_rules(snapshot.schema())
    return bytes_of_records(snapshot, records, rules)

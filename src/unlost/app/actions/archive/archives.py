"""The archives and purges of an org, and how many records each took out of the org."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from unlost.app.access import action
from unlost.app.actions.restores.restore_run import journal_of
from unlost.app.archive.freed import figures_by_run
from unlost.app.archive.periods import archives_of
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.runs import RunRecord, list_runs
from unlost.engine.restore.running.passes.staying import VANISHED
from unlost.engine.restore.values.outcome import Ending
from unlost.model.access import Right
from unlost.model.archive_retention import ArchiveCommit
from unlost.model.freed import FreedFigure
from unlost.model.purge import names_purge
from unlost.model.vault.snapshot import CommitKind


@dataclass(frozen=True, slots=True)
class ArchiveLine:
    """The run of an archive or a purge. ``policy``: name of its policy; empty if it is unknown.

    ``planned`` are the records of its plan, ``archived`` those that left the org. ``vanished``
    records are gone although it was not their turn, or the plan does not name them. ``keep_days``: how
    long the vault keeps the archived records at least, 0 for ever; ``due``: the day on which it ends.
    ``freed``: by storage, the bytes that the archived records needed, and the org's figures since.
    """

    run: str
    state: str
    policy: str
    started: datetime
    ended: datetime | None
    planned: int = 0
    archived: int = 0
    vanished: int = 0
    keep_days: int = 0
    due: date | None = None
    freed: tuple[FreedFigure, ...] = ()

    @property
    def is_purge(self) -> bool:
        """True for a purge."""
        return names_purge(self.policy)


@dataclass(frozen=True, slots=True)
class Archives:
    """The archives and purges of an org, newest first."""

    org: str
    zone: str
    runs: tuple[ArchiveLine, ...]


@action("archive.list", Right.LOOK)
def list_archives(app: Application, org: str) -> Archives:
    """List the archives and purges of an org; raises NotFound (``org-unknown``)."""
    known = get_org(org)
    runs = [run for run in list_runs(known.name) if run.kind is CommitKind.ARCHIVE]
    runs.sort(key=lambda run: run.started_at, reverse=True)
    archives = {archive.run: archive for archive in archives_of(app, known)}
    figures = figures_by_run(known)
    lines = (_with_period(_line(app, run), archives.get(run.id)) for run in runs)
    with_figures = (replace(line, freed=figures.get(line.run, ())) for line in lines)
    return Archives(known.name, known.identity.zone, tuple(with_figures))


def _with_period(line: ArchiveLine, archive: ArchiveCommit | None) -> ArchiveLine:
    """Return the line with the retention of its records."""
    if archive is None or archive.period is None:
        return line
    period = archive.period
    policy = line.policy or period.policy
    return replace(line, policy=policy, keep_days=period.keep_days, due=archive.ends)


def _line(app: Application, run: RunRecord) -> ArchiveLine:
    journal = journal_of(app, run.id)
    if journal is None or journal[0].state.opened is None:
        return ArchiveLine(run.id, run.state, "", run.started_at, run.ended_at)
    state = journal[0].state
    plan, closed = journal[0].opened.plan, state.closed
    policy = plan.selection.policy
    records = closed.records if closed is not None else ()
    return ArchiveLine(
        run.id,
        run.state,
        policy.name if policy is not None else "",
        run.started_at,
        run.ended_at,
        len(plan.steps),
        sum(record.ending is Ending.ARCHIVED for record in records),
        sum(record.code == VANISHED for record in records),
    )

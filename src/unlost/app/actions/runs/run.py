"""The progress of one run, table by table. The console polls it every other second."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import Where, action, run_unknown
from unlost.app.actions.restores.restore_run import runs
from unlost.app.archive.periods import purges_among
from unlost.app.compose import Application
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.observer import ItemRecord, run_items
from unlost.catalog.runs.plans import plan_of_run
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.restore.journal.log import RESTORE_UNDONE
from unlost.engine.restore.planning.shown.summary import PlanSummary, written_by_table
from unlost.jobs.slots import worker_runs
from unlost.model.access import Right
from unlost.model.decoders import decoder_for
from unlost.model.message import Message
from unlost.model.runs.jobs import RunCommand
from unlost.model.runs.progress import Phase
from unlost.model.vault.snapshot import CommitKind

VAULT_ONLY = "forgotten"  # the written state of a restore that only the vault knows
UNDER_WAY = frozenset({RunState.RUNNING.value, RunState.WAITING.value})
OVER = frozenset({RunState.DONE.value, RunState.ABANDONED.value, VAULT_ONLY})


@dataclass(frozen=True, slots=True)
class RunTable:
    """The progress of a table. ``total`` counts the records to write, None if unknown."""

    table: str
    label: str
    phase: Phase | None
    rows: int
    total: int | None
    files: int
    bytes: int
    calls: int


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The status of a run. ``state`` is one of ``RunState``, or ``forgotten``.

    In a restore whose plan the console made, ``done`` of ``total`` records are written and ``plan``
    is the plan's name; else ``total`` is None. ``served``: a service or worker is running. A backup
    has read ``tables_done`` of ``tables_total`` tables, None until they are planned. ``tables`` are
    those with records or files. ``approved_by`` and ``approved_at``: the second person who approved
    a restore, empty if its plan needed none. ``purge``: the run is that of a purge.
    """

    run: str
    org: str
    zone: str
    kind: CommitKind
    full: bool
    hourly: bool
    state: str
    wish: RunCommand
    started: datetime | None
    ended: datetime | None
    resume_at: datetime | None
    snapshot: int | None
    error: Message | None
    served: bool
    plan: str
    phase: Phase | None
    done: int
    total: int | None
    tables: tuple[RunTable, ...]
    tables_done: int = 0
    tables_total: int | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    purge: bool = False

    @property
    def going(self) -> bool:
        """True while the run may change within seconds."""
        return self.state in UNDER_WAY

    @property
    def tenths(self) -> int:
        """The share in steps of ten percent, the steps that screen readers announce."""
        if self.tables_total:
            return self.tables_done * 10 // self.tables_total * 10
        return self.done * 10 // self.total * 10 if self.total else 0

    @property
    def over(self) -> bool:
        """True if the run is not resumed automatically; a restore may be resumed by hand."""
        return self.state in OVER

    @property
    def undone(self) -> bool:
        """True if its undo ended it."""
        return self.error is not None and self.error.code == RESTORE_UNDONE

    @property
    def restore(self) -> bool:
        """True for the run of a plan: a restore, or an archive."""
        return self.kind.has_plan


@action("run.progress", Right.LOOK, where=Where.RUN, subject=("run",))
def run_status(app: Application, run: str) -> RunStatus:
    """Show the progress of a run; raises NotFound (``run-unknown``)."""
    known = find_run(run)
    if known is None:
        return _vault_only(app, run)
    org = get_org(known.org)
    # Only a plan that is stored in the home has a summary, which gives the totals.
    plan = plan_of_run(run)
    approval = plan.approval if plan is not None else None
    summary = decoder_for(PlanSummary).convert(plan.summary) if plan and plan.summary else None
    items = run_items(run)
    totals = written_by_table(summary) if summary is not None else {}
    tables = tuple(_tables(app, org, items, totals))
    planned = [item for item in items if item.table] if known.kind is CommitKind.BACKUP else []
    return RunStatus(
        run=run,
        org=known.org,
        zone=org.identity.zone,
        kind=known.kind,
        full=known.full,
        hourly=known.hourly,
        state=known.state.value,
        wish=known.wish,
        started=known.started_at,
        ended=known.ended_at,
        resume_at=known.resume_at,
        snapshot=known.snapshot,
        error=known.error,
        served=worker_runs(app.locks, alone=not app.home.database),
        plan=plan.id if plan is not None else "",
        phase=_phase(items),
        done=sum(table.rows for table in tables if table.total is not None),
        total=sum(totals.values()) if summary is not None else None,
        tables=tables,
        tables_done=sum(item.done for item in planned),
        tables_total=len(planned) or None,
        approved_by=approval.by if approval is not None else "",
        approved_at=approval.at if approval is not None else None,
        purge=run in purges_among(app, [known]),
    )


def _tables(
    app: Application,
    org: ProtectedOrg,
    items: Iterable[ItemRecord],
    totals: Mapping[str, int],
) -> Iterable[RunTable]:
    head = app.vault.newest_backup(org.oid)
    labels = TableWords(head.schema()).plurals if head is not None else {}
    by_table = {item.table: item for item in items if item.table and _has_data(item)}
    for table in sorted({*by_table, *totals}):
        item, total = by_table.get(table), totals.get(table)
        rows = item.rows if item is not None else 0
        yield RunTable(
            table,
            labels.get(table) or table,
            item.phase if item is not None else None,
            rows
            if total is None
            else min(rows, total),  # a record that is written twice is counted twice
            total,
            item.files if item is not None else 0,
            item.bytes if item is not None else 0,
            item.calls if item is not None else 0,
        )


def _has_data(item: ItemRecord) -> bool:
    """Return False for a planned table of which nothing was read or written."""
    return any((item.rows, item.bytes, item.files, item.calls))


def _phase(items: Iterable[ItemRecord]) -> Phase | None:
    return next((item.phase for item in items if not item.table), None)


def _vault_only(app: Application, run: str) -> RunStatus:
    """Return the status of a restore that only the vault knows, as the home's database was lost."""
    line = next((run_line for run_line in runs(app).runs if run_line.run == run), None)
    if line is None:
        raise run_unknown(run)
    org = get_org(line.org)
    return RunStatus(
        run=run,
        org=org.name,
        zone=org.identity.zone,
        kind=line.kind,
        full=False,
        hourly=False,
        state=line.state if line.state in OVER else VAULT_ONLY,
        wish=RunCommand.NONE,
        started=line.started,
        ended=line.ended,
        resume_at=None,
        snapshot=None,
        error=line.error,
        served=False,
        plan="",
        phase=None,
        done=0,
        total=None,
        tables=(),
        purge=line.purge,
    )

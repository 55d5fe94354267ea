"""A backup: one run that ends in one commit, or parks, or leaves everything as it was.

The stages of a run:

  begin          check the identity, read both clocks (``as_of``), note the newest backup
  discover       describe tables and columns, then plan each table (pure, see ``plan``)
  mark-columns   mark columns that the user may no longer see, or may see again
  look-0         read all planned tables with their files
  look-1..3      read what changed since the last round began, until one took < 5 minutes
  row check      compare a part of the rows that claim not to have changed (``row_check``)
  missing files  read files again that earlier backups could not read (``missing_files``)
  compare        list all live ids where due, count all other tables, and explain each difference
                 (``comparing``)
  quotas         the source's allowances, for the certificate
  commit         schema, certificate and all tables become visible in one write

An org is not one instant: while the last table is read, the first one goes on changing. The rounds
narrow the window, and the certificate states it for each table.

Reading is made of steps of the runner: a run that is started again with the same id replays the
stored results of its finished steps and goes on. Planning and the commit are no steps but are
repeated; ``_find_committed`` finds a commit whose run ended before its result was stored. Nothing is
visible before the commit. A limit of the source parks the run. See
docs/adr/0005, docs/adr/0012 and docs/explanation/backup.md.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from unlost.engine.backup.clocks import clocks_differ, read_clocks
from unlost.engine.backup.comparing import compare_with_source
from unlost.engine.backup.files import add_files
from unlost.engine.backup.known import known_state
from unlost.engine.backup.missing_files import read_missing_files
from unlost.engine.backup.partial import DeferredTables, plan_part, unread
from unlost.engine.backup.plan import BackupPlan, KnownState, plan_backup
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.proof.findings import state_finding, table_gone, window_open
from unlost.engine.backup.proof.proving import certify, certify_part
from unlost.engine.backup.reading import ReadRound, TableRequest, read_tables
from unlost.engine.backup.row_check import check_rows
from unlost.engine.backup.session import (
    BackupPorts,
    BackupSession,
    BackupStart,
)
from unlost.engine.backup.table_progress import TableProgress, table_commit
from unlost.model.errors import Conflict, LimitReached, StoreError, UsageError
from unlost.model.finding import FindingKind
from unlost.model.message import Message, joined
from unlost.model.ports.vault import Snapshot, Vault
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.schema import Schema, TableTrait
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.snapshot import Added, CommitKind, SnapshotInfo, TableCommit, Visibility


@dataclass(frozen=True, slots=True)
class FinishedBackup:
    """A backup that was committed."""

    snapshot: SnapshotInfo
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class ParkedBackup:
    """A backup that waits for an allowance; calling it again with the same run resumes it."""

    run: str
    resume_at: datetime | None
    message: Message

    @property
    def code(self) -> str:
        """The code of the allowance, or of the command that stopped it."""
        return self.message.code


def backup(
    org: str,
    ports: BackupPorts,
    *,
    policy: BackupPolicy | None = None,
    full: bool = False,
    only: Sequence[str] = (),
) -> FinishedBackup | ParkedBackup | DeferredTables:
    """Back up the org with the vault's id ``org``.

    ``full`` reads every row of every table again. ``only`` names a few tables: their changes since
    the newest backup are read, and all others stay as they are; a table that needs more is left to
    the next run of all tables. Raises Conflict if another backup of this org is running, UsageError
    (``other-org``) if the source is not this org, and any error that stops the run; a stopped run
    resumes when it is called again with the same runner id.
    """
    with ports.lease.hold(org, kind=RunKind.BACKUP, run=ports.runner.run):
        try:
            return _backup(org, ports, policy or BackupPolicy(), full=full, only=tuple(only))
        except LimitReached as limit:
            run = ports.runner.run
            return ParkedBackup(run, limit.resume_at, limit.message)


def _backup(
    org: str, ports: BackupPorts, policy: BackupPolicy, *, full: bool, only: tuple[str, ...]
) -> FinishedBackup | DeferredTables:
    # The clock and the previous backup are fixed once: a resumed run must not move on to a later cursor.
    begun = ports.runner.step("begin", lambda: _begin(org, ports, only), result=BackupStart)
    folder = ports.work / ports.runner.run
    done = _find_committed(org, ports, begun)
    if done is not None:
        shutil.rmtree(folder, ignore_errors=True)
        return done
    ports.observer.progress(Progress(Phase.DISCOVER))
    schema = ports.runner.step(
        "discover", lambda: policy.searched.schema(ports.source.discover()), result=Schema
    )
    previous = (
        ports.vault.at(org, begun.previous, forgotten=True) if begun.previous is not None else None
    )
    newest = _newest_state(ports.vault, org, begun) if previous is not None else None
    known = known_state(ports.vault, org, previous, newest=newest, latest=begun.clocks.latest)
    plan = _make_plan(begun, schema, known, policy, full=full)
    if begun.only and not plan.tables:
        return _defer_tables(ports.runner.run, plan)
    commit = ports.vault.begin(
        org, run=ports.runner.run, kind=CommitKind.BACKUP, identity=begun.identity
    )
    commit.put_schema(plan.schema)
    session = BackupSession(
        ports, policy, org, plan, commit, previous, newest, folder, known.nights
    )
    session.clocks.append(begun.clocks)
    for planned in plan.tables:
        ports.observer.progress(Progress(Phase.DISCOVER, planned.table.name))
    progresses = [TableProgress(t, known.states.get(t.table.name)) for t in plan.tables]
    certificate = _read(session, progresses, begun, schema)
    commit.put_certificate(certificate)
    ports.observer.progress(Progress(Phase.COMMIT))
    tables = _commits(session, progresses, begun)
    info = commit.finish(tables, as_of=begun.as_of, partial=bool(begun.only))
    ports.observer.progress(Progress(Phase.COMMIT, done=True))
    shutil.rmtree(folder, ignore_errors=True)
    return FinishedBackup(info, certificate)


def _make_plan(
    begun: BackupStart, schema: Schema, known: KnownState, policy: BackupPolicy, *, full: bool
) -> BackupPlan:
    if begun.only:
        return plan_part(schema, known, begun.only, now=begun.as_of, policy=policy)
    return plan_backup(schema, known, now=begun.as_of, policy=policy, full=full)


def _defer_tables(run: str, plan: BackupPlan) -> DeferredTables:
    reasons = (finding.message for finding in plan.deferred)
    return DeferredTables(run, joined(FindingKind.LEFT_TO_NIGHT.value, reasons))


def _read(
    session: BackupSession, progresses: list[TableProgress], begun: BackupStart, schema: Schema
) -> Certificate:
    """Read all planned tables and certify the result.

    With ``only``, tables that could not be read are dropped from ``progresses``.
    """
    _mark_columns(session, progresses)
    rounds, stable = _read_until_stable(session, progresses, begun.as_of)
    notes = clocks_differ(session.clocks)
    if not stable:
        notes = (*notes, window_open(rounds, session.policy))
    if begun.only:
        notes = (*unread(progresses), *notes)
        # An unread table keeps its cursor and its line of the last full run.
        progresses[:] = [progress for progress in progresses if progress.failure is None]
    else:
        check_rows(session, progresses)
        read_missing_files(session, progresses)
    compare_with_source(session, progresses, schema)
    proving = certify_part if begun.only else certify
    return proving(session, progresses, begun, schema, rounds=rounds, notes=notes)


def _find_committed(org: str, ports: BackupPorts, begun: BackupStart) -> FinishedBackup | None:
    """The snapshot that this run committed before its process ended without storing the result."""
    for info in reversed(ports.vault.snapshots(org)):
        if info.run == ports.runner.run:
            certificate = ports.vault.at(org, info.number).certificate()
            assert certificate is not None, "a backup puts its certificate before it commits"
            with suppress(StoreError):  # the write buffer's key must not survive the run
                ports.vault.begin(
                    org, run=info.run, kind=info.kind, identity=begun.identity
                ).abandon()
            return FinishedBackup(info, certificate)
    return None


def _begin(org: str, ports: BackupPorts, only: tuple[str, ...]) -> BackupStart:
    identity = ports.source.identity()
    known = ports.vault.orgs().get(org)
    if known is None or not known.same_org(identity):
        name = known.label or known.tenant if known is not None else org
        raise UsageError(
            "other-org",
            "The source is not the org that is stored here as {name}: it identifies itself as "
            "{label} ({tenant}).",
            next_step="Check the address and the credentials, or add it as a separate org.",
            name=name,
            label=identity.label or identity.tenant,
            tenant=identity.tenant,
        )
    head = ports.vault.newest_backup(org)
    clocks = read_clocks(ports.source, ports.clock)
    return BackupStart(
        identity,
        clocks.time,
        clocks.local,
        head.info.number if head is not None else None,
        only,
        clocks.source,
        max([head.info.number, *_archives(ports.vault, org)]) if head is not None else None,
    )


def _archives(vault: Vault, org: str) -> list[int]:
    return [info.number for info in vault.commits(org) if info.kind is CommitKind.ARCHIVE]


def _newest_state(vault: Vault, org: str, begun: BackupStart) -> Snapshot:
    """The state when the backup began; raises Conflict (``backup-outrun``) for an archive since.

    The backup may have read records as live that were archived meanwhile.
    """
    number = begun.newest or begun.previous
    assert number is not None
    if any(archive > number for archive in _archives(vault, org)):
        raise Conflict(
            "backup-outrun",
            "Records of this org were archived after this backup began, so it cannot go on.",
            next_step="Start a new backup with `unlost backup ORG`.",
        )
    return vault.at(org, number, forgotten=True)


def _mark_columns(session: BackupSession, progresses: Sequence[TableProgress]) -> None:
    moves = [
        (progress, visibility, columns)
        for progress in progresses
        for visibility, columns in (
            (Visibility.HIDDEN, progress.plan.now_hidden),
            (Visibility.VISIBLE, progress.plan.now_visible),
        )
        if columns
    ]
    marks = session.runner.map(
        "mark-columns",
        lambda move: session.commit.mark(move[0].name, visibility=move[1], columns=move[2]),
        moves,
        key=lambda move: f"{move[0].name}/{move[1].value}",
        result=Added,
    )
    for move, mark in zip(moves, marks, strict=True):
        move[0].marks.append(mark)


def _read_until_stable(
    session: BackupSession, progresses: Sequence[TableProgress], as_of: datetime
) -> tuple[int, bool]:
    """Read everything, then changes made meanwhile, until a round was short; returns the rounds."""
    by_name = {progress.name: progress for progress in progresses}
    requests = [TableRequest(a.name, a.plan.since, nightly=a.plan.nightly) for a in progresses]
    start, rounds = as_of, 0
    # Each round covers a shorter window than the one before, so the rounds converge unless the org
    # changes faster than it can be read.
    while True:
        end = _read_round(session, by_name, requests, round_name=f"look-{rounds}", start=start)
        stable = end - start < session.policy.stable_window
        requests = [] if stable else _reread_requests(session, progresses)
        if not requests or rounds == session.policy.rounds:
            return rounds, stable or not requests
        start, rounds = end, rounds + 1


def _read_round(
    session: BackupSession,
    progresses: dict[str, TableProgress],
    requests: Sequence[TableRequest],
    *,
    round_name: str,
    start: datetime,
) -> datetime:
    """Read ``requests`` with their files; returns the source's time at the end."""
    phase = Phase.READ if round_name == "look-0" else Phase.REREAD
    reads = read_tables(session, requests, ReadRound(round_name, phase))
    results = [r for read in reads.values() for r in (*read.results, *read.again)]
    for result in add_files(session, results, round_name=round_name):
        progresses[result.table].files.append(result)
    end = session.time(f"{round_name}/clocks")
    for read in reads.values():
        progress = progresses[read.table]
        progress.rounds.append(read)
        progress.start, progress.end = start, end
    return end


def _reread_requests(
    session: BackupSession, progresses: Sequence[TableProgress]
) -> list[TableRequest]:
    """Requests for the changes since each table's last round began."""
    requests = []
    for progress in progresses:
        table = progress.plan.table
        # A table that is read whole each time would be read whole again in every round.
        if progress.failure is not None or not table.has(TableTrait.INCREMENTAL):
            continue
        assert progress.start is not None
        cursor = session.source.cursor_at(table, progress.start)
        if cursor is not None:
            requests.append(TableRequest(table.name, cursor))
    return requests


def _commits(
    session: BackupSession, progresses: Sequence[TableProgress], begun: BackupStart
) -> list[TableCommit]:
    commits = [
        table_commit(
            progress,
            cursor=session.source.cursor_at(progress.plan.table, begun.as_of),
            finding=state_finding(progress),
        )
        for progress in progresses
    ]
    states = session.newest.tables() if session.newest is not None else {}
    for name in session.plan.gone:
        state = states[name]
        commits.append(
            TableCommit(
                name,
                (),
                state.cursor,
                state.window_start,
                state.window_end,
                census_at=state.census_at,
                finding=table_gone(state),
            )
        )
    return commits

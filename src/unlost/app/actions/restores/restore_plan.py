"""Plan restores, and read plan files; nothing is written to the org."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from unlost.app.access import Where, action, check_org
from unlost.app.actions.records.watch import stored_watch
from unlost.app.actions.restores.purge import (
    check_whole,
    purge_name,
    purge_of_loop,
    purge_of_records,
    purged_list,
)
from unlost.app.archive.second_copy import check_second_copy
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application, ObserverFanout, SilentObserver
from unlost.app.records.alive_records import alive_records
from unlost.app.records.changes.loss_inbox import lost_records
from unlost.app.records.changes.watched_sets import members_of
from unlost.app.records.lists.queries import ListQuery, ids_of
from unlost.app.records.record_names import record_names
from unlost.app.records.record_selectors import chosen_records
from unlost.app.restores.approvals import PlanApproval, approval_of_plan, reasons_for_plan
from unlost.app.restores.group_lines import GroupLine, group_lines
from unlost.app.restores.org_storage import storage_limits_of, storage_rules_of
from unlost.app.restores.overrides import (
    NO_OVERRIDES,
    Overrides,
    number_at,
    resolve_overrides,
)
from unlost.app.restores.plan_files import proved_plan, sealed_plan
from unlost.catalog.home.settings import public_address
from unlost.catalog.orgs.bypass import bypass_of
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.plans import StoredPlan, add_plan, drop_plans, store_made_plan
from unlost.catalog.runs.runs import find_run
from unlost.engine.archive.planning import ArchiveRequest, plan_archive
from unlost.engine.restore.journal.effects import journal_gone
from unlost.engine.restore.planning.plan import LeftOut, PlanPorts, RelatedPolicy, plan_restore
from unlost.engine.restore.planning.selection import MAX_STEPS, too_large
from unlost.engine.restore.planning.shown.groups import plan_groups
from unlost.engine.restore.planning.shown.summary import PlanSummary, summary
from unlost.engine.restore.planning.undo import plan_undo
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.on_hold import holds_of
from unlost.model.access import Right, Trace
from unlost.model.archive import ArchivePolicy
from unlost.model.errors import IntegrityError, NotFound, StoreError, UsageError
from unlost.model.mass_changes import MassKind
from unlost.model.plan import RecordKey, RestorePlan, Selection, SelectionKind, TwinPolicy
from unlost.model.ports.system import Observer
from unlost.model.purge import check_not_reserved
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.reading import Json
from unlost.model.source.shared_files import SharedFile
from unlost.outside.private_files import FOR_ITS_OWNER

GROUPS = 20  # groups of a result
LIFETIME = timedelta(days=14)  # for stored plans that were not run; the org has changed by then
LARGEST_PLAN = 512_000_000  # bytes; a plan of 200,000 records is far smaller


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A selection of data to restore: exactly one of ``records``, ``lost``, ``changed``, ``loss``,
    ``listed``, ``undo``, ``archive``, ``loop`` and ``watched``.

    ``records`` are TABLE/ID; ``lost`` and ``changed`` name two backups; ``at`` names the backup to
    restore ``records`` from. ``columns`` are all that is restored of ``changed`` records, or of
    ``records``, ``listed`` or ``watched`` ones, if any are given; of the last two, records that are
    not in the backup ``at`` stay as they are. ``loss`` is a number of the loss inbox. ``listed`` is a list of
    records, found again for the plan. ``without`` (TABLE/ID) and ``without_tables`` are left out, also if they belong to selected records. ``otherwise`` are values
    that differ from the backup. ``twins``: the treatment of live records that took a unique value after the loss. ``by``: only
    records that this user (an id) deleted, or changed last; ``change``: only records in which the
    columns were changed in this way. ``undo``: the restore that is taken back; its records
    are named by the ids that they have in the org.

    ``correct``: of live ``records`` only the values of ``otherwise`` are set; lost ones come back
    with them. ``beside``: each then comes as a new record beside the present one. ``since``: a
    backup; values of ``records`` that were changed after it stay, except those of ``overwritten``:
    columns by TABLE/ID, for ``correct``, and with hashes of their values in ``seen``. Of these, a value
    that the org has no longer stays too.

    ``archive``: the policy of records that leave the org, at most ``most`` of them (0: as many as a
    plan can have). ``without`` (TABLE/ID) stay. ``purge``: instead the ``records``, those ``listed``, the
    mails of ``loop`` (the id of its first mail) or the records of the watched set ``watched`` leave it;
    with ``table`` only those of this table. ``loop_records``: in place of the mails of ``loop``, the
    records that it created, with all that belongs to them.
    """

    org: str
    records: tuple[str, ...] = ()
    lost: tuple[str, str] | None = None
    changed: tuple[str, str] | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()
    at: str | None = None
    related: bool = True
    without: tuple[str, ...] = ()
    without_tables: tuple[str, ...] = ()
    otherwise: Overrides = NO_OVERRIDES
    twins: TwinPolicy = TwinPolicy.KEEP
    loss: int | None = None
    by: str = ""
    change: MassKind | None = None
    listed: ListQuery | None = None
    undo: str = ""
    correct: bool = False
    beside: bool = False
    since: str = ""
    overwritten: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    archive: ArchivePolicy | None = None
    most: int = 0
    purge: bool = False
    loop: str = ""
    loop_records: bool = False
    watched: str = ""
    seen: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def deletes(self) -> bool:
        """True if records leave the org: an archive, or a purge."""
        return self.archive is not None or self.purge

    @property
    def policy_name(self) -> str:
        """The name of the policy of an archive or a purge; empty for a restore."""
        if self.archive is not None:
            return self.archive.name
        return purge_name(self.loop) if self.purge else ""

    @property
    def column_table(self) -> str:
        """The table of ``columns``; empty if there is none."""
        if self.listed is not None:
            return self.listed.table
        return self.table or (self.records[0].partition("/")[0] if self.records else "")


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """A selection to restore: a request, or the records that failed in the restore ``retry``.

    ``codes`` limits a retry to these reasons of failure.
    """

    request: PlanRequest
    retry: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan and its file. ``run`` is the name that its run will have.

    ``groups`` are the largest of ``group_count`` groups that people know. ``approval``: None if the
    plan needs no second person.
    """

    org: str
    zone: str
    file: str
    run: str
    digest: str
    summary: PlanSummary
    groups: tuple[GroupLine, ...] = ()
    group_count: int = 0
    approval: PlanApproval | None = None


class ReadablePlan(Protocol):
    """Uploaded data that can be read once."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes."""
        ...


@dataclass(frozen=True, slots=True)
class SentPlan:
    """A plan file received over the network; ``name`` stands for it in errors."""

    body: ReadablePlan
    name: str = "The uploaded plan"

    def __str__(self) -> str:
        return self.name


type PlanFile = Path | SentPlan


def _audited(result: PlanResult) -> dict[str, Json]:
    return {"org": result.org, "plan": result.digest, "typed": list(result.summary.columns)}


@action(
    "restore.plan",
    Right.RESTORE,
    trace=Trace.READ,
    where=Where.ITSELF,
    detail=_audited,
    writes_files=True,
)
def make_plan(
    app: Application, request: PlanRequest, out: Path, *, observer: Observer | None = None
) -> PlanResult:
    """Plan a restore and write the plan file, without writing to the org.

    A plan that needs a second person is also stored, so that the person can approve it. Without a write user the plan is a preview. Raises UsageError, NotFound, NotAllowed, and errors
    of the org.
    """
    check_org(app, Right.RESTORE, request.org)
    check_out(out)
    org = get_org(request.org)
    plan = planned(app, org, request, plan_id=new_plan_id(app), observer=observer)
    _write(out, sealed_plan(app, plan))
    store_for_approval(app, org, plan, RestoreRequest(request), plan_id=plan.id)
    return _result(app, org, plan, out)


def planned(
    app: Application,
    org: ProtectedOrg,
    request: PlanRequest,
    *,
    plan_id: str,
    observer: Observer | None = None,
) -> RestorePlan:
    """Return the plan of a request; raises as ``make_plan``."""
    _check_one_way(request)
    if request.undo:
        _check_at_rest(app, org, request.undo)
    is_restore = not request.undo and not request.deletes
    if request.archive is not None:
        check_not_reserved(request.archive.name)
    policy = _purge(app, org, request) if request.purge else request.archive
    if policy is not None:
        check_second_copy(app, policy)
    selection = _selection(app, org, request) if is_restore else None
    edits = resolve_overrides(app, org, request.otherwise)
    backup = _restored_from(request)
    at = number_at(app, org, backup) if backup else None
    watcher = ObserverFanout(observer or SilentObserver())
    with (
        app.open_planning(org, observer=watcher) as (writer, basis),
        # Reading for a restore may use the share of API calls that backups leave.
        app.open_org(org, observer=watcher, restore=True) as source,
    ):
        ports = PlanPorts(
            source=source,
            writer=writer,
            vault=app.vault_of(org.oid),
            clock=app.clock,
            observer=watcher,
            basis=basis,
            bypass=bypass_of(org.oid),
            rules=storage_rules_of(app, org),
            shared=_shared_files(app, org) if request.undo else (),
        )
        if policy is not None:
            order = _archive_request(app, org, request, policy)
            return plan_archive(org.oid, ports, order, plan_id=plan_id)
        if selection is None:
            return _undo(org, ports, request, plan_id=plan_id)
        return plan_restore(
            org.oid,
            ports,
            selection,
            related=RelatedPolicy.ALL if request.related else RelatedPolicy.NONE,
            at=at,
            left_out=_excluded(request),
            edits=edits,
            twins=request.twins,
            plan_id=plan_id,
        )


def _undo(
    org: ProtectedOrg, ports: PlanPorts, request: PlanRequest, *, plan_id: str
) -> RestorePlan:
    run, left_out = request.undo, _excluded(request)
    try:
        return plan_undo(
            org.oid, ports, run, left_out=left_out, twins=request.twins, plan_id=plan_id
        )
    except NotFound as error:
        known = find_run(run)
        if error.code == "run-unknown" and known is not None and known.org == org.name:
            # It stopped before its commit, so that only the home knows that there was a journal.
            raise journal_gone(run, gone=run) from error
        raise


@action("restore.show", Right.RESTORE, trace=Trace.READ, where=Where.ITSELF, detail=_audited)
def show_plan(app: Application, file: PlanFile) -> PlanResult:
    """Show a plan file; raises UsageError and IntegrityError for a plan that cannot be run."""
    plan, org = load_plan(app, file)
    check_org(app, Right.RESTORE, org.name)
    return _result(app, org, plan, file)


def load_plan(app: Application, file: PlanFile) -> tuple[RestorePlan, ProtectedOrg]:
    """Return the plan of a file and the org that it is for; raises as ``read_plan`` does.

    A plan that was sent and is not what this vault sealed is a wrong request (UsageError).
    """
    data = plan_bytes(file)
    try:
        plan = proved_plan(app, data)
    except IntegrityError as error:
        if isinstance(file, SentPlan):
            raise UsageError.of(error.message) from error
        raise
    return plan, org_of(app, plan.org)


def plan_bytes(file: PlanFile) -> bytes:
    """Return the content of a file; raises UsageError (``plan-unreadable``)."""
    try:
        if isinstance(file, SentPlan):
            data = file.body.read(LARGEST_PLAN + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(LARGEST_PLAN + 1)
    except OSError as error:
        raise _unreadable(file, error.strerror or "it cannot be opened") from error
    if len(data) > LARGEST_PLAN:
        raise _unreadable(file, "it is too large")
    return data


def org_of(app: Application, oid: str) -> ProtectedOrg:
    """Return the org of this home with an oid; raises NotFound (``org-not-added``)."""
    name = app.names().get(oid)
    if name is None:
        known = app.vault.orgs()[oid]
        raise NotFound(
            "org-not-added",
            "The vault contains {label}, but this home has no such org.",
            next_step="Add it again with `unlost org add`, and its write user with `unlost org "
            "writer`.",
            label=known.label or known.tenant,
        )
    return get_org(name)


def new_plan_id(app: Application) -> str:
    """Return a new plan id: the time and random hex digits."""
    return f"{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"


def _result(app: Application, org: ProtectedOrg, plan: RestorePlan, file: PlanFile) -> PlanResult:
    groups = plan_groups(plan)
    snapshot = app.vault.at(org.oid, plan.snapshot, forgotten=True)
    return PlanResult(
        org.name,
        org.identity.zone,
        str(file),
        run_of(plan),
        plan.digest,
        summary(plan),
        group_lines(snapshot, groups[:GROUPS], names=record_names(app, org, snapshot)),
        len(groups),
        approval_of_plan(app, org, plan),
    )


def store_request(app: Application, wanted: RestoreRequest, *, plan_id: str) -> StoredPlan:
    """Store the selection of a plan with the person who chose it; delete old plans."""
    now, org = app.clock.now(), wanted.request.org
    drop_plans(before=now - LIFETIME)
    plain = msgspec.to_builtins(wanted)
    by, maker = app.actor.name, app.actor.person
    return add_plan(plan_id, org=org, by=by, at=now, request=plain, maker=maker)


def store_plan(app: Application, plan: RestorePlan, *, plan_id: str) -> None:
    """Store the plan of a stored selection."""
    plain = msgspec.to_builtins(summary(plan))
    content = sealed_plan(app, plan)
    store_made_plan(plan_id, content=content, digest=plan.digest, summary=plain)


def store_for_approval(
    app: Application,
    org: ProtectedOrg,
    plan: RestorePlan,
    wanted: RestoreRequest,
    *,
    plan_id: str,
) -> None:
    """Store a plan of the command line if it needs a second person."""
    if reasons_for_plan(org, plan):
        store_request(app, wanted, plan_id=plan_id)
        store_plan(app, plan, plan_id=plan_id)


def check_out(out: Path) -> None:
    """Raise UsageError if the file exists, or its folder does not."""
    try:
        there, folder = out.exists(), out.parent.is_dir()
    except OSError as error:
        raise _not_written(out, error) from error
    if there:
        raise UsageError(
            "file-exists",
            "{out} already exists.",
            next_step="Choose another file with --out, or delete this one.",
            out=out,
        )
    if not folder:
        raise UsageError(
            "folder-missing",
            "The folder of {out} does not exist.",
            next_step="Create the folder, or choose another file with --out.",
            out=out,
        )


def _write(out: Path, data: bytes) -> None:
    try:
        # A plan has ids of records, and values that were typed.
        out.touch(mode=FOR_ITS_OWNER, exist_ok=False)
        out.write_bytes(data)
    except OSError as error:
        raise _not_written(out, error) from error


def _not_written(out: Path, error: OSError) -> StoreError:
    return StoreError(
        "file-not-written",
        "{out} cannot be written: {reason}.",
        next_step="Choose a folder that you may write to and that has free space.",
        out=out,
        reason=error.strerror,
    )


def _check_at_rest(app: Application, org: ProtectedOrg, run: str) -> None:
    """Raise Conflict (``run-in-progress``) while the org is being written to.

    The journal of a run that goes on does not have all of its effects yet.
    """
    with app.lease.hold(org.oid, kind=RunKind.RESTORE, run=run):
        pass


def _check_one_way(request: PlanRequest) -> None:
    chosen = [bool(request.records), request.lost is not None, request.changed is not None]
    chosen += [request.loss is not None, request.listed is not None, bool(request.undo)]
    chosen += [request.archive is not None, bool(request.loop), bool(request.watched)]
    if sum(chosen) != 1 or not _fits_purge(request):
        raise UsageError(
            "restore-selection",
            "The records to restore must be selected in exactly one way.",
            next_step="Use one of --record TABLE/ID, --lost-between A B, --changed-between A B, "
            "--loss N. To take a restore back, use `unlost undo RUN`.",
        )


def _fits_purge(request: PlanRequest) -> bool:
    """True if the selection is one of a purge for a purge, and of a restore for a restore."""
    if request.purge:
        selected = bool(request.loop or request.watched or request.records)
        fits = selected or request.listed is not None
        return fits and (bool(request.loop) or not request.loop_records)
    return not (request.loop or request.loop_records)


def _purge(app: Application, org: ProtectedOrg, request: PlanRequest) -> ArchivePolicy:
    if request.loop:
        return purge_of_loop(app, org.name, request.loop, created=request.loop_records)
    return purge_of_records(_purged(app, org, request), table=request.table)


def _purged(app: Application, org: ProtectedOrg, request: PlanRequest) -> Sequence[RecordKey]:
    if request.watched:
        return members_of(app, org, stored_watch(org.name, request.watched))
    if request.listed is not None:
        return _listed(app, org, request)
    return chosen_records(app, org, request.records)


def _archive_request(
    app: Application, org: ProtectedOrg, request: PlanRequest, policy: ArchivePolicy
) -> ArchiveRequest:
    schema = newest_backup(app.whole_vault, org).schema()
    connector = app.connector(org.identity.connector)
    return ArchiveRequest(
        policy,
        tuple(connector.shared_files(schema)),
        connector.storage_rules(schema),
        holds_of(app.whole_vault, org.oid),
        most=min(request.most or MAX_STEPS, MAX_STEPS),
        without=_excluded(request).records,
        facts=connector.archive_facts(schema),
        address=_open_address(org),
        limits=storage_limits_of(app, org),
    )


def _shared_files(app: Application, org: ProtectedOrg) -> tuple[SharedFile, ...]:
    """Return the kinds of files that records share, by the newest backup."""
    schema = newest_backup(app.whole_vault, org).schema()
    return tuple(app.connector(org.identity.connector).shared_files(schema))


def _open_address(org: ProtectedOrg) -> str:
    """Return the beginning of the addresses that open records of an org; empty without a console."""
    address = public_address()
    return f"{address}/open/{org.identity.tenant}" if address else ""


def _selection(app: Application, org: ProtectedOrg, request: PlanRequest) -> Selection:
    if request.records:
        return _named(app, org, request)
    if request.loss is not None:
        return Selection(SelectionKind.RECORDS, lost_records(app, org, request.loss))
    if request.listed is not None or request.watched:
        return _of_many(app, org, request)
    kind = SelectionKind.LOST if request.lost is not None else SelectionKind.CHANGED
    older, other = request.lost or request.changed or ("", "")
    return Selection(
        kind,
        after=number_at(app, org, older),
        until=number_at(app, org, other),
        table=request.table,
        columns=request.columns,
        by=request.by,
        change=request.change.value if request.change is not None else "",
    )


def _named(app: Application, org: ProtectedOrg, request: PlanRequest) -> Selection:
    keys = chosen_records(app, org, request.records)
    since = number_at(app, org, request.since) if request.since else None
    if request.correct:
        return Selection(
            SelectionKind.CORRECTION,
            keys,
            until=since,
            beside=request.beside,
            overwritten=request.overwritten,
            seen=request.seen,
        )
    return Selection(SelectionKind.RECORDS, keys, until=since, columns=request.columns)


def _of_many(app: Application, org: ProtectedOrg, request: PlanRequest) -> Selection:
    """Return the selection of a list or a watched set; of chosen columns without missing records."""
    if request.listed is not None:
        keys = _listed(app, org, request)
    else:
        members = members_of(app, org, stored_watch(org.name, request.watched))
        keys = tuple(key for key in members if request.table in (None, key.table))
    if not request.columns:
        return Selection(SelectionKind.RECORDS, keys)
    if backup := _restored_from(request):
        keys = alive_records(app.vault.at(org.oid, number_at(app, org, backup)), keys)
    since = number_at(app, org, request.since) if request.since else None
    return Selection(SelectionKind.RECORDS, keys, until=since, columns=request.columns)


def _restored_from(request: PlanRequest) -> str | None:
    """Return the backup from which records are restored; None for the newest state of each."""
    if request.at is None and request.listed is not None:
        return request.listed.restored_from
    return request.at


def _listed(app: Application, org: ProtectedOrg, request: PlanRequest) -> tuple[RecordKey, ...]:
    """Return the records of a list, without those that were left out."""
    assert request.listed is not None
    listed = ids_of(app, org, purged_list(request.listed) if request.purge else request.listed)
    if request.purge:
        check_whole(listed)
    if len(listed.ids) > MAX_STEPS:
        raise too_large()
    keys = (RecordKey(listed.table.name, record) for record in listed.ids.to_pylist())
    return tuple(key for key in keys if str(key) not in request.without)


def _excluded(request: PlanRequest) -> LeftOut:
    records = (text.partition("/") for text in request.without)
    keys = frozenset(RecordKey(table, record) for table, _, record in records)
    return LeftOut(frozenset(request.without_tables), keys)


def _unreadable(file: PlanFile, why: str) -> UsageError:
    return UsageError(
        "plan-unreadable",
        "{file} is not a readable plan: {why}.",
        next_step="Use a file that was created by `unlost restore plan`.",
        file=file,
        why=why,
    )

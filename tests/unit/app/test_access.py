"""Who is let in, and what the audit notes of it."""

from collections.abc import Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import walk_packages

import pytest

from homes import World
from scenes import Lead, scene, with_a_night
from unlost.app import access, actions
from unlost.app.access import ACTIONS, Where, may
from unlost.app.actions.alerts.alerts import acknowledged
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.backups.schedule import show as schedules
from unlost.app.actions.backups.snapshots import snapshots
from unlost.app.actions.orgs.orgs import list_all
from unlost.app.actions.people.audit import export, list_events, verify
from unlost.app.actions.people.people import people
from unlost.app.actions.records.compare import compare
from unlost.app.actions.records.export import ExportRequest
from unlost.app.actions.records.export import export as export_data
from unlost.app.actions.records.find import find
from unlost.app.actions.records.history import history
from unlost.app.actions.records.show import show
from unlost.app.actions.restores.restore_run import run_detail, runs
from unlost.app.actions.runs.control import cancel
from unlost.app.actions.storage.storage import storage
from unlost.app.compose import Application
from unlost.catalog.connection import one_transaction
from unlost.catalog.models import AuditRow
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import AuditEntry, AuditEvent, newest
from unlost.model.access import (
    RIGHTS,
    SERVICE,
    Actor,
    ActorKind,
    Grant,
    Right,
    Role,
    Trace,
    machine,
)
from unlost.model.errors import IntegrityError, NotAllowed, NotFound, StoreError, UsageError
from unlost.outside.formats import ExportFormat

RECORD = "A40017"


after_a_night = scene(with_a_night)


@pytest.fixture
def night(world: World, after_a_night: Lead) -> World:
    after_a_night(world)
    return world


def actor(role: Role, oid: str | None = None, *, kind: ActorKind = ActorKind.PERSON) -> Actor:
    return Actor(kind, role.value, (Grant(role, oid),))


def acting(world: World, role: Role, *, foreign: bool = False) -> Application:
    oid = "ff" * 16 if foreign else get_org("sales").oid
    return world.app.acting(actor(role, oid))


def told(world: World) -> Sequence[tuple[str, str, str, str]]:
    """The newest deeds: who, what, to what, and how it ended."""
    found = [entry.deed for entry in newest(most=20)]
    return [(deed.actor, deed.act, deed.subject, deed.outcome) for deed in found]


# --- rights ------------------------------------------------------------------------------------


def test_roles_give_what_they_say() -> None:
    assert RIGHTS[Role.ADMIN] == set(Right)
    assert Right.READ not in RIGHTS[Role.AUDITOR]
    assert all(Right.LOOK in rights for rights in RIGHTS.values())
    assert {role for role, rights in RIGHTS.items() if Right.RESTORE in rights} == {
        Role.RESTORER,
        Role.ADMIN,
    }
    assert {role for role, rights in RIGHTS.items() if Right.READ_HIDDEN in rights} == {
        Role.RESTORER,
        Role.ADMIN,
    }


def test_a_role_in_one_org_gives_nothing_elsewhere() -> None:
    lena = actor(Role.ADMIN, "one")
    assert lena.may(Right.MANAGE, "one")
    assert not lena.may(Right.MANAGE, "two")
    assert not lena.may(Right.MANAGE)
    assert lena.may_somewhere(Right.MANAGE)
    assert not actor(Role.VIEWER, "one").may_somewhere(Right.MANAGE)


def test_a_token_never_gives_more_than_its_owner_has() -> None:
    owner = (Grant(Role.VIEWER, "one"), Grant(Role.ADMIN, "two"))
    token = Actor(ActorKind.TOKEN, "t", owner, (Grant(Role.OPERATOR),))
    assert token.may(Right.READ, "one")
    assert not token.may(Right.OPERATE, "one")
    assert token.may(Right.OPERATE, "two")
    assert not token.may(Right.RESTORE, "two")
    assert not token.may(Right.OPERATE)
    narrow = Actor(ActorKind.TOKEN, "t", (Grant(Role.ADMIN),), (Grant(Role.VIEWER, "one"),))
    assert narrow.may_somewhere(Right.READ)
    assert not narrow.may(Right.READ)
    assert not narrow.may(Right.READ, "two")


# --- being let in --------------------------------------------------------------------------------

LOOKS = (
    lambda app: snapshots(app, "sales"),
    lambda app: certificate(app, "sales", at="latest"),
    lambda app: storage(app, "sales"),
    lambda app: schedules(app, "sales"),
    lambda app: run_detail(app, runs_of(app)),
)
READS = (
    lambda app: find(app, "0040017", org="sales"),
    lambda app: history(app, "sales", "Account", RECORD),
    lambda app: show(app, "sales", "Account", RECORD, at="latest"),
    lambda app: compare(app, "sales", "1", "latest", table="Account"),
)
ACTS = (
    lambda app: backup(app, "sales"),
    lambda app: change(app, "sales", ScheduleChange(at="02:00")),
    lambda app: cancel(app, runs_of(app)),
)


def runs_of(app: Application) -> str:
    """The run of the night, whoever asks."""
    return runs(app.acting(machine("somebody"))).runs[0].run


@pytest.mark.parametrize("act", [*LOOKS, *READS, *ACTS])
@pytest.mark.parametrize("role", Role)
def test_an_org_of_others_is_as_one_that_is_not_there(night: World, act, role: Role) -> None:
    stranger = acting(night, role, foreign=True)
    with pytest.raises(NotFound) as refused:
        act(stranger)
    assert refused.value.code in {"org-unknown", "run-unknown"}
    assert "sales" not in refused.value.next_step
    assert list_all(stranger).orgs == ()
    assert runs(stranger).runs == ()


@pytest.mark.parametrize("act", READS)
def test_an_auditor_reads_no_record(night: World, act) -> None:
    with pytest.raises(NotAllowed) as refused:
        act(acting(night, Role.AUDITOR))
    assert refused.value.code == "not-permitted"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_who_only_looks_changes_nothing(night: World, act, role: Role) -> None:
    before = len(night.vault.commits(get_org("sales").oid))
    with pytest.raises(NotAllowed):
        act(acting(night, role))
    assert len(night.vault.commits(get_org("sales").oid)) == before
    assert schedules(night.app, "sales").schedules[0].schedule.nightly.hour == 1


@pytest.mark.parametrize("act", [*LOOKS[:2], *READS, ACTS[0], ACTS[1]])
def test_an_operator_of_the_org_may(night: World, act) -> None:
    act(acting(night, Role.OPERATOR))


def test_who_manages_one_org_does_not_manage_the_home(night: World) -> None:
    with pytest.raises(NotAllowed):
        people(acting(night, Role.ADMIN))
    assert people(night.app.acting(actor(Role.ADMIN))).people == ()


def test_a_right_in_an_unknown_org_is_none(night: World) -> None:
    everywhere = night.app.acting(actor(Role.ADMIN))
    assert may(everywhere, Right.READ, "sales")
    assert may(everywhere, Right.READ)
    assert not may(everywhere, Right.READ, "no-such-org")


def test_a_search_without_an_org_looks_into_those_that_one_may_read(night: World) -> None:
    assert find(acting(night, Role.VIEWER), "0040017").searched == ("sales",)
    assert find(acting(night, Role.VIEWER, foreign=True), "0040017").searched == ()
    with pytest.raises(NotAllowed):
        find(acting(night, Role.AUDITOR), "0040017")


def test_an_alert_of_others_cannot_be_acknowledged(night: World) -> None:
    with pytest.raises(NotAllowed):
        acknowledged(acting(night, Role.ADMIN, foreign=True), "storage-full//data")


# --- what is noted -------------------------------------------------------------------------------


def test_looks_at_records_are_noted_and_looks_at_states_are_not(night: World) -> None:
    before = len(told(night))
    lena = acting(night, Role.VIEWER)
    snapshots(lena, "sales")
    history(lena, "sales", "Account", RECORD)
    assert told(night)[: len(told(night)) - before] == [
        ("viewer", "record.history", f"Account/{RECORD}", "done")
    ]


def test_a_search_notes_what_was_shown_and_not_what_was_typed(night: World) -> None:
    find(acting(night, Role.VIEWER), "Schoko Z")
    (entry,) = newest(most=1)
    assert entry.deed.detail == {"found": [f"sales/Account/{RECORD}"]}
    assert "Schoko" not in str(entry)


def test_what_was_refused_is_noted_too(night: World) -> None:
    with pytest.raises(NotAllowed):
        backup(acting(night, Role.VIEWER), "sales")
    with pytest.raises(NotFound):
        snapshots(acting(night, Role.ADMIN, foreign=True), "sales")
    assert told(night)[:2] == [
        ("admin", "snapshot.list", "", "org-unknown"),
        ("viewer", "backup.run", "", "not-permitted"),
    ]


def test_what_failed_is_noted_with_its_code(night: World) -> None:
    with pytest.raises(NotFound):
        history(acting(night, Role.VIEWER), "sales", "Account", "A99999")
    assert told(night)[0] == ("viewer", "record.history", "Account/A99999", "record-unknown")


def test_an_action_inside_another_is_noted_once(night: World) -> None:
    before = len(told(night))
    compare(night.app, "sales", "1", "latest", table="Account")
    assert len(told(night)) == before + 1


def test_the_service_keeps_runs_and_fills_no_audit(night: World) -> None:
    before = told(night)
    backup(night.app.acting(SERVICE), "sales")
    assert told(night) == before


# --- nothing without an entry --------------------------------------------------------------------


class FullDisk:
    """An audit log that takes some entries, and then no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, entries: int = 0) -> None:
        self.entries, self.hits, self._note = entries, 0, access.note
        monkeypatch.setattr(access, "note", self)

    def __call__(self, event: AuditEvent) -> AuditEntry:
        if self.entries:
            self.entries -= 1
            return self._note(event)
        self.hits += 1
        raise StoreError("database-unusable", "The disk is full.")


def backups(world: World) -> int:
    return len(world.vault.commits(get_org("sales").oid))


@pytest.mark.parametrize("act", ACTS)
def test_a_change_that_cannot_be_recorded_is_not_made(
    night: World, act, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = backups(night), list(runs(night.app).runs), schedules(night.app, "sales")
    disk = FullDisk(monkeypatch)
    with pytest.raises(StoreError):
        act(night.app)
    assert disk.hits
    assert (backups(night), list(runs(night.app).runs), schedules(night.app, "sales")) == before


@pytest.mark.parametrize("act", READS)
def test_a_read_that_cannot_be_recorded_returns_nothing(
    night: World, act, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(monkeypatch)
    with pytest.raises(StoreError):
        act(night.app)


def test_an_export_that_cannot_be_recorded_writes_no_file(
    night: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(monkeypatch)
    out = tmp_path / "exported"
    with pytest.raises(StoreError):
        export_data(night.app, "sales", ExportRequest(form=ExportFormat.CSV), out=out)
    assert not out.exists()


def test_a_change_whose_outcome_cannot_be_recorded_is_listed_as_begun(
    night: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        FullDisk(patched, entries=1)
        with pytest.raises(StoreError):
            change(night.app, "sales", ScheduleChange(at="02:00"))
    assert told(night)[0][1::2] == ("schedule.set", "begun")
    assert verify(night.app).broken is None


def test_a_change_is_listed_once_and_exported_with_its_intent(night: World) -> None:
    before = len(told(night))
    change(night.app, "sales", ScheduleChange(at="02:00"))
    with pytest.raises(UsageError):
        change(night.app, "sales", ScheduleChange(at="nine"))
    outcomes = [outcome for _, act, _, outcome in told(night) if act == "schedule.set"]
    assert outcomes == ["schedule-unreadable", "done"]
    assert len(told(night)) == before + 2
    entries = {entry.number: entry.deed for entry in export(night.app)}
    for deed in entries.values():
        if deed.act == "schedule.set" and deed.outcome != "begun":
            intent = entries[deed.intent or 0]
            assert (intent.act, intent.outcome, intent.org) == ("schedule.set", "begun", "sales")
            assert intent.intent is None


def test_an_intent_that_its_change_can_take_back_is_refused(night: World) -> None:
    with pytest.raises(RuntimeError), one_transaction():
        change(night.app, "sales", ScheduleChange(at="02:00"))


def test_a_read_costs_one_entry(night: World) -> None:
    before = AuditRow.objects.count()
    history(night.app, "sales", "Account", RECORD)
    assert AuditRow.objects.count() == before + 1


def test_deeds_are_told_by_org_and_in_pages(night: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lena = acting(night, Role.ADMIN)
    for _ in range(3):
        history(lena, "sales", "Account", RECORD)
    monkeypatch.setattr("unlost.app.actions.people.audit.PAGE", 2)
    page = list_events(lena, org="sales")
    assert [entry.deed.act for entry in page.entries] == ["record.history"] * 2
    older = list_events(lena, org="sales", before=page.more)
    assert older.entries[0].number < page.entries[-1].number
    with pytest.raises(UsageError):
        list_events(lena)
    with pytest.raises(NotFound):
        list_events(lena, org="other")
    assert list_events(night.app, actor="nobody").entries == ()


def test_every_deed_proves_the_one_before(night: World) -> None:
    history(night.app, "sales", "Account", RECORD)
    exported = list(export(night.app))
    proof = verify(night.app)
    assert proof.rows == len(exported)
    assert exported[-1].digest == proof.digest
    assert [entry.number for entry in exported] == list(range(1, proof.rows + 1))


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("column", ["actor", "subject", "outcome", "org", "at", "detail"])
def test_a_deed_that_was_changed_is_noticed(night: World, number: int, column: str) -> None:
    history(night.app, "sales", "Account", RECORD)
    row = AuditRow.objects.get(number=number)
    changed = {"at": night.clock.now(), "detail": {"x": 1}}.get(column, "somebody else")
    night.clock.advance(seconds=1)
    changed = night.clock.now() if column == "at" else changed
    setattr(row, column, changed)
    row.save()
    with pytest.raises(IntegrityError) as broken:
        verify(night.app)
    assert f"row {number} " in broken.value.sentence


def test_a_deed_that_is_missing_is_noticed(night: World) -> None:
    history(night.app, "sales", "Account", RECORD)
    AuditRow.objects.filter(number=2).delete()
    with pytest.raises(IntegrityError):
        verify(night.app)


# --- all of them ---------------------------------------------------------------------------------


# They change nothing but what their own actor asks or has ticked, and tell nothing of a record.
LOOKED_AT = frozenset({
    "address.show", "archive.choices", "channel.list", "column.choices", "column.list", "connector.asks", "connector.list",
    "connector.missing", "erase.list", "erase.plan", "forget.plan", "key.list", "lockout.list", "mirror.show", "org.ask-look", "org.do-look", "org.drop-look", "org.look",
    "org.look-state", "org.settings", "org.writer-check", "org.writer-settings", "person.list",
    "person.show", "record.clear-ticks", "record.tick", "record.ticks", "record.untick", "rectify.plan",
    "salvage.plan", "restore.approvals", "restore.look", "restore.waiting", "shred.plan", "sso.list",
    "org.checklist", "org.start-sign-in", "record.tick-all", "searched-column.choices",
    "searched-column.list", "vault.pending",
})  # fmt: skip


def test_every_action_says_what_it_needs() -> None:
    for module in walk_packages(actions.__path__, f"{actions.__name__}."):
        import_module(module.name)
    changes = {Right.OPERATE, Right.RESTORE, Right.MANAGE}
    for name, action in ACTIONS.items():
        if action.right in changes and action.trace is Trace.NONE:
            assert name in LOOKED_AT, name
        if action.right is Right.READ:
            assert action.trace is Trace.READ, name
        if action.where is Where.RUN:
            assert "run" in action.subject, name
        # A file is there before the action returns.
        if "out" in signature(action.call).parameters:
            assert action.has_intent, name

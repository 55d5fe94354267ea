"""After a new master key everything is sealed anew: by a command, or by upkeep."""

from datetime import timedelta

import pytest

from unit.app.machines import Machine
from unit.app.test_keys import app, cheap, checks, machine, owner, with_org  # noqa: F401
from unit.app.test_renewal import renewed
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.vault.compact import compact, compact_after_backup
from unlost.app.actions.vault.rekey import rekey
from unlost.app.compose import Application
from unlost.app.health.health import HealthState
from unlost.app.health.orgs import org_checks
from unlost.app.vault import rekeying
from unlost.catalog.orgs.orgs import get_org
from unlost.model.errors import Conflict
from unlost.model.message import code_of
from unlost.vault.maintenance.garbage import GRACE

# ruff: noqa: F811 (fixtures)


def told(app: Application) -> list[HealthState]:
    return [
        one.check.health
        for one in org_checks(app, get_org("sales"), ask=False)
        if "keys" in one.check.name
    ]


def test_a_command_does_it_and_says_what_is_left(app: Application, machine: Machine) -> None:
    backup(app, "sales")
    assert rekey(app).orgs[0].complete
    assert told(app) == []
    renewed(app, owner(machine))
    assert told(app) == [HealthState.WARNING]
    (done,) = rekey(app, "sales").orgs
    assert (done.org, done.complete, done.held_by) == ("sales", False, "")
    assert min(done.objects, done.bytes, done.waiting, done.snapshot or 0) > 0
    assert told(app) == [HealthState.GOOD]
    machine.clock.advance(seconds=(GRACE + timedelta(hours=1)).total_seconds())
    assert rekey(app, "sales").orgs[0].complete
    assert told(app) == []
    again = rekey(app).orgs[0]
    assert (again.objects, again.snapshot, again.complete) == (0, None, True)


def test_upkeep_does_it_beside_what_else_it_does(app: Application, machine: Machine) -> None:
    backup(app, "sales")
    renewed(app, owner(machine))
    oid = get_org("sales").oid
    record = compact_after_backup(app, oid)
    assert record is not None
    assert code_of(record.error) == ""
    assert told(app) == [HealthState.GOOD]
    machine.clock.advance(seconds=(GRACE + timedelta(hours=1)).total_seconds())
    for _ in range(2):  # the first removes what waits behind it
        compact_after_backup(app, oid)
    assert told(app) == []


def test_what_a_backup_has_outrun_is_done_by_the_next_night(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(app, "sales")

    def failing(code: str) -> None:
        def fail(*_: object, **__: object) -> None:
            raise Conflict(code, "Another run has committed.")

        monkeypatch.setattr(type(app.whole_vault), "rekey", fail)

    failing("maintenance-outrun")
    assert compact(app, "sales").orgs
    failing("another-code")
    with pytest.raises(Conflict):
        rekeying.go_on(app, get_org("sales").oid, run="rekey")


def test_a_damaged_object_keeps_neither_the_sweep_nor_the_rest_from_being_done(
    app: Application, machine: Machine
) -> None:
    backup(app, "sales")
    renewed(app, owner(machine))
    oid, store = get_org("sales").oid, app.whole_vault.sealed.store
    name = next(one.name for one in store.list(f"orgs/{oid}/data/"))
    data = store.get(name)
    store.delete(name)
    store.put_new(name, data[:-1] + bytes([data[-1] ^ 1]))
    (done,) = rekey(app, "sales").orgs
    assert (done.damaged, done.complete) == (name, False)
    assert done.objects > 0
    assert told(app) == [HealthState.WARNING]


def test_the_sweep_is_done_whatever_becomes_of_the_rekey(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(app, "sales")
    swept: list[str] = []

    def fail(*_: object, **__: object) -> None:
        raise Conflict("another-code", "It does not go.")

    monkeypatch.setattr(type(app.whole_vault), "rekey", fail)
    monkeypatch.setattr(
        type(app.whole_vault), "sweep", lambda _self, _org, *, run: swept.append(run)
    )
    with pytest.raises(Conflict):
        compact(app, "sales")
    assert len(swept) == 1

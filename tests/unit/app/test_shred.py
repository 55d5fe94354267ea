"""Shredding an org of a home: planned, typed, done, noted, and the name is free again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from homes import SECRET
from terminals import Terminal
from unit.app.machines import Machine, machine_scene, with_sales
from unit.app.test_keys import (  # noqa: F401
    WORDS,
    app,
    cheap,
    checks,
    everything,
    failing,
    owner,
    refused,
    works,
)
from unlost.app import compose
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org, list_all
from unlost.app.actions.retention.holds import HoldRequest, hold, lift
from unlost.app.actions.vault.keys import add
from unlost.app.actions.vault.mirror import run_mirror, set_mirror
from unlost.app.actions.vault.shred import plan, shred
from unlost.app.compose import Application
from unlost.app.health.health import HealthState
from unlost.app.home.home_keys import GivenKey, open_keys
from unlost.app.vault.home_copy import copy_if_due
from unlost.app.vault.new_keys import NewKey
from unlost.catalog.models import Run, WitnessRow
from unlost.catalog.people.audit import newest
from unlost.catalog.vault.mirroring import last_mirror
from unlost.cli.exits import ExitCode
from unlost.model.runs.exclusion import RunKind
from unlost.vault.format.register import ShreddedOrg, encode_entry, entry_copies
from unlost.vault.keys.owner import Owner
from unlost.vault.keys.register import registered, shredded_orgs
from unlost.vault.maintenance import shred as module
from unlost.vault.stores.address import StoreAddress

# ruff: noqa: F811 (fixtures)


def live(machine: Machine) -> None:
    """A machine with one night of an org."""
    with_sales(machine)
    with machine.opened() as app:
        backup(app, "sales")


one_night = machine_scene(live)


@pytest.fixture
def machine(one_night: Callable[[], Machine]) -> Machine:
    """A machine with one night of an org."""
    return one_night()


@pytest.fixture
def night(app: Application) -> Application:
    return app


def again(app: Application) -> None:
    add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))


def test_an_org_is_destroyed_and_may_be_added_again(night: Application, machine: Machine) -> None:
    seen = plan(night, "sales")
    assert (seen.org, seen.nights, seen.holds) == ("sales", 1, 0)
    failing(
        lambda: shred(night, "sales", typed="", head=seen.head, given_key=owner(machine)),
        "shred-unconfirmed",
    )
    failing(
        lambda: shred(night, "sales", typed="sales", head="0", given_key=owner(machine)),
        "shred-changed",
    )
    night.cache(seen.oid).put("schema", b"kept")
    done = shred(night, "sales", typed="sales", head=seen.head, given_key=owner(machine))
    assert night.cache(seen.oid).get("schema") is None
    opened = open_keys(night.home, clock=night.clock, entropy=night.entropy)
    entry = registered(opened.store, opened.keys)
    assert (done.oid, done.proof) == (seen.oid, f"register/{entry.number:08d}")
    proof = entry.shredded[seen.oid]
    assert (proof.at, proof.commits, proof.head) == (done.at.isoformat(), 1, seen.head)
    assert (proof.objects, proof.bytes) == (seen.objects, seen.bytes)
    assert list_all(night).orgs == ()
    assert not Run.objects.exists()
    assert not WitnessRow.objects.exists()
    deed = next(one.deed for one in newest(most=9) if one.deed.act == "shred.run")
    assert (deed.org, deed.outcome, deed.detail["proof"]) == ("sales", "done", done.proof)
    left = [
        file.name for file in machine.vault.rglob("*") if seen.oid in str(file) and file.is_file()
    ]
    assert left == [], "the register alone has the proof"
    add(night, "office", NewKey(passphrase=WORDS), owner(machine))
    later = registered(opened.store, opened.keys)
    assert later.number > entry.number
    assert later.shredded == entry.shredded, "each later entry repeats it"
    again(night)
    works(machine)


def test_holds_and_runs_forbid_it(night: Application, machine: Machine) -> None:
    hold(night, "sales", HoldRequest(everything=True))
    seen = plan(night, "sales")
    assert seen.holds == 1
    failing(
        lambda: shred(night, "sales", typed="sales", head=seen.head, given_key=owner(machine)),
        "shred-held",
    )
    lift(night, "sales", HoldRequest(everything=True))
    seen = plan(night, "sales")
    with night.lease.hold(seen.oid, kind=RunKind.BACKUP, run="r"):
        failing(
            lambda: shred(night, "sales", typed="sales", head=seen.head, given_key=owner(machine)),
            "run-in-progress",
        )
    shred(night, "sales", typed="sales", head=seen.head, given_key=owner(machine))


def test_what_was_cut_off_is_finished(night: Application, machine: Machine) -> None:
    head = plan(night, "sales").head
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_destroy", _cut)
        with pytest.raises(KeyboardInterrupt):
            shred(night, "sales", typed="sales", head=head, given_key=owner(machine))
    assert checks(night)["shredding"].health is HealthState.WARNING
    seen = plan(night, "sales")
    assert (seen.nights, seen.head) == (0, head)
    shred(night, "sales", typed="sales", head=seen.head, given_key=owner(machine))
    assert "shredding" not in checks(night)
    again(night)
    works(machine)


def test_the_doctor_finishes_it(night: Application, machine: Machine) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_destroy", _cut)
        with pytest.raises(KeyboardInterrupt):
            shred(
                night,
                "sales",
                typed="sales",
                head=plan(night, "sales").head,
                given_key=owner(machine),
            )
    doctor(night, ask=False, repair=True)
    assert "shredding" not in checks(night)


def test_what_was_cut_off_after_the_home_forgot_it_is_finished_by_the_doctor(
    night: Application, machine: Machine
) -> None:
    copy_if_due(night, patience=timedelta(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlost.app.actions.vault.shred.renew_copies", _cut)
        with pytest.raises(KeyboardInterrupt):
            shred(
                night,
                "sales",
                typed="sales",
                head=plan(night, "sales").head,
                given_key=owner(machine),
            )
    night.open_anew()
    assert checks(night)["shredding copies"].health is HealthState.WARNING
    doctor(night, ask=False, repair=True)
    assert "shredding copies" not in checks(night)
    assert len(night.vault.homes.numbers()) == 1


def test_the_second_copy_is_asked_to_forget_it_too(
    night: Application, machine: Machine, tmp_path: Path
) -> None:
    set_mirror(night, StoreAddress(tmp_path / "second"))
    run_mirror(night)
    record = last_mirror()
    assert record is not None
    assert not record.wanted
    shred(night, "sales", typed="sales", head=plan(night, "sales").head, given_key=owner(machine))
    record = last_mirror()
    assert record is not None
    assert record.wanted


def test_a_key_file_shreds_nothing_and_a_passphrase_does(
    night: Application, machine: Machine
) -> None:
    add(night, "office", NewKey(passphrase=WORDS), owner(machine))
    seen, before = plan(night, "sales"), everything(machine)
    objects = sorted(machine.vault.rglob("*"))
    for by in (GivenKey(), GivenKey(key_file=machine.home / "keys" / "service.key")):
        error = refused(
            lambda by=by: shred(night, "sales", typed="sales", head=seen.head, given_key=by)
        )
        assert error.code == "sheet-needed"
        assert "--by-passphrase SLOT" in error.next_step
    assert everything(machine) == before
    assert sorted(machine.vault.rglob("*")) == objects
    works(machine)
    by_words, head = GivenKey(slot="office", passphrase=WORDS), plan(night, "sales").head
    shred(night, "sales", typed="sales", head=head, given_key=by_words)
    assert list_all(night).orgs == ()


def test_a_shredded_org_in_a_strange_entry_counts_for_nothing(
    night: Application, machine: Machine
) -> None:
    """A thief of the service key signs with a key of their own: the org stays."""
    opened = open_keys(night.home, clock=night.clock, entropy=night.entropy)
    entry = registered(opened.store, opened.keys)
    thief = Owner.of(b"t" * 32)
    gone = ShreddedOrg("2030-01-01T00:00:00+00:00", 1, "0", 1, 1)
    forged = replace(entry, number=entry.number + 1, shredded={plan(night, "sales").oid: gone})
    for name in entry_copies(forged.number):
        opened.store.put_new(name, encode_entry(forged, sign=thief.sign))
    assert shredded_orgs(opened.store, opened.keys) == {}
    found = checks(night)
    assert found["register"].health is HealthState.WARNING
    assert "shredding" not in found
    doctor(night, ask=False, repair=True)
    assert "register" not in checks(night)
    works(machine)


def _cut(*_: object) -> None:
    raise KeyboardInterrupt


def test_it_is_typed_on_the_command_line(
    night: Application,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("UNLOST_HOME", str(machine.home))
    monkeypatch.setattr(compose, "open_application", lambda _: machine.opened())
    unlost = Terminal(None, capsys)  # type: ignore[arg-type]
    told = unlost("org", "shred", "sales", "--plan")
    assert told.out.startswith("sales: 1 backup in ")
    assert "Not destroyed yet: the data in the mirror" in told.out
    hold(night, "sales", HoldRequest(everything=True))
    assert "1 legal hold forbids it" in unlost("org", "shred", "sales", "--plan").out
    lift(night, "sales", HoldRequest(everything=True))
    ended = unlost("org", "shred", "sales", "--json")
    assert (ended.code, ended.failure["code"]) == (ExitCode.NOT_ALLOWED, "sheet-needed")
    sheet = ("--sheet", str(machine.sheet))
    ended = unlost("org", "shred", "sales", *sheet, "--json")
    assert ended.failure["code"] == "shred-unconfirmed"
    asked: list[str] = []

    def prompt(text: str, **_: object) -> str:
        asked.append(text)
        return "sales"

    monkeypatch.setattr("typer.prompt", prompt)
    assert unlost("org", "shred", "sales").code == ExitCode.NOT_ALLOWED
    assert asked == [], "nobody types the name for nothing"
    done = unlost("org", "shred", "sales", *sheet)
    assert done.code == ExitCode.OK
    assert asked == ["Type the org's name to destroy all its backups"]
    assert "sales was destroyed: its keys, then " in done.out
    assert "Proof: register/0000000" in done.out

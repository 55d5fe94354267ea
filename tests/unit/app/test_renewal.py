"""A new master key of a home's vault: the service goes on, all else from before ends."""

import pytest

from unit.app.machines import Machine
from unit.app.test_keys import (  # noqa: F401
    WORDS,
    app,
    cheap,
    checks,
    cut,
    everything,
    failing,
    machine,
    owner,
    refused,
    slots,
    with_org,
    works,
)
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.vault.keys import add, keys, remove, replace, tried
from unlost.app.actions.vault.renewal import RenewalAuthority, RenewalResult, renew
from unlost.app.compose import Application
from unlost.app.health.health import HealthState
from unlost.app.home.home_keys import GivenKey, draft_of, open_keys
from unlost.app.vault.new_keys import NewKey
from unlost.catalog.orgs.orgs import get_org
from unlost.model.errors import NotAllowed, StoreError, UnlostError
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.keys.derivation import epoch_folder
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.store import MAY_NOT_DELETE

# ruff: noqa: F811 (fixtures)


class Printer:
    """Takes the sheet down."""

    def __init__(self) -> None:
        self.sheet: RecoverySheet | None = None

    def __call__(self, sheet: RecoverySheet) -> None:
        self.sheet = sheet

    @property
    def text(self) -> str:
        assert self.sheet is not None
        return self.sheet.text()


def renewed(app: Application, by: GivenKey) -> tuple[RenewalResult, str]:
    printer = Printer()
    return renew(app, printer, by), printer.text


def renewed_without(app: Application) -> tuple[RenewalResult, str]:
    """A renewal by the service key alone, because sheet and passphrases are lost."""
    printer = Printer()
    return renew(app, printer, authority=RenewalAuthority.LOST), printer.text


def test_the_service_goes_on_and_all_else_ends(app: Application, machine: Machine) -> None:
    backup(app, "sales")
    add(app, "office", NewKey(passphrase=WORDS), owner(machine))
    old = machine.sheet.read_text()
    done, new = renewed(app, owner(machine))
    assert done.ended == ("office", "service")
    assert (done.orgs, done.key_file) == (1, str(machine.home / "keys" / "service.key"))
    assert slots(app) == [done.slot]
    assert keys(app).sheet_confirmed_at == app.clock.now()
    failing(lambda: tried(app, GivenKey(sheet=old)), "key-outdated")
    failing(lambda: tried(app, GivenKey(slot="office", passphrase=WORDS)), "slot-missing")
    assert tried(app, GivenKey(sheet=new)).vault_id == done.vault_id
    oid = get_org("sales").oid
    assert app.whole_vault.newest_backup(oid) is not None
    machine.clock.advance(days=1)
    works(machine)
    again, _ = renewed(app, GivenKey(sheet=new))
    assert again.ended == (done.slot,)
    works(machine)


def test_without_the_owner_nothing_is_renewed(app: Application, machine: Machine) -> None:
    before = everything(machine)
    printer = Printer()
    for by in (GivenKey(), GivenKey(key_file=machine.home / "keys" / "service.key")):
        error = refused(lambda by=by: renew(app, printer, by))
        assert error.code == "sheet-needed"
        assert "unlost key renew --lost-sheet" in error.next_step
    assert printer.sheet is None, "nobody writes down a sheet for nothing"
    assert everything(machine) == before


def test_a_passphrase_renews_the_master_key(app: Application, machine: Machine) -> None:
    add(app, "office", NewKey(passphrase=WORDS), owner(machine))
    done, new = renewed(app, GivenKey(slot="office", passphrase=WORDS))
    assert slots(app) == [done.slot]
    failing(lambda: tried(app, owner(machine)), "key-outdated")
    assert tried(app, GivenKey(sheet=new)).vault_id == done.vault_id
    works(machine)


# --- the sheet is lost ---------------------------------------------------------------------------


def test_with_a_lost_sheet_the_service_key_makes_a_new_one(
    app: Application, machine: Machine
) -> None:
    """The vault is founded, the sheet is lost, another home has a key of its own."""
    backup(app, "sales")
    other, old_sheet = machine.root / "other.key", owner(machine)
    add(app, "other", NewKey(key_file=other), old_sheet)
    add(app, "office", NewKey(passphrase=WORDS), old_sheet)
    machine.sheet.unlink()
    done, new = renewed_without(app)
    assert done.ended == ("office", "other", "service")
    assert slots(app) == [done.slot]
    error = refused(lambda: tried(app, GivenKey(key_file=other)))
    assert error.code == "register-damaged"
    assert "unlost key add NAME --service --sheet FILE" in error.next_step
    error = refused(lambda: tried(app, old_sheet))  # somebody finds it again
    assert error.code == "register-damaged"
    assert "newest recovery sheet" in error.next_step
    failing(lambda: tried(app, GivenKey(slot="office", passphrase=WORDS)), "slot-missing")
    failing(lambda: remove(app, done.slot, old_sheet), "register-damaged")
    by = GivenKey(sheet=new)
    assert tried(app, by).vault_id == done.vault_id
    assert "master key" not in checks(app)
    assert checks(app)["keys"].health is HealthState.GOOD
    other.unlink()  # as the next step says
    add(app, "other", NewKey(key_file=other), by)
    assert tried(app, GivenKey(key_file=other)).slot == "other"
    machine.clock.advance(days=1)
    works(machine)
    machine.sheet.write_text(new)
    machine.lost()
    machine.rebuilt(home_key=machine.root / "saved.key")
    works(machine)


def test_with_a_lost_sheet_and_no_right_to_delete_nobody_writes_down_a_sheet(
    app: Application, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, printer = everything(machine), Printer()

    def forbidden(_self: LocalStore, _name: str) -> None:
        raise StoreError(MAY_NOT_DELETE, "They cannot delete.", next_step="Use others.")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "delete", forbidden)
        failing(lambda: renew(app, printer, authority=RenewalAuthority.LOST), MAY_NOT_DELETE)
    assert printer.sheet is None
    assert everything(machine) == before
    _, new = renewed_without(app)
    assert tried(app, GivenKey(sheet=new)).slot is None
    works(machine)


@pytest.mark.parametrize("at", ["append", "end", "move", "finish"])
def test_a_renewal_with_a_lost_sheet_that_was_cut_off_locks_nobody_out(
    app: Application, machine: Machine, at: str
) -> None:
    backup(app, "sales")
    place = {
        "append": "unlost.vault.keys.renewal.append_entry",
        "end": "unlost.vault.keys.renewal._end_earlier",
        "move": "unlost.app.actions.vault.renewal.move_service_key",
        "finish": "unlost.app.actions.vault.renewal.renew_copies",
    }[at]
    printer = Printer()

    def cut_late(*given: object) -> None:
        if printer.sheet is not None:  # before, it finishes an earlier renewal
            cut(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, cut_late if at == "end" else cut)
        if at == "end":  # credentials that delete nothing until then
            patch.setattr("unlost.vault.keys.register.remove_entries", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            renew(app, printer, authority=RenewalAuthority.LOST)
    app.open_anew()
    with machine.opened() as again:
        machine.clock.advance(days=1)
        backup(again, "sales")
        counts = at in ("move", "finish")
        found = checks(again)
        assert found["vault"].health is HealthState.GOOD
        assert ("service key change" in found) == (not counts)
        if counts:
            assert tried(again, GivenKey(sheet=printer.text)).vault_id
        doctor(again, ask=False, repair=True)
        _, new = renewed_without(again)
        assert not draft_of(again.home).exists()
        assert tried(again, GivenKey(sheet=new)).slot is None
        failing(lambda: tried(again, owner(machine)), "register-damaged")
    works(machine)


def test_a_new_machine_is_rebuilt_with_the_new_sheet(app: Application, machine: Machine) -> None:
    backup(app, "sales")
    _, new = renewed(app, owner(machine))
    old = machine.sheet.read_text()
    machine.lost()
    with pytest.raises(NotAllowed) as caught:
        machine.rebuilt()
    assert caught.value.code == "key-outdated"
    machine.sheet.write_text(new)
    assert old != new
    machine.rebuilt(home_key=machine.root / "saved.key")
    works(machine)


def test_who_does_not_take_the_sheet_down_changes_nothing(
    app: Application, machine: Machine
) -> None:
    def unsure(_: RecoverySheet) -> None:
        raise NotAllowed("sheet-not-confirmed", "No.", next_step="Again.")

    failing(lambda: renew(app, unsure, owner(machine)), "sheet-not-confirmed")
    assert slots(app) == ["service"]
    assert tried(app, GivenKey(sheet=machine.sheet.read_text())).slot is None
    works(machine)


@pytest.mark.parametrize(
    "at", ["renew_master", "move_service_key", "finish_renewal", "renew_copies"]
)
def test_a_renewal_that_was_cut_off_locks_nobody_out(
    app: Application, machine: Machine, at: str
) -> None:
    backup(app, "sales")
    printer = Printer()
    calls: list[int] = []

    def cut_late(*given: object) -> None:
        calls.append(len(given))
        if len(calls) == 2:  # the first finishes what was cut off before
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            f"unlost.app.actions.vault.renewal.{at}", cut_late if at == "finish_renewal" else cut
        )
        with pytest.raises(KeyboardInterrupt):
            renew(app, printer, owner(machine))
    app.open_anew()
    sheets = [machine.sheet.read_text(), printer.text]
    told = []
    for text in sheets:
        try:
            told.append(tried(app, GivenKey(sheet=text)).slot)
        except UnlostError as error:
            told.append(error.code)
    counts = at != "renew_master"
    assert told == (["key-outdated", None] if counts else [None, "register-damaged"])
    with machine.opened() as again:
        machine.clock.advance(days=1)
        backup(again, "sales")
        unfinished = checks(again).get("master key")
        assert (unfinished is not None) == (at in ("move_service_key", "finish_renewal"))
        if unfinished is not None:
            assert unfinished.health is HealthState.WARNING
            doctor(again, ask=False, repair=True)
            assert "master key" not in checks(again)
        renewed(again, GivenKey(sheet=sheets[counts]))
        assert not draft_of(again.home).exists()
    works(machine)


def test_a_key_from_systemd_is_not_renewed_inside_the_unit(
    app: Application, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.home / "keys" / "service.key").rename(machine.root / "unlost.service-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(machine.root))
    failing(lambda: renewed(app, owner(machine)), "key-is-credential")


def test_who_renews_while_somebody_else_does_is_told_so(app: Application, machine: Machine) -> None:
    backup(app, "sales")
    printer, by = Printer(), owner(machine)

    def hand_over(sheet: RecoverySheet) -> None:
        failing(lambda: renew(app, Printer(), by), "keys-in-hand")
        failing(lambda: replace(app, "service", given_key=by), "keys-in-hand")
        failing(lambda: remove(app, "service", by), "keys-in-hand")
        failing(lambda: add(app, "office", NewKey(passphrase=WORDS), by), "keys-in-hand")
        printer(sheet)

    done = renew(app, hand_over, by)
    assert slots(app) == [done.slot]
    assert tried(app, GivenKey(sheet=printer.text)).slot is None
    works(machine)


@pytest.mark.parametrize("torn", [b"", b"unlost-service-key 0\n"])
def test_a_torn_draft_blocks_nothing(app: Application, machine: Machine, torn: bytes) -> None:
    draft_of(app.home).write_bytes(torn)
    replace(app, "service", given_key=owner(machine))
    draft_of(app.home).write_bytes(torn)
    renewed(app, owner(machine))
    works(machine)


def test_the_doctor_takes_over_nothing_that_a_thief_put_there(
    app: Application, machine: Machine
) -> None:
    backup(app, "sales")
    oid = get_org("sales").oid
    old = open_keys(app.home, clock=app.clock, entropy=app.entropy)
    renewed(app, owner(machine))
    name = f"{epoch_folder(oid, 7)}/1"
    old.store.put_new(name, old.keys._wrap(name, bytes(32), org=oid))
    old.store.put_new("register/00000099/1", b"x")
    found = checks(app)
    assert "master key" not in found
    assert found["unknown keys"].health is found["register"].health is HealthState.WARNING
    doctor(app, ask=False, repair=True)
    found = checks(app)
    assert not {"unknown keys", "register", "master key"} & found.keys()
    app.open_anew()
    assert app.whole_vault.sealed.keys.epoch(oid) == 2
    machine.clock.advance(days=1)
    works(machine)

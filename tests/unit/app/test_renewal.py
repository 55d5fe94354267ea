"""A new master key of a home's vault: the service goes on, all else from before ends."""

import pytest

from unit.app.test_keys import WORDS, app, cheap, checks, cut, failing, machine, slots, works  # noqa: F401
from unit.app.test_rebuild import Machine
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.vault.keys import add, keys, remove, replace, tried
from unlost.app.actions.vault.renewal import RenewalResult, renew
from unlost.app.compose import Application
from unlost.app.health.health import HealthState
from unlost.app.home.home_keys import GivenKey, draft_of, open_keys
from unlost.app.vault.new_keys import NewKey
from unlost.catalog.orgs.orgs import get_org
from unlost.model.errors import NotAllowed, UnlostError
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.keys.hierarchy import epoch_folder

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


def renewed(app: Application) -> tuple[RenewalResult, str]:
    printer = Printer()
    return renew(app, printer), printer.text


def test_the_service_goes_on_and_all_else_ends(app: Application, machine: Machine) -> None:
    backup(app, "sales")
    add(app, "office", NewKey(passphrase=WORDS))
    old = machine.sheet.read_text()
    done, new = renewed(app)
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
    again, _ = renewed(app)
    assert again.ended == (done.slot,)
    works(machine)


def test_a_new_machine_is_rebuilt_with_the_new_sheet(app: Application, machine: Machine) -> None:
    backup(app, "sales")
    _, new = renewed(app)
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
    def refused(_: RecoverySheet) -> None:
        raise NotAllowed("sheet-not-confirmed", "No.", next_step="Again.")

    failing(lambda: renew(app, refused), "sheet-not-confirmed")
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
            renew(app, printer)
    app.open_anew()
    sheets = [machine.sheet.read_text(), printer.text]
    told = []
    for text in sheets:
        try:
            told.append(tried(app, GivenKey(sheet=text)).slot)
        except UnlostError as error:
            told.append(error.code)
    counts = at != "renew_master"
    assert told == (["key-outdated", None] if counts else [None, told[1]])
    with machine.opened() as again:
        machine.clock.advance(days=1)
        backup(again, "sales")
        unfinished = checks(again).get("master key")
        assert (unfinished is not None) == (at in ("move_service_key", "finish_renewal"))
        if unfinished is not None:
            assert unfinished.health is HealthState.WARNING
            doctor(again, ask=False, repair=True)
            assert "master key" not in checks(again)
        renewed(again)
    works(machine)


def test_a_key_from_systemd_is_not_renewed_inside_the_unit(
    app: Application, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.home / "keys" / "service.key").rename(machine.root / "unlost.service-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(machine.root))
    failing(lambda: renewed(app), "key-is-credential")


def test_who_renews_while_somebody_else_does_is_told_so(app: Application, machine: Machine) -> None:
    backup(app, "sales")
    printer = Printer()

    def hand_over(sheet: RecoverySheet) -> None:
        failing(lambda: renew(app, Printer()), "keys-in-hand")
        failing(lambda: replace(app, "service"), "keys-in-hand")
        failing(lambda: remove(app, "service"), "keys-in-hand")
        failing(lambda: add(app, "office", NewKey(passphrase=WORDS)), "keys-in-hand")
        printer(sheet)

    done = renew(app, hand_over)
    assert slots(app) == [done.slot]
    assert tried(app, GivenKey(sheet=printer.text)).slot is None
    works(machine)


@pytest.mark.parametrize("torn", [b"", b"unlost-service-key 0\n"])
def test_a_torn_draft_blocks_nothing(app: Application, machine: Machine, torn: bytes) -> None:
    draft_of(app.home).write_bytes(torn)
    replace(app, "service")
    draft_of(app.home).write_bytes(torn)
    renewed(app)
    works(machine)


def test_the_doctor_takes_over_nothing_that_a_thief_put_there(
    app: Application, machine: Machine
) -> None:
    backup(app, "sales")
    oid = get_org("sales").oid
    old = open_keys(app.home, clock=app.clock, entropy=app.entropy)
    renewed(app)
    name = f"{epoch_folder(oid, 7)}/1"
    old.store.put_new(name, old.keys._wrap(name, bytes(32), org=oid))
    old.store.put_new("slots/00000099", b"x")
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

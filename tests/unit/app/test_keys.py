"""Keys of a home: added, tried, replaced and taken away, and the night goes on."""

from collections.abc import Callable, Iterator
from dataclasses import replace as changed
from pathlib import Path

import pytest

from homes import SECRET
from unit.app.test_rebuild import Machine
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.vault.keys import add, keys, remove, replace, sheet, tried
from unlost.app.compose import Application
from unlost.app.health.health import HealthCheck, HealthState
from unlost.app.home.home_keys import GivenKey, open_keys
from unlost.app.vault.new_keys import NewKey
from unlost.catalog.people.audit import newest
from unlost.model.errors import NotAllowed, UnlostError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.slots import KeyStretch
from unlost.vault.keys.key_slots import SlotKind
from unlost.vault.keys.opening import write_slot
from unlost.vault.keys.register import begin_register, registered
from unlost.vault.keys.unlock import ServiceKey, slot_copies
from unlost.vault.stores.address import StoreAddress

WORDS = "lusab babad gutih tugad"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passphrases that are quick to try."""
    stretch = KeyStretch(salt=b"s" * 16, memory=64 * 1024, passes=2, lanes=1)
    monkeypatch.setattr("unlost.app.actions.vault.keys.new_stretch", lambda _: stretch)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def app(machine: Machine) -> Iterator[Application]:
    with machine.opened() as app:
        add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
        yield app


def failing(call: Callable[[], object], code: str) -> None:
    with pytest.raises(UnlostError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.next_step


def slots(app: Application) -> list[str]:
    return [line.slot for line in keys(app).slots]


def works(machine: Machine) -> None:
    """The service backs up and everything is whole."""
    with machine.opened() as app:
        backup(app, "sales")
        assert app.vault.verify(VerifyLevel.FULL).damages == ()


def test_keys_are_listed(app: Application) -> None:
    found = keys(app)
    (line,) = found.slots
    assert (line.slot, line.kind, line.whole_copies) == ("service", SlotKind.KEY_FILE, 3)
    assert line.valid
    assert line.service
    assert found.sheet_confirmed_at == app.clock.now()
    assert found.vault_id == tried(app).vault_id


def test_a_passphrase_is_added_and_tried(app: Application) -> None:
    done = add(app, "office", NewKey(passphrase=WORDS))
    assert (done.slot, done.kind, done.key_file) == ("office", SlotKind.PASSPHRASE, None)
    assert tried(app, GivenKey(slot="office", passphrase=WORDS.upper())).slot == "office"
    failing(lambda: tried(app, GivenKey(slot="office", passphrase="wrong")), "key-wrong")
    failing(lambda: add(app, "office", NewKey(passphrase=WORDS)), "slot-exists")
    for passphrase in ("too short", "a" * 40, "abc abc abc abc abc abc"):
        failing(
            lambda text=passphrase: add(app, "home", NewKey(passphrase=text)), "passphrase-short"
        )
    unknown = "words with a sign that no Unicode defines \u0378"
    failing(lambda: add(app, "home", NewKey(passphrase=unknown)), "passphrase-characters")
    assert WORDS not in repr(NewKey(passphrase=WORDS)) + repr(GivenKey(passphrase=WORDS))
    noted = [(entry.deed.act, entry.deed.subject) for entry in newest(most=9)]
    assert ("key.add", "office") in noted
    assert WORDS not in str(noted)


def test_a_key_file_is_added_and_tried(app: Application, machine: Machine) -> None:
    file = machine.root / "usb" / "key"
    assert add(app, "usb", NewKey(key_file=file)).key_file == str(file)
    assert tried(app, GivenKey(key_file=file)).slot == "usb"
    failing(lambda: add(app, "usb-2", NewKey(key_file=file)), "key-exists")
    inside = NewKey(key_file=machine.vault / "key")
    failing(lambda: add(app, "inside", inside), "key-in-vault")
    file.write_text("rubbish")
    failing(lambda: add(app, "usb-3", NewKey(key_file=file)), "key-exists")
    assert slots(app) == ["service", "usb"]
    works(machine)


def test_a_key_whose_slot_was_removed_is_not_taken_again(
    app: Application, machine: Machine
) -> None:
    file = machine.root / "safe.key"
    add(app, "safe", NewKey(key_file=file))
    remove(app, "safe")
    failing(lambda: add(app, "safe", NewKey(key_file=file)), "key-exists")
    assert slots(app) == ["service"]


@pytest.mark.parametrize(
    "new", [NewKey(), NewKey(passphrase=WORDS, service=True), NewKey(tell=print, service=True)]
)
def test_what_is_wished_must_be_clear(app: Application, new: NewKey) -> None:
    failing(lambda: add(app, "x", new), "key-unclear")


def test_a_name_must_be_one(app: Application, machine: Machine) -> None:
    failing(lambda: add(app, "No Name", NewKey(key_file=machine.root / "x")), "slot-name")
    assert not (machine.root / "x").exists()


def test_an_interrupted_call_is_taken_up(app: Application, machine: Machine) -> None:
    file = machine.root / "key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlost.vault.keys.opening.register_slot", cut)
        with pytest.raises(KeyboardInterrupt):
            add(app, "usb", NewKey(key_file=file))
    text = file.read_text()
    add(app, "usb", NewKey(key_file=file))
    assert file.read_text() == text
    assert tried(app, GivenKey(key_file=file)).slot == "usb"


def cut(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_the_services_key_is_replaced_in_one_step(app: Application, machine: Machine) -> None:
    file = machine.home / "keys" / "service.key"
    old = file.read_text()
    failing(lambda: remove(app, "service"), "slot-in-use")
    done = replace(app, "service")
    assert done.slot.startswith("service-")
    assert (done.replaced, done.key_file) == ("service", str(file))
    assert slots(app) == [done.slot]
    works(machine)
    (machine.root / "old").write_text(old)
    failing(lambda: tried(app, GivenKey(key_file=machine.root / "old")), "slot-missing")
    again = replace(app, done.slot)
    assert again.slot.count("-") == 1
    works(machine)


@pytest.mark.parametrize("at", ["write", "hand", "remove"])
def test_a_replacement_that_was_cut_off_is_done_again(
    app: Application, machine: Machine, at: str
) -> None:
    place = {
        "write": "unlost.app.actions.vault.keys.replace_slot",
        "hand": "unlost.app.actions.vault.keys.move_service_key",
        "remove": "unlost.vault.keys.key_slots.remove_slot",
    }[at]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, cut)
        with pytest.raises(KeyboardInterrupt):
            replace(app, "service")
    works(machine)
    if at == "remove":
        failing(lambda: replace(app, "service"), "key-unclear")  # it is not the service's any more
        remove(app, "service")
    else:
        replace(app, "service")
    assert len(slots(app)) == 1
    works(machine)
    assert not (machine.home / "keys" / "service.key.new").exists()


def test_a_key_file_that_cannot_be_replaced_stays(app: Application, machine: Machine) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", refused)
        failing(lambda: replace(app, "service"), "key-unwritten")
    works(machine)


def test_other_keys_are_replaced_by_what_is_named(app: Application, machine: Machine) -> None:
    add(app, "office", NewKey(passphrase=WORDS))
    failing(lambda: replace(app, "office"), "key-unclear")
    failing(lambda: replace(app, "nobody"), "slot-unknown")
    failing(lambda: replace(app, "service", NewKey(passphrase=WORDS)), "slot-in-use")
    file = machine.root / "key"
    done = replace(app, "office", NewKey(key_file=file))
    assert (done.kind, done.replaced) == (SlotKind.KEY_FILE, "office")
    failing(lambda: tried(app, GivenKey(slot="office", passphrase=WORDS)), "slot-missing")
    told: list[str] = []
    third = replace(app, done.slot, NewKey(tell=told.append))
    file.write_text(told[0])
    assert tried(app, GivenKey(key_file=file)).slot == third.slot
    last = replace(app, third.slot, NewKey(passphrase=WORDS))
    assert tried(app, GivenKey(slot=last.slot, passphrase=WORDS)).slot == last.slot
    assert slots(app) == [last.slot, "service"]


def test_a_lost_service_key_is_made_anew_with_the_sheet(app: Application, machine: Machine) -> None:
    (machine.home / "keys" / "service.key").unlink()
    failing(lambda: keys(app), "key-missing")
    by_sheet = GivenKey(sheet=machine.sheet.read_text())
    assert tried(app, by_sheet).slot is None
    done = replace(app, "service", given_key=by_sheet)
    assert slots(app) == [done.slot]
    works(machine)


def test_a_second_key_for_the_service_lets_the_first_go(app: Application, machine: Machine) -> None:
    (machine.home / "keys" / "service.key").rename(machine.root / "first")
    by_first = GivenKey(key_file=machine.root / "first")
    add(app, "nightly", NewKey(service=True), by_first)
    done = remove(app, "service")
    assert done.remaining == ("nightly",)
    works(machine)
    failing(lambda: remove(app, "service"), "slot-unknown")


def test_a_key_from_systemd_counts_before_the_file(
    app: Application, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    add(app, "nightly", NewKey(tell=told.append))
    given = machine.root / "credentials"
    given.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert tried(app).slot == "service"  # not handed over
    (given / "unlost.service-key").write_text(told[0])
    assert tried(app).slot == "nightly"
    assert [line.service for line in keys(app).slots] == [True, True]
    failing(lambda: replace(app, "service"), "key-is-credential")
    remove(app, "service")
    (machine.home / "keys" / "service.key").unlink()
    works(machine)
    failing(lambda: remove(app, "nightly"), "slot-in-use")


def test_the_sheet_is_shown_again_and_noted(app: Application, machine: Machine) -> None:
    seen: list[RecoverySheet] = []
    machine.clock.advance(days=3)

    def refused(_: RecoverySheet) -> None:
        raise NotAllowed("sheet-not-confirmed", "No.", next_step="Again.")

    failing(lambda: sheet(app, refused), "sheet-not-confirmed")
    assert keys(app).sheet_confirmed_at != machine.clock.now()
    done = sheet(app, seen.append)
    assert seen[0].text() == machine.sheet.read_text()
    assert keys(app).sheet_confirmed_at == done.at == machine.clock.now()


# --- the doctor ----------------------------------------------------------------------------------


def checks(app: Application) -> dict[str, HealthCheck]:
    return {one.name: one for one in doctor(app, ask=False).checks}


def unconfirmed(machine: Machine) -> None:
    """The vault as it was founded before anybody asked whether the sheet was taken down."""
    with machine.opened() as app:
        opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
        held = registered(opened.store, opened.keys).slots
        begin_register(opened.store, opened.keys, held)


def test_the_doctor_names_a_vault_with_one_way_in(app: Application, machine: Machine) -> None:
    assert "service, and with its recovery sheet" in checks(app)["keys"].sentence
    unconfirmed(machine)
    found = checks(app)["keys"]
    assert found.health is HealthState.BAD
    assert "`unlost key sheet`" in found.next_step
    add(app, "office", NewKey(passphrase=WORDS))
    found = checks(app)["keys"]
    assert found.health is HealthState.WARNING
    assert "office, service" in found.sentence


def test_the_doctor_names_slots_and_repairs_them(app: Application) -> None:
    opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
    add(app, "office", NewKey(passphrase=WORDS))
    add(app, "home", NewKey(passphrase=WORDS))
    left = ServiceKey.new(opened.keys, entropy=app.entropy, slot="left")
    write_slot(opened.store, opened.keys, left, slot="left", entropy=app.entropy)
    opened.store.delete(slot_copies("office")[0])
    for name in slot_copies("home"):
        opened.store.delete(name)
    found = checks(app)
    told = {name: check.health for name, check in found.items() if name.startswith("slot ")}
    assert told == {"slot home": HealthState.BAD, "slot left": HealthState.WARNING, "slot office": HealthState.WARNING}  # fmt: skip
    doctor(app, ask=False, repair=True)
    assert "slot office" not in checks(app)
    remove(app, "home")
    remove(app, "left")
    assert not [name for name in checks(app) if name.startswith("slot ")]


def test_the_doctor_names_a_key_beside_its_vault(app: Application, machine: Machine) -> None:
    assert "key location" not in checks(app)
    app.home = changed(app.home, place=StoreAddress(machine.home / "vault"))
    assert checks(app)["key location"].health is HealthState.WARNING


def test_what_lies_among_the_slots_and_is_none_is_taken_away(
    app: Application, machine: Machine
) -> None:
    store = app.whole_vault.sealed.store
    for name in ("keys/service/9", "keys/readme"):
        store.put_new(name, b"junk")
    told = checks(app)["unknown slots"]
    assert (told.health, "keys/readme" in told.sentence) == (HealthState.WARNING, True)
    doctor(app, ask=False, repair=True)
    assert "unknown slots" not in checks(app)
    works(machine)

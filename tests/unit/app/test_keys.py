"""Keys of a home: added, tried, replaced and taken away, and the night goes on."""

from collections.abc import Callable, Iterator
from dataclasses import replace as changed
from pathlib import Path

import pytest

from unit.app.machines import Machine, machine_scene, with_sales
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.vault.keys import add, keys, remove, replace, sheet, tried
from unlost.app.compose import Application
from unlost.app.health.health import HealthCheck, HealthState
from unlost.app.home.home_keys import GivenKey, draft_of, open_keys
from unlost.app.vault.new_keys import NewKey
from unlost.catalog.people.audit import newest
from unlost.model.errors import NotAllowed, UnlostError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.register import entry_copies, entry_name
from unlost.vault.format.slots import KeyStretch
from unlost.vault.keys.key_slots import SlotKind, note_sheet
from unlost.vault.keys.register import registered
from unlost.vault.stores.address import StoreAddress

WORDS = "lusab babad gutih tugad"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passphrases that are quick to try."""
    stretch = KeyStretch(salt="73" * 16, memory=64 * 1024, passes=2, lanes=1)
    monkeypatch.setattr("unlost.app.actions.vault.keys.new_stretch", lambda _: stretch)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


with_org = machine_scene(with_sales)


@pytest.fixture
def machine(with_org: Callable[[], Machine]) -> Machine:
    """A machine with an org."""
    return with_org()


@pytest.fixture
def app(machine: Machine) -> Iterator[Application]:
    with machine.opened() as app:
        _ = app.whole_vault
        yield app


def failing(call: Callable[[], object], code: str) -> None:
    with pytest.raises(UnlostError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.next_step


def slots(app: Application) -> list[str]:
    return [line.slot for line in keys(app).slots]


def owner(machine: Machine) -> GivenKey:
    """The recovery sheet, which changes keys need."""
    return GivenKey(sheet=machine.sheet.read_text())


def works(machine: Machine) -> None:
    """The service backs up and everything is whole."""
    with machine.opened() as app:
        backup(app, "sales")
        assert app.vault.verify(VerifyLevel.FULL).damages == ()


def test_keys_are_listed(app: Application) -> None:
    found = keys(app)
    (line,) = found.slots
    assert (line.slot, line.kind) == ("service", SlotKind.KEY_FILE)
    assert line.service
    assert not line.authorizes
    assert found.sheet_confirmed_at == app.clock.now()
    assert found.vault_id == tried(app).vault_id


def test_keys_tell_who_signs_and_when_they_were_renewed_and_tested(
    app: Application, machine: Machine
) -> None:
    found = keys(app)
    opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
    assert opened.keys.owner.public.hex().startswith(found.owner)
    assert (len(found.owner), found.generation) == (16, 1)
    assert found.renewed_at is found.tested_at is None
    machine.clock.advance(hours=1)
    tried(app)
    tested_at = machine.clock.now()
    machine.clock.advance(hours=1)
    replace(app, "service", given_key=owner(machine))
    failing(lambda: replace(app, "nobody", given_key=owner(machine)), "slot-unknown")
    found = keys(app)
    assert (found.tested_at, found.renewed_at) == (tested_at, machine.clock.now())


def test_a_passphrase_is_added_and_tried(app: Application, machine: Machine) -> None:
    by = owner(machine)
    done = add(app, "office", NewKey(passphrase=WORDS), by)
    assert (done.slot, done.kind, done.key_file) == ("office", SlotKind.PASSPHRASE, None)
    assert tried(app, GivenKey(slot="office", passphrase=WORDS.upper())).slot == "office"
    failing(lambda: tried(app, GivenKey(slot="office", passphrase="wrong")), "key-wrong")
    line = next(line for line in keys(app).slots if line.slot == "office")
    assert (line.kind, line.authorizes, line.service) == (SlotKind.PASSPHRASE, True, False)
    other = NewKey(passphrase=f"{WORDS} other")
    failing(lambda: add(app, "office", other, by), "slot-exists")
    assert add(app, "office", NewKey(passphrase=WORDS), by).slot == "office", "a repeated call"
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
    by = owner(machine)
    assert add(app, "usb", NewKey(key_file=file), by).key_file == str(file)
    assert tried(app, GivenKey(key_file=file)).slot == "usb"
    failing(lambda: add(app, "usb-2", NewKey(key_file=file), by), "key-exists")
    inside = NewKey(key_file=machine.vault / "key")
    failing(lambda: add(app, "inside", inside, by), "key-in-vault")
    file.write_text("rubbish")
    failing(lambda: add(app, "usb-3", NewKey(key_file=file), by), "key-exists")
    assert slots(app) == ["service", "usb"]
    works(machine)


def test_a_key_whose_slot_was_removed_is_not_taken_again(
    app: Application, machine: Machine
) -> None:
    file = machine.root / "safe.key"
    by = owner(machine)
    add(app, "safe", NewKey(key_file=file), by)
    remove(app, "safe", by)
    failing(lambda: add(app, "safe", NewKey(key_file=file), by), "key-exists")
    assert slots(app) == ["service"]


@pytest.mark.parametrize(
    "new", [NewKey(), NewKey(passphrase=WORDS, service=True), NewKey(tell=print, service=True)]
)
def test_what_is_wished_must_be_clear(app: Application, new: NewKey) -> None:
    failing(lambda: add(app, "x", new), "key-unclear")


def test_a_name_must_be_one(app: Application, machine: Machine) -> None:
    failing(lambda: add(app, "No Name", NewKey(key_file=machine.root / "x")), "slot-name")
    assert not (machine.root / "x").exists()


@pytest.mark.parametrize("at", ["add_slot", "settle_key"])
def test_an_interrupted_call_is_taken_up(app: Application, machine: Machine, at: str) -> None:
    file, by = machine.root / "key", owner(machine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"unlost.app.actions.vault.keys.{at}", cut)
        with pytest.raises(KeyboardInterrupt):
            add(app, "usb", NewKey(key_file=file), by)
    assert not file.exists(), "a key file always opens the vault"
    (draft,) = machine.root.glob("key.*")
    text = draft.read_text()
    add(app, "usb", NewKey(key_file=file), by)
    assert not draft.exists()
    assert (file.read_text() == text) == (at == "settle_key"), "only a key that opens is kept"
    assert tried(app, GivenKey(key_file=file)).slot == "usb"
    assert slots(app) == ["service", "usb"]
    add(app, "usb", NewKey(key_file=file), by)  # and repeating a finished call changes nothing
    assert tried(app, GivenKey(key_file=file)).slot == "usb"
    works(machine)


def test_an_interrupted_call_whose_draft_is_lost_is_explained(
    app: Application, machine: Machine
) -> None:
    file, by = machine.root / "key", owner(machine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlost.app.actions.vault.keys.settle_key", cut)
        with pytest.raises(KeyboardInterrupt):
            add(app, "usb", NewKey(key_file=file), by)
    (draft,) = machine.root.glob("key.*")
    draft.write_text("torn")
    error = refused(lambda: add(app, "usb", NewKey(key_file=file), by))
    assert (error.code, "`unlost key remove usb --sheet FILE`" in error.next_step) == (
        "slot-exists",
        True,
    )
    assert not file.exists()
    remove(app, "usb", by)
    add(app, "usb", NewKey(key_file=file), by)
    assert tried(app, GivenKey(key_file=file)).slot == "usb"
    assert not draft.exists()


def test_a_name_that_is_taken_leaves_no_file(app: Application, machine: Machine) -> None:
    add(app, "usb", NewKey(key_file=machine.root / "first"), owner(machine))
    other = machine.root / "other" / "second"
    failing(lambda: add(app, "usb", NewKey(key_file=other), owner(machine)), "slot-exists")
    failing(lambda: add(app, "usb", NewKey(tell=[].append), owner(machine)), "slot-exists")
    assert not other.parent.exists()


@pytest.mark.parametrize("at", ["add_slot", "settle_key", "remove_slot"])
def test_an_interrupted_replacement_in_a_file_is_repeated_or_explained(
    app: Application, machine: Machine, at: str
) -> None:
    by = owner(machine)
    add(app, "usb", NewKey(key_file=machine.root / "old"), by)
    file = machine.root / "new"
    place = "unlost.app.actions.vault.keys" if at == "settle_key" else "unlost.vault.keys.key_slots"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{place}.{at}", cut)
        with pytest.raises(KeyboardInterrupt):
            replace(app, "usb", NewKey(key_file=file), by)
    assert tried(app, GivenKey(key_file=machine.root / "old")).slot == "usb"
    if at == "remove_slot":
        error = refused(lambda: replace(app, "usb", NewKey(key_file=file), by))
        assert (error.code, "`unlost key remove usb --sheet FILE`" in error.next_step) == (
            "key-exists",
            True,
        )
        remove(app, "usb", by)
    else:
        replace(app, "usb", NewKey(key_file=file), by)
    (new, service) = sorted(slots(app), reverse=True)
    assert (new.startswith("usb-"), service) == (True, "service")
    assert tried(app, GivenKey(key_file=file)).slot == new
    failing(lambda: tried(app, GivenKey(key_file=machine.root / "old")), "slot-missing")
    assert [one.name for one in machine.root.glob("new*")] == ["new"]
    works(machine)


def test_a_file_of_somebody_is_not_overwritten_by_a_replacement(
    app: Application, machine: Machine
) -> None:
    by = owner(machine)
    files = [machine.root / name for name in ("usb", "safe", "text")]
    for file in files[:2]:
        add(app, file.name, NewKey(key_file=file), by)
    files[2].write_text("a letter")
    texts = [file.read_text() for file in files]
    for file in files:
        error = refused(lambda file=file: replace(app, "usb", NewKey(key_file=file), by))
        assert (error.code, "move the file away" in error.next_step) == ("key-exists", True)
    assert [file.read_text() for file in files] == texts
    assert slots(app) == ["safe", "service", "usb"]


# --- without the owner ---------------------------------------------------------------------------

CHANGES: dict[str, Callable[[Application, Path, GivenKey], object]] = {
    "add": lambda app, folder, by: add(app, "usb", NewKey(key_file=folder / "key"), by),
    "add passphrase": lambda app, _, by: add(app, "words", NewKey(passphrase=WORDS * 2), by),
    "remove": lambda app, _, by: remove(app, "office", by),
    "replace": lambda app, folder, by: replace(app, "office", NewKey(key_file=folder / "key"), by),
    "replace service": lambda app, _, by: replace(app, "service", given_key=by),
    "sheet": lambda app, _, by: sheet(app, lambda _: None, by),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_key_file_changes_no_keys_and_a_passphrase_does(
    app: Application, machine: Machine, change: str
) -> None:
    add(app, "office", NewKey(passphrase=WORDS), owner(machine))
    folder = machine.root / "drive"
    folder.mkdir()
    before = everything(machine)
    for key in (GivenKey(), GivenKey(key_file=machine.home / "keys" / "service.key")):
        error = refused(lambda key=key: CHANGES[change](app, folder, key))
        assert isinstance(error, NotAllowed)
        assert error.code == "sheet-needed"
        for way in ("--sheet FILE", "--by-passphrase SLOT", "unlost key renew --lost-sheet"):
            assert way in error.next_step
        assert everything(machine) == before, "nothing is changed, and no file is left"
    machine.clock.advance(days=1)
    CHANGES[change](app, folder, GivenKey(slot="office", passphrase=WORDS))
    assert everything(machine) != before
    works(machine)


def test_a_refused_command_is_noted(app: Application) -> None:
    failing(lambda: remove(app, "service"), "sheet-needed")
    deed = newest(most=1)[0].deed
    assert (deed.act, deed.subject, deed.outcome) == ("key.remove", "service", "sheet-needed")


def everything(machine: Machine) -> dict[Path, bytes]:
    """All files of the vault's register, of the home's keys, and of other folders."""
    places = (machine.vault / "register", machine.home / "keys", machine.root / "drive")
    files = (file for place in places for file in place.rglob("*"))
    return {file: file.read_bytes() for file in files if file.is_file()}


def refused(call: Callable[[], object]) -> UnlostError:
    with pytest.raises(UnlostError) as caught:
        call()
    return caught.value


def cut(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_slot_in_use_is_not_removed_because_others_can_read_its_key(
    app: Application, machine: Machine
) -> None:
    file, by = machine.home / "keys" / "service.key", owner(machine)
    add(app, "office", NewKey(passphrase=WORDS), by)
    file.chmod(0o644)
    failing(lambda: remove(app, "service", by), "key-readable")
    file.chmod(0o600)
    failing(lambda: remove(app, "service", by), "slot-in-use")


def test_the_services_key_is_replaced_in_one_step(app: Application, machine: Machine) -> None:
    file = machine.home / "keys" / "service.key"
    old = file.read_text()
    by = owner(machine)
    failing(lambda: remove(app, "service", by), "slot-in-use")
    done = replace(app, "service", given_key=by)
    assert done.slot.startswith("service-")
    assert (done.replaced, done.key_file) == ("service", str(file))
    assert slots(app) == [done.slot]
    works(machine)
    (machine.root / "old").touch(mode=0o600)
    (machine.root / "old").write_text(old)
    failing(lambda: tried(app, GivenKey(key_file=machine.root / "old")), "slot-missing")
    again = replace(app, done.slot, given_key=by)
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
    by = owner(machine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, cut)
        with pytest.raises(KeyboardInterrupt):
            replace(app, "service", given_key=by)
    works(machine)
    left = at in ("write", "hand")
    assert ("service key change" in checks(app)) == left, "the doctor names what was left"
    if at == "remove":
        error = refused(lambda: replace(app, "service", given_key=by))
        assert (error.code, "`unlost key remove service --sheet FILE`" in error.next_step) == (
            "key-unclear",
            True,
        )
        remove(app, "service", by)
    else:
        replace(app, "service", given_key=by)
    assert len(slots(app)) == 1
    works(machine)
    assert not draft_of(app.home).exists()
    assert "service key change" not in checks(app)


def test_a_key_file_that_cannot_be_replaced_stays(app: Application, machine: Machine) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", refused)
        failing(lambda: replace(app, "service", given_key=owner(machine)), "key-unwritten")
    works(machine)


def test_other_keys_are_replaced_by_what_is_named(app: Application, machine: Machine) -> None:
    by = owner(machine)
    add(app, "office", NewKey(passphrase=WORDS), by)
    failing(lambda: replace(app, "office", given_key=by), "key-unclear")
    failing(lambda: replace(app, "nobody", given_key=by), "slot-unknown")
    failing(lambda: replace(app, "service", NewKey(passphrase=WORDS), by), "slot-in-use")
    file = machine.root / "key"
    inside = NewKey(key_file=machine.vault / "key")
    failing(lambda: replace(app, "office", inside, by), "key-in-vault")
    done = replace(app, "office", NewKey(key_file=file), by)
    assert (done.kind, done.replaced) == (SlotKind.KEY_FILE, "office")
    failing(lambda: tried(app, GivenKey(slot="office", passphrase=WORDS)), "slot-missing")
    told: list[str] = []
    third = replace(app, done.slot, NewKey(tell=told.append), by)
    file.write_text(told[0])
    assert tried(app, GivenKey(key_file=file)).slot == third.slot
    last = replace(app, third.slot, NewKey(passphrase=WORDS), by)
    assert tried(app, GivenKey(slot=last.slot, passphrase=WORDS)).slot == last.slot
    assert slots(app) == [last.slot, "service"]


def test_a_lost_service_key_is_made_anew_with_the_sheet(app: Application, machine: Machine) -> None:
    (machine.home / "keys" / "service.key").unlink()
    failing(lambda: keys(app), "key-missing")
    by_sheet = owner(machine)
    assert tried(app, by_sheet).slot is None
    done = replace(app, "service", given_key=by_sheet)
    assert slots(app) == [done.slot]
    works(machine)


def test_a_second_key_for_the_service_lets_the_first_go(app: Application, machine: Machine) -> None:
    (machine.home / "keys" / "service.key").rename(machine.root / "first")
    by_first = GivenKey(key_file=machine.root / "first")
    failing(lambda: add(app, "nightly", NewKey(service=True), by_first), "sheet-needed")
    add(app, "nightly", NewKey(service=True), owner(machine))
    assert tried(app, by_first).slot == "service"
    done = remove(app, "service", owner(machine))
    assert done.remaining == ("nightly",)
    works(machine)
    failing(lambda: remove(app, "service", owner(machine)), "slot-unknown")


def test_a_key_from_systemd_counts_before_the_file(
    app: Application, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    by = owner(machine)
    add(app, "nightly", NewKey(tell=told.append), by)
    given = machine.root / "credentials"
    given.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert tried(app).slot == "service"  # not handed over
    (given / "unlost.service-key").touch(mode=0o600)
    (given / "unlost.service-key").write_text(told[0])
    assert tried(app).slot == "nightly"
    assert [line.service for line in keys(app).slots] == [True, True]
    failing(lambda: replace(app, "service", given_key=by), "key-is-credential")
    remove(app, "service", by)
    (machine.home / "keys" / "service.key").unlink()
    works(machine)
    failing(lambda: remove(app, "nightly", by), "slot-in-use")


def test_the_sheet_is_shown_again_and_noted(app: Application, machine: Machine) -> None:
    seen: list[RecoverySheet] = []
    machine.clock.advance(days=3)

    def unsure(_: RecoverySheet) -> None:
        raise NotAllowed("sheet-not-confirmed", "No.", next_step="Again.")

    by = owner(machine)
    failing(lambda: sheet(app, unsure, by), "sheet-not-confirmed")
    assert keys(app).sheet_confirmed_at != machine.clock.now()
    done = sheet(app, seen.append, by)
    assert seen[0].text() == machine.sheet.read_text()
    assert keys(app).sheet_confirmed_at == done.at == machine.clock.now()


# --- the doctor ----------------------------------------------------------------------------------


def checks(app: Application) -> dict[str, HealthCheck]:
    return {one.name: one for one in doctor(app, ask=False).checks}


def unconfirmed(app: Application, machine: Machine) -> None:
    """The vault as it was founded before anybody asked whether the sheet was taken down."""
    opened = open_keys(app.home, clock=app.clock, entropy=app.entropy, given_key=owner(machine))
    note_sheet(opened.store, opened.keys, "")


def test_the_doctor_names_a_vault_with_one_way_in(app: Application, machine: Machine) -> None:
    assert "service, and with its recovery sheet" in checks(app)["keys"].sentence
    unconfirmed(app, machine)
    assert keys(app).sheet_confirmed_at is None
    found = checks(app)["keys"]
    assert found.health is HealthState.BAD
    assert "cannot be changed" in found.sentence
    assert "`unlost key sheet --sheet FILE`" in found.next_step
    assert "`unlost key renew --lost-sheet`" in found.next_step
    add(app, "usb", NewKey(key_file=machine.root / "usb"), owner(machine))
    assert checks(app)["keys"].health is HealthState.BAD, "a key file confirms no sheet"
    add(app, "office", NewKey(passphrase=WORDS), owner(machine))
    found = checks(app)["keys"]
    assert found.health is HealthState.WARNING
    assert "office, service, usb" in found.sentence
    assert "`unlost key sheet --by-passphrase SLOT`" in found.next_step
    sheet(app, lambda _: None, GivenKey(slot="office", passphrase=WORDS))
    assert checks(app)["keys"].health is HealthState.GOOD


def test_the_doctor_names_lacking_copies_of_the_register_and_repairs_them(
    app: Application, machine: Machine
) -> None:
    opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
    copies = entry_copies(registered(opened.store, opened.keys).number)
    data = opened.store.get(copies[0])
    assert "register copies" not in checks(app)
    opened.store.delete(copies[0])
    opened.store.delete(copies[2])
    opened.store.put_new(copies[2], data[:-9])
    found = checks(app)["register copies"]
    assert (found.health, found.repairable) == (HealthState.WARNING, True)
    assert "(2), such as" in found.sentence
    assert copies[0] in found.sentence
    assert "`unlost doctor --repair`" in found.next_step
    works_on_one_copy = tried(app).slot
    assert works_on_one_copy == "service"
    doctor(app, ask=False, repair=True)
    assert "register copies" not in checks(app)
    assert [opened.store.get(name) for name in copies] == [data] * 3
    works(machine)


def test_the_doctor_names_a_key_beside_its_vault(app: Application, machine: Machine) -> None:
    assert "key location" not in checks(app)
    app.home = changed(app.home, place=StoreAddress(machine.home / "vault"))
    assert checks(app)["key location"].health is HealthState.WARNING


@pytest.mark.parametrize("number", [1, 99])
def test_what_lies_in_the_register_and_is_no_entry_is_taken_away(
    app: Application, machine: Machine, number: int
) -> None:
    store = app.whole_vault.sealed.store
    add(app, "office", NewKey(passphrase=WORDS), owner(machine))
    opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
    present = registered(opened.store, opened.keys).number
    strange = (f"{entry_name(present + number)}/1", "register/readme")
    for name in strange:
        store.put_new(name, b"junk")
    told = checks(app)["register"]
    assert (told.health, told.repairable) == (HealthState.WARNING, True)
    assert "(2), such as" in told.sentence
    assert strange[0] in told.sentence
    assert "`unlost key renew`" in told.next_step
    assert slots(app) == ["office", "service"], "they have no effect"
    doctor(app, ask=False, repair=True)
    assert "register" not in checks(app)
    assert not set(strange) & {listed.name for listed in store.list("register/")}
    works(machine)


def test_a_damaged_register_is_named_by_the_doctor_with_what_to_do(
    app: Application, machine: Machine
) -> None:
    store = app.whole_vault.sealed.store
    for listed in list(store.list("register/")):
        store.delete(listed.name)
    store.put_new(entry_copies(7)[0], b"junk")
    app.open_anew()
    found = checks(app)["vault"]
    assert (found.health, "register" in found.sentence) == (HealthState.BAD, True)
    assert "from a mirror" in found.next_step
    assert "unlost key add NAME --service --sheet FILE" in found.next_step

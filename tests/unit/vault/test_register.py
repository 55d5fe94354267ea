"""The register says what its owner signed last, whatever anybody else writes or removes beside it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from fakes.keeping_store import KeepingStore
from smallvault import SmallVault
from unit.vault.test_key_slots import Held, add_words, failing, whole
from unlost.model.errors import IntegrityError, NotAllowed, UsageError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.clock import START
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format import register as register_format
from unlost.vault.format.register import (
    REGISTER,
    RegisterEntry,
    ShreddedOrg,
    encode_entry,
    entry_copies,
    entry_name,
)
from unlost.vault.keys import register
from unlost.vault.keys.founding import draft_keyring, recovery_sheet, write_vault_file
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import add_slot, note_sheet, remove_slot
from unlost.vault.keys.owner import Owner
from unlost.vault.keys.register import (
    append_entry,
    change_register,
    complete_entry,
    find_entry,
    lacking_copies,
    listed_entries,
    newest_entry,
    registered,
    repair_register,
    shredded_orgs,
    strange_entries,
)
from unlost.vault.keys.renewal import renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.stores.memory import MemoryStore

ENTROPY = SeededEntropy(5)
STRANGER = Owner.of(b"t" * 32)
STRANGE = "The vault does not use it: Unlost did not create it."
LATER = (5, 6, 8, 99_999_999)  # after the entry in force, number 4


@pytest.fixture
def small() -> SmallVault:
    """A founded vault with two slots, made one after the other."""
    small = SmallVault()
    add(small, "service")
    add(small, "second")
    assert newest_entry(small.store, small.keys) == 3
    assert damaged(small) == {}
    return small


def add(small: SmallVault, slot: str) -> Held:
    return Held(small, slot).add()


def damaged(small: SmallVault) -> dict[str, str]:
    told = [small.reopen().verify(level).damages for level in VerifyLevel]
    assert told[0] == told[1] == told[2]
    return {damage.object: damage.sentence for damage in told[0]}


def names(store: Store) -> list[str]:
    return [listed.name for listed in store.list(REGISTER)]


def put(store: Store, copies: Iterable[str], data: bytes) -> None:
    for name in copies:
        assert store.put_new(name, data)


def forged(entry: RegisterEntry, *, by: Owner = STRANGER, named: Owner = STRANGER) -> bytes:
    """An entry that somebody signed, and that names this owner."""
    return encode_entry(replace(entry, owner=named.public.hex()), sign=by.sign)


def slots(small: SmallVault) -> set[str]:
    return set(registered(small.store, small.keys).slots)


def meanwhile(
    store: Store, call: Callable[[], object], *, before: str = REGISTER
) -> pytest.MonkeyPatch:
    """Another process does this just before the next put into the register."""
    patch, honest, waiting = pytest.MonkeyPatch(), store.put_new, [call]

    def put_new(name: str, data: bytes) -> bool:
        if name.startswith(before) and waiting:
            waiting.pop()()
        return honest(name, data)

    patch.setattr(store, "put_new", put_new)
    return patch


# --- what a change leaves behind -----------------------------------------------------------------


def test_the_register_lists_every_slot_in_one_entry(small: SmallVault) -> None:
    assert slots(small) == {"service", "second"}
    assert names(small.store) == list(entry_copies(3))
    assert len({small.store.get(name) for name in entry_copies(3)}) == 1


def test_a_change_that_changes_nothing_writes_nothing(small: SmallVault) -> None:
    before = {name: small.store.get(name) for name in names(small.store)}
    assert change_register(small.store, small.keys, lambda entry: entry).number == 3
    assert {name: small.store.get(name) for name in names(small.store)} == before


def test_a_change_that_changes_nothing_writes_what_a_crash_left_out(small: SmallVault) -> None:
    for name in entry_copies(3)[1:]:
        small.store.delete(name)
    change_register(small.store, small.keys, lambda entry: entry)
    assert names(small.store) == list(entry_copies(3))
    assert damaged(small) == {}


def test_earlier_entries_stay_without_harm_where_credentials_may_not_delete() -> None:
    small = SmallVault(store=KeepingStore())
    service = add(small, "service")
    second = add(small, "second")
    remove_slot(small.store, small.keys, "second")
    assert list(listed_entries(small.store)) == [4, 3, 2, 1]
    assert (service.opens(), second.opens()) == ("yes", "slot-missing")
    assert strange_entries(small.store, small.keys) == []
    assert whole(small)
    assert isinstance(small.store, KeepingStore)
    small.store.may_delete = True
    note_sheet(small.store, small.keys, "2026-03-02T00:00:00+00:00")
    assert names(small.store) == list(entry_copies(5))


def test_a_repair_removes_earlier_entries_too() -> None:
    small = SmallVault(store=KeepingStore())
    add(small, "service")
    assert isinstance(small.store, KeepingStore)
    small.store.may_delete = True
    assert repair_register(small.store, small.keys) == entry_copies(1)
    assert names(small.store) == list(entry_copies(2))


def test_a_copy_is_repaired_with_credentials_that_may_not_delete() -> None:
    small = SmallVault(store=KeepingStore())
    assert isinstance(small.store, KeepingStore)
    small.store.may_delete = True
    add(small, "service")
    small.store.delete(entry_copies(2)[1])
    small.store.may_delete = False
    assert repair_register(small.store, small.keys) == entry_copies(2)[1:2]
    assert whole(small)


# --- entries of strangers ------------------------------------------------------------------------


@pytest.mark.parametrize("number", LATER)
@pytest.mark.parametrize("named", ["stranger", "owner"])
def test_an_entry_that_a_stranger_signed_is_ignored_whatever_its_number(
    small: SmallVault, number: int, named: str
) -> None:
    service = add(small, "third")
    held = registered(small.store, small.keys)
    gone = ShreddedOrg("2026-03-02T00:00:00+00:00", 1, "ab" * 32, 1, 1)
    entry = replace(held, number=number, slots={}, shredded={small.org: gone})
    owner = STRANGER if named == "stranger" else small.keys.owner
    put(small.store, entry_copies(number), forged(entry, named=owner))
    assert registered(small.store, small.keys) == held
    assert registered(small.store, service.keyring()) == held
    assert shredded_orgs(small.store, small.keys) == {}
    assert service.opens() == "yes"
    assert strange_entries(small.store, small.keys) == list(entry_copies(number))
    assert damaged(small) == dict.fromkeys(entry_copies(number), STRANGE)
    add(small, "fourth")
    assert slots(small) == {"service", "second", "third", "fourth"}
    repair_register(small.store, small.keys)
    assert damaged(small) == {}


def test_an_entry_of_the_owner_under_a_later_number_is_ignored(small: SmallVault) -> None:
    """The number is signed: the thief of an old entry cannot put it in force again."""
    old = small.store.get(entry_copies(3)[0])
    remove_slot(small.store, small.keys, "second")
    put(small.store, entry_copies(9), old)
    assert slots(small) == {"service"}
    assert damaged(small) == dict.fromkeys(entry_copies(9), STRANGE)
    repair_register(small.store, small.keys)
    assert damaged(small) == {}


def test_an_entry_of_the_owner_that_names_another_owner_is_ignored(small: SmallVault) -> None:
    entry = replace(registered(small.store, small.keys), number=4, slots={})
    put(small.store, entry_copies(4), forged(entry, by=small.keys.owner))
    assert newest_entry(small.store, small.keys) == 3


@pytest.mark.parametrize(
    "junk",
    [b"", b"x", b"{}", b"[1]", b"{" * 100_000, b'{"number":4,"signature":"' + b"0" * 128 + b'"}\n',
     b'{"format":1,"vault":"\xff","owner":"zz","number":4,"signature":"' + b"0" * 128 + b'"}\n'],
)  # fmt: skip
@pytest.mark.parametrize("copy", [1, 2, 3])
def test_junk_at_the_next_number_stops_no_change(small: SmallVault, junk: bytes, copy: int) -> None:
    name = entry_copies(4)[copy - 1]
    put(small.store, [name], junk)
    assert damaged(small) == {name: STRANGE}
    third = add(small, "third")
    assert newest_entry(small.store, small.keys) == 5
    assert third.opens() == "yes"
    assert names(small.store) == list(entry_copies(5))
    assert damaged(small) == {}


def test_junk_that_appears_in_the_same_moment_stops_no_change(small: SmallVault) -> None:
    patch = meanwhile(
        small.store, lambda: MemoryStore.put_new(small.store, entry_copies(4)[0], b"x")
    )
    try:
        add(small, "third")
    finally:
        patch.undo()
    assert slots(small) == {"service", "second", "third"}
    assert newest_entry(small.store, small.keys) == 5


def test_junk_where_the_other_copies_go_is_named(small: SmallVault) -> None:
    second = entry_copies(4)[1]
    patch = meanwhile(small.store, lambda: MemoryStore.put_new(small.store, second, b"x"))
    try:
        add(small, "third")
    finally:
        patch.undo()
    assert newest_entry(small.store, small.keys) == 4
    assert damaged(small) == {second: "It differs from the other copies."}
    assert repair_register(small.store, small.keys) == (second,)
    assert damaged(small) == {}


@pytest.mark.parametrize("size", ["largest", "larger"])
@pytest.mark.parametrize("number", [4, 9])
def test_an_object_larger_than_any_entry_is_not_read_and_stops_no_change(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch, number: int, size: str
) -> None:
    largest = 4096
    monkeypatch.setattr(register, "LARGEST", largest)
    name = entry_copies(number)[0]
    put(small.store, [name], b"x" * (largest + (size == "larger")))
    read: list[str] = []
    honest = small.store.get
    monkeypatch.setattr(small.store, "get", lambda at: read.append(at) or honest(at))
    assert registered(small.store, small.keys).number == 3
    third = add(small, "third")
    assert (name in read) is (size == "largest")
    assert newest_entry(small.store, small.keys) == (5 if number == 4 else 4)
    assert third.opens() == "yes"
    assert strange_entries(small.store, small.keys) == ([name] if number == 9 else [])
    repair_register(small.store, small.keys)
    assert damaged(small) == {}


def test_an_entry_with_ten_thousand_keys_is_small_enough(small: SmallVault) -> None:
    checks = {f"orgs/{org:032x}/keys/{epoch:08d}": "ab" * 16 for org in range(100)
              for epoch in range(100)}  # fmt: skip
    entry = replace(registered(small.store, small.keys), checks=checks)
    assert len(encode_entry(entry, sign=small.keys.owner.sign)) * 10 < register_format.LARGEST


def test_a_high_number_makes_nothing_endless(small: SmallVault) -> None:
    small.store.put_new("register/99999999/1", b"x")
    asked: list[str] = []
    honest = small.store.get
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small.store, "get", lambda name: asked.append(name) or honest(name))
        assert registered(small.store, small.keys).number == 3
        assert damaged(small) == {"register/99999999/1": STRANGE}
    assert len(asked) < 200
    add(small, "third")
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    assert newest_entry(small.store, small.keys) == 4
    assert strange_entries(small.store, small.keys) == ["register/99999999/1"]
    repair_register(small.store, small.keys)
    assert damaged(small) == {}


def test_other_objects_beside_the_register_are_named_and_removed(small: SmallVault) -> None:
    others = ["register/00000000/1", "register/00000003/4", "register/00000003/x/1",
              "register/readme.txt"]  # fmt: skip
    put(small.store, others, b"not ours")
    assert slots(small) == {"service", "second"}
    assert damaged(small) == dict.fromkeys(others, STRANGE)
    assert strange_entries(small.store, small.keys) == others
    repair_register(small.store, small.keys)
    assert damaged(small) == {}


# --- another format ------------------------------------------------------------------------------


@pytest.mark.parametrize("release", [2, 0])
def test_another_format_under_the_signature_of_a_stranger_stops_nobody(
    small: SmallVault, release: int
) -> None:
    service = add(small, "third")
    add_words(small)
    entry = replace(registered(small.store, small.keys), number=9, format=release)
    for owner, copy in ((STRANGER, 0), (small.keys.owner, 1)):
        put(small.store, entry_copies(9)[copy : copy + 1], forged(entry, named=owner))
    assert service.opens() == "yes"
    assert newest_entry(small.store, small.keys) == 5
    add(small, "fourth")
    assert strange_entries(small.store, small.keys) == list(entry_copies(9)[:2])
    assert damaged(small).keys() == set(entry_copies(9)[:2])
    repair_register(small.store, small.keys)
    assert damaged(small) == {}


@pytest.mark.parametrize(("release", "code"), [(2, "format-newer"), (0, "format-unknown")])
def test_another_format_under_the_signature_of_the_owner_is_refused(
    small: SmallVault, release: int, code: str
) -> None:
    service = add(small, "third")
    entry = replace(registered(small.store, small.keys), number=5, format=release)
    put(small.store, entry_copies(5), encode_entry(entry, sign=small.keys.owner.sign))
    assert service.opens() == code
    assert failing(lambda: registered(small.store, small.keys), UsageError) == code
    before = names(small.store)
    assert failing(lambda: add(small, "fourth"), UsageError) == code
    assert failing(lambda: repair_register(small.store, small.keys), UsageError) == code
    assert names(small.store) == before


# --- lost and damaged copies ---------------------------------------------------------------------


@pytest.mark.parametrize("hurt", ["lost", "cut", "flipped", "another"])
@pytest.mark.parametrize("broken", [(1,), (2,), (3,), (1, 2), (1, 3), (2, 3)])
def test_copies_that_are_lost_or_damaged_are_named_and_repaired(
    small: SmallVault, broken: tuple[int, ...], hurt: str
) -> None:
    data = small.store.get(entry_copies(3)[0])
    other = encode_entry(RegisterEntry(vault="ab" * 16, owner=""), sign=STRANGER.sign)
    spoiled = {"cut": data[:-3], "flipped": data[:50] + bytes([data[50] ^ 1]) + data[51:],
               "another": other}  # fmt: skip
    hit = [entry_copies(3)[copy - 1] for copy in broken]
    for name in hit:
        small.store.delete(name)
        if hurt != "lost":
            small.store.put_new(name, spoiled[hurt])
    problem = "It is missing." if hurt == "lost" else "It differs from the other copies."
    assert slots(small) == {"service", "second"}
    assert damaged(small) == dict.fromkeys(hit, problem)
    found = find_entry(small.store, owner=small.keys.owner.public)
    assert found is not None
    assert lacking_copies(small.store, found) == hit
    assert repair_register(small.store, small.keys) == tuple(hit)
    assert {small.store.get(name) for name in entry_copies(3)} == {data}
    assert damaged(small) == {}
    assert repair_register(small.store, small.keys) == ()


def spoil(store: Store, name: str) -> None:
    data = store.get(name)
    store.delete(name)
    store.put_new(name, data[:-3])


def test_a_lost_register_is_named(small: SmallVault) -> None:
    for name in entry_copies(3):
        small.store.delete(name)
    assert damaged(small) == {"register/00000001": "It is missing."}


def test_a_removed_register_is_missed_by_the_commits(small: SmallVault) -> None:
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    for name in entry_copies(3):
        small.store.delete(name)
    assert damaged(small) == {"register/00000003": "It is missing."}


def test_an_older_entry_that_was_put_back_is_missed_by_the_commits() -> None:
    """Somebody who may delete brings a slot back that was removed."""
    small = SmallVault()
    add(small, "service")
    second = add(small, "second")
    old = {name: small.store.get(name) for name in entry_copies(3)}
    remove_slot(small.store, small.keys, "second")
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    for name in entry_copies(4):
        small.store.delete(name)
    for name, data in old.items():
        small.store.put_new(name, data)
    assert second.opens() == "yes"  # no single machine can know
    assert damaged(small) == {"register/00000004": "It is missing."}


def test_nothing_is_added_to_a_register_that_is_lost(small: SmallVault) -> None:
    for name in entry_copies(3):
        spoil(small.store, name)
    before = names(small.store)
    for change in (lambda: add(small, "third"), lambda: repair_register(small.store, small.keys)):
        with pytest.raises(IntegrityError) as caught:
            change()
        assert caught.value.code == "register-damaged"
        assert entry_name(3) in caught.value.sentence
    assert names(small.store) == before
    assert newest_entry(small.store, small.keys) == 0
    assert shredded_orgs(small.store, small.keys) == {}


def test_an_empty_register_has_nothing_to_repair(small: SmallVault) -> None:
    for name in entry_copies(3):
        small.store.delete(name)
    assert repair_register(small.store, small.keys) == ()
    complete_entry(small.store, small.keys)
    assert names(small.store) == []
    assert slots(small) == set()


def test_the_owner_begins_an_empty_register_anew(small: SmallVault) -> None:
    for name in entry_copies(3):
        small.store.delete(name)
    third = add(small, "third")
    assert third.opens() == "yes"
    assert slots(small) == {"third"}
    assert whole(small)


# --- two at once ---------------------------------------------------------------------------------


def test_two_who_add_a_slot_at_once_are_both_listed(small: SmallVault) -> None:
    patch = meanwhile(small.store, lambda: add(small, "rival"))
    try:
        add(small, "third")
    finally:
        patch.undo()
    assert slots(small) == {"service", "second", "third", "rival"}
    assert names(small.store) == list(entry_copies(5))
    assert damaged(small) == {}


def test_a_change_is_not_lost_when_others_made_two_and_removed_the_first(
    small: SmallVault,
) -> None:
    """Then the number that the slow writer takes is free again."""

    def two() -> None:
        add(small, "rival-1")
        add(small, "rival-2")
        assert names(small.store) == list(entry_copies(5))

    patch = meanwhile(small.store, two)
    try:
        add(small, "third")
    finally:
        patch.undo()
    assert slots(small) == {"service", "second", "third", "rival-1", "rival-2"}
    assert names(small.store) == list(entry_copies(6))
    assert damaged(small) == {}


def test_a_writer_that_was_overtaken_says_so(small: SmallVault) -> None:
    present = registered(small.store, small.keys)
    add(small, "rival-1")
    add(small, "rival-2")
    owner = small.keys.owner.public
    stale = replace(present, slots={})
    assert append_entry(small.store, small.keys, stale, after=3, owner=owner) is None
    assert slots(small) == {"service", "second", "rival-1", "rival-2"}
    assert append_entry(small.store, small.keys, stale, after=4, owner=owner) is None
    assert slots(small) == {"service", "second", "rival-1", "rival-2"}


def test_a_rivals_entry_is_not_replaced_though_its_first_copy_was_lost(small: SmallVault) -> None:
    present = registered(small.store, small.keys)
    add(small, "rival")
    small.store.delete(entry_copies(4)[0])
    owner = small.keys.owner.public
    stale = replace(present, slots={})
    assert append_entry(small.store, small.keys, stale, after=3, owner=owner) is None
    assert slots(small) == {"service", "second", "rival"}


def renew(small: SmallVault) -> Keyring:
    new = small.keys.successor()
    key = ServiceKey.new(new, entropy=ENTROPY, slot="service-2")
    renew_master(small.store, small.keys, new, key=key, sheet_confirmed_at=START, entropy=ENTROPY)
    return new


def test_a_renewal_is_not_undone_by_a_change_that_read_the_register_before_it(
    small: SmallVault,
) -> None:
    present, before = registered(small.store, small.keys), small.keys
    new = renew(small)
    stale = replace(present, slots={})
    owner = before.owner.public
    assert append_entry(small.store, before, stale, after=3, owner=owner) is None
    assert registered(small.store, new).slots.keys() == {"service-2"}
    assert names(small.store) == list(entry_copies(4))
    assert failing(lambda: add(small, "third"), NotAllowed) == "key-outdated"


@pytest.mark.parametrize("changes", [1, 2])
def test_a_renewal_beside_other_changes_comes_after_them(small: SmallVault, changes: int) -> None:
    """With two changes, the number that the renewal takes first is free again."""
    rivals: list[Held] = []

    def change() -> None:
        rivals.extend(add(small, f"rival-{number}") for number in range(changes))

    patch = meanwhile(small.store, change)
    try:
        new = renew(small)
    finally:
        patch.undo()
    entry = registered(small.store, new)
    assert (entry.generation, set(entry.slots)) == (2, {"service-2"})
    assert [held.opens() for held in rivals] == ["key-outdated"] * changes
    small.keys = new
    assert names(small.store) == list(entry_copies(entry.number))


def test_of_two_renewals_that_read_the_same_entry_one_takes_effect(small: SmallVault) -> None:
    present, before = registered(small.store, small.keys), small.keys
    new = renew(small)
    second = before.successor()
    rival = replace(present, owner=second.owner.public.hex(), generation=2)
    assert append_entry(small.store, second, rival, after=3, owner=before.owner.public) is None
    assert registered(small.store, new).number == 4
    assert names(small.store) == list(entry_copies(4))


def test_a_repair_does_not_remove_an_entry_that_is_written_meanwhile(small: SmallVault) -> None:
    honest = register.find_entry

    def found_then_changed(store: Store, *, owner: bytes) -> object:
        found = honest(store, owner=owner)
        with pytest.MonkeyPatch.context() as undone:
            undone.setattr(register, "find_entry", honest)
            add(small, "third")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(register, "find_entry", found_then_changed)
        repair_register(small.store, small.keys)
    assert slots(small) == {"service", "second", "third"}
    assert newest_entry(small.store, small.keys) == 4


def test_an_entry_that_is_written_meanwhile_is_not_strange(small: SmallVault) -> None:
    honest = register.registered

    def read_then_changed(store: Store, keys: Keyring) -> RegisterEntry:
        present = honest(store, keys)
        with pytest.MonkeyPatch.context() as undone:
            undone.setattr(register, "registered", honest)
            add(small, "third")
        return present

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(register, "registered", read_then_changed)
        assert strange_entries(small.store, small.keys) == []


@pytest.mark.parametrize("changes", [1, 2, 3])
def test_a_reader_that_a_change_overtakes_finds_the_newer_entry(
    small: SmallVault, changes: int
) -> None:
    """A change removes the entry that the reader has just listed."""
    honest, waiting = small.store.get, [f"rival-{number}" for number in range(changes)]

    def get(name: str) -> bytes:
        if name == entry_copies(3 + changes - len(waiting))[0] and waiting:
            patch.undo()
            add(small, waiting.pop())
            patch.setattr(small.store, "get", get)
        return honest(name)

    patch = pytest.MonkeyPatch()
    patch.setattr(small.store, "get", get)
    found = find_entry(small.store, owner=small.keys.owner.public)
    patch.undo()
    if changes < 3:
        assert found is not None
        assert found.entry.number == 3 + changes
    else:  # whoever changes the register all the time is no administrator
        assert found is None


# --- founding ------------------------------------------------------------------------------------


def test_what_an_interrupted_founding_left_is_replaced() -> None:
    store, entropy = MemoryStore(), SeededEntropy(1)
    first = draft_keyring(store, entropy=entropy)
    add_slot(store, first, ServiceKey.new(first, entropy=entropy), slot="service", entropy=entropy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlost.vault.keys.founding.encode_vault_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_vault_file(store, first, created=START)
    keys = draft_keyring(store, entropy=entropy)
    add_slot(store, keys, ServiceKey.new(keys, entropy=entropy), slot="service", entropy=entropy)
    write_vault_file(store, keys, created=START)
    assert names(store) == list(entry_copies(1))
    assert registered(store, keys).slots.keys() == {"service"}
    assert strange_entries(store, keys) == []


def interrupted(*_: object, **__: object) -> bytes:
    raise KeyboardInterrupt


def test_no_register_of_a_vault_is_taken_for_the_rest_of_a_founding(small: SmallVault) -> None:
    stranger = Keyring.of_secret(
        small.store, vault=small.keys.vault, secret=b"x" * 32, entropy=ENTROPY
    )
    before = names(small.store)
    assert failing(lambda: note_sheet(small.store, stranger, "x"), IntegrityError) == (
        "register-damaged"
    )
    assert names(small.store) == before
    assert recovery_sheet(stranger).secret == b"x" * 32

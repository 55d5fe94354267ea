"""Keys: three copies each, one for each object, and nothing opens with another's."""

from collections.abc import Callable

import pytest

from unlost.model.errors import IntegrityError, NotFound
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.derivation import derive, epoch_folder, identity_folder
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreCrash
from unlost.vault.stores.memory import MemoryStore

ORG, OTHER = "0a" * 16, "0b" * 16
COPIES = [f"{folder(ORG)}/{copy}" for folder in (identity_folder,) for copy in (1, 2, 3)] + [
    f"{epoch_folder(ORG, 1)}/{copy}" for copy in (1, 2, 3)
]


def keyring(store, *, seed: int = 1, secret: bytes = b"m" * 32) -> Keyring:
    return Keyring.of_secret(store, vault=b"v" * 16, secret=secret, entropy=SeededEntropy(seed))


def spoil(store: MemoryStore, name: str, data: bytes) -> None:
    store.delete(name)
    store.put_new(name, data)


def key_of(keys: Keyring) -> bytes:
    return keys.object_key(ObjectKind.PACK, org=ORG, name="p", epoch=1)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    keyring(store).add_org(ORG)
    return store


def test_derivation_is_hkdf_sha256_as_published() -> None:
    # RFC 5869 with SHA-256, no salt, 32 bytes; computed by hand from HMAC
    import hmac

    extracted = hmac.digest(bytes(32), b"secret", "sha256")
    expected = hmac.digest(extracted, b"unlost/1/label" + b"\x01", "sha256")
    assert derive(b"secret", "label") == expected


def test_an_org_has_three_copies_of_two_keys(store: MemoryStore) -> None:
    assert [listed.name for listed in store.list("")] == sorted(COPIES)
    assert keyring(store).epochs(ORG) == (1,)
    assert keyring(store).epoch(ORG) == 1


def test_another_process_derives_the_same_keys(store: MemoryStore) -> None:
    assert key_of(keyring(store)) == key_of(keyring(store, seed=99))
    assert keyring(store).identity_key(ORG, "x") == keyring(store, seed=5).identity_key(ORG, "x")


def test_every_object_kind_org_and_purpose_has_its_own_key(store: MemoryStore) -> None:
    keys = keyring(store, seed=3)
    keys.add_org(OTHER)
    made = [
        keys.object_key(kind, org=org, name=name, epoch=1)
        for kind in (ObjectKind.PACK, ObjectKind.SEGMENT)
        for org in (ORG, OTHER)
        for name in ("p", "q")
    ] + [keys.identity_key(ORG, "a"), keys.identity_key(ORG, "b"), keys.identity_key(OTHER, "a")]
    assert len(set(made)) == len(made)
    assert all(len(key) == 32 for key in made)


def test_adding_an_org_again_changes_nothing(store: MemoryStore) -> None:
    before = {listed.name: store.get(listed.name) for listed in store.list("")}
    keyring(store, seed=7).add_org(ORG)
    assert {listed.name: store.get(listed.name) for listed in store.list("")} == before


def calls_of_adding() -> int:
    store = FaultStore(MemoryStore())
    keyring(store).add_org(ORG)
    return len(store.calls)


@pytest.mark.parametrize("kind", [FaultKind.CRASH_BEFORE, FaultKind.CRASH_AFTER])
@pytest.mark.parametrize("at", range(1, calls_of_adding() + 1))
def test_adding_an_org_goes_on_after_a_crash_at_any_call(kind: FaultKind, at: int) -> None:
    inner = MemoryStore()
    store = FaultStore(inner, faults=[Fault(kind, at)])
    with pytest.raises(StoreCrash):
        keyring(store).add_org(ORG)
    store.assert_all_hit()
    keyring(inner, seed=2).add_org(ORG)
    key = key_of(keyring(inner))
    for name in COPIES:
        keyring(inner).check_copy(name, org=ORG)
        if "/00000001/" in name:
            alone = MemoryStore()
            alone.put_new(name, inner.get(name))
            assert key_of(keyring(alone)) == key


def test_adding_an_org_again_brings_back_a_lost_first_copy(store: MemoryStore) -> None:
    expected = key_of(keyring(store))
    store.delete(COPIES[3])
    keyring(store, seed=7).add_org(ORG)
    assert [listed.name for listed in store.list("")] == sorted(COPIES)
    keyring(store).check_copy(COPIES[3], org=ORG)
    assert key_of(keyring(store)) == expected


def test_two_processes_that_add_an_org_agree_on_its_key() -> None:
    store = MemoryStore()
    one, other = keyring(store, seed=1), keyring(store, seed=2)
    one.add_org(ORG)
    other.add_org(ORG)
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize("whole", [1, 2, 3])
def test_any_one_whole_copy_will_do(store: MemoryStore, whole: int) -> None:
    expected = key_of(keyring(store))
    for copy in {1, 2, 3} - {whole}:
        name = f"{epoch_folder(ORG, 1)}/{copy}"
        spoil(store, name, store.get(name)[:-1]) if copy == 3 else store.delete(name)
    assert key_of(keyring(store)) == expected


def test_lost_keys_are_told_in_words(store: MemoryStore) -> None:
    for copy in (1, 2, 3):
        spoil(store, f"{epoch_folder(ORG, 1)}/{copy}", b"rubbish")
    with pytest.raises(IntegrityError) as lost:
        key_of(keyring(store))
    assert lost.value.code == "org-key-lost"
    assert "cannot be read" in lost.value.sentence
    with pytest.raises(IntegrityError) as unknown:
        keyring(store).epoch(OTHER)
    assert unknown.value.code == "org-key-lost"
    with pytest.raises(IntegrityError):
        keyring(MemoryStore()).identity_key(ORG, "x")


def test_a_wrong_master_opens_nothing(store: MemoryStore) -> None:
    with pytest.raises(IntegrityError):
        key_of(keyring(store, secret=b"w" * 32))


def test_copies_that_changed_places_are_noticed(store: MemoryStore) -> None:
    one, other = COPIES[3], COPIES[4]
    first, second = store.get(one), store.get(other)
    spoil(store, one, second)
    spoil(store, other, first)
    for name in (one, other):
        with pytest.raises(IntegrityError):
            keyring(store).check_copy(name, org=ORG)
    keyring(store).check_copy(COPIES[5], org=ORG)


def test_repair_writes_lost_and_damaged_copies_anew(store: MemoryStore) -> None:
    expected = key_of(keyring(store))
    store.delete(COPIES[0])
    spoil(store, COPIES[4], b"rubbish")
    assert set(keyring(store).repair_org(ORG)) == {COPIES[0], COPIES[4]}
    for name in COPIES:
        keyring(store).check_copy(name, org=ORG)
    alone = MemoryStore()
    alone.put_new(COPIES[4], store.get(COPIES[4]))
    assert key_of(keyring(alone)) == expected
    assert keyring(store).repair_org(ORG) == ()


def test_a_key_without_an_intact_copy_cannot_be_repaired(store: MemoryStore) -> None:
    for name in COPIES[3:]:
        spoil(store, name, b"rubbish")
    with pytest.raises(IntegrityError) as lost:
        keyring(store).repair_org(ORG)
    assert lost.value.code == "org-key-lost"
    assert lost.value.next_step
    assert keyring(store).repairable_copies(ORG) == ()
    assert all(store.get(name) == b"rubbish" for name in COPIES[3:])


def test_a_missing_copy_is_missing(store: MemoryStore) -> None:
    store.delete(COPIES[0])
    with pytest.raises(NotFound):
        keyring(store).check_copy(COPIES[0], org=ORG)


def test_new_objects_take_the_newest_epoch(store: MemoryStore) -> None:
    keys = keyring(store)
    for copy in (1, 2, 3):
        name = f"{epoch_folder(ORG, 2)}/{copy}"
        store.put_new(name, keys._wrap(name, b"2" * 32, org=ORG))
    assert keyring(store).epoch(ORG) == 2
    assert keyring(store).epochs(ORG) == (1, 2)
    two = keyring(store).object_key(ObjectKind.PACK, org=ORG, name="p", epoch=2)
    assert two != key_of(keyring(store))


def test_no_key_is_in_the_representation(store: MemoryStore) -> None:
    assert repr(keyring(store)) == f"Keyring(vault={(b'v' * 16).hex()})"


# --- copies that hold different keys -----------------------------------------------------------


def plant(store: MemoryStore, copy: int, key: bytes, *, epoch: int = 1) -> str:
    """A copy of another key, as a holder of the master key can make it; returns its name."""
    name = f"{epoch_folder(ORG, epoch)}/{copy}"
    spoil(store, name, keyring(store, seed=60 + copy)._wrap(name, key, org=ORG))
    return name


@pytest.mark.parametrize("copy", [2, 3])
def test_a_copy_with_another_key_is_named_and_repaired_to_the_one_in_use(
    store: MemoryStore, copy: int
) -> None:
    expected = key_of(keyring(store))
    name = plant(store, copy, b"2" * 32)
    assert key_of(keyring(store)) == expected
    with pytest.raises(IntegrityError) as differs:
        keyring(store).check_copy(name, org=ORG)
    assert differs.value.code == "key-copy-differs"
    assert name in differs.value.sentence
    assert differs.value.next_step
    assert keyring(store).repairable_copies(ORG) == (name,)
    assert keyring(store).repair_org(ORG) == (name,)
    for other in COPIES:
        keyring(store).check_copy(other, org=ORG)
    assert keyring(store).repairable_copies(ORG) == ()
    alone = MemoryStore()
    alone.put_new(name, store.get(name))
    assert key_of(keyring(alone)) == expected


def test_the_copies_that_are_not_in_use_are_named_when_the_first_one_differs(
    store: MemoryStore,
) -> None:
    plant(store, 1, b"2" * 32)
    named = []
    for name in COPIES[3:]:
        try:
            keyring(store).check_copy(name, org=ORG)
        except IntegrityError as error:
            named.append((name, error.code))
    assert named == [(name, "key-copy-differs") for name in COPIES[4:]]


def test_nothing_is_written_under_an_epoch_whose_copies_differ(store: MemoryStore) -> None:
    for copy, key in ((1, b"2"), (2, b"2"), (3, b"3")):
        plant(store, copy, key * 32, epoch=2)
    assert keyring(store).epochs(ORG) == (1, 2)
    assert keyring(store).epoch(ORG) == 1
    keyring(store).repair_org(ORG)
    assert keyring(store).epoch(ORG) == 2


def test_nothing_is_written_where_the_copies_of_the_only_epoch_differ(store: MemoryStore) -> None:
    plant(store, 3, b"2" * 32)
    with pytest.raises(IntegrityError) as lost:
        keyring(store).epoch(ORG)
    assert lost.value.code == "key-copy-differs"


@pytest.mark.parametrize("hurt", ["lost", "damaged"])
def test_a_copy_that_is_lost_or_damaged_is_no_disagreement(store: MemoryStore, hurt: str) -> None:
    plant(store, 1, b"2" * 32, epoch=2)
    plant(store, 2, b"2" * 32, epoch=2)
    if hurt == "damaged":
        store.put_new(f"{epoch_folder(ORG, 2)}/3", b"rubbish")
    assert keyring(store).epoch(ORG) == 2


# --- epochs that another process begins --------------------------------------------------------


def test_an_epoch_that_another_process_began_is_chosen_when_asked_again(
    store: MemoryStore,
) -> None:
    keys = keyring(store)
    assert keys.epoch(ORG) == 1
    for copy in (1, 2, 3):
        plant(store, copy, b"2" * 32, epoch=2)
    assert keys.epoch(ORG) == 1  # one choice for as long as a run lasts
    keys.choose_epoch(ORG)
    assert keys.epoch(ORG) == 2
    keys.choose_epoch(OTHER)  # of which nothing was chosen
    assert keys.epoch(ORG) == 2


def test_a_process_does_not_keep_the_epoch_whose_key_was_removed(store: MemoryStore) -> None:
    keys = keyring(store)
    assert keys.epoch(ORG) == 1
    assert keys.copies_before(ORG, 1) == ()
    for copy in (1, 2, 3):
        plant(store, copy, b"2" * 32, epoch=2)
    assert keys.copies_before(ORG, 2) == tuple(COPIES[3:])
    for name in keys.copies_before(ORG, 2):
        store.delete(name)
    assert (keys.has_epoch(ORG, 1), keys.has_epoch(ORG, 2)) == (False, True)
    keys.choose_epoch(ORG)
    assert keys.epoch(ORG) == 2


def test_a_put_that_does_not_keep_what_it_was_given_is_noticed(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thief who writes quicker than the owner makes no org key for the owner."""
    name = f"{epoch_folder(ORG, 1)}/2"
    thief: Callable[[str, bytes], bool] = store.put_new
    store.delete(name)
    monkeypatch.setattr(
        store, "put_new", lambda at, data: thief(at, b"junk" if at == name else data)
    )
    with pytest.raises(IntegrityError) as lost:
        keyring(store).add_org(ORG)
    assert lost.value.code == "org-key-lost"

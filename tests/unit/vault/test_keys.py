"""Keys: three copies each, one for each object, and nothing opens with another's."""

import pytest

from unlost.model.errors import IntegrityError, NotFound
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.hierarchy import Keyring, derive, epoch_folder, identity_folder
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreCrash
from unlost.vault.stores.memory import MemoryStore

ORG, OTHER = "0a" * 16, "0b" * 16
COPIES = [f"{folder(ORG)}/{copy}" for folder in (identity_folder,) for copy in (1, 2, 3)] + [
    f"{epoch_folder(ORG, 1)}/{copy}" for copy in (1, 2, 3)
]


def keyring(store, *, seed: int = 1, master: bytes = b"m" * 32) -> Keyring:
    return Keyring(store, vault=b"v" * 16, master=master, entropy=SeededEntropy(seed))


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
        key_of(keyring(store, master=b"w" * 32))


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

"""Secrets: sealed at rest, bound to their place, and useless without the home's key."""

from pathlib import Path

import pytest

from unlost.catalog.home.copying import dump
from unlost.catalog.models import Secret
from unlost.catalog.orgs.orgs import ProtectedOrg, save_org
from unlost.catalog.orgs.secrets import SqlSecretStore, seal, sealing_key, unseal
from unlost.model.errors import NotAllowed
from unlost.model.org import OrgIdentity
from unlost.testing.clock import START
from unlost.testing.entropy import SeededEntropy

KEY = sealing_key(b"k" * 32)
OID = "a" * 32


@pytest.fixture
def store(entropy: SeededEntropy) -> SqlSecretStore:
    save_org(ProtectedOrg("sales", OID, OrgIdentity("salesforce", "00D1"), START))
    return SqlSecretStore(OID, key=KEY, entropy=entropy)


def test_a_secret_comes_back_and_can_be_replaced(store: SqlSecretStore) -> None:
    assert store.get("client_secret") is None
    store.put("client_secret", "first")
    store.put("client_secret", "zweites ✓")
    assert store.get("client_secret") == "zweites ✓"
    assert Secret.objects.count() == 1


def test_no_byte_of_a_secret_is_in_the_database(
    store: SqlSecretStore, database: Path | str
) -> None:
    store.put("client_secret", "not-a-secret-chocolate")
    if isinstance(database, Path):
        everything = b"".join(file.read_bytes() for file in database.parent.iterdir())
    else:
        everything = dump()
    assert b"chocolate" not in everything
    assert b"client_secret" in everything


def test_the_same_value_is_sealed_differently_each_time(store: SqlSecretStore) -> None:
    store.put("one", "same")
    store.put("two", "same")
    first, second = Secret.objects.order_by("name").values_list("sealed", flat=True)
    assert bytes(first)[1:13] != bytes(second)[1:13]
    assert bytes(first)[13:] != bytes(second)[13:]


def test_a_secret_moved_to_another_row_does_not_open(store: SqlSecretStore) -> None:
    store.put("client_secret", "mine")
    Secret.objects.update(name="private_key")
    with pytest.raises(NotAllowed) as caught:
        store.get("private_key")
    assert caught.value.code == "home-key-wrong"


def test_another_home_key_does_not_open_it(store: SqlSecretStore, entropy: SeededEntropy) -> None:
    store.put("client_secret", "mine")
    other = SqlSecretStore(OID, key=sealing_key(b"x" * 32), entropy=entropy)
    with pytest.raises(NotAllowed, match="does not decrypt its secrets"):
        other.get("client_secret")


@pytest.mark.parametrize("position", range(0, 45, 3))
def test_each_flipped_byte_is_noticed(position: int) -> None:
    sealed = bytearray(seal("a secret of 16 b", key=KEY, place=b"here", nonce=b"n" * 12))
    sealed[position % len(sealed)] ^= 1
    with pytest.raises(NotAllowed):
        unseal(bytes(sealed), key=KEY, place=b"here")


@pytest.mark.parametrize("length", range(0, 30, 5))
def test_a_cut_secret_is_noticed(length: int) -> None:
    sealed = seal("", key=KEY, place=b"here", nonce=b"n" * 12)
    with pytest.raises(NotAllowed):
        unseal(sealed[: min(length, len(sealed) - 1)], key=KEY, place=b"here")


def test_the_sealed_form_never_changes() -> None:
    sealed = seal("golden", key=KEY, place=b"org/name", nonce=bytes(range(12)))
    assert sealed.hex() == GOLDEN
    assert unseal(bytes.fromhex(GOLDEN), key=KEY, place=b"org/name") == "golden"


GOLDEN = "01000102030405060708090a0b21765f3c694fb6c32cc2f0a7c325db60ade1bb094ca4"

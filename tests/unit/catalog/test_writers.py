"""Write identities: beside the reader of an org, never instead of it."""

import pytest

from unlost.catalog.models import Secret, WriterRow
from unlost.catalog.orgs.orgs import ProtectedOrg, save_org
from unlost.catalog.orgs.secrets import SqlSecretStore, sealing_key
from unlost.catalog.orgs.writers import WriterSecrets, find_writer, save_writer
from unlost.model.org import OrgIdentity
from unlost.testing.clock import START, VirtualClock
from unlost.testing.entropy import SeededEntropy


@pytest.fixture
def org() -> ProtectedOrg:
    made = ProtectedOrg("sales", "a" * 32, OrgIdentity("memory", "T-1"), START)
    save_org(made)
    return made


@pytest.fixture
def store(org: ProtectedOrg, entropy: SeededEntropy) -> SqlSecretStore:
    return SqlSecretStore(org.oid, key=sealing_key(bytes(32)), entropy=entropy)


def test_an_org_has_no_writer_until_it_is_given_one(org: ProtectedOrg, clock: VirtualClock) -> None:
    assert find_writer(org.oid) is None
    save_writer(org.oid, {"address": "one"}, at=clock.now())
    assert find_writer(org.oid) == {"address": "one"}


def test_a_new_writer_replaces_the_one_before(org: ProtectedOrg, clock: VirtualClock) -> None:
    for address in ("one", "two"):
        save_writer(org.oid, {"address": address}, at=clock.now())
    assert find_writer(org.oid) == {"address": "two"}
    assert WriterRow.objects.count() == 1


def test_its_secrets_do_not_meet_those_of_the_reader(store: SqlSecretStore) -> None:
    writer = WriterSecrets(store)
    store.put("password", "to read")
    assert writer.get("password") is None
    writer.put("password", "to write")
    assert (store.get("password"), writer.get("password")) == ("to read", "to write")


def test_its_secrets_lie_sealed(store: SqlSecretStore) -> None:
    WriterSecrets(store).put("password", "to write")
    (row,) = Secret.objects.all()
    assert b"to write" not in bytes(row.sealed)

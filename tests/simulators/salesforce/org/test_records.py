"""Single records, records by list, by external id; blobs by recipe; users."""

import hashlib

import pyarrow as pa
import pytest

from unlost_simulators.kit.blobs import PIECE, BlobRecipe, is_token
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org


def test_record_with_all_fields_or_some(org: Org, backup: SimUser) -> None:
    (made,) = org.insert(backup, "Account", [{"Name": "a", "BillingCity": "Gent"}])
    whole = org.get(backup, "account", made[:15])
    described = [one["name"] for one in org.describe(backup, "Account").body["fields"]]
    assert list(whole) == ["attributes", *described]
    assert whole["BillingAddress"]["city"] == "Gent"
    some = org.get(backup, "Account", made, ["name", "Owner.Name"], version="v60.0")
    assert some == {
        "attributes": {"type": "Account", "url": f"/services/data/v60.0/sobjects/Account/{made}"},
        "Name": "a",
        "Owner": {
            "attributes": {
                "type": "User",
                "url": f"/services/data/v60.0/sobjects/User/{backup.id}",
            },
            "Name": "Backup",
        },
    }


def test_records_that_are_not_there(org: Org, backup: SimUser) -> None:
    (made,) = org.insert(backup, "Account", [{"Name": "a"}])
    with pytest.raises(SalesforceError) as caught:
        org.get(backup, "Account", "001Dn0000099999IAA")
    assert (caught.value.status, caught.value.code) == (404, "NOT_FOUND")
    with pytest.raises(SalesforceError, match="NOT_FOUND"):
        org.get(backup, "Account", "nonsense")
    with pytest.raises(SalesforceError, match="No such column 'Nope'"):
        org.get(backup, "Account", made, ["Nope"])
    org.delete(backup, "Account", [made])
    with pytest.raises(SalesforceError) as caught:
        org.get(backup, "Account", made)
    assert caught.value.status == 404
    assert caught.value.body()[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_many_records_keep_their_places(org: Org, backup: SimUser) -> None:
    made = org.insert(backup, "Account", [{"Name": one} for one in "abc"])
    org.delete(backup, "Account", made[1:2])
    asked = [made[2], "nonsense", made[1], made[0][:15], "001Dn0000099999IAA", made[2]]
    found = org.get_many(backup, "Account", asked, ["Name"])
    assert [None if one is None else one["Name"] for one in found] == [
        "c",
        None,
        None,
        "a",
        None,
        "c",
    ]
    assert "Id" not in found[0]
    with pytest.raises(SalesforceError, match="No such column"):
        org.get_many(backup, "Account", made, ["Nope"])


def test_by_external_id(org: Org, backup: SimUser) -> None:
    rows = [{"Name": "a", "Legacy__c": "L-1"}, {"Name": "b", "Legacy__c": "x'y"}]
    made = org.insert(backup, "Account", rows)
    found = org.get_by_external_id(backup, "Account", "legacy__c", "l-1", ["Name"])
    assert found["Name"] == "a"
    quoted = org.get_by_external_id(backup, "Account", "Legacy__c", "x'y", ["Name"])
    assert quoted["Name"] == "b"
    org.insert(backup, "Account", [{"Name": "c", "Legacy__c": "L-1"}])
    several = org.get_by_external_id(backup, "Account", "Legacy__c", "L-1")
    assert next(iter(several)) == made[0]
    assert len(several) == 2
    with pytest.raises(SalesforceError) as caught:
        org.get_by_external_id(backup, "Account", "Legacy__c", "none")
    assert caught.value.message == "The requested resource does not exist"
    for field in ("Nope", "Name"):
        with pytest.raises(SalesforceError) as caught:
            org.get_by_external_id(backup, "Account", field, "x")
        assert caught.value.message == (
            f"Provided external ID field does not exist or is not accessible: {field}"
        )


@pytest.mark.parametrize("kind", ["random", "text"])
@pytest.mark.parametrize("size", [0, 1, 1000, PIECE, PIECE + 1, 3 * PIECE + 17])
def test_recipes_always_give_the_same_bytes(kind: str, size: int) -> None:
    recipe = BlobRecipe(kind, 7, size)
    pieces = list(recipe.chunks())
    assert all(len(one) <= PIECE for one in pieces)
    whole = b"".join(pieces)
    assert len(whole) == size
    assert whole == b"".join(BlobRecipe(kind, 7, size).chunks())
    assert recipe.md5() == hashlib.md5(whole).hexdigest()
    assert is_token(recipe.token())
    if size > 100:
        assert whole != b"".join(BlobRecipe(kind, 8, size).chunks())


def test_blobs_by_recipe(org: Org, backup: SimUser) -> None:
    recipe = BlobRecipe("text", 3, 5000)
    org.store.load(
        "ContentVersion",
        pa.table({"VersionData": [recipe.token()], "Checksum": [recipe.md5()]}),
    )
    (made,) = org.ids_where("ContentVersion", None)
    blob = org.blob(backup, "ContentVersion", made[:15], "versionData")
    assert blob.size == 5000
    assert hashlib.md5(b"".join(blob.chunks)).hexdigest() == recipe.md5()


def test_users_register(org: Org, backup: SimUser) -> None:
    assert org.users.by_username("BACKUP@example.org") == backup
    assert org.users.by_id(backup.id[:15]) == backup
    assert org.users.by_id("005xx0000000000") is None
    assert [one.username for one in org.users.all()] == [
        "backup@example.org",
        "narrow@example.org",
    ]
    with pytest.raises(KeyError):
        org.users.hide_object("005xx0000000000AAA", "Account")

"""Rows that are stamped at statement time and become visible later; schema changes; files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.answers import Holding
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.objects import build_object
from unlost_simulators.salesforce.model.schema import FieldType
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org

FIVE = timedelta(minutes=5)


def naive(*parts: int) -> datetime:
    """An instant as the store holds it: UTC without a zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def names(org: Org, user: SimUser) -> list[str]:
    found = org.query(user, "SELECT Name FROM Account ORDER BY Id").records(0, 100)
    return [one["Name"] for one in found]


def test_late_insert_is_stamped_now_and_seen_later(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Account", [{"Name": "late"}], visible_after=FIVE)
    org.clock.advance(timedelta(minutes=1))
    org.insert(backup, "Account", [{"Name": "early"}])
    assert names(org, backup) == ["early"]
    org.clock.advance(timedelta(minutes=4))
    assert names(org, backup) == ["late", "early"]
    stamps = org.export("Account").column("SystemModstamp").to_pylist()
    assert stamps[0] < stamps[1]


def test_late_update_and_delete(org: Org, backup: SimUser) -> None:
    one, two = org.insert(backup, "Account", [{"Name": "a"}, {"Name": "b"}])
    org.update(backup, "Account", {one: {"Name": "A2"}}, visible_after=FIVE)
    org.delete(backup, "Account", [two], visible_after=FIVE)
    assert names(org, backup) == ["a", "b"]
    assert org.holds("AccountHistory").live == 0
    org.clock.advance(FIVE)
    assert names(org, backup) == ["A2"]
    assert org.export("AccountHistory").column("CreatedDate")[0].as_py() == naive(2026, 11, 1, 12)


def test_late_mass_edit(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Account", [{"Name": "a"}, {"Name": "b"}])
    changed = org.update_where(backup, "Account", None, {"Name": "c"}, visible_after=FIVE)
    assert changed == 2
    assert names(org, backup) == ["a", "b"]
    org.clock.advance(FIVE)
    assert names(org, backup) == ["c", "c"]


def test_commit_order_is_the_order_of_due_times(org: Org, backup: SimUser) -> None:
    (made,) = org.insert(backup, "Account", [{"Name": "a"}])
    org.update(backup, "Account", {made: {"Name": "slow"}}, visible_after=2 * FIVE)
    org.update(backup, "Account", {made: {"Name": "quick"}}, visible_after=FIVE)
    org.clock.advance(3 * FIVE)
    assert names(org, backup) == ["slow"]


def test_default_delay_is_a_setting(org: Org, backup: SimUser) -> None:
    org.configure(commit_delay=FIVE)
    org.insert(backup, "Account", [{"Name": "a"}])
    assert names(org, backup) == []
    org.clock.advance(FIVE)
    assert names(org, backup) == ["a"]


def test_added_fields_exist_at_once(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Account", [{"Name": "a"}])
    org.add_field("Account", f.boolean("Vip__c", default=True))
    org.add_field("Account", f.text("Note__c"))
    org.insert(backup, "Account", [{"Name": "b", "Note__c": "n"}])
    found = org.query(backup, "SELECT Vip__c, Note__c FROM Account ORDER BY Id").records(0, 9)
    assert [(one["Vip__c"], one["Note__c"]) for one in found] == [(True, None), (True, "n")]
    assert org.describe(backup, "Account").body["fields"][-1]["name"] == "Note__c"
    with pytest.raises(ValueError, match="already has a field"):
        org.add_field("Account", f.text("note__c"))


def test_renamed_dropped_and_retyped_fields(org: Org, backup: SimUser) -> None:
    org.insert(
        backup, "Account", [{"Name": "a", "Legacy__c": "12"}, {"Name": "b", "Legacy__c": "x"}]
    )
    org.rename_field("Account", "Legacy__c", "Old__c")
    org.retype_field("Account", f.double("Old__c", scale=1))
    found = org.query(backup, "SELECT Old__c FROM Account ORDER BY Id").records(0, 9)
    assert [one["Old__c"] for one in found] == [12, None]
    org.drop_field("Account", "Old__c")
    with pytest.raises(SalesforceError, match="No such column 'Old__c' on entity 'Account'"):
        org.query(backup, "SELECT Old__c FROM Account")


def test_rename_keeps_tracking_and_relationship(org: Org, backup: SimUser) -> None:
    (shop,) = org.insert(backup, "Account", [{"Name": "a"}])
    (recipe,) = org.insert(backup, "Recipe__c", [{"Name": "r", "Shop__c": shop, "Cocoa__c": 1}])
    org.rename_field("Recipe__c", "Shop__c", "Store__c")
    org.rename_field("Recipe__c", "Cocoa__c", "Mass__c")
    org.update(backup, "Recipe__c", {recipe: {"Mass__c": 2}})
    found = org.query(backup, "SELECT Store__r.Name FROM Recipe__c").records(0, 1)
    assert found[0]["Store__r"]["Name"] == "a"
    assert org.export("Recipe__History").column("Field").to_pylist() == ["Mass__c"]


def test_schema_changes_of_computed_fields_touch_no_column(org: Org, backup: SimUser) -> None:
    org.add_field("Account", f.formula("Loud__c", FieldType.STRING, "upper({Name})", "UPPER(Name)"))
    org.insert(backup, "Account", [{"Name": "a"}])
    assert org.query(backup, "SELECT Loud__c FROM Account").records(0, 1)[0]["Loud__c"] == "A"
    org.rename_field("Account", "Loud__c", "Shout__c")
    assert org.query(backup, "SELECT Shout__c FROM Account").records(0, 1)[0]["Shout__c"] == "A"
    org.drop_field("Account", "Shout__c")
    with pytest.raises(KeyError):
        org.drop_field("Account", "Shout__c")


def test_objects_come_and_go(org: Org, backup: SimUser) -> None:
    made = build_object("New__c", prefix="a77", flags="QCUDNRT", fields=[f.text("Name")])
    org.add_object(made)
    (row,) = org.insert(backup, "New__c", [{"Name": "x"}])
    org.delete(backup, "New__c", [row])
    org.drop_object("New__c")
    with pytest.raises(SalesforceError, match="sObject type 'New__c' is not supported"):
        org.query(backup, "SELECT Id FROM New__c")
    assert org.empty_bin(backup) == 0


def test_changed_object_flags(org: Org, backup: SimUser) -> None:
    org.change_object("Task", queryable=False)
    with pytest.raises(SalesforceError, match="entity type Task does not support query"):
        org.query(backup, "SELECT Id FROM Task")


def test_load_refuses_unknown_columns(org: Org) -> None:
    with pytest.raises(ValueError, match="Account has no stored field named Nam, BillingAddress"):
        org.store.load("Account", pa.table({"Nam": ["x"], "BillingAddress": ["y"]}))
    with pytest.raises(KeyError, match="no object Foo"):
        org.store.load("Foo", pa.table({"Id": ["x"]}))


def test_load_casts_and_keeps_zones(org: Org) -> None:
    when = pa.array([datetime(2026, 1, 1, 10, tzinfo=UTC)], pa.timestamp("ms", "Europe/Berlin"))
    org.store.load(
        "Account",
        pa.table(
            {
                "Id": ["001Dn0000000Xy1IAC"],
                "Name": ["a"],
                "AnnualRevenue": pa.array([12.345]),
                "NumberOfEmployees": pa.array([3], pa.int64()),
                "CreatedDate": when,
            }
        ),
    )
    row = org.export("Account").to_pylist()[0]
    assert row["CreatedDate"] == naive(2026, 1, 1, 10)
    assert str(row["AnnualRevenue"]) in {"12.34", "12.35"}
    assert row["NumberOfEmployees"] == 3


def test_loaded_ids_are_never_given_out_again(org: Org, backup: SimUser) -> None:
    org.store.load("Account", pa.table({"Id": ["001Dn000ZZZZZZZIAA"], "Name": ["a"]}))
    (made,) = org.insert(backup, "Account", [{"Name": "b"}])
    assert made[:15] == "001Dn00100000000"[:15]


def test_a_database_file_is_reopened(tmp_path: Path) -> None:
    path = tmp_path / "org.duckdb"
    shop = build_object("Account", prefix="001", flags="QCUDNRT", fields=[f.text("Name")])
    user = SimUser("005Dn0000000001IAA", "u")
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    first = Org([shop], [user], clock=clock, db=path)
    assert first.store.is_empty()
    made = first.insert(user, "Account", [{"Name": "a"}, {"Name": "b"}])
    first.delete(user, "Account", [made[1]])
    first.close()
    second = Org([shop], [user], clock=clock, db=path)
    assert not second.store.is_empty()
    assert second.holds("Account") == Holding(1, 1)
    assert second.insert(user, "Account", [{"Name": "c"}])[0] not in made
    clock.advance(timedelta(days=16))
    assert second.holds("Account") == Holding(2, 0)
    second.close()

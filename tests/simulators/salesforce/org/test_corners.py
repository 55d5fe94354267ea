"""Corners: mass edits of every type, numeric external ids, virtual rows."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from unlost_simulators.salesforce.editing import Expression
from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.objects import build_object
from unlost_simulators.salesforce.model.schema import DeleteRule, Sharing
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org


def test_mass_edit_of_every_type(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Contact", [{"LastName": "a"}])
    org.update_where(
        backup,
        "Contact",
        None,
        {
            "LastName": "quote ' and \x00",
            "Birthdate": "2001-02-03",
            "Wakes__c": "07:08:09Z",
            "HasOptedOut": True,
            "Email": None,
            "CreatedDate": "2026-01-01T10:00:00Z",
        },
    )
    (row,) = org.export("Contact").to_pylist()
    assert row["LastName"] == "quote ' and \x00"
    assert (row["Birthdate"], row["Wakes__c"]) == (date(2001, 2, 3), time(7, 8, 9))
    assert (row["HasOptedOut"], row["Email"]) == (True, None)
    assert row["CreatedDate"].replace(tzinfo=UTC) == datetime(2026, 1, 1, 10, tzinfo=UTC)
    org.insert(backup, "Account", [{"Name": "a", "AnnualRevenue": 3}])
    org.update_where(
        backup,
        "Account",
        None,
        {"NumberOfEmployees": 7, "AnnualRevenue": Expression("{AnnualRevenue} * 2.5")},
    )
    (row,) = org.export("Account").to_pylist()
    assert (row["NumberOfEmployees"], row["AnnualRevenue"]) == (7, Decimal("7.50"))


def test_mass_edit_checks_names_and_values(org: Org, backup: SimUser) -> None:
    with pytest.raises(SalesforceError, match="No such column 'Nope'"):
        org.update_where(backup, "Account", None, {"Nope": 1})
    with pytest.raises(SalesforceError, match="No such column 'Nope'"):
        org.update_where(backup, "Account", "Nope = 1", {"Name": "x"})
    with pytest.raises(SalesforceError, match="NOT_FOUND"):
        org.update_where(backup, "Nope", None, {"Name": "x"})


def test_numeric_external_ids(org: Org, backup: SimUser) -> None:
    org.add_field("Account", f.double("Number__c", scale=0, external_id=True))
    org.insert(backup, "Account", [{"Name": "a", "Number__c": 12}])
    assert org.get_by_external_id(backup, "Account", "Number__c", "12", ["Name"])["Name"] == "a"
    with pytest.raises(SalesforceError, match="NOT_FOUND"):
        org.get_by_external_id(backup, "Account", "Number__c", "twelve")


def test_rows_of_virtual_objects_share_the_empty_key(org: Org, backup: SimUser) -> None:
    org.add_object(
        build_object(
            "Durable",
            prefix=None,
            flags="Q",
            owned=False,
            system=("Id",),
            empty_key=True,
            fields=[f.text("DurableId")],
        )
    )
    org.store.load("Durable", pa.table({"DurableId": ["a", "b"]}))
    found = org.query(backup, "SELECT Id, DurableId FROM Durable").records(0, 5)
    assert [one["Id"] for one in found] == ["000000000000000AAA"] * 2
    assert [one["DurableId"] for one in found] == ["a", "b"]


def test_children_of_children_of_private_parents(
    org: Org, backup: SimUser, narrow: SimUser
) -> None:
    org.change_object("Opportunity", sharing=Sharing.PARENT, sharing_parent="AccountId")
    org.change_object("OpportunityLineItem", sharing=Sharing.PARENT, sharing_parent="OpportunityId")
    for user in (backup, narrow):
        (shop,) = org.insert(user, "Account", [{"Name": user.username}])
        (deal,) = org.insert(backup, "Opportunity", [{"Name": "o", "AccountId": shop}])
        org.insert(backup, "OpportunityLineItem", [{"OpportunityId": deal}])
    soql = "SELECT Opportunity.Account.Name FROM OpportunityLineItem"
    (line,) = org.query(narrow, soql).records(0, 5)
    assert line["Opportunity"]["Account"]["Name"] == narrow.username
    assert org.query(backup, soql).total == 2


def test_a_refused_write_leaves_nothing(org: Org, backup: SimUser) -> None:
    org.add_object(
        build_object(
            "Guard__c",
            prefix="a88",
            flags="QCUDNRT",
            fields=[
                f.reference(
                    "Contact__c", "Contact", children="Guards__r", on_delete=DeleteRule.RESTRICT
                )
            ],
        )
    )
    (shop,) = org.insert(backup, "Account", [{"Name": "a"}])
    (contact,) = org.insert(backup, "Contact", [{"LastName": "c", "AccountId": shop}])
    org.insert(backup, "Guard__c", [{"Contact__c": contact}])
    with pytest.raises(SalesforceError, match="DELETE_FAILED"):
        org.delete(backup, "Account", [shop])
    assert (org.holds("Account").live, org.holds("Contact").live) == (1, 1)
    now = org.clock.now()
    assert org.deleted(backup, "Account", now, now + timedelta(minutes=5)).records == ()

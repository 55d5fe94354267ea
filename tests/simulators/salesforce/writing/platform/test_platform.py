"""What the platform does by itself around writes, on the objects of the chocolate maker."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from simulators.salesforce.writing.record_writer import RecordWriter, code, errors
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import (
    BUSINESS_ACCOUNT,
    PERSON_ACCOUNT,
)
from unlost_simulators.salesforce.scenarios.registry import scenario


@pytest.fixture(scope="module")
def chocolate() -> Iterator[Org]:
    chosen = scenario("chocolate")
    made = Org(
        chosen.objects(), chosen.users(), clock=VirtualClock(chosen.opening), id18=chosen.org_id
    )
    chosen.load(made, scale=1, seed=1)
    yield made
    made.close()


@pytest.fixture
def maker(chocolate: Org) -> RecordWriter:
    admin = next(one for one in chocolate.users.all() if one.may(Permission.MODIFY_ALL_DATA))
    return RecordWriter(chocolate, admin)


@pytest.fixture
def shop(maker: RecordWriter) -> str:
    return maker.made("Account", {"Name": "Shop"})[0]


def get(writer: RecordWriter, name: str, key: str, *fields: str) -> tuple[Any, ...]:
    soql = f"SELECT {', '.join(fields)} FROM {name} WHERE Id = '{key}'"
    (record,) = writer.org.query(writer.user, soql).records(0, 1)
    found = []
    for one in fields:
        here: Any = record
        for step in one.split("."):
            here = None if here is None else here[step]
        found.append(here)
    return tuple(found)


def unwritable(result: Any) -> list[str]:
    assert code(result) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    return list(result.errors[0].fields)


# -- person accounts


def test_a_person_gets_a_contact(maker: RecordWriter) -> None:
    person = {
        "RecordTypeId": PERSON_ACCOUNT,
        "FirstName": "Ana",
        "LastName": "Praline",
        "PersonEmail": "ana@mail.example",
        "PersonMailingCity": "Gent",
        "Allergies__pc": "Milk;Nuts",
        "CreatedDate": "2019-01-01T00:00:00Z",
        "LastModifiedDate": "2020-01-01T00:00:00Z",
    }
    (key,) = maker.made("Account", person)
    name, is_person, contact, modified = get(
        maker, "Account", key, "Name", "IsPersonAccount", "PersonContactId", "LastModifiedDate"
    )
    assert (name, is_person, modified[:4]) == ("Ana Praline", True, "2020")
    fields = (
        "Name", "AccountId", "Email", "MailingCity", "Allergies__c", "IsPersonAccount",
        "CreatedDate",
    )  # fmt: skip
    found = get(maker, "Contact", contact, *fields)
    assert found[:6] == ("Ana Praline", key, "ana@mail.example", "Gent", "Milk;Nuts", True)
    assert found[6][:4] == "2019"
    soql = f"SELECT Id FROM AccountContactRelation WHERE ContactId = '{contact}'"
    assert maker.org.query(maker.user, soql).total == 0


def test_persons_and_businesses_have_fields_of_their_own(maker: RecordWriter) -> None:
    named, nameless, business, neither = maker.create(
        "Account",
        {"RecordTypeId": PERSON_ACCOUNT, "LastName": "x", "Name": "x"},
        {"RecordTypeId": PERSON_ACCOUNT, "FirstName": "x"},
        {"RecordTypeId": BUSINESS_ACCOUNT, "Name": "x", "LastName": "y", "Allergies__pc": "Milk"},
        {"RecordTypeId": BUSINESS_ACCOUNT},
    )
    assert unwritable(named) == ["Name"]
    assert errors(nameless)[0][2] == ["LastName"]
    assert unwritable(business) == ["LastName", "Allergies__pc"]
    assert errors(neither)[0][2] == ["Name"]
    assert maker.made("Account", {"Name": "x", "LastName": None, "PersonDoNotCall": False})


def test_the_contact_of_a_person_moves_along(maker: RecordWriter, shop: str) -> None:
    (key,) = maker.made("Account", {"RecordTypeId": PERSON_ACCOUNT, "LastName": "Old"})
    (contact,) = get(maker, "Account", key, "PersonContactId")
    other = next(one for one in maker.org.users.all() if one.id != maker.user.id and one.active)
    (result,) = maker.update(
        "Account",
        {"Id": key, "LastName": "New", "FirstName": "A", "OwnerId": other.id, "PersonTitle": "Dr"},
    )
    assert result.success
    assert get(maker, "Account", key, "Name") == ("A New",)
    assert get(maker, "Contact", contact, "Name", "OwnerId", "Title") == ("A New", other.id, "Dr")
    refused = maker.update("Account", {"Id": key, "Name": "x"}, {"Id": shop, "LastName": "y"})
    assert [unwritable(one) for one in refused] == [["Name"], ["LastName"]]


def test_the_contact_of_a_person_is_not_touched_by_itself(maker: RecordWriter) -> None:
    (key,) = maker.made("Account", {"RecordTypeId": PERSON_ACCOUNT, "LastName": "x"})
    (contact,) = get(maker, "Account", key, "PersonContactId")
    results = [
        *maker.update("Contact", {"Id": contact, "RecordTypeId": None}),
        *maker.update("Contact", {"Id": contact, "ReportsToId": contact}),
        *maker.delete("Contact", contact),
    ]
    assert [code(one) for one in results] == [
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INSUFFICIENT_ACCESS_OR_READONLY",
    ]
    assert maker.delete("Account", key)[0].success
    assert maker.row("Contact", contact)["IsDeleted"] is True


# -- contacts and accounts


def relations(writer: RecordWriter, contact: str) -> list[tuple[str, bool]]:
    soql = (
        f"SELECT AccountId, IsDirect FROM AccountContactRelation WHERE ContactId = '{contact}' "
        "ORDER BY Id"
    )
    found = writer.org.query(writer.user, soql).records(0, 50)
    return [(one["AccountId"], one["IsDirect"]) for one in found]


def test_the_platform_keeps_the_direct_relation(maker: RecordWriter, shop: str) -> None:
    (second,) = maker.made("Account", {"Name": "Second"})
    (key,) = maker.made("Contact", {"LastName": "c", "AccountId": shop})
    assert relations(maker, key) == [(shop, True)]
    maker.made("AccountContactRelation", {"ContactId": key, "AccountId": second})
    assert relations(maker, key) == [(shop, True), (second, False)]
    assert maker.update("Contact", {"Id": key, "AccountId": second})[0].success
    assert relations(maker, key) == [(second, True)]
    assert maker.update("Contact", {"Id": key, "AccountId": None})[0].success
    assert relations(maker, key) == []
    assert maker.update("Contact", {"Id": key, "Title": "x"})[0].success


def test_relations_that_are_there_already(maker: RecordWriter, shop: str) -> None:
    (key,) = maker.made("Contact", {"LastName": "c", "AccountId": shop})
    (result,) = maker.create("AccountContactRelation", {"ContactId": key, "AccountId": shop})
    text = "This contact already has a relationship with this account."
    assert errors(result) == [("DUPLICATE_VALUE", text, [])]
    soql = f"ContactId = '{key}'"
    (relation,) = maker.org.ids_where("AccountContactRelation", soql)
    assert code(maker.delete("AccountContactRelation", relation)[0]) == "INVALID_OPERATION"


def test_relations_come_back_with_their_contacts(maker: RecordWriter, shop: str) -> None:
    one, two = maker.made("Contact", *({"LastName": n, "AccountId": shop} for n in "ab"))
    maker.delete("Contact", one)
    assert relations(maker, one) == []
    maker.undelete("Contact", one)
    assert relations(maker, one) == [(shop, True)]
    maker.delete("Account", shop)
    maker.undelete("Account", shop)
    assert [relations(maker, key) for key in (one, two)] == [[(shop, True)]] * 2


# -- price books


@pytest.fixture
def books(maker: RecordWriter) -> tuple[str, str]:
    """The standard price book and another one."""
    standard = maker.org.ids_where("Pricebook2", "IsStandard = true", limit=1)[0]
    return standard, maker.made("Pricebook2", {"Name": "Winter", "IsActive": True})[0]


def test_a_standard_price_comes_first(maker: RecordWriter, books: tuple[str, str]) -> None:
    standard, winter = books
    (product,) = maker.made("Product2", {"Name": "Bar", "ProductCode": "B1"})
    entry = {"Product2Id": product, "UnitPrice": 3, "IsActive": True}
    (result,) = maker.create("PricebookEntry", {**entry, "Pricebook2Id": winter})
    text = "Before creating a custom price, create a standard price."
    assert errors(result) == [("STANDARD_PRICE_NOT_DEFINED", text, [])]
    (key,) = maker.made("PricebookEntry", {**entry, "Pricebook2Id": standard})
    assert get(maker, "PricebookEntry", key, "Name", "ProductCode") == ("Bar", "B1")
    assert maker.made("PricebookEntry", {**entry, "Pricebook2Id": winter})
    (result,) = maker.create("PricebookEntry", {**entry, "Pricebook2Id": winter})
    text = "This price definition already exists in this price book"
    assert errors(result) == [("DUPLICATE_VALUE", text, [])]


@pytest.fixture
def entries(maker: RecordWriter, books: tuple[str, str]) -> tuple[str, str]:
    """A standard and a winter price of a new product."""
    (product,) = maker.made("Product2", {"Name": "Box", "ProductCode": "X"})
    made = []
    for book in books:
        row = {"Product2Id": product, "UnitPrice": 4, "Pricebook2Id": book, "IsActive": True}
        made += maker.made("PricebookEntry", row)
    return made[0], made[1]


def test_lines_need_the_price_book_of_their_opportunity(
    maker: RecordWriter, shop: str, books: tuple[str, str], entries: tuple[str, str]
) -> None:
    deal = {"AccountId": shop, "Name": "d", "StageName": "Tasting", "CloseDate": "2026-05-01"}
    plain, winter = maker.made("Opportunity", deal, {**deal, "Pricebook2Id": books[1]})
    line = {"PricebookEntryId": entries[1], "Quantity": 3}
    refused, taken = maker.create(
        "OpportunityLineItem",
        {**line, "OpportunityId": plain, "UnitPrice": 2},
        {**line, "OpportunityId": winter, "TotalPrice": 9},
    )
    text = (
        "field integrity exception: PricebookEntryId (pricebook entry is in a different pricebook "
        "than the one assigned to the opportunity)"
    )
    assert errors(refused) == [("FIELD_INTEGRITY_EXCEPTION", text, ["PricebookEntryId"])]
    key = str(taken.id)
    fields = ("UnitPrice", "TotalPrice", "ListPrice", "ProductCode")
    assert get(maker, "OpportunityLineItem", key, *fields) == (3, 9, 4, "X")
    assert get(maker, "Opportunity", winter, "HasOpportunityLineItem") == (True,)
    maker.update("OpportunityLineItem", {"Id": key, "Quantity": 5})
    assert get(maker, "OpportunityLineItem", key, "TotalPrice") == (Decimal("15.00"),)


# -- states


def test_orders_are_born_as_drafts_and_activated_with_their_lines(
    maker: RecordWriter, shop: str, books: tuple[str, str], entries: tuple[str, str]
) -> None:
    order = {"AccountId": shop, "EffectiveDate": "2026-01-01", "Pricebook2Id": books[1]}
    refused, taken = maker.create(
        "Order", {**order, "Status": "Activated"}, {**order, "Status": "Draft"}
    )
    text = "For a new order, choose Draft."
    assert errors(refused) == [("FAILED_ACTIVATION", text, ["Status"])]
    key = str(taken.id)
    activate = {"Id": key, "Status": "Activated"}
    (result,) = maker.update("Order", activate)
    text = "An order must have at least one product."
    assert errors(result) == [("FAILED_ACTIVATION", text, [])]
    line = {"OrderId": key, "PricebookEntryId": entries[1], "Quantity": 2, "UnitPrice": 4}
    (made,) = maker.made("OrderItem", line)
    assert get(maker, "OrderItem", made, "TotalPrice", "ListPrice") == (8, 4)
    assert maker.update("Order", activate)[0].success
    found = get(maker, "Order", key, "StatusCode", "ActivatedById")
    assert found == ("Activated", maker.user.id)
    assert code(maker.create("OrderItem", line)[0]) == "FIELD_INTEGRITY_EXCEPTION"
    assert maker.update("Order", {"Id": key, "Status": "Draft"})[0].success
    assert maker.create("OrderItem", line)[0].success


def test_contracts_are_born_as_drafts(maker: RecordWriter, shop: str) -> None:
    active, default, draft = maker.create(
        "Contract",
        {"AccountId": shop, "Status": "Activated"},
        {"AccountId": shop},
        {"AccountId": shop, "Status": "Draft"},
    )
    text = "Choose a valid contract status and save your changes. Ask your admin for details."
    assert errors(active) == [("FAILED_ACTIVATION", text, ["Status"])]
    assert get(maker, "Contract", str(default.id), "Status", "StatusCode") == ("Draft", "Draft")
    (result,) = maker.update("Contract", {"Id": str(draft.id), "Status": "Activated"})
    assert result.success
    assert get(maker, "Contract", str(draft.id), "StatusCode") == ("Activated",)
    (back,) = maker.update("Contract", {"Id": str(draft.id), "Status": "Draft"})
    assert code(back) == "FAILED_ACTIVATION"


NO_CHANGE = [("FIELD_INTEGRITY_EXCEPTION", "unable to modify activated order", [])]


@pytest.fixture
def activated(
    maker: RecordWriter, shop: str, books: tuple[str, str], entries: tuple[str, str]
) -> tuple[str, str]:
    """An activated order and its product."""
    order = {"AccountId": shop, "EffectiveDate": "2026-01-01", "Pricebook2Id": books[1]}
    (key,) = maker.made("Order", {**order, "Status": "Draft"})
    line = {"OrderId": key, "PricebookEntryId": entries[1], "Quantity": 2, "UnitPrice": 4}
    (made,) = maker.made("OrderItem", line)
    assert maker.update("Order", {"Id": key, "Status": "Activated"})[0].success
    return key, made


def test_an_activated_order_is_deleted_only_as_a_draft(
    maker: RecordWriter, activated: tuple[str, str]
) -> None:
    order, line = activated
    assert errors(maker.delete("OrderItem", line)[0]) == NO_CHANGE
    assert errors(maker.delete("Order", order)[0]) == NO_CHANGE
    assert maker.update("Order", {"Id": order, "Status": "Draft"})[0].success
    assert maker.delete("Order", order)[0].success
    assert maker.row("Order", order)["IsDeleted"]


def test_draft_orders_and_contracts_go_with_their_account(
    maker: RecordWriter, shop: str, books: tuple[str, str]
) -> None:
    (contract,) = maker.made("Contract", {"AccountId": shop})
    order = {"AccountId": shop, "EffectiveDate": "2026-01-01", "Pricebook2Id": books[1]}
    (key,) = maker.made("Order", {**order, "Status": "Draft", "ContractId": contract})
    assert maker.delete("Account", shop)[0].success
    assert maker.row("Order", key)["IsDeleted"]
    assert maker.row("Contract", contract)["IsDeleted"]
    assert code(maker.undelete("Order", key)[0]) == "UNDELETE_FAILED"
    assert maker.undelete("Account", shop)[0].success
    assert not maker.row("Order", key)["IsDeleted"]
    assert not maker.row("Contract", contract)["IsDeleted"]


def test_activated_orders_and_contracts_hold_their_account(
    maker: RecordWriter, shop: str, activated: tuple[str, str]
) -> None:
    order, _ = activated
    (contract,) = maker.made("Contract", {"AccountId": shop})
    assert maker.update("Contract", {"Id": contract, "Status": "Activated"})[0].success
    (held,) = maker.delete("Account", shop)
    assert code(held) == "DELETE_FAILED"
    names = (
        maker.row("Order", order)["OrderNumber"],
        maker.row("Contract", contract)["ContractNumber"],
    )
    assert any(name in held.errors[0].message for name in names)
    assert maker.update("Order", {"Id": order, "Status": "Draft"})[0].success
    (held,) = maker.delete("Account", shop)
    assert code(held) == "DELETE_FAILED"
    assert names[1] in held.errors[0].message
    assert maker.delete("Contract", contract)[0].success
    assert maker.delete("Account", shop)[0].success
    assert maker.row("Order", order)["IsDeleted"]


def test_an_order_deleted_before_its_account_comes_back_alone(
    maker: RecordWriter, shop: str, books: tuple[str, str]
) -> None:
    order = {"AccountId": shop, "EffectiveDate": "2026-01-01", "Pricebook2Id": books[1]}
    (key,) = maker.made("Order", {**order, "Status": "Draft"})
    assert maker.delete("Order", key)[0].success
    assert maker.delete("Account", shop)[0].success
    assert maker.undelete("Account", shop)[0].success
    assert maker.row("Order", key)["IsDeleted"]
    assert maker.undelete("Order", key)[0].success


def test_an_activated_contract_is_deleted_by_those_alone_who_may(
    maker: RecordWriter, chocolate: Org, shop: str
) -> None:
    (contract,) = maker.made("Contract", {"AccountId": shop})
    assert maker.update("Contract", {"Id": contract, "Status": "Activated"})[0].success
    may = Permission.DELETE_ACTIVATED_CONTRACTS
    chocolate.set_permission(maker.user, may, granted=False)
    refused = maker.delete("Contract", contract)[0]
    chocolate.set_permission(maker.user, may, granted=True)
    assert code(refused) == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert maker.delete("Contract", contract)[0].success


def test_what_names_a_person_goes_with_the_person(maker: RecordWriter, shop: str) -> None:
    (person,) = maker.made("Contact", {"LastName": "x", "AccountId": shop})
    (case,) = maker.made("Case", {"Subject": "x"})
    (event,) = maker.made(
        "Event", {"Subject": "x", "StartDateTime": "2026-01-01T10:00:00Z", "DurationInMinutes": 60}
    )
    (mail,) = maker.made("EmailMessage", {"ParentId": case, "Subject": "x", "Status": "5"})
    role = maker.org.export("CaseTeamRole").to_pylist()[0]["Id"]
    (asset,) = maker.made("Asset", {"Name": "x", "ContactId": person})
    (member,) = maker.made(
        "CaseTeamMember", {"ParentId": case, "MemberId": person, "TeamRoleId": role}
    )
    (guest,) = maker.made(
        "EventRelation", {"EventId": event, "RelationId": person, "IsInvitee": True}
    )
    (receiver,) = maker.made(
        "EmailMessageRelation",
        {"EmailMessageId": mail, "RelationId": person, "RelationType": "ToAddress"},
    )
    assert maker.delete("Contact", person)[0].success
    assert maker.row("Asset", asset)["IsDeleted"]
    for name, key in (
        ("CaseTeamMember", member),
        ("EventRelation", guest),
        ("EmailMessageRelation", receiver),
    ):
        assert key not in maker.org.export(name, deleted=True)["Id"].to_pylist()
    assert not maker.row("EmailMessage", mail)["IsDeleted"]
    assert not maker.row("Event", event)["IsDeleted"]


def test_a_signed_contract_holds_who_signed_it(maker: RecordWriter, shop: str) -> None:
    (person,) = maker.made("Contact", {"LastName": "x", "AccountId": shop})
    (contract,) = maker.made("Contract", {"AccountId": shop, "CustomerSignedId": person})
    (held,) = maker.delete("Contact", person)
    assert code(held) == "DELETE_FAILED"
    assert maker.row("Contract", contract)["ContractNumber"] in held.errors[0].message
    assert maker.delete("Account", shop)[0].success, "both go together"


def test_cases_close(maker: RecordWriter, shop: str) -> None:
    born, opened = maker.made("Case", {"Status": "Closed"}, {"Subject": "x"})
    fields = ("IsClosed", "IsClosedOnCreate", "ClosedDate", "Status")
    found = get(maker, "Case", born, *fields)
    assert (found[:2], found[2] is None) == ((True, True), False)
    assert get(maker, "Case", opened, *fields) == (False, False, None, "New")
    maker.update("Case", {"Id": opened, "Status": "Closed"}, {"Id": born, "Status": "New"})
    assert get(maker, "Case", opened, "IsClosed", "IsClosedOnCreate") == (True, False)
    assert get(maker, "Case", born, "IsClosed", "ClosedDate") == (False, None)
    maker.update("Case", {"Id": born, "Subject": "y"})
    assert get(maker, "Case", born, "IsClosed") == (False,)


def test_tasks_complete(maker: RecordWriter) -> None:
    (key,) = maker.made("Task", {"Subject": "s", "Status": "Not Started", "Priority": "High"})
    assert get(maker, "Task", key, "IsClosed", "IsHighPriority") == (False, True)
    maker.update("Task", {"Id": key, "Status": "Completed", "Priority": "Low"})
    found = get(maker, "Task", key, "IsClosed", "IsHighPriority", "CompletedDateTime")
    assert (found[:2], found[2] is None) == ((True, False), False)


def test_stages_decide(maker: RecordWriter, shop: str) -> None:
    deal = {"AccountId": shop, "Name": "d", "CloseDate": "2026-05-01", "Amount": 200}
    won, early = maker.made(
        "Opportunity",
        {**deal, "StageName": "Closed Won"},
        {**deal, "StageName": "Tasting", "Probability": 40, "ForecastCategoryName": "Commit"},
    )
    fields = ("IsClosed", "IsWon", "Probability", "ExpectedRevenue", "ForecastCategory", "Fiscal")
    found = get(maker, "Opportunity", won, *fields)
    assert found == (True, True, 100, Decimal("200.00"), None, "2026 2")
    found = get(maker, "Opportunity", early, *fields[2:5])
    assert found == (40, Decimal("80.00"), "Forecast")
    maker.update("Opportunity", {"Id": early, "StageName": "Closed Lost"})
    assert get(maker, "Opportunity", early, *fields[:3]) == (True, False, 0)


# -- audit fields of objects with rules of their own


def test_audit_fields_of_posts_hang_on_their_own_permission(maker: RecordWriter, shop: str) -> None:
    post = {"ParentId": shop, "Body": "hello", "CreatedDate": "2020-01-01T00:00:00Z"}
    assert maker.made("FeedItem", post)
    maker.org.set_permission(maker.user, Permission.INSERT_CHATTER_SYSTEM_FIELDS, granted=False)
    assert unwritable(maker.create("FeedItem", post)[0]) == ["CreatedDate"]
    maker.org.set_permission(maker.user, Permission.INSERT_CHATTER_SYSTEM_FIELDS, granted=True)


def test_audit_fields_of_mails_have_a_switch(maker: RecordWriter) -> None:
    field = maker.org.object(maker.user, "EmailMessage").field("CreatedDate")
    assert field is not None
    for switch in (True, False):
        maker.org.configure(mail_audit_fields=switch)
        body = maker.org.describe(maker.user, "EmailMessage").body
        found = next(one for one in body["fields"] if one["name"] == "CreatedDate")
        assert (found["createable"], found["updateable"]) == (switch, False)
    (result,) = maker.create(
        "EmailMessage", {"Subject": "s", "CreatedDate": "2020-01-01T00:00:00Z"}
    )
    assert unwritable(result) == ["CreatedDate"]
    maker.org.configure(mail_audit_fields=True)

"""Acts of people at the chocolate maker: ordinary work, two mistakes, and a storage that fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.scenarios.chocolate import full_storage, story
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import story_id
from unlost_simulators.salesforce.scenarios.scenario import Act

if TYPE_CHECKING:
    from unlost_simulators.salesforce.org import Org


def ordinary_day(org: Org) -> Mapping[str, Any]:
    """People do their work: a customer moves up, a colleague is promoted, a lead comes in."""
    kenji, lotte = _user(org, story.SALES_USERNAME), _user(org, story.ADMIN_USERNAME)
    customer = story_id("Account", story.CUSTOMER)
    changed = {customer: {"Phone": "+49 341 0040018", "Credit_Limit__c": 40_000.0}}
    org.update(kenji, "Account", changed)
    others = org.ids_where("Contact", "Title != null", limit=12)
    org.update(lotte, "Contact", {contact_id: {"Department": "Einkauf"} for contact_id in others})
    lead = {
        "LastName": "Pereira",
        "FirstName": "Inês",
        "Company": "Doces do Porto",
        "Status": "New",
    }
    org.insert(kenji, "Lead", [lead])
    return {"updated": 1 + len(others), "inserted": 1}


def delete_customer(org: Org) -> Mapping[str, Any]:
    """A colleague deletes the customer, what hangs on it goes with it."""
    before = _live(org)
    for name, handles in story.DELETED_WITH_CUSTOMER:
        ids = [story_id(name, handle) for handle in handles]
        org.delete(_user(org, story.ADMIN_USERNAME), name, ids)
    return {"deleted": before - _live(org)}


def overwrite_phones(org: Org) -> Mapping[str, Any]:
    """Overwrite the phone numbers of a whole region with one number, by an import."""
    changed = org.update_where(
        _user(org, story.SALES_USERNAME),
        story.OVERWRITE_OBJECT,
        story.OVERWRITE_WHERE,
        {story.OVERWRITE_FIELD: story.OVERWRITE_VALUE},
    )
    return {"updated": changed}


ACTS: Mapping[str, Act] = {
    "ordinary-day": ordinary_day,
    "delete-customer": delete_customer,
    "overwrite-phones": overwrite_phones,
    **full_storage.ACTS,
}


def _user(org: Org, username: str) -> SimUser:
    user = org.users.by_username(username)
    if user is None:
        raise LookupError(f"the scenario has no user {username}")
    return user


def _live(org: Org) -> int:
    return sum(org.holds(definition.name).live for definition in org.schema.objects)

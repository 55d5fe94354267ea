"""Rows of people and companies: accounts, person accounts, contacts, leads, campaign members.

Vectorised: a batch of rows is a handful of passes over whole columns.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from unlost_simulators.company import customers
from unlost_simulators.company import people as company_people
from unlost_simulators.company import vocabulary as words
from unlost_simulators.company.columns import (
    booleans,
    chosen,
    dates,
    digits,
    instants,
    joined,
    numbers,
    where,
)
from unlost_simulators.company.draws import Numbers, Rows, Words
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.people import PRIVATE, Person, identity
from unlost_simulators.company.places import REGION_OF_TOWN, Place, address, country_of, phone
from unlost_simulators.company.times import OPENING_SECONDS, created_at
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_people import (
    ALLERGENS,
    CLEAN_STATUSES,
    INDUSTRIES,
    LANGUAGE_NAMES,
    LEAD_SOURCES,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import (
    BUSINESS_ACCOUNT,
    PERSON_ACCOUNT,
)
from unlost_simulators.salesforce.scenarios.chocolate.world import (
    World,
    along,
    audited,
)

type Made = dict[str, pa.Array]

SENTENCES = Words.of(words.SENTENCES)
_SPOKEN = ("Nederlands;Français", "Deutsch;English", "日本語", "Português")


def address_columns(rows: Rows, stem: str, place: Place) -> Made:
    """The stored parts of an address."""
    parts = address(rows, stem, place)
    return {
        f"{stem}Street": parts.street,
        f"{stem}City": parts.city,
        f"{stem}State": parts.state,
        f"{stem}PostalCode": parts.postal_code,
        f"{stem}Country": parts.country,
        f"{stem}Latitude": parts.latitude,
        f"{stem}Longitude": parts.longitude,
        f"{stem}GeocodeAccuracy": pa.array(["Address"]).take(pa.array(np.zeros_like(place.town))),
    }


def business_accounts(world: World, rows: Rows) -> Made:
    """Companies: one in nine has a parent company, always one with a smaller number."""
    account = rows.numbers
    place = Place.of_customer(account)
    country = place.country
    parent = world.refer(
        "Account", rows.below("parent", np.maximum(account, 1)), of=max(world.customers, 1)
    )
    facts = customers.businesses(world, account)
    return {
        "Id": world.keys.generated("Account", account),
        "Name": facts["name"],
        "Type": facts["kind"],
        "RecordTypeId": rows.pick("record type", (BUSINESS_ACCOUNT,)),
        "ParentId": where(rows.chance("child", 11) & (account > 0), parent),
        **address_columns(rows, "Billing", place),
        **address_columns(rows, "Shipping", place),
        "Phone": facts["phone"],
        "Fax": facts["fax"],
        "AccountNumber": joined("K-", digits(account, 6)),
        "Website": facts["website"],
        "Industry": rows.pick("industry", INDUSTRIES),
        "AnnualRevenue": facts["revenue"].cast(pa.float64()),
        "NumberOfEmployees": facts["employees"],
        "Ownership": rows.pick("ownership", ("Private", "Private", "Public", "Subsidiary")),
        "Description": facts["remarks"],
        "Rating": rows.pick("rating", ("Hot", "Warm", "Cold")),
        "Site": where(
            rows.chance("site", 15), rows.pick("which", ("Centrum", "Nord", "駅前", "Sul"))
        ),
        "CleanStatus": rows.pick("clean", CLEAN_STATUSES),
        "AccountSource": rows.pick("source", LEAD_SOURCES),
        "YearStarted": facts["founded"],
        "Customer_Number__c": facts["number"],
        "Office__c": facts["office"],
        "VAT_Number__c": facts["vat"],
        "Credit_Limit__c": numbers((rows.below("credit", 400) + 1) * 12_550, places=2),
        "Discount__c": numbers(rows.below("discount", 3_000), places=2),
        "Cold_Chain__c": booleans(rows.chance("cold", 70)),
        "Delivery_Days__c": rows.pick("days", ("Mon;Wed;Fri", "Tue;Thu", "Sat", "Mon")),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country),
    }


def _person_rows(world: World, person: Numbers) -> tuple[Rows, Numbers, Place]:
    account = person + world.sizes.businesses
    return Rows(world.seed, PRIVATE, person), account, Place.of_customer(account)


def person_accounts(world: World, person: Rows) -> Made:
    """Private customers; name, mail and phone are copied from the paired contact."""
    rows, account, place = _person_rows(world, person.numbers)
    country = place.country
    facts = customers.private_customers(world, person.numbers)
    who = company_people.private_customers(world, person.numbers)
    return {
        "Id": world.keys.generated("Account", account),
        "Name": facts["name"],
        "LastName": who["last"],
        "FirstName": who["first"],
        "Salutation": who["salutation"],
        "Type": facts["kind"],
        "RecordTypeId": rows.pick("record type", (PERSON_ACCOUNT,)),
        "IsPersonAccount": booleans(np.ones(rows.count, dtype=np.bool_)),
        "PersonContactId": world.keys.generated("Contact", rows.numbers + world.sizes.contacts),
        "PersonEmail": facts["mail"],
        "PersonMobilePhone": who["mobile"],
        "PersonBirthdate": who["birthday"],
        "PersonHasOptedOutOfEmail": booleans(rows.chance("opted out", 8)),
        **address_columns(rows, "PersonMailing", place),
        **address_columns(rows, "Billing", place),
        "Phone": facts["phone"],
        "Customer_Number__c": facts["number"],
        "Office__c": facts["office"],
        "Sales_Region__pc": chosen(REGION_OF_TOWN, place.town),
        "Loyalty_Number__pc": _loyalty(rows),
        "Allergies__pc": where(rows.chance("allergic", 20), rows.pick("allergy", ALLERGENS)),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country),
    }


def _loyalty(rows: Rows) -> pa.Array:
    """18 digits as text: too long for a double, often with leading zeros."""
    return digits((rows.bits("loyalty") % np.uint64(10**18)).astype(np.int64), 18)


def _contact_columns(world: World, rows: Rows, place: Place, who: Facts[Person]) -> Made:
    country = place.country
    bounced = rows.chance("bounced", 2)
    since = OPENING_SECONDS - rows.below("since", 900 * 86_400)
    return {
        "LastName": who["last"],
        "FirstName": who["first"],
        "Salutation": who["salutation"],
        **address_columns(rows, "Mailing", place),
        "Phone": who["phone"],
        "Fax": where(rows.chance("has fax", 12), phone(rows, "fax", country)),
        "MobilePhone": who["mobile"],
        "HomePhone": where(rows.chance("has home", 25), phone(rows, "home", country)),
        "Email": who["mail"],
        "Title": who["title"],
        "Department": who["department"],
        "LeadSource": rows.pick("source", LEAD_SOURCES),
        "Birthdate": who["birthday"],
        "Description": where(
            rows.chance("described", 35), rows.pick_in("text", SENTENCES, country)
        ),
        "OwnerId": world.owner_ids(rows, "owner", country),
        "HasOptedOutOfEmail": booleans(rows.chance("opted out", 8)),
        "HasOptedOutOfFax": booleans(rows.chance("no fax", 5)),
        "DoNotCall": booleans(rows.chance("no call", 4)),
        "EmailBouncedReason": where(bounced, "5.1.1 <user unknown>"),
        "EmailBouncedDate": where(bounced, instants(since)),
        "IsEmailBounced": booleans(bounced),
        "PhotoUrl": joined("/services/images/photo/", digits(rows.numbers)),
        "CleanStatus": rows.pick("clean", CLEAN_STATUSES),
        "Level__c": rows.pick("level", ("Primary", "Secondary", "Tertiary")),
        "Languages__c": chosen((*_SPOKEN, *LANGUAGE_NAMES), country),
        "Sales_Region__c": chosen(REGION_OF_TOWN, place.town),
        "Allergies__c": where(rows.chance("allergic", 10), rows.pick("allergy", ALLERGENS)),
        "Loyalty_Number__c": _loyalty(rows),
        "Purchases_Last_Year__c": numbers(rows.below("purchases", 40_000_000), places=2),
        "Newsletter__c": booleans(rows.chance("newsletter", 45)),
        "Newsletter_Since__c": where(rows.chance("newsletter", 45), instants(since)),
        **audited(world, rows, country),
    }


def contacts(world: World, rows: Rows) -> Made:
    """People at companies; one in fifteen reports to the contact before."""
    contact = rows.numbers
    account = world.customer_of(contact)
    place = Place.of_customer(account)
    boss = world.keys.generated("Contact", np.maximum(contact - 1, 0))
    return {
        "Id": world.keys.generated("Contact", contact),
        "AccountId": world.refer("Account", account, of=world.customers),
        "ReportsToId": where(rows.chance("reports", 7) & (contact > 0), boss),
        **_contact_columns(world, rows, place, company_people.contacts(world, contact)),
    }


def direct_relations(world: World, rows: Rows) -> Made:
    """Rows that the platform writes with a contact: it belongs to its account."""
    contact = Rows(world.seed, "Contact", rows.numbers)
    account = world.customer_of(rows.numbers)
    yes = booleans(np.ones(rows.count, dtype=np.bool_))
    return {
        "Id": world.keys.generated("AccountContactRelation", rows.numbers),
        "AccountId": world.refer("Account", account, of=world.customers),
        "ContactId": world.keys.generated("Contact", rows.numbers),
        "IsDirect": yes,
        "IsActive": yes,
        **along(world, contact, country_of(account), created_at(contact)),
    }


def person_contacts(world: World, person: Rows) -> Made:
    """The contacts that the platform pairs with person accounts."""
    rows, account, place = _person_rows(world, person.numbers)
    who = company_people.private_customers(world, person.numbers)
    return {
        "Id": world.keys.generated("Contact", rows.numbers + world.sizes.contacts),
        "AccountId": world.refer("Account", account, of=world.customers),
        "IsPersonAccount": booleans(np.ones(rows.count, dtype=np.bool_)),
        **_contact_columns(world, rows, place, who),
    }


def leads(world: World, rows: Rows) -> Made:
    """People who may become customers; one in ten already did."""
    place = Place.of_customer(rows.numbers)
    country = place.country
    who = identity(rows, country)
    converted = rows.chance("converted", 10)
    account = rows.below("account", max(world.customers, 1))
    contact = rows.below("contact", max(world.people, 1))
    status = where(
        converted,
        "Closed - Converted",
        rows.pick(
            "status", ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")
        ),
    )
    return {
        "Id": world.keys.generated("Lead", rows.numbers),
        "LastName": who.last,
        "FirstName": who.first,
        "Salutation": who.salutation,
        "Title": rows.pick_in("title", company_people.TITLES, country),
        "Company": customers.business_names(rows, country),
        **address_columns(rows, "", place),
        "Phone": phone(rows, "phone", country),
        "MobilePhone": phone(rows, "mobile", country),
        "Email": who.mail,
        "Description": where(
            rows.chance("described", 50), rows.pick_in("text", SENTENCES, country)
        ),
        "LeadSource": rows.pick("source", LEAD_SOURCES),
        "Status": status,
        "Industry": rows.pick("industry", INDUSTRIES),
        "Rating": rows.pick("rating", ("Hot", "Warm", "Cold")),
        "AnnualRevenue": numbers((rows.below("revenue", 900) + 1) * 10_000),
        "IsConverted": booleans(converted),
        "ConvertedDate": where(
            converted, dates(OPENING_SECONDS - rows.below("converted on", 300) * 86_400)
        ),
        "ConvertedAccountId": where(converted, world.refer("Account", account, of=world.customers)),
        "ConvertedContactId": where(converted, world.refer("Contact", contact, of=world.people)),
        "Trade_Fair_Code__c": where(
            rows.chance("fair", 30), joined("00", digits(rows.below("code", 99_999)))
        ),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=400),
    }


def campaign_members(world: World, rows: Rows) -> Made:
    """Contacts in campaigns, eight campaigns in turn; no contact is in one twice."""
    campaign = rows.numbers % len(words.CAMPAIGNS)
    contact = rows.numbers // len(words.CAMPAIGNS) * 5 % max(world.sizes.contacts, 1)
    country = country_of(world.customer_of(contact))
    status = rows.weighted("status", (6, 3, 1))
    who = company_people.contact_identity(world, contact)
    return {
        "Id": world.keys.generated("CampaignMember", rows.numbers),
        "CampaignId": chosen(world.keys.fixed_many("Campaign", len(words.CAMPAIGNS)), campaign),
        "ContactId": world.refer("Contact", contact, of=world.people),
        "Status": chosen(("Sent", "Responded", "Ordered"), status),
        "HasResponded": booleans(status > 0),
        "Type": rows.pick("type", ("Contact",)),
        "FirstName": who.first,
        "LastName": who.last,
        **audited(world, rows, country, days=400),
    }

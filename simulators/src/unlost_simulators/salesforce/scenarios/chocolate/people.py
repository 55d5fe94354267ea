"""Rows of people and companies: accounts, person accounts, contacts, leads, campaign members.

Vectorised: a batch of rows is a handful of passes over whole columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from unlost_simulators.salesforce.scenarios.chocolate import vocabulary as words
from unlost_simulators.salesforce.scenarios.chocolate.draws import Numbers, Rows, Words
from unlost_simulators.salesforce.scenarios.chocolate.frame import (
    booleans,
    chosen,
    dates,
    digits,
    instants,
    joined,
    numbers,
    where,
)
from unlost_simulators.salesforce.scenarios.chocolate.objects_people import (
    ALLERGENS,
    CLEAN_STATUSES,
    INDUSTRIES,
    LANGUAGE_NAMES,
    LEAD_SOURCES,
)
from unlost_simulators.salesforce.scenarios.chocolate.record_types import (
    BUSINESS_ACCOUNT,
    PERSON_ACCOUNT,
)
from unlost_simulators.salesforce.scenarios.chocolate.world import (
    OPENING_SECONDS,
    World,
    along,
    audited,
    country_of,
    created_at,
    town_of,
)

type Made = dict[str, pa.Array]

# Generated customer numbers count up from here; below it lie the written-out customers.
FIRST_CUSTOMER_NUMBER = 50_000

_FIRST, _LAST = Words.of(words.FIRST_NAMES), Words.of(words.LAST_NAMES)
_MAIL_FIRST = pa.array([name for names in words.MAIL_FIRST for name in names])
_STREETS = Words.of(words.STREETS)
_SALUTATIONS = Words.of(words.SALUTATIONS)
_DEPARTMENTS, _TITLES = Words.of(words.DEPARTMENTS), Words.of(words.TITLES)
SENTENCES = Words.of(words.SENTENCES)
_SHOP_HEADS, _SHOP_TAILS = Words.of(words.SHOP_HEADS), Words.of(words.SHOP_TAILS)
_FLOORS = Words.of(
    (
        ("", "", "", "\nbus 3", "\nbus 12"),
        ("", "", "", "\nHinterhaus, 2. OG", "\r\nAufgang B"),
        ("", "", "\r\n心斎橋ビル3階", "\n１０２号室"),
        ("", "", "", "\nloja 2", ", fundos"),
    )
)
_TOWNS = [town for towns in words.TOWNS for town in towns]
_TOWN_NAMES = pa.array([town.name for town in _TOWNS])
_STATES = pa.array([town.state for town in _TOWNS])
_POSTAL = pa.array([town.postal_code for town in _TOWNS])
_REGIONS = pa.array([town.region for town in _TOWNS])
_LATITUDES = np.array([town.latitude for town in _TOWNS])
_LONGITUDES = np.array([town.longitude for town in _TOWNS])
_COUNTRIES = pa.array(words.COUNTRIES)
_DIALS = pa.array([f"{code} " for code in words.DIAL_CODES])
_DOMAINS = pa.array([f"@{domain}" for domain in words.MAIL_DOMAINS])
_BEFORE_NUMBER = pa.array([" ", " ", "", ", "])
_OFFICES = ("Gent", "Leipzig", "Osaka", "Ilhéus")
_SPOKEN = ("Nederlands;Français", "Deutsch;English", "日本語", "Português")


@dataclass(frozen=True, slots=True)
class Place:
    """Places of rows: their country (0..3) and their town (index into all towns)."""

    country: Numbers
    town: Numbers

    @classmethod
    def of_account(cls, account: Numbers) -> Place:
        """The place of accounts, by their numbers."""
        country = country_of(account)
        return cls(country, country * 5 + town_of(account))


def phone(rows: Rows, column: str, country: Numbers) -> pa.Array:
    """A telephone number with the country's dial code."""
    line = digits(rows.below(column, 10_000_000), 7)
    area = digits(rows.below(f"{column} area", 89) + 10)
    return joined(chosen(_DIALS, country), area, " ", line)


def address(rows: Rows, stem: str, place: Place) -> Made:
    """The stored parts of an address."""
    street = joined(
        rows.pick_in(f"{stem}street", _STREETS, place.country),
        chosen(_BEFORE_NUMBER, place.country),
        digits(rows.below(f"{stem}house", 240) + 1),
        rows.pick_in(f"{stem}floor", _FLOORS, place.country),
    )
    return {
        f"{stem}Street": street,
        f"{stem}City": chosen(_TOWN_NAMES, place.town),
        f"{stem}State": chosen(_STATES, place.town),
        f"{stem}PostalCode": chosen(_POSTAL, place.town),
        f"{stem}Country": chosen(_COUNTRIES, place.country),
        f"{stem}Latitude": _near(rows, f"{stem}lat", _LATITUDES[place.town]),
        f"{stem}Longitude": _near(rows, f"{stem}lon", _LONGITUDES[place.town]),
        f"{stem}GeocodeAccuracy": pa.array(["Address"]).take(pa.array(np.zeros_like(place.town))),
    }


def _near(
    rows: Rows, column: str, degrees: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> pa.Array:
    return pa.array(np.round(degrees + (rows.below(column, 20_000) - 10_000) / 1e6, 6))


@dataclass(frozen=True, slots=True)
class PersonIdentity:
    """The name of a person a row, with a mail address that is made from it."""

    first: pa.Array
    last: pa.Array
    salutation: pa.Array
    mail: pa.Array


def identity(rows: Rows, country: Numbers) -> PersonIdentity:
    """Name and mail address; the address is unique by the row number."""
    first = _FIRST.starts[country] + rows.below("first", _FIRST.sizes[country])
    mail = joined(chosen(_MAIL_FIRST, first), ".", digits(rows.numbers), chosen(_DOMAINS, country))
    return PersonIdentity(
        first=chosen(_FIRST.flat, first),
        last=rows.pick_in("last", _LAST, country),
        salutation=rows.pick_in("salutation", _SALUTATIONS, country),
        mail=mail,
    )


def _shop_names(rows: Rows, country: Numbers) -> pa.Array:
    """Company names; a number keeps most of them apart, as branches do."""
    branch = where(
        rows.chance("branch", 30), joined(" ", digits(rows.below("branch number", 90) + 1)), ""
    )
    return joined(
        rows.pick_in("head", _SHOP_HEADS, country),
        " ",
        rows.pick_in("tail", _SHOP_TAILS, country),
        branch,
    )


def customer_numbers(account: Numbers) -> pa.Array:
    """Seven digits with leading zeros, unique."""
    return digits(account + FIRST_CUSTOMER_NUMBER, 7)


def business_accounts(world: World, rows: Rows) -> Made:
    """Companies: one in nine has a parent company, always one with a smaller number."""
    account = rows.numbers
    place = Place.of_account(account)
    country = place.country
    parent = world.refer(
        "Account", rows.below("parent", np.maximum(account, 1)), of=max(world.accounts, 1)
    )
    revenue = (rows.below("revenue", 9_000) + 1) * 10_000
    return {
        "Id": world.keys.generated("Account", account),
        "Name": _shop_names(rows, country),
        "Type": rows.pick("type", ("Shop", "Reseller", "Hotel", "Prospect")),
        "RecordTypeId": rows.pick("record type", (BUSINESS_ACCOUNT,)),
        "ParentId": where(rows.chance("child", 11) & (account > 0), parent),
        **address(rows, "Billing", place),
        **address(rows, "Shipping", place),
        "Phone": phone(rows, "phone", country),
        "Fax": where(rows.chance("has fax", 20), phone(rows, "fax", country)),
        "AccountNumber": joined("K-", digits(account, 6)),
        "Website": joined("https://shop-", digits(account), ".example.com"),
        "Industry": rows.pick("industry", INDUSTRIES),
        "AnnualRevenue": numbers(revenue),
        "NumberOfEmployees": pa.array((rows.below("employees", 300) + 1).astype(np.int32)),
        "Ownership": rows.pick("ownership", ("Private", "Private", "Public", "Subsidiary")),
        "Description": where(
            rows.chance("described", 40), rows.pick_in("text", SENTENCES, country)
        ),
        "Rating": rows.pick("rating", ("Hot", "Warm", "Cold")),
        "Site": where(
            rows.chance("site", 15), rows.pick("which", ("Centrum", "Nord", "駅前", "Sul"))
        ),
        "CleanStatus": rows.pick("clean", CLEAN_STATUSES),
        "AccountSource": rows.pick("source", LEAD_SOURCES),
        "YearStarted": digits(rows.below("year", 120) + 1900),
        "Customer_Number__c": customer_numbers(account),
        "Office__c": chosen(_OFFICES, country),
        "VAT_Number__c": joined(
            chosen(("BE0", "DE", "T", "BR"), country), digits(rows.below("vat", 10**9), 9)
        ),
        "Credit_Limit__c": numbers((rows.below("credit", 400) + 1) * 12_550, places=2),
        "Discount__c": numbers(rows.below("discount", 3_000), places=2),
        "Cold_Chain__c": booleans(rows.chance("cold", 70)),
        "Delivery_Days__c": rows.pick("days", ("Mon;Wed;Fri", "Tue;Thu", "Sat", "Mon")),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country),
    }


def _person_rows(world: World, person: Numbers) -> tuple[Rows, Numbers, Place, PersonIdentity]:
    rows = Rows(world.seed, "Person", person)
    account = person + world.sizes.business_accounts
    place = Place.of_account(account)
    return rows, account, place, identity(rows, place.country)


def person_accounts(world: World, person: Rows) -> Made:
    """Private customers; name, mail and phone are copied from the paired contact."""
    rows, account, place, who = _person_rows(world, person.numbers)
    country = place.country
    return {
        "Id": world.keys.generated("Account", account),
        "Name": joined(who.first, " ", who.last),
        "LastName": who.last,
        "FirstName": who.first,
        "Salutation": who.salutation,
        "Type": rows.pick("type", ("Private",)),
        "RecordTypeId": rows.pick("record type", (PERSON_ACCOUNT,)),
        "IsPersonAccount": booleans(np.ones(rows.count, dtype=np.bool_)),
        "PersonContactId": world.keys.generated("Contact", rows.numbers + world.sizes.contacts),
        "PersonEmail": who.mail,
        "PersonMobilePhone": phone(rows, "mobile", country),
        "PersonBirthdate": _birthdays(rows),
        "PersonHasOptedOutOfEmail": booleans(rows.chance("opted out", 8)),
        **address(rows, "PersonMailing", place),
        **address(rows, "Billing", place),
        "Phone": phone(rows, "phone", country),
        "Customer_Number__c": customer_numbers(account),
        "Office__c": chosen(_OFFICES, country),
        "Sales_Region__pc": chosen(_REGIONS, place.town),
        "Loyalty_Number__pc": _loyalty(rows),
        "Allergies__pc": where(rows.chance("allergic", 20), rows.pick("allergy", ALLERGENS)),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country),
    }


def _birthdays(rows: Rows) -> pa.Array:
    return dates(OPENING_SECONDS - (rows.below("birth", 22_000) + 6_700) * 86_400)


def _loyalty(rows: Rows) -> pa.Array:
    """18 digits as text: too long for a double, often with leading zeros."""
    return digits((rows.bits("loyalty") % np.uint64(10**18)).astype(np.int64), 18)


def _contact_columns(world: World, rows: Rows, place: Place, who: PersonIdentity) -> Made:
    country = place.country
    bounced = rows.chance("bounced", 2)
    since = OPENING_SECONDS - rows.below("since", 900 * 86_400)
    return {
        "LastName": who.last,
        "FirstName": who.first,
        "Salutation": who.salutation,
        **address(rows, "Mailing", place),
        "Phone": phone(rows, "phone", country),
        "Fax": where(rows.chance("has fax", 12), phone(rows, "fax", country)),
        "MobilePhone": phone(rows, "mobile", country),
        "HomePhone": where(rows.chance("has home", 25), phone(rows, "home", country)),
        "Email": who.mail,
        "Title": rows.pick_in("title", _TITLES, country),
        "Department": rows.pick_in("department", _DEPARTMENTS, country),
        "LeadSource": rows.pick("source", LEAD_SOURCES),
        "Birthdate": _birthdays(rows),
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
        "Sales_Region__c": chosen(_REGIONS, place.town),
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
    account = world.account_of_contact(contact)
    place = Place.of_account(account)
    boss = world.keys.generated("Contact", np.maximum(contact - 1, 0))
    return {
        "Id": world.keys.generated("Contact", contact),
        "AccountId": world.refer("Account", account, of=world.accounts),
        "ReportsToId": where(rows.chance("reports", 7) & (contact > 0), boss),
        **_contact_columns(world, rows, place, identity(rows, place.country)),
    }


def direct_relations(world: World, rows: Rows) -> Made:
    """Rows that the platform writes with a contact: it belongs to its account."""
    contact = Rows(world.seed, "Contact", rows.numbers)
    account = world.account_of_contact(rows.numbers)
    yes = booleans(np.ones(rows.count, dtype=np.bool_))
    return {
        "Id": world.keys.generated("AccountContactRelation", rows.numbers),
        "AccountId": world.refer("Account", account, of=world.accounts),
        "ContactId": world.keys.generated("Contact", rows.numbers),
        "IsDirect": yes,
        "IsActive": yes,
        **along(world, contact, country_of(account), created_at(contact)),
    }


def person_contacts(world: World, person: Rows) -> Made:
    """The contacts that the platform pairs with person accounts."""
    rows, account, place, who = _person_rows(world, person.numbers)
    return {
        "Id": world.keys.generated("Contact", rows.numbers + world.sizes.contacts),
        "AccountId": world.refer("Account", account, of=world.accounts),
        "IsPersonAccount": booleans(np.ones(rows.count, dtype=np.bool_)),
        **_contact_columns(world, rows, place, who),
    }


def leads(world: World, rows: Rows) -> Made:
    """People who may become customers; one in ten already did."""
    place = Place.of_account(rows.numbers)
    country = place.country
    who = identity(rows, country)
    converted = rows.chance("converted", 10)
    account = rows.below("account", max(world.accounts, 1))
    contact = rows.below("contact", max(world.contacts, 1))
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
        "Title": rows.pick_in("title", _TITLES, country),
        "Company": _shop_names(rows, country),
        **address(rows, "", place),
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
        "ConvertedAccountId": where(converted, world.refer("Account", account, of=world.accounts)),
        "ConvertedContactId": where(converted, world.refer("Contact", contact, of=world.contacts)),
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
    country = country_of(world.account_of_contact(contact))
    status = rows.weighted("status", (6, 3, 1))
    who = identity(Rows(world.seed, "Contact", contact), country)
    return {
        "Id": world.keys.generated("CampaignMember", rows.numbers),
        "CampaignId": chosen(world.keys.fixed_many("Campaign", len(words.CAMPAIGNS)), campaign),
        "ContactId": world.refer("Contact", contact, of=world.contacts),
        "Status": chosen(("Sent", "Responded", "Ordered"), status),
        "HasResponded": booleans(status > 0),
        "Type": rows.pick("type", ("Contact",)),
        "FirstName": who.first,
        "LastName": who.last,
        **audited(world, rows, country, days=400),
    }

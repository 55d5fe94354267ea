"""Rows of selling: opportunities with lines and roles, contracts, orders with items, assets."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.company import orders as company_orders
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
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.places import Place, country_of
from unlost_simulators.company.products import PRICES_IN_CENTS
from unlost_simulators.company.times import (
    DAY,
    OPENING_SECONDS,
    created_at,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_sales import (
    PROBABILITIES,
    ROLES,
    STAGES,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import OPPORTUNITY_TYPES
from unlost_simulators.salesforce.scenarios.chocolate.generated.people import (
    SENTENCES,
    Made,
    address_columns,
)
from unlost_simulators.salesforce.scenarios.chocolate.world import World, audited
from unlost_simulators.salesforce.scenarios.chocolate.written.catalogue import (
    PRICE_BOOKS,
    PRODUCT_CODES,
)

_PRODUCTS = len(words.PRODUCTS)
_FORECASTS = ("Pipeline", "Pipeline", "Pipeline", "BestCase", "Forecast", "Closed", "Omitted")
_CAMPAIGN_NAMES = pa.array(words.CAMPAIGNS)
_TYPES = [record_type.id for record_type in OPPORTUNITY_TYPES]


def account_of(world: World, rows: Rows) -> Numbers:
    """The account number of rows that hang on accounts."""
    return rows.below("account", max(world.customers, 1))


def _price_book(world: World, opportunity: Numbers) -> Numbers:
    return Rows(world.seed, "Opportunity", opportunity).below("price book", len(PRICE_BOOKS))


def opportunities(world: World, rows: Rows) -> Made:
    """Chances to sell, with a stage and what follows from it."""
    account = account_of(world, rows)
    country = country_of(account)
    stage = rows.weighted("stage", (3, 3, 3, 3, 2, 8, 4))
    likely = np.array(PROBABILITIES, dtype=np.int64)[stage]
    amount = rows.below("amount", 4_000_000) + 5_000
    created = created_at(rows, days=900)
    close = created + rows.below("close", 120) * DAY
    campaign = rows.below("campaign", len(words.CAMPAIGNS))
    contact = world.person_at(account, rows, "contact")
    return {
        "Id": world.keys.generated("Opportunity", rows.numbers),
        "AccountId": world.refer("Account", account, of=world.customers),
        "RecordTypeId": rows.pick("record type", _TYPES),
        "Name": joined(chosen(_CAMPAIGN_NAMES, campaign), " – ", digits(rows.numbers, 5)),
        "Description": where(
            rows.chance("described", 40), rows.pick_in("text", SENTENCES, country)
        ),
        "StageName": chosen(STAGES, stage),
        "Amount": numbers(amount, places=2),
        "Probability": numbers(likely),
        "ExpectedRevenue": numbers(amount * likely // 100, places=2),
        "TotalOpportunityQuantity": numbers(rows.below("quantity", 500) + 1),
        "CloseDate": dates(close),
        "Type": rows.pick("type", ("New Customer", "Existing Customer", "Seasonal")),
        "NextStep": where(rows.chance("next", 30), rows.pick_in("step", SENTENCES, country)),
        "LeadSource": rows.pick("source", ("Web", "Phone Inquiry", "Trade Fair", "Other")),
        "IsClosed": booleans(stage >= 5),
        "IsWon": booleans(stage == 5),
        "ForecastCategory": chosen(_FORECASTS, stage),
        "CampaignId": where(
            rows.chance("from campaign", 40),
            chosen(world.keys.fixed_many("Campaign", len(words.CAMPAIGNS)), campaign),
        ),
        "HasOpportunityLineItem": booleans(
            rows.numbers < min(world.sizes.opportunities, world.sizes.opportunity_lines)
        ),
        "Pricebook2Id": chosen(
            world.keys.fixed_many("Pricebook2", len(PRICE_BOOKS)), _price_book(world, rows.numbers)
        ),
        "ContactId": world.refer("Contact", contact, of=world.people),
        "FiscalYear": pa.array((close // (DAY * 365.2425) + 1970).astype(np.int32)),
        "Order_Reference__c": joined("00", digits(rows.numbers + 10**15, 16)),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=900),
    }


def opportunity_lines(world: World, rows: Rows) -> Made:
    """Lines in turn, so that every opportunity has some; the price is the list price."""
    opportunity = rows.numbers % max(world.sizes.opportunities, 1)
    price_book = _price_book(world, opportunity)
    product = rows.below("product", _PRODUCTS)
    entry = price_book * _PRODUCTS + product
    quantity = rows.below("quantity", 80) + 1
    price = PRICES_IN_CENTS[entry]
    return {
        "Id": world.keys.generated("OpportunityLineItem", rows.numbers),
        "OpportunityId": world.refer("Opportunity", opportunity, of=world.sizes.opportunities),
        "SortOrder": pa.array(np.ones(rows.count, dtype=np.int32)),
        **_priced(world, product, entry, quantity, price),
        "ProductCode": chosen(PRODUCT_CODES, product),
        "Name": chosen(words.PRODUCTS, product),
        "Description": where(
            rows.chance("noted", 15), rows.pick("note", ("mit Schleife", "のし付き"))
        ),
        **audited(world, rows, price_book, days=900),
    }


def _priced(
    world: World, product: Numbers, entry: Numbers, quantity: Numbers, price: Numbers
) -> Made:
    entries = world.keys.fixed_many("PricebookEntry", len(PRICES_IN_CENTS))
    return {
        "PricebookEntryId": chosen(entries, entry),
        "Product2Id": chosen(world.keys.fixed_many("Product2", _PRODUCTS), product),
        "Quantity": numbers(quantity),
        "UnitPrice": numbers(price, places=2),
        "ListPrice": numbers(price, places=2),
        "TotalPrice": numbers(price * quantity, places=2),
    }


def opportunity_roles(world: World, rows: Rows) -> Made:
    """People who decide about an opportunity."""
    opportunity = rows.numbers % max(world.sizes.opportunities, 1)
    opened = Rows(world.seed, "Opportunity", opportunity)
    account = account_of(world, opened)
    contact = world.person_at(account, rows, "contact")
    return {
        "Id": world.keys.generated("OpportunityContactRole", rows.numbers),
        "OpportunityId": world.refer("Opportunity", opportunity, of=world.sizes.opportunities),
        "ContactId": world.refer("Contact", contact, of=world.people),
        "Role": rows.pick("role", ROLES),
        "IsPrimary": booleans(rows.numbers < world.sizes.opportunities),
        **audited(world, rows, country_of(account), days=900),
    }


def contracts(world: World, rows: Rows) -> Made:
    """Supply contracts; three in four are active."""
    account = account_of(world, rows)
    place = Place.of_customer(account)
    country = place.country
    active = rows.chance("active", 75)
    status = where(active, "Activated", "Draft")
    start = created_at(rows, days=700) + 10 * DAY
    return {
        "Id": world.keys.generated("Contract", rows.numbers),
        "AccountId": world.refer("Account", account, of=world.customers),
        "StartDate": dates(start),
        "EndDate": dates(start + 365 * DAY),
        "ContractTerm": pa.array(np.full(rows.count, 12, dtype=np.int32)),
        "Status": status,
        "StatusCode": status,
        "ActivatedDate": where(active, instants(start)),
        "CustomerSignedId": where(
            active,
            world.refer("Contact", world.person_at(account, rows, "signer"), of=world.people),
        ),
        "SpecialTerms": where(rows.chance("terms", 50), rows.pick_in("text", SENTENCES, country)),
        **address_columns(rows, "Billing", place),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=700),
    }


def orders(world: World, rows: Rows) -> Made:
    """Orders of accounts; one in five on a contract."""
    facts = company_orders.orders(world, rows.numbers)
    account = company_orders.customer_of_order(world, rows.numbers)
    place = Place.of_customer(account)
    country = place.country
    status = pc.if_else(facts["confirmed"], "Activated", "Draft")
    contract = rows.below("contract", max(world.sizes.contracts, 1))
    contact = world.refer("Contact", world.person_at(account, rows, "ship"), of=world.people)
    on_contract = rows.chance("on contract", 20) & (world.sizes.contracts > 0)
    return {
        "Id": world.keys.generated("Order", rows.numbers),
        "AccountId": world.refer("Account", account, of=world.customers),
        "ContractId": where(
            on_contract, world.refer("Contract", contract, of=max(world.sizes.contracts, 1))
        ),
        "Pricebook2Id": chosen(
            world.keys.fixed_many("Pricebook2", len(PRICE_BOOKS)),
            company_orders.price_list_of(world, rows.numbers),
        ),
        "EffectiveDate": facts["day"],
        "Status": status,
        "StatusCode": status,
        "Type": rows.pick("type", ("Standard", "Seasonal", "Sample")),
        **address_columns(rows, "Shipping", place),
        "PoNumber": facts["reference"],
        "ShipToContactId": contact,
        "TotalAmount": numbers(facts["cents"].to_numpy(), places=2),
        "Express__c": facts["express"],
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=company_orders.DAYS),
    }


def order_items(world: World, rows: Rows) -> Made:
    """Items in turn, so that every order has some."""
    item = company_orders.item_numbers(world, rows.numbers)
    price_book = item.price // _PRODUCTS
    return {
        "Id": world.keys.generated("OrderItem", rows.numbers),
        "OrderId": world.refer("Order", item.order, of=world.sizes.orders),
        **_priced(world, item.product, item.price, item.quantity, PRICES_IN_CENTS[item.price]),
        "AvailableQuantity": numbers(item.quantity),
        **audited(world, rows, price_book, days=company_orders.DAYS),
    }


def assets(world: World, rows: Rows) -> Made:
    """Display fridges and moulds at customers; some belong to another asset."""
    account = account_of(world, rows)
    country = country_of(account)
    product = rows.below("product", _PRODUCTS)
    parent = world.refer(
        "Asset", rows.below("parent", np.maximum(rows.numbers, 1)), of=max(world.sizes.assets, 1)
    )
    bought = OPENING_SECONDS - rows.below("bought", 1_500) * DAY
    return {
        "Id": world.keys.generated("Asset", rows.numbers),
        "AccountId": world.refer("Account", account, of=world.customers),
        "ContactId": world.refer(
            "Contact", world.person_at(account, rows, "contact"), of=world.people
        ),
        "ParentId": where(rows.chance("part", 15) & (rows.numbers > 0), parent),
        "Product2Id": chosen(world.keys.fixed_many("Product2", _PRODUCTS), product),
        "Name": joined("Vitrine / 冷蔵ケース ", digits(rows.numbers, 6)),
        "SerialNumber": digits(rows.below("serial", 10**9), 12),
        "PurchaseDate": dates(bought),
        "InstallDate": dates(bought + 7 * DAY),
        "Status": rows.pick("status", ("Shipped", "Installed", "Registered", "Obsolete")),
        "Quantity": numbers(np.ones(rows.count, dtype=np.int64)),
        "Price": numbers(rows.below("price", 4_000) + 200),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=1_500),
    }

"""Rows of the workshop's own objects, and of history and shares."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from unlost_simulators.company import vocabulary as words
from unlost_simulators.company.cases import customer_of_case, state_of_case
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
from unlost_simulators.company.places import country_of, phone
from unlost_simulators.company.times import (
    DAY,
    OPENING_SECONDS,
    modified_at,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_service import CASE_STATUSES
from unlost_simulators.salesforce.scenarios.chocolate.generated.people import SENTENCES, Made
from unlost_simulators.salesforce.scenarios.chocolate.world import World, audited

_INGREDIENTS = pa.array(
    ["Kakaomasse", "Cacao butter", "きび砂糖", "Açúcar de cana", "Haselnuss", "Lait cru", "抹茶", "Vanille"]
)  # fmt: skip


def _country(rows: Rows) -> Numbers:
    return rows.below("country", len(words.COUNTRIES))


def ingredients(world: World, rows: Rows) -> Made:
    """Ingredients of recipes."""
    country = _country(rows)
    return {
        "Id": world.keys.generated("Ingredient__c", rows.numbers),
        "Name": joined(rows.pick("name", _INGREDIENTS), " ", digits(rows.numbers, 3)),
        "EAN__c": digits(rows.numbers + 4_000_000_000_000, 18),
        "Origin_Country__c": rows.pick(
            "origin", ("Ghana", "Ecuador", "Brazil", "Belgium", "Japan")
        ),
        "Allergens__c": where(
            rows.chance("allergen", 30), rows.pick("which", ("Milk", "Nuts;Soy"))
        ),
        "Energy_kJ__c": numbers(rows.below("energy", 25_000_000), places=4),
        "Organic__c": booleans(rows.chance("organic", 40)),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country),
    }


def recipes(world: World, rows: Rows) -> Made:
    """Recipes point to their current batch, which points to a recipe: a cycle of two objects."""
    country = _country(rows)
    batch = rows.numbers % max(world.sizes.cocoa_batches, 1)
    base = world.refer(
        "Recipe__c", rows.below("base", np.maximum(rows.numbers, 1)), of=max(world.sizes.recipes, 1)
    )
    return {
        "Id": world.keys.generated("Recipe__c", rows.numbers),
        "Name": joined(rows.pick("name", words.PRODUCTS), " #", digits(rows.numbers, 3)),
        "Current_Batch__c": world.refer("Cocoa_Batch__c", batch, of=world.sizes.cocoa_batches),
        "Product__c": rows.pick("product", world.keys.fixed_many("Product2", len(words.PRODUCTS))),
        "Derived_From__c": where(rows.chance("derived", 25) & (rows.numbers > 0), base),
        "Cocoa__c": numbers(rows.below("cocoa", 10_000), places=2),
        "Method__c": joined(
            "<ol><li>", rows.pick_in("step", SENTENCES, country), "</li><li>",
            rows.pick_in("next", SENTENCES, country), "</li></ol>",
        ),
        "Version__c": pa.array((rows.below("version", 9) + 1).astype(np.int32)),
        "Conching_Start__c": pa.array(rows.below("start", 86_400) * 1_000_000).cast(
            pa.time64("us")
        ),
        "Secret_Ingredient__c": rows.pick("secret", ("Tonka", "山椒", "Fleur de sel", "Pimenta rosa")),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country),
    }  # fmt: skip


def cocoa_batches(world: World, rows: Rows) -> Made:
    """Batches of beans from a supplier, for a recipe; numbers of very different size."""
    country = _country(rows)
    recipe = rows.numbers % max(world.sizes.recipes, 1)
    roasted = OPENING_SECONDS - rows.below("roasted", 600 * DAY)
    return {
        "Id": world.keys.generated("Cocoa_Batch__c", rows.numbers),
        "Recipe__c": world.refer("Recipe__c", recipe, of=world.sizes.recipes),
        "Supplier__c": world.refer(
            "Account", rows.below("supplier", max(world.customers, 1)), of=world.customers
        ),
        "Checked_By__c": world.owner_ids(rows, "checker", country),
        "Container_Number__c": digits(rows.numbers + 10**16, 18),
        "Weight_kg__c": numbers(rows.below("weight", 25_000_000), places=3),
        "Cadmium_ppm__c": numbers(rows.below("cadmium", 900_000), places=9),
        "Beans__c": numbers(rows.below("beans", 2_000_000_000)),
        "Harvested__c": dates(roasted - 60 * DAY),
        "Roasted_At__c": instants(roasted),
        "Farm__Latitude__s": numbers(rows.below("lat", 20_000_000) - 15_000_000, places=6),
        "Farm__Longitude__s": numbers(rows.below("lon", 80_000_000) - 40_000_000, places=6),
        "Price__c": numbers(rows.below("price", 900_000_000), places=2),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=600),
    }


def recipe_ingredients(world: World, rows: Rows) -> Made:
    """The junction: every pair occurs once."""
    size, pool = max(world.sizes.recipes, 1), max(world.sizes.ingredients, 1)
    recipe = rows.numbers % size
    ingredient = (recipe + rows.numbers // size) % pool
    columns = audited(world, rows, _country(rows))
    return {
        "Id": world.keys.generated("Recipe_Ingredient__c", rows.numbers),
        "Recipe__c": world.refer("Recipe__c", recipe, of=world.sizes.recipes),
        "Ingredient__c": world.refer("Ingredient__c", ingredient, of=world.sizes.ingredients),
        "Grams__c": numbers(rows.below("grams", 9_000_000), places=3),
        "Share__c": numbers(rows.below("share", 10_000), places=2),
        **columns,
    }


def tastings(world: World, rows: Rows) -> Made:
    """Tastings at customers: the master of scores."""
    account = rows.below("account", max(world.customers, 1))
    country = country_of(account)
    recipe = rows.below("recipe", max(world.sizes.recipes, 1))
    return {
        "Id": world.keys.generated("Tasting__c", rows.numbers),
        "Name": joined("Tasting ", digits(rows.numbers, 5)),
        "Account__c": world.refer("Account", account, of=world.customers),
        "Recipe__c": world.refer("Recipe__c", recipe, of=world.sizes.recipes),
        "Host__c": world.refer("Contact", world.person_at(account, rows, "host"), of=world.people),
        "Held_At__c": instants(OPENING_SECONDS - rows.below("held", 500 * DAY)),
        "Remarks__c": rows.pick_in("text", SENTENCES, country),
        "Invitation_From__c": rows.pick("from", ("tasting@chocolate.example",)),
        "Survey__c": joined("https://survey.example/", digits(rows.numbers)),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=500),
    }


def tasting_scores(world: World, rows: Rows) -> Made:
    """Scores in turn over the tastings: the detail."""
    tasting = rows.numbers % max(world.sizes.tastings, 1)
    account = Rows(world.seed, "Tasting", tasting).below("account", max(world.customers, 1))
    country = country_of(account)
    return {
        "Id": world.keys.generated("Tasting_Score__c", rows.numbers),
        "Tasting__c": world.refer("Tasting__c", tasting, of=world.sizes.tastings),
        "Taster__c": world.refer(
            "Contact", world.person_at(account, rows, "taster"), of=world.people
        ),
        "Points__c": pa.array(rows.below("points", 21).astype(np.int32)),
        "Texture__c": rows.pick("texture", ("smooth", "grainy", "snappy", "waxy")),
        "Aroma__c": rows.pick("aroma", ("fruity", "nutty", "smoky", "floral")),
        "Comment__c": where(rows.chance("comment", 50), rows.pick_in("text", SENTENCES, country)),
        **audited(world, rows, country, days=500),
    }


def quality_reports(world: World, rows: Rows) -> Made:
    """Reports on batches, with a protocol of some pages."""
    country = _country(rows)
    batch = rows.below("batch", max(world.sizes.cocoa_batches, 1))
    case = rows.below("case", max(world.sizes.cases, 1))
    lines = [rows.pick_in(f"line {number}", SENTENCES, country) for number in range(12)]
    return {
        "Id": world.keys.generated("Quality_Report__c", rows.numbers),
        "Batch__c": world.refer("Cocoa_Batch__c", batch, of=world.sizes.cocoa_batches),
        "Case__c": where(
            rows.chance("complaint", 40), world.refer("Case", case, of=world.sizes.cases)
        ),
        "Label__c": joined("QR-", digits(rows.numbers, 8)),
        "Long_Number__c": digits((rows.bits("long") % np.uint64(10**18)).astype(np.int64), 18),
        "Protocol__c": joined(*lines, by="\n"),
        "Photo_Page__c": joined(
            '<p><img src="/servlet/rtaImage?eid=', digits(rows.numbers), '&amp;refid=0EM0000"></p>'
        ),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=600),
    }  # fmt: skip


def contact_history(world: World, rows: Rows) -> Made:
    """One in some contacts got a new telephone number: the one that it has now."""
    contact = rows.numbers
    changed = Rows(world.seed, "Contact", contact)
    country = country_of(world.customer_of(contact))
    return {
        "Id": world.keys.generated("ContactHistory", contact),
        "ContactId": world.refer("Contact", contact, of=max(world.sizes.contacts, 1)),
        "Field": rows.pick("field", ("Phone",)),
        "DataType": rows.pick("type", ("Text",)),
        "OldValue": phone(rows, "old", country),
        "NewValue": phone(changed, "phone", country),
        "CreatedDate": instants(modified_at(changed)),
        "CreatedById": world.owner_ids(changed, "modifier", country),
    }


def account_history(world: World, rows: Rows) -> Made:
    """The telephone number of companies was changed to the one that they have now."""
    account = rows.numbers
    changed = Rows(world.seed, "BusinessAccount", account)
    country = country_of(account)
    return {
        "Id": world.keys.generated("AccountHistory", account),
        "AccountId": world.refer("Account", account, of=world.customers),
        "Field": rows.pick("field", ("Phone",)),
        "DataType": rows.pick("type", ("Text",)),
        "OldValue": phone(rows, "old", country),
        "NewValue": phone(changed, "phone", country),
        "CreatedDate": instants(modified_at(changed)),
        "CreatedById": world.owner_ids(changed, "modifier", country),
    }


def case_history(world: World, rows: Rows) -> Made:
    """Cases went from New to the state that they are in."""
    case = rows.numbers
    changed = Rows(world.seed, "Case", case)
    country = country_of(customer_of_case(world, case))
    return {
        "Id": world.keys.generated("CaseHistory", case),
        "CaseId": world.refer("Case", case, of=max(world.sizes.cases, 1)),
        "Field": rows.pick("field", ("Status",)),
        "DataType": rows.pick("type", ("Text",)),
        "OldValue": rows.pick("old", ("New",)),
        "NewValue": chosen(CASE_STATUSES, state_of_case(world, case)),
        "CreatedDate": instants(modified_at(changed, days=700)),
        "CreatedById": world.owner_ids(changed, "modifier", country),
    }


def account_shares(world: World, rows: Rows) -> Made:
    """Every tenth company is shared by hand with the narrow user (written-out user number 1)."""
    account = rows.numbers * 10
    stamps = audited(world, rows, country_of(account))
    return {
        "Id": world.keys.generated("AccountShare", rows.numbers),
        "AccountId": world.refer("Account", account, of=world.customers),
        "UserOrGroupId": rows.pick("user", (world.keys.fixed("User", 1),)),
        "AccountAccessLevel": rows.pick("level", ("Read",)),
        "RowCause": rows.pick("cause", ("Manual",)),
        "LastModifiedDate": stamps["LastModifiedDate"],
        "LastModifiedById": stamps["LastModifiedById"],
    }

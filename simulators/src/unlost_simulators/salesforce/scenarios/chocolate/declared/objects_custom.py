"""Describes of the chocolate maker's own objects.

Recipe and cocoa batch point at each other (a cycle); tasting and score are master and detail;
recipe ingredient is a junction; the shop-floor settings are a hierarchy custom setting; the quality
report holds a text of 131,072 characters. Declares only.
"""

from __future__ import annotations

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.scenarios.chocolate.declared.fields import (
    RESTRICT,
    SET_NULL,
    audit,
    autonumber,
    clock_time,
    currency,
    day,
    email,
    encrypted,
    flag,
    formula_number,
    geolocation,
    html,
    instant,
    integer,
    long_area,
    lookup,
    master,
    multipicklist,
    name,
    number,
    owner,
    percent,
    picklist,
    rollup,
    table,
    text,
    textarea,
    url,
    viewed,
)

# The longest text that a field can hold (Object Reference, long text area).
LONGEST_TEXT = 131_072

INGREDIENT = table(
    "Ingredient__c",
    "a00",
    owner("User", "Group", child=None),
    name(80, unique=False, label="Ingredient"),
    *audit(),
    *viewed(),
    text("EAN__c", 18, external_id=True, unique=True, label="EAN"),
    picklist("Origin_Country__c", ("Ghana", "Ecuador", "Brazil", "Belgium", "Japan", "Italy")),
    multipicklist("Allergens__c", ("Milk", "Nuts", "Soy", "Gluten", "Eggs", "Sesame")),
    number("Energy_kJ__c", 18, 4, label="Energy (kJ)"),
    flag("Organic__c"),
    plural="Ingredients",
)

RECIPE = table(
    "Recipe__c",
    "a01",
    owner("User", "Group", child=None),
    name(80, unique=False, label="Recipe"),
    *audit(),
    *viewed(),
    lookup(
        "Current_Batch__c", "Cocoa_Batch__c", child="Recipes", rule=SET_NULL, label="Current Batch"
    ),
    lookup("Product__c", "Product2", child="Recipes", rule=SET_NULL),
    lookup("Derived_From__c", "Recipe__c", child="Variants", rule=SET_NULL, label="Derived From"),
    percent("Cocoa__c", 5, 2),
    html("Method__c", 32_768, label="Method"),
    integer("Version__c", 4),
    clock_time("Conching_Start__c", label="Conching Start"),
    encrypted("Secret_Ingredient__c", 40, label="Secret Ingredient"),
    plural="Recipes",
    tracked=("Name", "Current_Batch__c"),
)

COCOA_BATCH = table(
    "Cocoa_Batch__c",
    "a02",
    owner("User", "Group", child=None),
    autonumber("Name", label="Batch Number", name_field=True),
    *audit(),
    *viewed(),
    lookup("Recipe__c", "Recipe__c", child="Batches", rule=SET_NULL),
    lookup("Supplier__c", "Account", child="Cocoa_Batches", rule=RESTRICT),
    lookup("Checked_By__c", "User", child=None, rule=SET_NULL, label="Checked By"),
    text("Container_Number__c", 18, external_id=True, label="Container Number"),
    number("Weight_kg__c", 18, 3, label="Weight (kg)"),
    number("Cadmium_ppm__c", 18, 9, label="Cadmium (ppm)"),
    number("Beans__c", 18, 0, label="Beans"),
    day("Harvested__c"),
    instant("Roasted_At__c", label="Roasted At"),
    *geolocation("Farm__c"),
    currency("Price__c", 16, 2),
    plural="Cocoa Batches",
)

RECIPE_INGREDIENT = table(
    "Recipe_Ingredient__c",
    "a03",
    autonumber("Name", label="Line", name_field=True),
    *audit(),
    master("Recipe__c", "Recipe__c", child="Ingredients", order=0),
    master("Ingredient__c", "Ingredient__c", child="Recipes", order=1),
    number("Grams__c", 10, 3),
    percent("Share__c", 5, 2),
    plural="Recipe Ingredients",
)

TASTING = table(
    "Tasting__c",
    "a04",
    owner("User", "Group", child=None),
    name(80, unique=False, label="Tasting"),
    *audit(),
    *viewed(),
    lookup("Account__c", "Account", child="Tastings", rule=SET_NULL),
    lookup("Recipe__c", "Recipe__c", child="Tastings", rule=SET_NULL),
    lookup("Host__c", "Contact", child="Tastings", rule=SET_NULL),
    instant("Held_At__c", label="Held At"),
    textarea("Remarks__c", 255),
    rollup("Score_Count__c", "Tasting_Score__c", "Tasting__c", label="Scores"),
    email("Invitation_From__c", label="Invitation From"),
    url("Survey__c"),
    plural="Tastings",
)

TASTING_SCORE = table(
    "Tasting_Score__c",
    "a05",
    autonumber("Name", label="Score Number", name_field=True),
    *audit(),
    master("Tasting__c", "Tasting__c", child="Scores", order=0),
    lookup("Taster__c", "Contact", child="Tasting_Scores", rule=SET_NULL),
    integer("Points__c", 3),
    picklist("Texture__c", ("smooth", "grainy", "snappy", "waxy")),
    picklist("Aroma__c", ("fruity", "nutty", "smoky", "floral"), controller="Texture__c"),
    textarea("Comment__c", 255),
    formula_number("Percent__c", 18, 1, "Points__c / 20", "{Points__c} * 5.0", label="Percent"),
    plural="Tasting Scores",
)

QUALITY_REPORT = table(
    "Quality_Report__c",
    "a06",
    owner("User", "Group", child=None),
    autonumber("Name", label="Report Number", name_field=True),
    *audit(),
    *viewed(),
    lookup("Batch__c", "Cocoa_Batch__c", child="Quality_Reports", rule=SET_NULL),
    lookup("Case__c", "Case", child="Quality_Reports", rule=SET_NULL),
    text("Label__c", 255, case_sensitive=True),
    text("Long_Number__c", 18, label="18-digit Number"),
    long_area("Protocol__c", LONGEST_TEXT),
    html("Photo_Page__c", 32_768, label="Photo Page"),
    plural="Quality Reports",
)

SHOP_FLOOR_SETTINGS = table(
    "Shop_Floor_Settings__c",
    "a07",
    text("Name", 38, name_field=True),
    lookup("SetupOwnerId", "Organization", "Profile", "User", child=None, relation="SetupOwner"),
    *audit(),
    number("Cooling_Limit__c", 5, 1, label="Cooling Limit"),
    flag("Weekend_Shift__c", label="Weekend Shift"),
    text("Alarm_Phone__c", 40, label="Alarm Phone"),
    custom_setting=True,
    flags="QCUD---",
    plural="Shop Floor Settings",
    storage_bytes=None,
)

OBJECTS: tuple[ObjectDef, ...] = (
    INGREDIENT,
    RECIPE,
    COCOA_BATCH,
    RECIPE_INGREDIENT,
    TASTING,
    TASTING_SCORE,
    QUALITY_REPORT,
    SHOP_FLOOR_SETTINGS,
)

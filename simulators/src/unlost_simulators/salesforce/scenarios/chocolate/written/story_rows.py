"""The customer of the story: Confiserie Sonnenschein in Leipzig, with all of its records.

Written out, so that a demo can refer to it by name. Mails and files of the customer are in separate
modules.
"""

from __future__ import annotations

from typing import Any

from unlost_simulators.company import written
from unlost_simulators.company.customers import Customer
from unlost_simulators.company.products import PRICES_IN_CENTS
from unlost_simulators.company.times import ago, day
from unlost_simulators.company.vocabulary import PRODUCTS
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import (
    BUSINESS_ACCOUNT,
    PERSON_ACCOUNT,
)
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRows, Ref

CUSTOMER = Ref("Account", story.CUSTOMER)
OWNER = Ref("User", "sabine")
SERVICE = Ref("User", "anne")
CASE_MELTED = Ref("Case", "melted")


def write(fixed: FixedRows) -> None:
    """The customer with contacts, cases, sales and activities."""
    _accounts(fixed)
    _contacts(fixed)
    _private_customer(fixed)
    _sales(fixed)
    _cases(fixed)
    _activities(fixed)
    _workshop(fixed)
    _history(fixed)


def _leipzig(stem: str) -> dict[str, Any]:
    customer = written.SONNENSCHEIN
    return {
        f"{stem}Street": customer.street,
        f"{stem}City": customer.city, f"{stem}State": customer.state,
        f"{stem}PostalCode": customer.postal_code,
        f"{stem}Country": customer.country, f"{stem}Latitude": 51.332145,
        f"{stem}Longitude": 12.331892, f"{stem}GeocodeAccuracy": "Address",
    }  # fmt: skip


def _business(customer: Customer) -> dict[str, Any]:
    """The fields of a business that every system has."""
    return {
        "Name": customer.name, "Type": customer.kind, "RecordTypeId": BUSINESS_ACCOUNT,
        "Office__c": customer.office, "Customer_Number__c": customer.number,
    }  # fmt: skip


def _accounts(fixed: FixedRows) -> None:
    customer = written.SONNENSCHEIN
    holding = fixed.add(
        "Account", "holding", days_ago=1_700, by=OWNER, **_business(written.HOLDING),
        Industry="Wholesale", AnnualRevenue=float(written.HOLDING.revenue or 0),
        **_leipzig("Billing"),
    )  # fmt: skip
    fixed.add(
        "Account", story.CUSTOMER, days_ago=1_650, by=OWNER, **_business(customer),
        ParentId=holding, Industry="Retail", Phone=customer.phone, Fax=customer.fax,
        AccountNumber="K-040017", Website=customer.website,
        AnnualRevenue=float(customer.revenue or 0),
        NumberOfEmployees=customer.employees, Ownership="Private", Rating="Hot",
        YearStarted=customer.founded, Description=customer.remarks,
        VAT_Number__c=customer.vat, Credit_Limit__c=25_000.0, Discount__c=12.5,
        Bank_Account__c="DE00 0000 0000 0004 0017 00", Cold_Chain__c=True,
        Delivery_Days__c="Tue;Fri", AccountSource="Trade Fair", LastModifiedDate=ago(12),
        SystemModstamp=ago(12), LastActivityDate=day(3), **_leipzig("Billing"), **_leipzig("Shipping"),
    )  # fmt: skip
    cafe = written.CAFE
    fixed.add(
        "Account", "cafe-dresden", days_ago=800, by=OWNER, **_business(cafe), ParentId=CUSTOMER,
        Industry="Café", BillingCity=cafe.city, BillingCountry=cafe.country, Phone=cafe.phone,
    )  # fmt: skip


def _contacts(fixed: FixedRows) -> None:
    for number, (handle, person) in enumerate(written.PEOPLE.items()):
        boss = written.SUPERIORS.get(handle)
        fixed.add(
            "Contact", handle, days_ago=1_600 - 100 * number, by=OWNER, AccountId=CUSTOMER,
            Salutation=person.salutation, FirstName=person.first, LastName=person.last,
            Title=person.title, Department=person.department,
            ReportsToId=Ref("Contact", boss) if boss else None,
            Email=person.mail, Phone=person.phone,
            MobilePhone=person.mobile, Birthdate=person.birthday,
            Sales_Region__c="Mitte", Level__c="Primary" if number == 0 else "Secondary",
            Languages__c="Deutsch;English", Loyalty_Number__c=f"{4_001_700 + number:018d}",
            Purchases_Last_Year__c=98_765.43 - 10_000 * number, Newsletter__c=number % 2 == 0,
            Allergies__c="Milk;Nuts" if handle == "petra" else None, **_leipzig("Mailing"),
        )  # fmt: skip
    fixed.add(
        "Contact", "clara", days_ago=780, by=OWNER, AccountId=Ref("Account", "cafe-dresden"),
        FirstName="Clara", LastName="Weiß", Email="clara@sonnenschein.example",
        Phone="+49 351 0040020", Sales_Region__c="Mitte",
    )  # fmt: skip
    fixed.add(
        "AccountContactRelation", days_ago=700, by=OWNER, AccountId=Ref("Account", "cafe-dresden"),
        ContactId=Ref("Contact", "oezlem"), Roles="Buyer;Taster", IsDirect=False, IsActive=True,
        StartDate=day(700),
    )  # fmt: skip
    fixed.add(
        "AccountContactRelation", days_ago=1_400, by=OWNER, AccountId=CUSTOMER,
        ContactId=Ref("Contact", "oezlem"), Roles="Decision Maker", IsDirect=True, IsActive=True,
    )  # fmt: skip
    fixed.add(
        "AccountContactRole", days_ago=1_400, by=OWNER, AccountId=CUSTOMER,
        ContactId=Ref("Contact", "frieda"), Role="Decision Maker", IsPrimary=True,
    )  # fmt: skip
    for handle in ("frieda", "oezlem"):
        fixed.add(
            "CampaignMember", days_ago=100, by=OWNER, CampaignId=Ref("Campaign", "campaign-1"),
            ContactId=Ref("Contact", handle), Status="Responded", HasResponded=True, Type="Contact",
            FirstRespondedDate=day(95), CompanyOrAccount=story.CUSTOMER_NAME,
        )  # fmt: skip


def _private_customer(fixed: FixedRows) -> None:
    customer, person = written.SASAKI, written.PRIVATE_PERSON
    shared = {
        "FirstName": person.first,
        "LastName": person.last,
        "Salutation": person.salutation,
        "Phone": person.phone,
    }
    account = fixed.add(
        "Account", "private", days_ago=600, by=Ref("User", "yuki"), Name=customer.name,
        Type=customer.kind,
        RecordTypeId=PERSON_ACCOUNT, IsPersonAccount=True, PersonContactId=Ref("Contact", "private"),
        PersonEmail=customer.mail, Customer_Number__c=customer.number, Office__c=customer.office,
        Sales_Region__pc="Kansai", Loyalty_Number__pc="000000000040020017", **shared,
    )  # fmt: skip
    fixed.add(
        "Contact", "private", days_ago=600, by=Ref("User", "yuki"), AccountId=account,
        IsPersonAccount=True, Email=person.mail, Sales_Region__c="Kansai",
        Loyalty_Number__c="000000000040020017", **shared,
    )  # fmt: skip


def _sales(fixed: FixedRows) -> None:
    deals = (
        ("christmas", "Weihnachtspralinen 2026", "Negotiation/Review", 85, 30, ((0, 120), (6, 80))),
        ("easter", "Ostern 2026: Hasen & Eier", "Closed Won", 100, -200, ((18, 300), (21, 60))),
        ("mothers-day", "Muttertag 2026", "Closed Lost", 0, -170, ((5, 40),)),
    )
    for handle, name, stage, likely, due, lines in deals:
        total = sum(int(PRICES_IN_CENTS[product]) * count for product, count in lines) / 100
        deal = fixed.add(
            "Opportunity", handle, days_ago=260, by=OWNER, AccountId=CUSTOMER, Name=name,
            StageName=stage, Probability=float(likely), Amount=total, CloseDate=day(-due),
            IsClosed=stage.startswith("Closed"), IsWon=likely == 100, HasOpportunityLineItem=True,
            Pricebook2Id=Ref("Pricebook2", "book-0"), ContactId=Ref("Contact", "oezlem"),
            Order_Reference__c=f"{len(handle):018d}", NextStep="Muster senden, dann anrufen",
            Description="Wie letztes Jahr, aber\nmit rotem Band.",
        )  # fmt: skip
        for order, (product, count) in enumerate(lines, start=1):
            price = int(PRICES_IN_CENTS[product]) / 100
            fixed.add(
                "OpportunityLineItem", days_ago=259, by=OWNER, OpportunityId=deal, SortOrder=order,
                PricebookEntryId=Ref("PricebookEntry", f"entry-{product}"),
                Product2Id=Ref("Product2", f"product-{product}"), Name=PRODUCTS[product],
                Quantity=float(count), UnitPrice=price, ListPrice=price, TotalPrice=price * count,
            )  # fmt: skip
        fixed.add(
            "OpportunityContactRole", days_ago=258, by=OWNER, OpportunityId=deal,
            ContactId=Ref("Contact", "oezlem"), Role="Decision Maker", IsPrimary=True,
        )  # fmt: skip
    _contract_and_orders(fixed)


def _contract_and_orders(fixed: FixedRows) -> None:
    contract = fixed.add(
        "Contract", "frame", days_ago=400, by=OWNER, AccountId=CUSTOMER, Status="Activated",
        StatusCode="Activated", StartDate=day(390), EndDate=day(25), ContractTerm=12,
        CustomerSignedId=Ref("Contact", "frieda"), CustomerSignedDate=day(395),
        SpecialTerms="2 % Skonto bei 14 Tagen; Kühlkette ≤ 18 °C.", ActivatedDate=ago(390),
    )  # fmt: skip
    for handle, days, status in (("order-a", 190, "Activated"), ("order-b", 4, "Draft")):
        order = fixed.add(
            "Order", handle, days_ago=days, by=OWNER, AccountId=CUSTOMER, ContractId=contract,
            OpportunityId=Ref("Opportunity", "easter") if handle == "order-a" else None,
            Pricebook2Id=Ref("Pricebook2", "book-0"), EffectiveDate=day(days), Status=status,
            StatusCode=status, PoNumber=f"0000{days}", TotalAmount=1_250.0, **_leipzig("Shipping"),
        )  # fmt: skip
        for product in (0, 3):
            price = int(PRICES_IN_CENTS[product]) / 100
            fixed.add(
                "OrderItem", days_ago=days, by=OWNER, OrderId=order, Quantity=10.0, UnitPrice=price,
                PricebookEntryId=Ref("PricebookEntry", f"entry-{product}"), ListPrice=price,
                Product2Id=Ref("Product2", f"product-{product}"), TotalPrice=price * 10,
                AvailableQuantity=10.0,
            )  # fmt: skip
    fridge = fixed.add(
        "Asset", "fridge", days_ago=900, by=OWNER, AccountId=CUSTOMER, Name="Kühlvitrine 1,20 m",
        ContactId=Ref("Contact", "joao"), SerialNumber="000000401700", Status="Installed",
        PurchaseDate=day(900), Price=2_400.0, Quantity=1.0,
    )  # fmt: skip
    fixed.add(
        "Asset", "fridge-lamp", days_ago=899, by=OWNER, AccountId=CUSTOMER, ParentId=fridge,
        RootAssetId=fridge, Name="LED-Leiste", Status="Installed", Quantity=3.0,
    )  # fmt: skip


def _cases(fixed: FixedRows) -> None:
    complaints = (
        ("melted", "oezlem", 9, None), ("invoice", "hans", 60, None), ("allergen", "petra", 90, None),
        ("praise", "frieda", 200, None), ("melted-2", "emil", 2, "melted"),
    )  # fmt: skip
    for handle, contact, days, parent in complaints:
        fact = written.CASES[handle]
        closed = fact.closed is not None
        case = fixed.add(
            "Case", handle, days_ago=days, by=SERVICE, AccountId=CUSTOMER, Subject=fact.subject,
            ContactId=Ref("Contact", contact), Type=fact.kind, Status=fact.state, Origin="Email",
            Priority=fact.priority, Reason="Melted",
            ParentId=Ref("Case", parent) if parent else None, IsClosed=closed,
            ClosedDate=fact.closed, AssetId=Ref("Asset", "fridge"),
            BusinessHoursId=Ref("BusinessHours", "hours-1"), SuppliedEmail=fact.mail,
            Description=fact.text,
            Ticket_Number__c=f"{40_017_000 + days:018d}",
        )  # fmt: skip
        for number in range(1 if closed else 3):
            fixed.add(
                "CaseComment", days_ago=days - 0.2 * (number + 1), by=SERVICE, ParentId=case,
                IsPublished=number == 0, CommentBody=f"Schritt {number + 1}: Spedition angefragt.",
            )  # fmt: skip
    role = fixed.add("CaseTeamRole", "quality", Name="Qualität", AccessLevel="Edit")
    for member in (Ref("User", "anne"), Ref("Contact", "petra")):
        fixed.add(
            "CaseTeamMember", by=SERVICE, ParentId=CASE_MELTED, MemberId=member, TeamRoleId=role
        )


def _activities(fixed: FixedRows) -> None:
    todo = (
        ("Call", "oezlem", CUSTOMER, "Completed", 20), ("Muster senden", "frieda", CUSTOMER, "Completed", 30),
        ("Gutschrift prüfen", "hans", CASE_MELTED, "In Progress", 1),
        ("Angebot nachfassen ☎️", "emil", Ref("Opportunity", "christmas"), "Not Started", -5),
        ("Altes Angebot", "frieda", CUSTOMER, "Completed", 700),
        ("Kühlvitrine warten", "joao", Ref("Asset", "fridge"), "Not Started", -20),
    )  # fmt: skip
    for number, (subject, contact, what, status, due) in enumerate(todo):
        fixed.add(
            "Task", f"task-{number}", days_ago=max(due, 0) + 3, by=OWNER, Subject=subject,
            WhoId=Ref("Contact", contact), WhatId=what, AccountId=CUSTOMER, Status=status,
            Priority="Normal", ActivityDate=day(due), IsClosed=status == "Completed",
            IsArchived=due > 365, TaskSubtype="Call" if subject == "Call" else "Task",
            Description="Rückruf nach 14 Uhr\n(Mittagspause bis 13:30).",
        )  # fmt: skip
    for handle, subject, due in (
        ("tasting", "Verkostung in Leipzig", 40),
        ("visit", "Besuch", 800),
    ):
        event = fixed.add(
            "Event", handle, days_ago=due + 10, by=OWNER, Subject=subject, WhatId=CUSTOMER,
            WhoId=Ref("Contact", "frieda"), AccountId=CUSTOMER, Location="Karl-Heine-Straße 17",
            StartDateTime=ago(due), ActivityDateTime=ago(due), EndDateTime=ago(due - 0.0625),
            ActivityDate=day(due), EndDate=day(due), DurationInMinutes=90, ShowAs="Busy",
            IsArchived=due > 365, EventSubtype="Event",
        )  # fmt: skip
        fixed.add(
            "EventRelation", days_ago=due + 9, by=OWNER, EventId=event, IsInvitee=True, IsWhat=False,
            IsParent=False, RelationId=Ref("Contact", "oezlem"), Status="Accepted",
        )  # fmt: skip
    for number, title in enumerate(("Gesprächsnotiz", "Geschenk: keine Nüsse!")):
        fixed.add(
            "Note", f"note-{number}", days_ago=50 + number, by=OWNER, Title=title, ParentId=CUSTOMER,
            Body="Frau Sonnenschein feiert im Mai 60. Geburtstag.\n— nicht vergessen —",
        )  # fmt: skip
    _feed(fixed)


def _feed(fixed: FixedRows) -> None:
    post = fixed.add(
        "FeedItem", "post", days_ago=8, by=SERVICE, ParentId=CUSTOMER, Type="TextPost",
        Body="Achtung: Kühlkette bei 0040017 gebrochen. 🚚🌡️", CommentCount=2, InsertedById=SERVICE,
        Status="Published", Revision=1,
    )  # fmt: skip
    for days, user, text in (
        (7.5, "sabine", "<p>Ich rufe an.</p>"),
        (7.0, "inge", "<p>Danke! 🙏</p>"),
    ):
        fixed.add(
            "FeedComment", days_ago=days, by=Ref("User", user), FeedItemId=post, ParentId=CUSTOMER,
            CommentBody=text, CommentType="TextComment", InsertedById=Ref("User", user),
            Status="Published", Revision=1,
        )  # fmt: skip
    fixed.add(
        "FeedItem", "file-post", days_ago=7, by=SERVICE, ParentId=CASE_MELTED, Type="ContentPost",
        Body="Gutschrift liegt bei.", RelatedRecordId=Ref("ContentVersion", "credit-note-1"),
        HasContent=True, InsertedById=SERVICE, Status="Published", Revision=1,
    )  # fmt: skip
    fixed.add(
        "FeedItem", "tracked", days_ago=8, by=SERVICE, ParentId=CASE_MELTED, Type="TrackedChange",
        InsertedById=SERVICE, Status="Published", Revision=1,
    )  # fmt: skip
    topic = fixed.add("Topic", "cold-chain", days_ago=300, Name="Kühlkette", TalkingAbout=2)
    fixed.add(
        "TopicAssignment", days_ago=8, by=SERVICE, TopicId=topic, EntityId=CASE_MELTED,
        EntityKeyPrefix="500", EntityType="Case",
    )  # fmt: skip


def _workshop(fixed: FixedRows) -> None:
    recipe = fixed.add(
        "Recipe__c", "sonnenschein", days_ago=500, Name="Sonnenschein-Trüffel", Version__c=3,
        Current_Batch__c=Ref("Cocoa_Batch__c", "batch"), Product__c=Ref("Product2", "product-2"),
        Cocoa__c=62.5, Method__c="<p>Langsam <b>temperieren</b>.</p>",
    )  # fmt: skip
    batch = fixed.add(
        "Cocoa_Batch__c", "batch", days_ago=120, Recipe__c=recipe, Supplier__c=Ref("Account", "holding"),
        Container_Number__c="000000000000040017", Weight_kg__c=1_250.125, Cadmium_ppm__c=0.000125,
        Beans__c=12_345_678.0, Roasted_At__c=ago(118), Checked_By__c=Ref("User", "tiago"),
    )  # fmt: skip
    pear = fixed.add(
        "Ingredient__c", "pear", days_ago=500, Name="Williams-Birne", EAN__c="000000000000040017",
        Origin_Country__c="Belgium", Energy_kJ__c=239.0001, Organic__c=True,
    )  # fmt: skip
    fixed.add("Recipe_Ingredient__c", Recipe__c=recipe, Ingredient__c=pear, Grams__c=12.5)
    tasting = fixed.add(
        "Tasting__c", "tasting", days_ago=40, by=OWNER, Name="Herbstverkostung", Account__c=CUSTOMER,
        Recipe__c=recipe, Host__c=Ref("Contact", "frieda"), Held_At__c=ago(40),
    )  # fmt: skip
    for points, taster in ((19, "frieda"), (17, "oezlem"), (12, "hans")):
        fixed.add(
            "Tasting_Score__c", days_ago=40, by=OWNER, Tasting__c=tasting, Points__c=points,
            Taster__c=Ref("Contact", taster), Texture__c="smooth", Aroma__c="nutty",
            Comment__c="mehr davon!" if points > 18 else None,
        )  # fmt: skip
    fixed.add(
        "Quality_Report__c", "melted", days_ago=8, by=SERVICE, Batch__c=batch, Case__c=CASE_MELTED,
        Label__c="QR-0040017", Long_Number__c="123456789012345678",
        Protocol__c="Annahme 27 °C\nBloom sichtbar\nUrteil: Reklamation berechtigt",
    )  # fmt: skip


def _history(fixed: FixedRows) -> None:
    changes = (
        ("AccountHistory", "AccountId", CUSTOMER, "Credit_Limit__c", "15000.0", "25000.0", 12),
        ("AccountHistory", "AccountId", CUSTOMER, "Phone", "+49 341 0000000", "+49 341 0040017", 300),
        ("ContactHistory", "ContactId", Ref("Contact", "oezlem"), "LastName", "Yıldız",
         "Yıldız-Großmann", 240),
        ("CaseHistory", "CaseId", CASE_MELTED, "Status", "New", "Working", 8),
        ("OpportunityFieldHistory", "OpportunityId", Ref("Opportunity", "christmas"), "StageName",
         "Tasting", "Negotiation/Review", 15),
        ("LeadHistory", "LeadId", Ref("Lead", "nul"), "Status", "Open - Not Contacted",
         "Working - Contacted", 20),
        ("Recipe__History", "ParentId", Ref("Recipe__c", "sonnenschein"), "Name", "Trüffel 62",
         "Sonnenschein-Trüffel", 200),
    )  # fmt: skip
    for table, parent, ref, column, old, new, days in changes:
        key: dict[str, Any] = {parent: ref}
        fixed.add(
            table, days_ago=days, by=OWNER, **key, Field=column, DataType="Text",
            OldValue=old, NewValue=new,
        )  # fmt: skip

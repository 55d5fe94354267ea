"""Rows that break careless software: odd text, odd numbers, odd dates, odd references.

Each trap is named by what it would break. A backup has to hold every one of them letter by letter.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from unlost_simulators.company.times import ago
from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_custom import LONGEST_TEXT
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import BUSINESS_ACCOUNT
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRows, Ref
from unlost_simulators.salesforce.scenarios.chocolate.written.story_mails import PURGED_ADDRESS
from unlost_simulators.salesforce.scenarios.chocolate.written.story_rows import OWNER

# Records that were purged long ago, and are still named by a reference to several objects. No other
# reference in the scenario is dangling.
PURGED_CAMPAIGN = ids.full("701Dn00000Zzzz1")
PURGED_LEAD = ids.full("00QDn00000Zzzz2")
DANGLING = frozenset(
    {("Task", "WhatId", PURGED_CAMPAIGN), ("EmailMessageRelation", "RelationId", PURGED_LEAD)}
)

# Text that a reader of CSV files likes to take for "no value", a number, a formula or a command.
LITERALS = (
    "NA", "N/A", "#N/A", "null", "NULL", "NaN", "None", "nil", "true", "FALSE", "undefined", "-",
    "0", "00017", "1e5", "1.0E7", "0x1F", "+49341", "-1", "=cmd|'/c calc'!A0", "=1+1", "@SUM(A1)",
    "\\N", "''", '"', '""', ",", ";", "\\", "%s", "{0}", "$(reboot)", "<script>alert(1)</script>",
    "'; DROP TABLE Contact;--", "&amp;", "2026-01-31", "Infinity",
)  # fmt: skip

# Text of several scripts, composed and decomposed letters, marks without width, both kinds of lines.
SCRIPTS = (
    "İstanbul ışık ŞEKER", "Straße STRASSE ẞ", "e\u0301 é", "ﬁlet ﬁ", "שוקולד מריר", "شوكولاتة بالحليب",
    "ช็อกโกแลต", "चॉकलेट", "초콜릿", "巧克力 𠮷野家 髙", "ﾁｮｺﾚｰﾄ チョコレート", "шоколад", "σοκολάτα ΣΑΣ",
    "👩‍🍳🍫🏳️‍🌈👨‍👩‍👧‍👦", "a\u200bb\u200dc", "\u202eetalocohc\u202c", "\ufeffBOM", "\u00a0nicht getrimmt\u00a0",
    "Zeile 1\nZeile 2", "Zeile 1\r\nZeile 2", "Zeile 1\rZeile 2", "\u2028Trenner\u2029", "Tab\tTab",
    'Er sagte: "Ja, gern", dann ging er.', '"a","b"\r\n"c","d"', "…–—‚‘“„”«»", "\u0085NEL", "a\x0bb\x0cc",
)  # fmt: skip

NUL_TEXT = "vor\x00nach"


def long_text(length: int = LONGEST_TEXT) -> str:
    """A text of exactly `length` characters with lines, quotes, several scripts and emoji."""
    line = 'Charge 17; "Bruch", Ö=ß 検査\u3000良 🍫\r\n'
    numbered = "".join(f"{number:06d} {line}" for number in range(length // len(line) + 1))
    return numbered[: length - 1] + "."


def write(fixed: FixedRows) -> None:
    """All traps."""
    _names_by_case(fixed)
    _hierarchy(fixed)
    _literals(fixed)
    _odd_values(fixed)
    _dangling(fixed)
    _left_behind(fixed)
    _in_the_bin(fixed)
    _ideas(fixed)
    _settings(fixed)
    _exotic(fixed)


def _names_by_case(fixed: FixedRows) -> None:
    """Customers and labels that differ by case, or by a leading zero, alone."""
    for number, name in enumerate(("Cacao Noir", "CACAO NOIR", "cacao noir", "Cacao  Noir")):
        fixed.add(
            "Account", f"case-{number}", Name=name, RecordTypeId=BUSINESS_ACCOUNT,
            Customer_Number__c="0" * number + "7700",
        )  # fmt: skip
    for number, label in enumerate(("Charge-a", "Charge-A", "CHARGE-A")):
        fixed.add("Quality_Report__c", f"label-{number}", Label__c=label)


def _hierarchy(fixed: FixedRows) -> None:
    """Five levels of companies."""
    above: Ref | None = None
    for level in range(5):
        above = fixed.add(
            "Account", f"level-{level}", Name=f"Konzern Stufe {level}", ParentId=above,
            Customer_Number__c=f"00410{level:02d}", RecordTypeId=BUSINESS_ACCOUNT,
        )  # fmt: skip


def _literals(fixed: FixedRows) -> None:
    firm = fixed.add(
        "Account", "oddities", Name="Kuriosa & Söhne", Customer_Number__c="0041099",
        RecordTypeId=BUSINESS_ACCOUNT,
    )  # fmt: skip
    for number, value in enumerate(LITERALS):
        fixed.add(
            "Contact", f"literal-{number}", AccountId=firm, LastName=value, FirstName=value[:40],
            Department=value, Description=value, Loyalty_Number__c=f"{10**17 + number}",
        )  # fmt: skip
    for number, value in enumerate(SCRIPTS):
        fixed.add(
            "Contact", f"script-{number}", AccountId=firm, LastName=f"S{number}", Description=value
        )


def _odd_values(fixed: FixedRows) -> None:
    fixed.add(
        "Lead", "nul", LastName="Nullbyte", Company="Alt-Import GmbH", Status="Working - Contacted",
        Description=NUL_TEXT, Trade_Fair_Code__c="000000000000000000",
    )  # fmt: skip
    fixed.add(
        "Quality_Report__c", "longest", Label__c="longest", Long_Number__c="999999999999999999",
        Protocol__c=long_text(), Photo_Page__c="<p>&lt;keine&gt;</p>",
    )  # fmt: skip
    numbers = (
        0.0,
        -0.01,
        0.1,
        0.001,
        9_999_999.0,
        10_000_000.0,
        12_345_678_901_234.56,
        -90_000_000.0,
    )
    for number, value in enumerate(numbers):
        fixed.add(
            "Contact", f"number-{number}", LastName=f"Zahl {number}", Purchases_Last_Year__c=value,
            AccountId=Ref("Account", "oddities"),
        )  # fmt: skip
    fixed.add(
        "Cocoa_Batch__c", "tiny", Cadmium_ppm__c=0.000000001, Beans__c=123_456_789_012.0,
        Weight_kg__c=0.001, Harvested__c=date(1700, 1, 1), Price__c=-0.5,
        Roasted_At__c=datetime(2026, 2, 28, 23, 59, 59, 123_000, tzinfo=UTC),
    )  # fmt: skip
    fixed.add("Cocoa_Batch__c", "far", Harvested__c=date(4000, 12, 31), Beans__c=1.0)


def _dangling(fixed: FixedRows) -> None:
    fixed.add(
        "Task", "dangling", Subject="Kampagne, die es nicht mehr gibt", WhatId=PURGED_CAMPAIGN,
        Status="Not Started", Priority="Low",
    )  # fmt: skip
    fixed.add(
        "EmailMessageRelation", days_ago=300, by=OWNER, EmailMessageId=Ref("EmailMessage", "greeting"),
        RelationType="BccAddress", RelationId=PURGED_LEAD, RelationAddress=PURGED_ADDRESS,
        RelationObjectType="Lead",
    )  # fmt: skip


def _left_behind(fixed: FixedRows) -> None:
    """Records of a colleague who has left: owner and author are inactive."""
    gone = Ref("User", "wim")
    account = fixed.add(
        "Account", "left-behind", days_ago=1_000, by=gone, Name="Bakkerij De Vergeten Hoek", Type="Colonial Goods",
        Customer_Number__c="0041098", RecordTypeId=BUSINESS_ACCOUNT,
    )  # fmt: skip
    for number in range(3):
        fixed.add(
            "Contact", days_ago=1_000, by=gone, AccountId=account, LastName=f"Peeters {number}"
        )
    fixed.add(
        "Case", days_ago=900, by=gone, AccountId=account, Subject="Bestelling", Status="New",
    )  # fmt: skip


def _in_the_bin(fixed: FixedRows) -> None:
    """Deleted three days before the opening: in the recycle bin until day 15."""
    firm = Ref("Account", "oddities")
    gone: dict[str, Any] = {
        "IsDeleted": True, "LastModifiedDate": ago(3), "SystemModstamp": ago(3),
    }  # fmt: skip
    contact = fixed.add(
        "Contact", "binned", AccountId=firm, LastName="Gelöscht", Phone="+49 40 0000003", **gone
    )
    fixed.add(
        "Case",
        "binned",
        AccountId=firm,
        ContactId=contact,
        Subject="Erledigt?",
        Status="New",
        **gone,
    )
    fixed.add(
        "Task", "binned", WhoId=contact, Subject="Weg damit", Status="Completed", Priority="Low",
        IsClosed=True, **gone,
    )  # fmt: skip
    fixed.add("Lead", "binned", LastName="Niemand", Company="Nirgends AG", Status="New", **gone)


def _ideas(fixed: FixedRows) -> None:
    for number, title in enumerate(("Schokolade ohne Zucker", "柚子味をもっと")):
        idea = fixed.add(
            "Idea", f"idea-{number}", Title=title, Body=f"<p>{title}!</p>", NumComments=1
        )
        comment = fixed.add("IdeaComment", IdeaId=idea, CommentBody="<p>👍</p>")
        fixed.add("Vote", ParentId=idea, Type="Up")
        fixed.add("Vote", ParentId=comment, Type="Down")
    for kind in ("Storage", "Users"):
        fixed.add("DataStatistics", f"stat-{kind}", DurableId=kind, StatType=kind, StatValue=17)


def _exotic(fixed: FixedRows) -> None:
    for number, name in enumerate(("Gent", "Leipzig")):
        fixed.add(
            "Plant__mdt", name, DeveloperName=name, MasterLabel=f"Werk {name}", Language="de",
            QualifiedApiName=name, Lines__c=3.0 + number, Nut_Free__c=number == 1,
        )  # fmt: skip
        fixed.add(
            "Sensor_Log__b", name, Sensor__c=f"0{number}-{name}", Celsius__c=17.25,
            Measured_At__c=ago(number),
        )  # fmt: skip


def _settings(fixed: FixedRows) -> None:
    levels = (
        (Ref("Organization", "org"), 18.0),
        (Ref("Profile", "standard"), 17.5),
        (Ref("User", "tiago"), 16.0),
    )
    for number, (place, limit) in enumerate(levels):
        fixed.add(
            "Shop_Floor_Settings__c", f"settings-{number}", Name=f"Settings {number}",
            SetupOwnerId=place, Cooling_Limit__c=limit, Alarm_Phone__c="0032 9 0170017",
        )  # fmt: skip

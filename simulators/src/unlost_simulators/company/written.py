"""Customers that are written out: the one of the story, Confiserie Sonnenschein, and those around it.

They are the same at every seed and scale, so that a demo can refer to them by name.
"""

from __future__ import annotations

from datetime import date

from unlost_simulators.company.cases import Case
from unlost_simulators.company.customers import PRIVATE_KIND, Customer
from unlost_simulators.company.mails import QUEUE_ADDRESS, Mail
from unlost_simulators.company.people import Person
from unlost_simulators.company.times import ago

HOLDING = Customer(
    "0040016", "Sonnenschein Holding SE", "Reseller", "Leipzig",
    "Karl-Heine-Straße 17\nHinterhaus, 2. OG", "Leipzig", "Sachsen", "04229", "Germany", None,
    revenue=10_000_000,
)  # fmt: skip
SONNENSCHEIN = Customer(
    "0040017", "Confiserie Sonnenschein GmbH", "Shop", "Leipzig",
    "Karl-Heine-Straße 17\nHinterhaus, 2. OG", "Leipzig", "Sachsen", "04229", "Germany",
    "+49 341 0040017", fax="+49 341 0040018", website="https://sonnenschein.example",
    vat="DE000400170", revenue=1_250_000, employees=23, founded="1904",
    remarks='Stammkundin seit 1904.\r\nWünscht "ohne Palmöl", bitte 2× prüfen.\n☀️ 日曜定休',
)  # fmt: skip
CAFE = Customer(
    "0040018", "Sonnenschein Café Dresden", "Shop", "Leipzig", None, "Dresden", None, None,
    "Germany", "+49 351 0040018",
)  # fmt: skip
SASAKI = Customer(
    "0040020", "美咲 佐々木", PRIVATE_KIND, "Osaka", None, "大阪市", None, None, "Japan",
    "+81 6 0040020", mail="misaki.sasaki@mail.example",
)  # fmt: skip
RUHE = Customer(
    "0040099", "Feinkost Ruhe KG", "Shop", "Leipzig", None, "Köln", None, None, "Germany", None,
    mail="buchhaltung@feinkost-ruhe.example",
)  # fmt: skip
CUSTOMERS = (HOLDING, SONNENSCHEIN, CAFE, SASAKI, RUHE)


def _at_sonnenschein(
    number: int, mail: str, salutation: str, name: tuple[str, str], title: str, department: str
) -> Person:
    return Person(
        SONNENSCHEIN.number, salutation, *name, f"{mail}@sonnenschein.example", title, department,
        f"+49 341 00400{number:02d}", f"+49 170 00400{number:02d}",
        date(1960 + 5 * number, 2, 29 - number),
    )  # fmt: skip


PEOPLE = {
    "frieda": _at_sonnenschein(
        0, "frieda", "Frau", ("Frieda", "Sonnenschein"), "Inhaberin", "Geschäftsführung"
    ),
    "emil": _at_sonnenschein(
        1, "emil", "Herr", ("Emil", "Sonnenschein"), "Junior", "Geschäftsführung"
    ),
    "oezlem": _at_sonnenschein(
        2, "oezlem", "Frau", ("Özlem", "Yıldız-Großmann"), "Einkaufsleiterin", "Einkauf"
    ),
    "hans": _at_sonnenschein(
        3, "hans", "Herr", ("Hans-Jörg", "Müller"), "Buchhalter", "Buchhaltung"
    ),
    "misaki": _at_sonnenschein(4, "misaki", "Frau", ("美咲", "佐藤"), "Praktikantin", "Filiale"),
    "joao": _at_sonnenschein(
        5, "joao", "Herr", ("João", "Conceição"), "Konditormeister", "Filiale"
    ),
    "petra": _at_sonnenschein(
        6, "petra", "Dr.", ("Petra", "O'Reilly"), 'Qualität & "Allergene"', "Labor"
    ),
}
"""The people of Sonnenschein, by a handle."""
SUPERIORS = {
    "emil": "frieda", "oezlem": "frieda", "hans": "frieda", "misaki": "oezlem", "joao": "frieda",
    "petra": "oezlem",
}  # fmt: skip
PRIVATE_PERSON = Person(
    SASAKI.number, "様", "美咲", "佐々木", "misaki.sasaki@mail.example", None, None,
    "+81 6 0040020", None, None,
)  # fmt: skip

_COMPLAINT = 'Temperaturlogger zeigt 27 °C.\r\nFahrer sagte: "War halt Stau."\nFoto anbei.'


def _case(number: int, subject: str, kind: str, state: str, writer: str, days: int) -> Case:
    return Case(
        number, SONNENSCHEIN.number, PEOPLE[writer].mail, kind,
        "High" if kind == "Complaint" else "Medium", state, subject, _COMPLAINT, ago(days),
        ago(days - 2) if state == "Closed" else None,
    )  # fmt: skip


CASES = {
    "melted": _case(1, "Weihnachtslieferung geschmolzen 😢", "Complaint", "Working", "oezlem", 9),
    "invoice": _case(2, "Falsche Rechnung 0040017-09", "Question", "Closed", "hans", 60),
    "allergen": _case(3, "Enthält Charge 17 Haselnuss?", "Question", "Closed", "petra", 90),
    "praise": _case(4, "Danke! Die Osterhasen waren herrlich", "Praise", "Closed", "frieda", 200),
    "melted-2": _case(5, "AW: Weihnachtslieferung (Nachtrag)", "Complaint", "New", "emil", 2),
}
"""The cases of Sonnenschein, by a handle."""

_THREAD = (
    "Guten Tag,\r\n\r\ndie Lieferung ist leider geschmolzen, Foto im Text.\r\n\r\nÖzlem Yıldız",
    "Guten Tag Frau Yıldız,\r\n\r\ndas tut uns leid. Wir prüfen den Temperaturlogger.",
    "Danke.\r\n\r\n> Wir prüfen den Temperaturlogger.\r\nUnd wer zahlt? 🤔",
    "Wir. Gutschrift folgt, siehe PDF.",
    "Perfekt, vielen Dank! ☀️",
)


def days_ago_of_mail(number: int) -> float:
    """The age of a mail of the thread, by its number from 1."""
    return 9 - 0.4 * number


def _mail(number: int, text: str) -> Mail:
    incoming = number % 2 == 1
    subject = CASES["melted"].subject
    ends = (PEOPLE["oezlem"].mail, QUEUE_ADDRESS)
    sender, recipient = ends if incoming else ends[::-1]
    return Mail(
        f"<melted-{number}@sonnenschein.example>", CASES["melted"].number,
        subject if number == 1 else f"AW: {subject}", text,
        f"<html><body><p>{text}</p></body></html>".replace("\r\n", "<br>"),
        "Özlem Yıldız" if incoming else "Anne Preuß", sender, recipient, incoming,
        ago(days_ago_of_mail(number)),
    )  # fmt: skip


MAILS = tuple(_mail(number, text) for number, text in enumerate(_THREAD, start=1))
"""The thread about the melted delivery; its first mail shows a picture."""

"""The offices and the people who work there, as far as they are written out; `staff` has the rest."""

from __future__ import annotations

from dataclasses import dataclass

from unlost_simulators.company.vocabulary import BELGIUM, BRAZIL, GERMANY, JAPAN

COMPANY = "Kwinten Chocolade NV"
DOMAIN = "chocolate.example"


@dataclass(frozen=True, slots=True)
class Office:
    """An office: the city as its people write it, their language and time zone."""

    city: str
    locale: str
    language: str
    time_zone: str
    country: str


OFFICES = {
    BELGIUM: Office("Gent", "nl_BE", "nl_NL", "Europe/Brussels", "Belgium"),
    GERMANY: Office("Leipzig", "de_DE", "de", "Europe/Berlin", "Germany"),
    JAPAN: Office("大阪", "ja_JP", "ja", "Asia/Tokyo", "Japan"),
    BRAZIL: Office("Ilhéus", "pt_BR", "pt_BR", "America/Bahia", "Brazil"),
}
"""The offices by country."""


@dataclass(frozen=True, slots=True)
class Employee:
    """A person who works here; `number` and `mail` are the same in every system.

    `handle` names a person who is written out, `office` is a key of `OFFICES`.
    """

    number: str
    handle: str | None
    first: str
    last: str
    mail: str
    office: int
    department: str
    title: str
    active: bool = True
    manager: str | None = "000013"
    """The number of the manager."""


def mail_of(name: str) -> str:
    """Give the address of a name at the company."""
    return f"{name}@{DOMAIN}"


def _employee(
    number: int,
    handle: str,
    name: str,
    office: int,
    department: str,
    title: str,
    *,
    mail: str | None = None,
    active: bool = True,
) -> Employee:
    first, _, last = name.partition(" ")
    address = mail or mail_of(f"{first.lower()}.{last.lower()}")
    manager = None if handle == "inge" else "000013"
    return Employee(
        f"{number:06d}", handle, first, last, address, office, department, title, active, manager
    )


EMPLOYEES = (
    _employee(9, "lotte", "Lotte De Vos", BELGIUM, "IT", "IT", mail=mail_of("lotte.devos")),
    _employee(10, "kenji", "健二 森", JAPAN, "Sales", "営業", mail=mail_of("kenji.mori")),
    _employee(11, "wim", "Wim Claeys", BELGIUM, "Sales", "Verkoop", active=False),
    _employee(13, "inge", "Inge Kwinten", BELGIUM, "Management", "CEO"),
    _employee(14, "thijs", "Thijs Baert", BELGIUM, "Sales", "Verkoop"),
    _employee(15, "elodie", "Élodie Renard", BELGIUM, "Service", "Service",
              mail=mail_of("elodie.renard")),
    _employee(16, "sabine", "Sabine Vogt", GERMANY, "Sales", "Vertrieb"),
    _employee(17, "joerg", "Jörg Häuser", GERMANY, "Sales", "Vertrieb", mail=mail_of("joerg.hauser")),
    _employee(18, "anne", "Anne Preuß", GERMANY, "Service", "Kundendienst",
              mail=mail_of("anne.preuss")),
    _employee(19, "yuki", "雪 小野", JAPAN, "Sales", "営業", mail=mail_of("yuki.ono")),
    _employee(20, "hana", "花 黒田", JAPAN, "Service", "お客様窓口", mail=mail_of("hana.kuroda")),
    _employee(21, "takeshi", "武 阿部", JAPAN, "Sales", "営業", mail=mail_of("takeshi.abe")),
    _employee(22, "rafael", "Rafael Moraes", BRAZIL, "Sales", "Vendas"),
    _employee(23, "camila", "Camila Bragança", BRAZIL, "Service", "SAC",
              mail=mail_of("camila.braganca")),
    _employee(24, "tiago", "Tiago Neves", BRAZIL, "Purchasing", "Compras de cacau"),
)  # fmt: skip
"""The people of the story: who may log in, who owns the customers."""
BY_HANDLE = {employee.handle: employee for employee in EMPLOYEES if employee.handle is not None}

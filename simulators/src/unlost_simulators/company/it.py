"""The IT of the company, written out: its groups, the services that it runs, and their servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unlost_simulators.company.employees import BY_HANDLE, mail_of
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.staff import IT_EVERY, it_staff, staff_numbers
from unlost_simulators.company.vocabulary import BELGIUM, BRAZIL, GERMANY, JAPAN
from unlost_simulators.company.world import Company


@dataclass(frozen=True, slots=True)
class Group:
    """A group of IT staff; `manager` is an employee number."""

    name: str
    mail: str
    manager: str


@dataclass(frozen=True, slots=True)
class Service:
    """A business service: 1 is the highest `criticality`; `needs` names other services."""

    name: str
    description: str
    owner: str
    group: str
    criticality: int
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A server: its host name, where it stands, and the service that runs on it."""

    name: str
    serial: str
    address: str
    system: str
    office: int
    service: str


@dataclass(frozen=True, slots=True)
class Membership:
    """An employee, by number, in a group, by name."""

    group: str
    employee: str


HEAD_OF_IT = BY_HANDLE["lotte"].number
GROUPS = tuple(
    Group(name, mail_of(handle), HEAD_OF_IT)
    for name, handle in (
        ("Service Desk", "servicedesk"),
        ("Workplace", "workplace"),
        ("Network", "network"),
        ("Applications", "applications"),
        ("Plant IT / 工場IT", "plant-it"),
    )
)
_DESK, _WORKPLACE, _NETWORK, _APPLICATIONS, _PLANT = (group.name for group in GROUPS)
SERVICES = (
    Service("Network", "Offices, shops and plants", HEAD_OF_IT, _NETWORK, 1),
    Service("E-mail", "Mailboxes and calendars", HEAD_OF_IT, _WORKPLACE, 1, ("Network",)),
    Service(
        "ERP", "Orders, stock, invoices", BY_HANDLE["inge"].number, _APPLICATIONS, 1, ("Network",)
    ),
    Service(
        "Webshop", "shop.chocolate.example", BY_HANDLE["thijs"].number, _APPLICATIONS, 1,
        ("ERP", "Network"),
    ),
    Service(
        "CRM", "Customers, cases and mails of service and sales", BY_HANDLE["sabine"].number,
        _APPLICATIONS, 2, ("E-mail",),
    ),
    Service(
        "Kühlkette", "Temperature of trucks and stores, with alarms", BY_HANDLE["anne"].number,
        _PLANT, 1, ("Network",),
    ),
    Service(
        "生産ライン", "Control of conches and moulding lines", BY_HANDLE["takeshi"].number, _PLANT, 1
    ),
    Service(
        "Rastreio do cacau", "Origin of each batch of beans", BY_HANDLE["tiago"].number,
        _APPLICATIONS, 3, ("ERP",),
    ),
    Service("Telephony", "Desk and mobile telephones", HEAD_OF_IT, _NETWORK, 3, ("Network",)),
    Service("Printing", "Labels and paper", HEAD_OF_IT, _WORKPLACE, 3, ("Network",)),
)  # fmt: skip
_CODES = {BELGIUM: "gen", GERMANY: "lei", JAPAN: "osa", BRAZIL: "ilh"}
_HOSTS = (
    ("fw", "FortiOS 7.4", (BELGIUM, GERMANY, JAPAN, BRAZIL), "Network"),
    ("mail", "Windows Server 2022", (BELGIUM,), "E-mail"),
    ("erp", "SUSE Linux 15", (BELGIUM, BELGIUM), "ERP"),
    ("web", "Ubuntu 24.04", (BELGIUM, GERMANY), "Webshop"),
    ("cold", "Debian 12", (GERMANY, JAPAN), "Kühlkette"),
    ("plc", "Windows 10 IoT", (BELGIUM, JAPAN), "生産ライン"),
    ("cocoa", "Ubuntu 24.04", (BRAZIL,), "Rastreio do cacau"),
    ("pbx", "Debian 12", (BELGIUM,), "Telephony"),
    ("print", "Windows Server 2022", (BELGIUM, GERMANY, JAPAN, BRAZIL), "Printing"),
)


def _servers() -> Iterator[Server]:
    for kind, (name, system, offices, service) in enumerate(_HOSTS):
        for place, office in enumerate(offices):
            yield Server(
                f"{_CODES[office]}-{name}-{place + 1:02d}", f"SRV{kind:02d}{place:04d}",
                f"192.0.2.{kind * 8 + place + 1}", system, office, service,
            )  # fmt: skip


SERVERS = tuple(_servers())


def group_names(company: Company[CompanySizes]) -> tuple[str, ...]:
    """The groups of generated IT staff, in the order of their employee numbers: in turn."""
    return tuple(GROUPS[place % len(GROUPS)].name for place in range(it_staff(company)))


def memberships(company: Company[CompanySizes]) -> Iterator[Membership]:
    """The members of all groups; the head of IT is in each."""
    for group in GROUPS:
        yield Membership(group.name, HEAD_OF_IT)
    numbers = staff_numbers(np.arange(it_staff(company), dtype=np.int64) * IT_EVERY).to_pylist()
    for name, number in zip(group_names(company), numbers, strict=True):
        yield Membership(name, number)

"""Incidents and requests of employees, as the service desk has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from unlost_simulators.company.columns import chosen, digits, instants, joined, where
from unlost_simulators.company.customers import businesses
from unlost_simulators.company.draws import Flags, Numbers, Rows
from unlost_simulators.company.employees import BY_HANDLE, EMPLOYEES
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.it import GROUPS, HEAD_OF_IT
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.staff import IT_EVERY, it_staff, serial_numbers, staff_numbers
from unlost_simulators.company.times import DAY, OPENING_SECONDS, ago, created_at
from unlost_simulators.company.world import FIRST_GENERATED, Company
from unlost_simulators.company.written import SONNENSCHEIN

INCIDENT = "Incident"
NOTE = "IncidentNote"
REQUEST = "Request"
NOTES_PER_INCIDENT = 2
STATES = ("New", "In progress", "On hold", "Resolved", "Closed", "Canceled")
_WEIGHTS = (8, 14, 6, 12, 56, 4)
_ENDED = STATES.index("Resolved")
DAYS = 500
"""Tickets are at most so old."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The cause of an incident: a service of `it`, or a computer where `service` is None.

    `group` is the place in `GROUPS` of those who solve it.
    """

    subject: str
    text: str
    service: str | None
    group: int


TOPICS = (
    Topic("Laptop start niet meer op", "Zwart scherm na de update van vannacht.", None, 1),
    Topic("Bildschirm flackert", "Seit heute früh, auch am anderen Kabel.", None, 1),
    Topic("パソコンが遅い", "起動に十分かかります。", None, 1),
    Topic("Notebook sem som", "As reuniões ficam mudas 🔇", None, 1),
    Topic("No e-mail since noon", "Outlook says: disconnected.", "E-mail", 1),
    Topic("Bestelling ontbreekt in ERP", "De webshop toont ze, ERP niet.", "ERP", 3),
    Topic("Rechnung doppelt gebucht", "Bitte eine Buchung stornieren.", "ERP", 3),
    Topic("Webshop: checkout fails", "Error 502 after payment.", "Webshop", 3),
    Topic("顧客がCRMに見つからない", "番号で検索しても出ません。", "CRM", 3),
    Topic("Temperaturlogger sendet nicht", "Letzter Wert 06:40, 17,5 °C.", "Kühlkette", 4),
    Topic("ライン停止", "型抜き機の通信エラーです。", "生産ライン", 4),
    Topic("Lote sem origem", "O lote não aparece no rastreio.", "Rastreio do cacau", 3),
    Topic("Telefoon valt weg", "Gesprekken breken af na een minuut.", "Telephony", 2),
    Topic("Etikettendrucker druckt leer", "Neues Band ist eingelegt.", "Printing", 1),
    Topic("WLAN in Halle 2 weg", "Scanner verlieren die Verbindung.", "Network", 2),
    Topic("Password forgotten", "Please reset it, I am locked out.", None, 0),
)
ITEMS = (
    "Laptop", "Second screen", "Access to ERP", "Access to CRM", "Shared mailbox", "Telephone",
    "Software: label designer", "New employee",
)  # fmt: skip
_ANSWERS = (
    "Ik kijk er meteen naar.", "Bitte neu starten und Rückmeldung geben.", "確認いたします。",
    "Resolvido, pode testar?", "Waiting for the vendor.", "Ersatz ist unterwegs.",
)  # fmt: skip
_CLOSINGS = ("Restarted the service.", "Gerät getauscht.", "設定を直しました。", "Opgelost.")


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident. `caller` and `assignee` are employee numbers, `computer` is a serial number.

    `customer_number` names the customer who is affected; the text then says so too.
    """

    number: int
    caller: str
    group: str
    assignee: str | None
    service: str | None
    computer: str | None
    customer_number: str | None
    priority: int
    state: str
    subject: str
    text: str
    opened: datetime
    resolved: datetime | None
    closing: str | None


@dataclass(frozen=True, slots=True)
class IncidentNote:
    """A note on an incident; the caller does not see an internal one."""

    incident: int
    author: str
    internal: bool
    text: str
    written: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """A request for an item of the catalogue, by one employee for another."""

    number: int
    requested_by: str
    requested_for: str
    item: str
    state: str
    text: str
    opened: datetime
    closed: datetime | None


def _written() -> tuple[Incident, ...]:
    customer = f"{SONNENSCHEIN.number} {SONNENSCHEIN.name}"
    anne, sabine, lotte = (BY_HANDLE[name].number for name in ("anne", "sabine", "lotte"))
    return (
        Incident(
            1, anne, GROUPS[4].name, lotte, "Kühlkette", None, SONNENSCHEIN.number, 1,
            "In progress", "Kein Alarm bei 27 °C im Kühlwagen",
            f"Der Logger zeigte 27 °C, niemand wurde gewarnt. Kundin: {customer}", ago(8.5), None,
            None,
        ),
        Incident(
            2, sabine, GROUPS[3].name, None, "CRM", None, SONNENSCHEIN.number, 3, "New",
            "Kundin doppelt im CRM?", f"Zwei Treffer für {customer}, bitte prüfen.", ago(3), None,
            None,
        ),
        Incident(
            3, BY_HANDLE["wim"].number, GROUPS[1].name, lotte, None, None, None, 4, "Closed",
            "Laptop inleveren", "Wim vertrekt; toestel en toegangen terugnemen.", ago(40), ago(38),
            "Alles ingeleverd.",
        ),
    )  # fmt: skip


INCIDENTS = _written()
"""Incidents that are written out."""


def incidents(company: Company[CompanySizes], incident: Numbers) -> Facts[Incident]:
    """Incidents, by their numbers (from 0); the callers are generated employees."""
    rows = Rows(company.seed, INCIDENT, incident)
    topic = rows.below("topic", len(TOPICS))
    group = np.array([each.group for each in TOPICS], dtype=np.int64)[topic]
    services = pa.array([each.service for each in TOPICS], pa.string())
    caller = _caller(company, rows)
    state = rows.weighted("state", _WEIGHTS)
    opened = created_at(rows, days=DAYS)
    resolved = np.minimum(opened + rows.below("hours", 20 * DAY), OPENING_SECONDS)
    on_computer = np.array([each.service is None for each in TOPICS], dtype=np.bool_)[topic]
    text = chosen([each.text for each in TOPICS], topic)
    affected, number, about = _affected(company, rows, ~on_computer)
    ended = state >= _ENDED
    columns = {
        "number": pa.array(incident + FIRST_GENERATED),
        "caller": _numbers(company, caller),
        "group": chosen([each.name for each in GROUPS], group),
        "assignee": where(state > 0, _assignee(company, rows, group)),
        "service": chosen(services, topic),
        "computer": where(on_computer & (company.sizes.staff > 0), serial_numbers(caller)),
        "customer_number": where(affected, number),
        "priority": pa.array(rows.weighted("priority", (1, 2, 5, 3)) + 1),
        "state": chosen(STATES, state),
        "subject": chosen([each.subject for each in TOPICS], topic),
        "text": where(affected, joined(text, "\n", about), text),
        "opened": instants(opened),
        "resolved": where(ended, instants(resolved)),
        "closing": where(ended, rows.pick("closing", _CLOSINGS)),
    }
    return Facts(Incident, columns)


def _caller(company: Company[CompanySizes], rows: Rows) -> Numbers:
    return rows.below("caller", max(company.sizes.staff, 1))


def _numbers(company: Company[CompanySizes], staff: Numbers) -> pa.Array:
    """Employee numbers: of the first written-out employee where none are generated."""
    if company.sizes.staff == 0:
        return chosen([EMPLOYEES[0].number], staff)
    return staff_numbers(staff)


def _assignee(company: Company[CompanySizes], rows: Rows, group: Numbers) -> pa.Array:
    """Someone of the group; the head of IT where nobody of it is generated."""
    size = it_staff(company)
    in_group = np.maximum((size - group + len(GROUPS) - 1) // len(GROUPS), 0)
    place = group + len(GROUPS) * rows.below("assignee", np.maximum(in_group, 1))
    numbers = staff_numbers(place * IT_EVERY)
    return where(in_group > 0, numbers, pa.array([HEAD_OF_IT] * rows.count, pa.string()))


def _affected(
    company: Company[CompanySizes], rows: Rows, possible: Flags
) -> tuple[Flags, pa.Array, pa.Array]:
    """True where a business is affected; its customer number; number and name as a text."""
    customer = rows.below("customer", max(company.sizes.businesses, 1))
    affected = possible & rows.chance("affects a customer", 45) & (company.sizes.businesses > 0)
    facts = businesses(company, customer)
    return affected, facts["number"], joined(facts["number"], " ", facts["name"])


def notes(company: Company[CompanySizes], note: Numbers) -> Facts[IncidentNote]:
    """Notes, by their numbers (from 0): the caller's, then one of IT, which may be internal."""
    incident, second = note // NOTES_PER_INCIDENT, note % NOTES_PER_INCIDENT == 1
    rows = Rows(company.seed, NOTE, note)
    parent = Rows(company.seed, INCIDENT, incident)
    topic = parent.below("topic", len(TOPICS))
    group = np.array([each.group for each in TOPICS], dtype=np.int64)[topic]
    text = where(second, rows.pick("answer", _ANSWERS), chosen([t.text for t in TOPICS], topic))
    begun = created_at(parent, days=DAYS)
    written = np.minimum(begun + np.where(second, rows.below("after", DAY), 0), OPENING_SECONDS)
    columns = {
        "incident": pa.array(incident + FIRST_GENERATED),
        "author": where(
            second, _assignee(company, parent, group), _numbers(company, _caller(company, parent))
        ),
        "internal": pa.array(second & rows.chance("internal", 40)),
        "text": joined(text, " (", digits(note % NOTES_PER_INCIDENT + 1), ")"),
        "written": instants(written),
    }
    return Facts(IncidentNote, columns)


def requests(company: Company[CompanySizes], request: Numbers) -> Facts[Request]:
    """Requests, by their numbers (from 0); one in three is for a colleague."""
    rows = Rows(company.seed, REQUEST, request)
    most = max(company.sizes.staff, 1)
    requester = rows.below("by", most)
    colleague = np.where(rows.chance("for another", 33), rows.below("for", most), requester)
    item = rows.pick("item", ITEMS)
    state = rows.weighted("state", _WEIGHTS)
    opened = created_at(rows, days=DAYS)
    closed = np.minimum(opened + rows.below("days", 15 * DAY), OPENING_SECONDS)
    columns = {
        "number": pa.array(request + FIRST_GENERATED),
        "requested_by": _numbers(company, requester),
        "requested_for": _numbers(company, colleague),
        "item": item,
        "state": chosen(STATES, state),
        "text": joined(item, " – ", rows.pick("why", ("nieuw", "Ersatz", "追加", "urgente"))),
        "opened": instants(opened),
        "closed": where(state >= _ENDED, instants(closed)),
    }
    return Facts(Request, columns)

"""Questions and complaints of customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from unlost_simulators.company import vocabulary as words
from unlost_simulators.company.columns import chosen, instants, joined, where
from unlost_simulators.company.draws import Numbers, Rows, Words
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.people import contact_identity, customer_numbers
from unlost_simulators.company.places import country_of
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.times import DAY, OPENING_SECONDS, created_at
from unlost_simulators.company.world import FIRST_GENERATED, Company

CASE = "Case"
STATES = ("New", "Working", "Escalated", "Closed")
DAYS = 700
"""Cases are at most so old."""
SUBJECTS = pa.array(
    [
        "Levering gesmolten", "Beschädigte Kartons – bitte Ersatz", "請求書の訂正について", "Nota fiscal errada",
        "Allergen: hazelnoot? 🌰", "RE: Bestellung, dringend!", "お礼", "Prazo de entrega\u2026",
    ]
)  # fmt: skip
_SENTENCES = Words.of(words.SENTENCES)


@dataclass(frozen=True, slots=True)
class Case:
    """A question or complaint; `mail` is the address of the person who wrote."""

    number: int
    customer_number: str
    mail: str
    kind: str
    priority: str
    state: str
    subject: str
    text: str
    opened: datetime
    closed: datetime | None


def customer_of_case(company: Company[CompanySizes], case: Numbers) -> Numbers:
    """The customer of a case."""
    return Rows(company.seed, CASE, case).below("account", max(company.customers, 1))


def person_of_case(company: Company[CompanySizes], case: Numbers) -> Numbers:
    """The person who wrote a case."""
    customer = customer_of_case(company, case)
    return company.person_at(customer, Rows(company.seed, CASE, case), "contact")


def state_of_case(company: Company[CompanySizes], case: Numbers) -> Numbers:
    """The state of a case, as an index into STATES."""
    return Rows(company.seed, CASE, case).weighted("status", (15, 15, 10, 60))


def cases(company: Company[CompanySizes], case: Numbers) -> Facts[Case]:
    """Cases, by their numbers (from 0); three in five are closed."""
    rows = Rows(company.seed, CASE, case)
    customer = customer_of_case(company, case)
    country = country_of(customer)
    state = state_of_case(company, case)
    opened = created_at(rows, days=DAYS)
    closed = np.minimum(opened + rows.below("days", 20 * DAY), OPENING_SECONDS)
    columns = {
        "number": pa.array(case + FIRST_GENERATED),
        "customer_number": customer_numbers(customer),
        "mail": contact_identity(company, person_of_case(company, case)).mail,
        "kind": rows.pick("type", ("Complaint", "Question", "Order", "Praise")),
        "priority": rows.pick("priority", ("High", "Medium", "Medium", "Low")),
        "state": chosen(STATES, state),
        "subject": rows.pick("subject", SUBJECTS),
        "text": joined(
            rows.pick_in("text", _SENTENCES, country),
            "\n",
            rows.pick_in("more", _SENTENCES, country),
        ),
        "opened": instants(opened),
        "closed": where(state == STATES.index("Closed"), instants(closed)),
    }
    return Facts(Case, columns)

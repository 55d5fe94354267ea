"""Mails about cases: threads of three, question, answer and thanks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from unlost_simulators.company import vocabulary as words
from unlost_simulators.company.cases import SUBJECTS, customer_of_case, person_of_case
from unlost_simulators.company.columns import booleans, chosen, digits, instants, joined, where
from unlost_simulators.company.draws import Numbers, Rows, Words
from unlost_simulators.company.employees import mail_of
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.people import contact_identity
from unlost_simulators.company.places import country_of
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.times import OPENING_SECONDS, created_at
from unlost_simulators.company.world import FIRST_GENERATED, Company

MAIL = "Mail"
THREAD = "Thread"
PER_THREAD = 3
# The office that answers, and the mail address of its queue.
QUEUE_ADDRESS = mail_of("service")
QUEUE_NAME = "Kwinten Service"
_GREETINGS = ("Beste,", "Guten Tag,", "お世話になっております。", "Prezados,")
_FAREWELLS = (
    "Met vriendelijke groet",
    "Mit freundlichen Grüßen",
    "よろしくお願いいたします",
    "Atenciosamente",
)
_SENTENCES = Words.of(words.SENTENCES)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail about a case; `identifier` is its Message-ID."""

    identifier: str
    case: int
    subject: str
    text: str
    html: str
    sender_name: str
    sender: str
    recipient: str
    incoming: bool
    sent: datetime


def case_of_mail(company: Company[CompanySizes], mail: Numbers) -> Numbers:
    """The case of a mail."""
    return mail // PER_THREAD % max(company.sizes.cases, 1)


def sent(company: Company[CompanySizes], mail: Numbers) -> Numbers:
    """The times of mails in seconds; the mails of a thread are sent one after the other."""
    begun = created_at(Rows(company.seed, THREAD, mail // PER_THREAD), days=500)
    times: Numbers = np.minimum(begun + mail % PER_THREAD * 5_400, OPENING_SECONDS)
    return times


def identifiers(mail: Numbers) -> pa.Array:
    """The Message-IDs of mails."""
    thread, place = mail // PER_THREAD, mail % PER_THREAD
    return joined("<", digits(thread), ".", digits(place + 1), "@mail.example>")


def mails(company: Company[CompanySizes], mail: Numbers) -> Facts[Mail]:
    """Mails, by their numbers (from 0)."""
    thread, place = mail // PER_THREAD, mail % PER_THREAD
    case = case_of_mail(company, mail)
    who = contact_identity(company, person_of_case(company, case))
    incoming = place != 1
    topic = Rows(company.seed, THREAD, thread).pick("subject", SUBJECTS)
    columns = {
        "identifier": identifiers(mail),
        "case": pa.array(case + FIRST_GENERATED),
        "subject": where(place > 0, joined("RE: ", topic), topic),
        **_bodies(Rows(company.seed, MAIL, mail), country_of(customer_of_case(company, case))),
        "sender_name": where(incoming, joined(who.first, " ", who.last), QUEUE_NAME),
        "sender": where(incoming, who.mail, QUEUE_ADDRESS),
        "recipient": where(incoming, QUEUE_ADDRESS, who.mail),
        "incoming": booleans(incoming),
        "sent": instants(sent(company, mail)),
    }
    return Facts(Mail, columns)


def _bodies(rows: Rows, country: Numbers) -> dict[str, pa.Array]:
    text = rows.pick_in("text", _SENTENCES, country)
    more = rows.pick_in("more", _SENTENCES, country)
    greeting, farewell = chosen(_GREETINGS, country), chosen(_FAREWELLS, country)
    return {
        "text": joined(greeting, "\r\n\r\n", text, "\r\n", more, "\r\n\r\n", farewell),
        "html": joined(
            "<html><body><p>", greeting, "</p><p>", text, "<br>", more, "</p><p>", farewell,
            "</p></body></html>",
        ),
    }  # fmt: skip

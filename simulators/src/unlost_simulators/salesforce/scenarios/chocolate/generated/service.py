"""Rows of service and mail: cases with comments, mail threads with their relations, tasks, events."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from unlost_simulators.company import cases as company_cases
from unlost_simulators.company import mails as company_mails
from unlost_simulators.company import people as company_people
from unlost_simulators.company.columns import (
    booleans,
    chosen,
    dates,
    digits,
    instants,
    joined,
    where,
)
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.places import country_of, phone
from unlost_simulators.company.times import (
    DAY,
    OPENING_SECONDS,
    created_at,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_service import (
    CASE_ORIGINS,
    CASE_REASONS,
    CASE_STATUSES,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import CASE_TYPES
from unlost_simulators.salesforce.scenarios.chocolate.generated.people import SENTENCES, Made
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.world import (
    World,
    along,
    audited,
)

_TYPES = [record_type.id for record_type in CASE_TYPES[:2]]


def cases(world: World, rows: Rows) -> Made:
    """Questions and complaints of customers; three in five are closed."""
    account = company_cases.customer_of_case(world, rows.numbers)
    country = country_of(account)
    contact = company_cases.person_of_case(world, rows.numbers)
    facts = company_cases.cases(world, rows.numbers)
    status = company_cases.state_of_case(world, rows.numbers)
    who = company_people.contact_identity(world, contact)
    return {
        "Id": world.keys.generated("Case", rows.numbers),
        "AccountId": world.refer("Account", account, of=world.customers),
        "ContactId": world.refer("Contact", contact, of=world.people),
        "SuppliedName": where(rows.chance("web", 25), joined(who.first, " ", who.last)),
        "SuppliedEmail": where(rows.chance("web", 25), who.mail),
        "Type": facts["kind"],
        "RecordTypeId": rows.pick("record type", _TYPES),
        "Status": facts["state"],
        "Reason": rows.pick("reason", CASE_REASONS),
        "Origin": rows.pick("origin", CASE_ORIGINS),
        "Subject": facts["subject"],
        "Priority": facts["priority"],
        "Description": facts["text"],
        "IsClosed": booleans(status == CASE_STATUSES.index("Closed")),
        "ClosedDate": facts["closed"],
        "IsEscalated": booleans(status == CASE_STATUSES.index("Escalated")),
        "BusinessHoursId": chosen(world.keys.fixed_many("BusinessHours", 4), country),
        "ContactEmail": facts["mail"],
        "Ticket_Number__c": digits(rows.bits("ticket").astype(np.int64) % 10**17, 18),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=700),
    }


def case_comments(world: World, rows: Rows) -> Made:
    """Comments in turn over the cases."""
    case = rows.numbers % max(world.sizes.cases, 1)
    country = country_of(company_cases.customer_of_case(world, case))
    return {
        "Id": world.keys.generated("CaseComment", rows.numbers),
        "ParentId": world.refer("Case", case, of=world.sizes.cases),
        "IsPublished": booleans(rows.chance("published", 50)),
        "CommentBody": rows.pick_in("text", SENTENCES, country),
        **audited(world, rows, country, days=600),
    }


def _thread_columns(world: World, rows: Rows, thread: Numbers, place: Numbers) -> Made:
    """Message-IDs of a thread of three: question, answer, thanks; each names the one before."""
    first = joined("<", digits(thread), ".1@mail.example>")
    before = world.keys.generated("EmailMessage", np.maximum(rows.numbers - 1, 0))
    return {
        "MessageIdentifier": joined(
            "<", digits(thread), ".", digits(place + 1), "@mail.example>"
        ),
        "ThreadIdentifier": first,
        "ReplyToEmailMessageId": where(place > 0, before),
        "Headers": joined(
            "Message-ID: <", digits(thread), ".", digits(place + 1),
            "@mail.example>\r\nReferences: ", first, "\r\nMIME-Version: 1.0",
        ),
    }  # fmt: skip


def mails(world: World, rows: Rows) -> Made:
    """Threads on cases: in, out, in."""
    thread = rows.numbers // company_mails.PER_THREAD
    place = rows.numbers % company_mails.PER_THREAD
    case = company_mails.case_of_mail(world, rows.numbers)
    country = country_of(company_cases.customer_of_case(world, case))
    contact = company_cases.person_of_case(world, case)
    facts = company_mails.mails(world, rows.numbers)
    incoming = place != 1
    parent = world.refer("Case", case, of=world.sizes.cases)
    stamps = audited(world, rows, country, days=500)
    stamps |= dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), facts["sent"])
    return {
        "Id": world.keys.generated("EmailMessage", rows.numbers),
        "ParentId": parent,
        "RelatedToId": parent,
        "TextBody": facts["text"],
        "HtmlBody": facts["html"],
        **_thread_columns(world, rows, thread, place),
        "Subject": facts["subject"],
        "Name": facts["subject"],
        "FromName": facts["sender_name"],
        "FromAddress": facts["sender"],
        "FromId": where(incoming, world.refer("Contact", contact, of=world.people)),
        "ToAddress": facts["recipient"],
        "Incoming": facts["incoming"],
        "Status": where(incoming, rows.pick("status", ("0", "1", "2")), "3"),
        "MessageDate": facts["sent"],
        "IsExternallyVisible": booleans(~incoming),
        **stamps,
    }


def mail_relations(world: World, rows: Rows) -> Made:
    """Two a mail: who sent it, who got it; one of them is the contact, the other an address."""
    mail, recipient = rows.numbers // 2, rows.numbers % 2 == 1
    case = company_mails.case_of_mail(world, mail)
    contact = company_cases.person_of_case(world, case)
    who = company_people.contact_identity(world, contact)
    incoming = mail % company_mails.PER_THREAD != 1
    customer = incoming != recipient
    country = country_of(company_cases.customer_of_case(world, case))
    return {
        "Id": world.keys.generated("EmailMessageRelation", rows.numbers),
        "EmailMessageId": world.refer("EmailMessage", mail, of=world.sizes.mails),
        "RelationId": where(customer, world.refer("Contact", contact, of=world.people)),
        "RelationType": where(recipient, "ToAddress", "FromAddress"),
        "RelationAddress": where(customer, who.mail, company_mails.QUEUE_ADDRESS),
        "RelationObjectType": where(customer, "Contact"),
        **along(world, Rows(world.seed, "Mail", mail), country, company_mails.sent(world, mail)),
    }


def _about(world: World, rows: Rows, account: Numbers) -> pa.Array:
    """Return the subject of an activity: account, case, opportunity, recipe, or nothing."""
    kind = rows.weighted("about", (40, 25, 20, 5, 10))
    pools = (
        ("Case", world.sizes.cases), ("Opportunity", world.sizes.opportunities),
        ("Recipe__c", world.sizes.recipes),
    )  # fmt: skip
    related = world.refer("Account", account, of=world.customers)
    for number, (name, size) in enumerate(pools, start=1):
        target = world.refer(name, rows.below(name, max(size, 1)), of=size)
        related = where(kind == number, target, related)
    return where(kind < 4, related)


def tasks(world: World, rows: Rows) -> Made:
    """Tasks of people; tasks done more than a year ago are archived."""
    account = rows.below("account", max(world.customers, 1))
    country = country_of(account)
    due = OPENING_SECONDS + (rows.below("due", 1_000) - 900) * DAY
    closed = rows.chance("closed", 70) & (due < OPENING_SECONDS)
    call = rows.chance("call", 30)
    contact = world.person_at(account, rows, "who")
    return {
        "Id": world.keys.generated("Task", rows.numbers),
        "WhoId": where(
            rows.chance("about someone", 80), world.refer("Contact", contact, of=world.people)
        ),
        "WhatId": _about(world, rows, account),
        "Subject": where(
            call, "Call", rows.pick("subject", ("Send Quote", "Terugbellen", "試食送付"))
        ),
        "ActivityDate": dates(due),
        "Status": where(closed, "Completed", rows.pick("status", ("Not Started", "In Progress"))),
        "Priority": rows.pick("priority", ("Normal", "Normal", "High", "Low")),
        "Description": where(
            rows.chance("described", 40), rows.pick_in("text", SENTENCES, country)
        ),
        "AccountId": world.refer("Account", account, of=world.customers),
        "IsClosed": booleans(closed),
        "IsArchived": booleans(closed & (due < OPENING_SECONDS - 365 * DAY)),
        "CallDurationInSeconds": where(
            call, pa.array((rows.below("duration", 1_800)).astype(np.int32))
        ),
        "CallType": where(call, "Outbound"),
        "CallDisposition": where(call, phone(rows, "called", country)),
        "TaskSubtype": where(call, "Call", "Task"),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=900),
    }


def _at_event(world: World, event: Numbers) -> tuple[Rows, Numbers, Numbers]:
    """The draws of events, the accounts they are at, and the contacts they are with."""
    rows = Rows(world.seed, "Event", event)
    account = rows.below("account", max(world.customers, 1))
    return rows, account, world.person_at(account, rows, "who")


def events(world: World, rows: Rows) -> Made:
    """Visits and tastings; the ones of more than a year ago are archived."""
    _, account, contact = _at_event(world, rows.numbers)
    country = country_of(account)
    begin = OPENING_SECONDS + (rows.below("begin", 1_000) - 900) * DAY + 3_600 * 15
    minutes = (rows.below("length", 8) + 1) * 15
    return {
        "Id": world.keys.generated("Event", rows.numbers),
        "WhoId": world.refer("Contact", contact, of=world.people),
        "WhatId": _about(world, rows, account),
        "Subject": rows.pick("subject", ("Tasting", "Besuch", "商談", "Reunião", "Meeting")),
        "Location": rows.pick("location", ("Gent, Kouter 17", "大阪本店 2F", "Ilhéus", "Leipzig")),
        "ActivityDateTime": instants(begin),
        "ActivityDate": dates(begin),
        "StartDateTime": instants(begin),
        "EndDateTime": instants(begin + minutes * 60),
        "EndDate": dates(begin + minutes * 60),
        "DurationInMinutes": pa.array(minutes.astype(np.int32)),
        "AccountId": world.refer("Account", account, of=world.customers),
        "ShowAs": rows.pick("show", ("Busy", "Free", "OutOfOffice")),
        "IsArchived": booleans(begin < OPENING_SECONDS - 365 * DAY),
        "EventSubtype": rows.pick("kind", ("Event",)),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=900),
    }


def event_people(world: World, rows: Rows) -> Made:
    """Rows that the platform writes with an event: its participants.

    Its subject is none of the objects that a relation can name.
    """
    event, account, contact = _at_event(world, rows.numbers)
    no = booleans(np.zeros(rows.count, dtype=np.bool_))
    return {
        "Id": world.keys.generated("EventRelation", rows.numbers),
        "EventId": world.keys.generated("Event", rows.numbers),
        "RelationId": world.refer("Contact", contact, of=world.people),
        "IsWhat": no,
        "IsParent": booleans(np.ones(rows.count, dtype=np.bool_)),
        "IsInvitee": no,
        **along(world, event, country_of(account), created_at(event, days=900)),
    }


def event_guests(sizes: ChocolateSizes) -> int:
    """Return the number of events with a second person: every third, if there are two contacts."""
    return sizes.events // 3 if sizes.contacts > 1 else 0


def event_invitees(world: World, rows: Rows) -> Made:
    """A second person at every third event."""
    event = rows.numbers * 3
    _, account, who = _at_event(world, event)
    guest = _other_than(world, who, world.person_at(account, rows, "guest"))
    no = booleans(np.zeros(rows.count, dtype=np.bool_))
    return {
        "Id": world.keys.generated("EventRelation", rows.numbers + world.sizes.events),
        "EventId": world.keys.generated("Event", event),
        "RelationId": world.keys.generated("Contact", guest),
        "IsWhat": no,
        "IsParent": no,
        "IsInvitee": booleans(np.ones(rows.count, dtype=np.bool_)),
        "Status": rows.pick("answer", ("New", "Accepted", "Declined")),
        **audited(world, rows, country_of(account), days=900),
    }


def _other_than(world: World, who: Numbers, guest: Numbers) -> Numbers:
    """The guest, or the next contact of the company where that is the same person."""
    contacts, business = world.sizes.contacts, max(world.sizes.businesses, 1)
    step = business if business % contacts else 1
    return np.where(guest == who, (guest + step) % contacts, guest)

"""What the platform writes by itself is there: relations of contacts, events and mails.

Told twice: by rules over all rows, and by the simulator itself, which writes the same relations when
the same contacts, events and mails come in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pytest

from simulators.salesforce.writing.chocolate_org import admin
from simulators.salesforce.writing.record_writer import RecordWriter
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME
from unlost_simulators.salesforce.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import story_id
from unlost_simulators.salesforce.scenarios.chocolate.written.trap_rows import PURGED_LEAD
from unlost_simulators.salesforce.writing.platform import mail_people

type Tables = Mapping[str, pa.Table]
type Row = dict[str, Any]

LISTS = {kind: name for name, kind in mail_people.LISTS.items()}
# Written-out rows, and every so many-th of the generated ones.
EVERY = 7


@pytest.fixture(params=[(1, 1), (3, 20)], ids=["1-1", "3-20"])
def tables(request: pytest.FixtureRequest, rows_of: Callable[..., Tables]) -> Tables:
    scale, seed = request.param
    return rows_of(scale=scale, seed=seed)


def live(tables: Tables, name: str) -> list[Row]:
    return [one for one in tables[name].to_pylist() if not one.get("IsDeleted")]


def belonging(tables: Tables) -> list[Row]:
    """Contacts that the platform relates to an account."""
    rows = live(tables, "Contact")
    return [one for one in rows if one["AccountId"] and not one["IsPersonAccount"]]


def grouped(rows: Iterable[Row], column: str) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found


def written_along(row: Row, cause: Row) -> bool:
    """Whether a row bears the time and the user of the creation of another, and no change since."""
    times = {row[one] for one in ("CreatedDate", "LastModifiedDate", "SystemModstamp")}
    users = {row[one] for one in ("CreatedById", "LastModifiedById")}
    return times == {cause["CreatedDate"]} and users == {cause["CreatedById"]}


# -- all rows


def test_every_contact_with_an_account_has_one_direct_relation(tables: Tables) -> None:
    contacts = {one["Id"]: one for one in belonging(tables)}
    direct = [one for one in live(tables, "AccountContactRelation") if one["IsDirect"]]
    assert len(contacts) > 1_000
    assert Counter((one["AccountId"], one["ContactId"]) for one in direct) == Counter(
        (one["AccountId"], key) for key, one in contacts.items()
    )
    assert all(one["IsActive"] for one in direct)
    assert all(written_along(one, contacts[one["ContactId"]]) for one in direct)


def test_persons_and_contacts_in_the_bin_have_no_relation(tables: Tables) -> None:
    related = {one["ContactId"] for one in live(tables, "AccountContactRelation")}
    others = {one["Id"] for one in tables["Contact"].to_pylist()} - related
    assert related == {one["Id"] for one in belonging(tables)}
    assert story_id("Contact", "binned") in others
    assert story_id("Contact", "private") in others


def test_the_buyer_is_related_to_a_second_account_too(chocolate: Tables) -> None:
    buyer = story_id("Contact", "oezlem")
    rows = grouped(live(chocolate, "AccountContactRelation"), "ContactId")[buyer]
    assert {(one["AccountId"], one["IsDirect"], one["Roles"]) for one in rows} == {
        (story_id("Account", "cafe-dresden"), False, "Buyer;Taster"),
        (story_id("Account", story.CUSTOMER), True, "Decision Maker"),
    }


def test_every_event_has_the_relations_of_who_and_what(tables: Tables) -> None:
    field = BY_NAME["EventRelation"].field("RelationId")
    assert field is not None
    fitting = tuple(BY_NAME[one].id_prefix for one in field.targets)
    related = grouped(live(tables, "EventRelation"), "EventId")
    for event in live(tables, "Event"):
        own = [one for one in related[event["Id"]] if not one["IsInvitee"]]
        named = ((event["WhoId"], False), (event["WhatId"], True))
        assert sorted((one["RelationId"], one["IsWhat"]) for one in own) == sorted(
            (key, is_what) for key, is_what in named if key and key.startswith(fitting)
        )
        assert all(one["IsParent"] and one["Status"] is None for one in own)
        assert all(written_along(one, event) for one in own)


def test_invitees_come_on_top_and_are_others(tables: Tables) -> None:
    events = {one["Id"]: one for one in live(tables, "Event")}
    guests = [one for one in live(tables, "EventRelation") if one["IsInvitee"]]
    assert len(guests) == len(events) // 3 + 2
    for one in guests:
        assert one["RelationId"] != events[one["EventId"]]["WhoId"]
        assert one["Status"]
        assert not one["IsParent"]
        assert not one["IsWhat"]


@pytest.mark.parametrize(("contacts", "companies"), [(2, 2), (2, 1), (3, 3), (5, 4), (7, 21)])
def test_invitees_are_others_however_few_contacts_there_are(contacts: int, companies: int) -> None:
    counts = {"events": 300, "contacts": contacts, "businesses": companies}
    few = ChocolateScenario(sizes=lambda scale: ChocolateSizes.only(counts))
    made = [table for name, table in few.tables(scale=1, seed=1) if name == "EventRelation"]
    rows = pa.concat_tables(made, promote_options="permissive")
    pairs = list(zip(rows["EventId"].to_pylist(), rows["RelationId"].to_pylist(), strict=True))
    assert len(set(pairs)) == len(pairs) >= 400


def test_the_sender_of_a_mail_is_the_person_of_its_relation(tables: Tables) -> None:
    related = grouped(live(tables, "EmailMessageRelation"), "EmailMessageId")
    mails = live(tables, "EmailMessage")
    for mail in mails:
        (sender,) = (one for one in related[mail["Id"]] if one["RelationType"] == "FromAddress")
        assert sender["RelationId"] == mail["FromId"]
        assert sender["RelationAddress"] == mail["FromAddress"]
    known = [one for one in mails if one["FromId"]]
    assert all(one["Incoming"] for one in known)
    assert len(mails) // 2 < len(known) < len(mails)


def test_a_relation_of_a_mail_names_whose_address_it_holds(tables: Tables) -> None:
    address_of = {one["Id"]: one["Email"] for one in live(tables, "Contact")}
    mails = {one["Id"]: one for one in live(tables, "EmailMessage")}
    for one in live(tables, "EmailMessageRelation"):
        mail = mails[one["EmailMessageId"]]
        assert mail_people.agrees(one, mail, None), one
        assert one["CreatedDate"] == mail["CreatedDate"]
        assert one["CreatedById"] == mail["CreatedById"]
        if one["RelationId"] is None:
            assert one["RelationObjectType"] is None
            assert one["RelationAddress"] not in address_of.values()
        elif one["RelationId"] != PURGED_LEAD:
            assert one["RelationObjectType"] == "Contact"
            assert one["RelationAddress"] == address_of[one["RelationId"]]


def test_a_mail_has_a_relation_for_each_address_and_none_twice(tables: Tables) -> None:
    related = grouped(live(tables, "EmailMessageRelation"), "EmailMessageId")
    for mail in live(tables, "EmailMessage"):
        assert Counter(
            (one["RelationType"], one["RelationAddress"]) for one in related[mail["Id"]]
        ) == Counter(
            (kind, address)
            for kind in mail_people.COLUMNS
            for address in mail_people.addresses(mail.get(kind))
        )


def test_mails_of_a_colleague_and_of_the_queue_come_from_no_contact(chocolate: Tables) -> None:
    mails = {one["Id"]: one for one in live(chocolate, "EmailMessage")}
    for handle, to in (("offer", "oezlem"), ("greeting", "frieda"), ("melted-2", "oezlem")):
        key = story_id("EmailMessage", handle)
        assert mails[key]["FromId"] is None
        people = {
            one["RelationType"]: one["RelationId"]
            for one in grouped(live(chocolate, "EmailMessageRelation"), "EmailMessageId")[key]
        }
        assert people["FromAddress"] is None
        assert people["ToAddress"] == story_id("Contact", to)


# -- what the simulator writes


@pytest.fixture(scope="module")
def maker() -> Iterator[RecordWriter]:
    """A writer in the loaded org."""
    made = scenario("chocolate")
    clock = VirtualClock(made.opening)
    org = Org(made.objects(), made.users(), clock=clock, id18=made.org_id, settings=made.settings())
    made.load(org, scale=1, seed=1)
    yield admin(org)
    org.close()


def exported(maker: RecordWriter, name: str) -> list[Row]:
    return maker.org.export(name).to_pylist()


def some(rows: list[Row]) -> list[Row]:
    """The rows of the story, which come first, and some of the generated ones."""
    return [*rows[:100], *rows[100::EVERY]]


def alike(
    maker: RecordWriter, name: str, column: str, pairs: Mapping[str, str], skip: Iterable[str] = ()
) -> int:
    """Insist that records and their copies have the same relations; gives how many there are.

    Ids and stamps are their own, and so is what a person wrote (``skip``).
    """
    own = {"Id", column, "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"}
    own |= {"SystemModstamp", *skip}
    rows = grouped(exported(maker, name), column)

    def seen(key: str) -> list[str]:
        return sorted(
            repr({name: value for name, value in one.items() if name not in own})
            for one in rows[key]
        )

    for key, copy in pairs.items():
        assert seen(copy) == seen(key), key
    return sum(len(rows[key]) for key in pairs)


def copies(
    maker: RecordWriter, name: str, rows: list[Row], cells: Callable[[Row], Row]
) -> dict[str, str]:
    made: list[str] = []
    for first in range(0, len(rows), 100):
        made += maker.made(name, *(cells(one) for one in rows[first : first + 100]))
    return dict(zip((one["Id"] for one in rows), made, strict=True))


def test_the_simulator_relates_new_contacts_likewise(maker: RecordWriter) -> None:
    buyer = story_id("Contact", "oezlem")
    rows = [one for one in exported(maker, "Contact") if not one["IsPersonAccount"]]
    chosen = [one for one in some(rows) if one["Id"] != buyer]
    kept = ("AccountId", "LastName", "Email")
    pairs = copies(maker, "Contact", chosen, lambda row: {one: row[one] for one in kept})
    assert alike(maker, "AccountContactRelation", "ContactId", pairs) == len(chosen) > 200


def test_the_simulator_relates_new_events_likewise(maker: RecordWriter) -> None:
    invited = {one["EventId"] for one in exported(maker, "EventRelation") if one["IsInvitee"]}
    rows = [one for one in exported(maker, "Event") if one["Id"] not in invited]
    kept = ("WhoId", "WhatId", "Subject", "StartDateTime", "DurationInMinutes")
    pairs = copies(maker, "Event", rows, lambda row: {one: row[one] for one in kept})
    assert alike(maker, "EventRelation", "EventId", pairs) == len(rows) > 50


def test_the_simulator_relates_new_mails_likewise(maker: RecordWriter) -> None:
    """The people of a mail are sent by id, as a restore does; a purged one cannot be."""
    related = grouped(exported(maker, "EmailMessageRelation"), "EmailMessageId")
    kept = (*mail_people.COLUMNS, "FromId", "ParentId", "RelatedToId", "Subject", "Status")

    def cells(row: Row) -> Row:
        people = {name: named(related[row["Id"]], kind) for kind, name in LISTS.items()}
        return {one: row[one] for one in kept} | people

    greeting = story_id("EmailMessage", "greeting")
    rows = [one for one in some(exported(maker, "EmailMessage")) if one["Id"] != greeting]
    pairs = copies(maker, "EmailMessage", rows, cells)
    assert alike(maker, "EmailMessageRelation", "EmailMessageId", pairs) > 2 * len(rows) > 200


def named(relations: list[Row], kind: str) -> list[str]:
    """The people of a relation type."""
    rows = [one for one in relations if one["RelationType"] == kind]
    return [one["RelationId"] for one in rows if one["RelationId"]]

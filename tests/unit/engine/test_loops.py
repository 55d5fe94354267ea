"""Loops of automatic mails are found, whatever gives them away, and no conversation of people."""

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.engine.mailbox import BEGIN, DESK, GENERATED, GUEST, REPLIED, RULE, WEIGHT, Mailbox
from unlost.engine.storage import loops as module
from unlost.engine.storage.loops import find_loops
from unlost.model.errors import IntegrityError
from unlost.model.ports.vault import Snapshot
from unlost.model.storage import LoopSign

EVERY_TEN = [10.0 * n for n in range(24)]
AWAY, ANSWER = "Automatic reply: Your order", "RE: Automatic reply: Your order"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Mailbox]:
    made = Mailbox(tmp_path)
    yield made
    made.close()


def test_two_machines_that_say_so_in_their_headers_are_a_loop(box: Mailbox) -> None:
    mails = box.turns(("Away", "RE: Away"), EVERY_TEN, headers=(REPLIED, REPLIED), text="x" * 3000)
    (loop,) = box.loops()
    assert set(loop.records) == set(mails)
    assert (loop.mails, loop.automatic, loop.sign) == (24, 24, LoopSign.HEADERS)
    assert loop.sides == (GUEST, "service@chocolate.example")
    assert (loop.every, loop.begun, loop.parents) == (600.0, BEGIN, ("C1",))
    assert loop.bytes == 24 * 3000
    assert loop.subject == "Away"


def test_headers_tell_though_each_mail_has_a_subject_and_a_case_of_its_own(box: Mailbox) -> None:
    for n in range(12):
        box.mail(GUEST, DESK, f"Away: Request {n} came in", 4 * n, headers=REPLIED, case=f"C{n}")
        box.mail(DESK, GUEST, f"Request {n} came in", 4 * n + 1, headers=REPLIED, case=f"C{n}")
    (loop,) = box.loops()
    assert (loop.mails, len(loop.parents)) == (24, 12)


def test_what_a_person_writes_in_the_middle_of_a_loop_is_no_part_of_it(box: Mailbox) -> None:
    mails = box.turns(("Away", "RE: Away"), EVERY_TEN, headers=(REPLIED, REPLIED))
    box.mail(DESK, GUEST, "RE: Away", 55, text="Please turn off your automatic reply!")
    (loop,) = box.loops()
    assert set(loop.records) == set(mails)


@pytest.mark.parametrize(
    "away",
    [
        "Automatische Antwort: Bestellung", "Out of Office: Order", "Réponse automatique : Commande",
        "自動応答: 注文", "Odpowiedź automatyczna: Zamówienie", "Abwesenheitsnotiz: Bestellung",
        "رد تلقائي: الطلب",
    ],
)  # fmt: skip
def test_subjects_tell_where_headers_were_not_kept(box: Mailbox, away: str) -> None:
    mails = box.turns((away, f"RE: {away}"), [7.0 * n for n in range(10)])
    (loop,) = box.loops()
    assert (set(loop.records), loop.sign) == (set(mails), LoopSign.SUBJECT)


def test_answers_whose_other_side_is_not_kept_are_a_loop(box: Mailbox) -> None:
    for n in range(9):
        box.mail(GUEST, DESK, "Automatic reply: We got your mail", 3 * n)
    (loop,) = box.loops()
    assert loop.mails == 9


@pytest.mark.parametrize("headers", [REPLIED, "X-Autoreply: yes", "Precedence: auto_reply"])
def test_one_sided_answers_are_known_by_their_headers_too(box: Mailbox, headers: str) -> None:
    for n in range(9):
        box.mail(GUEST, DESK, f"Ticket {n}", 3 * n, headers=headers)
    (loop,) = box.loops()
    assert (loop.mails, loop.sign) == (9, LoopSign.HEADERS)


def test_a_dozen_answers_after_the_same_time_need_no_sign_at_all(box: Mailbox) -> None:
    mails = box.turns(("Thanks", "RE: Thanks"), [15.0 * n for n in range(14)])
    (loop,) = box.loops()
    assert (set(loop.records), loop.sign) == (set(mails), LoopSign.CADENCE)


@pytest.mark.parametrize("seed", range(10))
def test_people_who_chat_by_mail_are_in_no_loop(box: Mailbox, seed: int) -> None:
    """As through a gateway of short messages: by turns, within a minute or two."""
    chance = random.Random(seed)
    minutes = list(accumulate(chance.uniform(0.3, 1.8) for _ in range(40)))
    box.turns(("Thanks", "RE: Thanks"), minutes)
    assert box.loops() == []


def test_a_mail_without_a_receiver_belongs_to_no_conversation(box: Mailbox) -> None:
    for n in range(12):
        box.mail(GUEST, "", "Automatic reply: Order", 2 * n, headers=REPLIED)
    assert box.loops() == []


def test_two_loops_of_the_same_machines_are_two(box: Mailbox) -> None:
    for begin in (0, 3000):
        box.turns(("Away", "RE: Away"), [begin + n for n in EVERY_TEN], headers=(REPLIED, REPLIED))
    assert [loop.mails for loop in box.loops()] == [24, 24]


def test_the_largest_comes_first(box: Mailbox) -> None:
    box.turns(("Away", "RE: Away"), EVERY_TEN, headers=(REPLIED, REPLIED))
    box.turns(
        ("Away", "RE: Away"), EVERY_TEN, headers=(REPLIED, REPLIED), guest="b@b.example",
        text="y" * 5000,
    )  # fmt: skip
    assert [loop.sides[0] for loop in box.loops()] == ["b@b.example", GUEST]


def test_mails_are_looked_at_in_parts_where_they_are_many(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(6):
        guest = f"g{n}@inn.example"
        box.turns(("Away", "RE: Away"), EVERY_TEN, headers=(REPLIED, REPLIED), guest=guest)
    monkeypatch.setattr(module, "MAX_MAILS", 30)
    monkeypatch.setattr(module, "SIZED", 5)
    assert [loop.mails for loop in box.loops()] == [24] * 6


# --- people ---------------------------------------------------------------------------------------


def test_a_person_who_answers_an_automatic_reply_is_not_in_a_loop(box: Mailbox) -> None:
    chance = random.Random(3)
    minutes = list(accumulate(chance.expovariate(1 / 40) for _ in range(16)))
    box.turns((f"RE: {AWAY}", f"RE: RE: {AWAY}"), minutes)
    assert box.loops() == []


@pytest.mark.parametrize("seed", range(20))
def test_one_automatic_reply_to_each_mail_of_a_person_is_no_loop(box: Mailbox, seed: int) -> None:
    for at in at_random(seed, 10):
        box.mail(DESK, GUEST, "Offer", at, text="A person writes.")
        box.mail(GUEST, DESK, "Automatic reply: Offer", at + 1, headers=REPLIED)
    assert box.loops() == []


@pytest.mark.parametrize("seed", range(20))
def test_acknowledgements_of_what_a_person_writes_are_no_loop(box: Mailbox, seed: int) -> None:
    for at in at_random(seed, 10):
        box.mail(GUEST, DESK, "My order", at, text="A person writes.")
        box.mail(DESK, GUEST, "RE: My order", at + 0.5, headers=REPLIED)
    assert box.loops() == []


@pytest.mark.parametrize("seed", range(20))
def test_a_person_who_is_answered_by_a_machine_without_headers_is_in_no_loop(
    box: Mailbox, seed: int
) -> None:
    for at in at_random(seed, 15):
        box.mail(DESK, GUEST, "RE: Offer", at, text="A person writes.")
        box.mail(GUEST, DESK, "RE: RE: Offer", at + 1)
    assert box.loops() == []


def at_random(seed: int, count: int) -> list[float]:
    """When a person writes: minutes, at least two between."""
    chance = random.Random(seed)
    return list(accumulate(2 + chance.expovariate(1 / 30) for _ in range(count)))


def test_notices_of_a_machine_that_nobody_answers_are_no_loop(box: Mailbox) -> None:
    for n in range(30):
        box.mail("alarm@oven.example", DESK, f"Oven {n} is hot", 10 * n, headers=GENERATED)
    assert box.loops() == []


def test_notices_that_are_acknowledged_are_no_loop(box: Mailbox) -> None:
    for n in range(30):
        box.mail("alarm@oven.example", DESK, f"Oven {n} is hot", 10 * n, headers=GENERATED)
        box.mail(DESK, "alarm@oven.example", "We got your mail", 10 * n + 1, headers=REPLIED)
    assert box.loops() == []


def test_fewer_mails_than_fill_a_storage_are_no_loop(box: Mailbox) -> None:
    box.turns(("Away", "RE: Away"), EVERY_TEN[:7], headers=(REPLIED, REPLIED))
    assert box.loops() == []


CONVERSATIONS = {
    "seed": st.integers(0, 10_000),
    "mails": st.integers(8, 60),
    "minutes": st.sampled_from([20, 90, 600]),
}


@settings(max_examples=20, deadline=None)
@given(**CONVERSATIONS)
def test_no_conversation_of_people_is_taken_for_a_loop(seed: int, mails: int, minutes: int) -> None:
    no_loop(seed, mails, minutes)


@pytest.mark.full
@settings(max_examples=60, deadline=None)
@given(**CONVERSATIONS)
def test_none_of_many_conversations_is_taken_for_a_loop(
    seed: int, mails: int, minutes: int
) -> None:
    no_loop(seed, mails, minutes)


def no_loop(seed: int, mails: int, minutes: int) -> None:
    """People answer after times as random as waiting times are, and not always in turns."""
    chance = random.Random(seed)
    box = Mailbox(Path())  # runs in memory leave nothing there
    try:
        at = 0.0
        for _ in range(mails):
            at += 1 + chance.expovariate(1 / minutes)
            mine = chance.random() < 0.5
            sides = (DESK, GUEST) if mine else (GUEST, DESK)
            subject = chance.choice(["Delivery", "RE: Delivery", "AW: RE: Delivery", f"RE: {AWAY}"])
            box.mail(*sides, subject, at)
        assert box.loops() == []
    finally:
        box.close()


def test_mails_without_addresses_or_dates_are_left_out(box: Mailbox) -> None:
    box.turns(("Away", "RE: Away"), EVERY_TEN, headers=(REPLIED, REPLIED))
    box.mail("nobody", DESK, "Away", 5, headers=REPLIED)
    lost = box.mail(GUEST, DESK, "Away", 5, headers=REPLIED)
    box.org.update("Mail", lost, {"Sent": "soon"})
    (loop,) = box.loops()
    assert loop.mails == 24


def test_an_org_without_mails_has_no_loops(box: Mailbox) -> None:
    assert box.loops() == []


def test_one_damaged_mail_hides_all_loops(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = (REPLIED, REPLIED)
    damaged = box.turns(("Away", "RE: Away"), EVERY_TEN, headers=headers)
    box.turns(
        ("Off", "RE: Off"), EVERY_TEN, headers=headers, guest="other@inn.example", text="x" * 50_000
    )
    box.turns((AWAY, ANSWER), EVERY_TEN, guest="third@inn.example")
    box.night()
    head, real = box.head, type(box.head).get

    def get(snapshot: Snapshot, table: str, ids: Sequence[str], **columns: Any) -> Any:
        if damaged[3] in ids:
            raise IntegrityError("object-damaged", "The object {name} is damaged.", name="x")
        return real(snapshot, table, ids, **columns)

    monkeypatch.setattr(type(head), "get", get)
    loops = find_loops(head, "Mail", RULE, weight=WEIGHT)
    assert [(loop.mails, loop.bytes, loop.error and loop.error.code) for loop in loops] == [
        (24, 24 * 50_000, None),
        (24, 24 * 1024, None),
        (24, 0, "object-damaged"),
    ]
    assert set(loops[-1].records) == set(damaged)

"""Free space in the console: the largest candidates first, each with a button to its plan."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on, plan_at_once
from unit.web.test_archives import Desk, archived, filled_desk, page
from unlost.app.actions.archive import free_space
from unlost.app.actions.storage import storage
from unlost.model.access import Role
from unlost.model.errors import IntegrityError
from unlost.model.storage import LoopSign, MailLoop

SPACE = "/orgs/sales/storage/?show=space"
PART = {"HX-Request": "true"}

filling = scene(filled_desk)


@pytest.fixture
def desk(world: World, filling: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    plan_at_once(monkeypatch)
    with goes_on(world, filling) as made:
        yield made


def part(client: Client, address: str = SPACE) -> str:
    answer = client.get(address, headers=PART)
    assert answer.status_code == 200
    return str(answer.content.decode())


def calculated(client: Client) -> str:
    """Follow the page as a browser does: each answer names the next line to calculate."""
    text = part(client)
    for _ in range(20):
        following = re.search(r'hx-get="(\?show=space[^"]*)"', text)
        if following is None:
            return text
        text = part(client, "/orgs/sales/storage/" + following[1].replace("&amp;", "&"))
    raise AssertionError("the page never ends")


def test_the_storage_page_offers_one_list(desk: Desk, sign_in: SignIn) -> None:
    shown = page(sign_in(Role.ADMIN), "/orgs/sales/storage/")
    assert "Find what can be freed" in shown
    assert "Find old records" not in shown
    assert "Search for mail loops" not in shown


def test_each_answer_calculates_one_line_and_nothing_is_calculated_twice(
    desk: Desk, sign_in: SignIn
) -> None:
    client = sign_in(Role.ADMIN)
    assert "Plan this archive" not in part(client), "the first answer comes without a preview"
    shown = calculated(client)
    assert shown.count(">Plan this archive<") == 1
    assert 'name="policy" value="closed-case"' in shown
    again = part(client)
    assert "hx-get" not in again
    assert again.count(">Plan this archive<") == 1
    assert "The oldest line was calculated on" in again


def test_a_later_backup_is_calculated_again_and_earlier_lines_stay_meanwhile(
    desk: Desk, sign_in: SignIn
) -> None:
    client = sign_in(Role.ADMIN)
    calculated(client)
    desk.night()
    client = sign_in(Role.VIEWER)  # the session of the admin has ended
    shown = part(client)
    assert "hx-get" in shown
    assert ">4</td>" in shown
    assert "hx-get" not in calculated(client)


def test_without_the_right_to_restore_there_is_no_button(desk: Desk, sign_in: SignIn) -> None:
    shown = calculated(sign_in(Role.VIEWER))
    assert ">4</td>" in shown, "two cases with a note each"
    assert "<form" not in shown


def test_an_auditor_sees_no_candidates(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.AUDITOR)
    assert client.get(SPACE).status_code == 403
    assert "?show=space" not in page(client, "/orgs/sales/storage/")


def test_a_loop_that_cannot_be_read_has_no_label(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = IntegrityError("object-damaged", "The object {name} is damaged.", name="x")
    day, sides = datetime(2026, 3, 2, tzinfo=UTC), ("a@inn.example", "b@inn.example")
    loops = [
        MailLoop(
            "Mail", subject, sides, 2, 2, size, day, day, 600.0, LoopSign.HEADERS, (first,), ()
        )
        for subject, first, size in (("Away", "M1", 5_000), ("Off", "M2", 0))
    ]
    loops[1] = replace(loops[1], error=error.message)
    monkeypatch.setattr(free_space, "loops", lambda _app, _org: loops)
    monkeypatch.setattr(storage, "loops_with_created", lambda _app, _org: loops)
    client = sign_in(Role.ADMIN)
    shown = calculated(client)
    assert 'id="plan-loop-M1"' in shown
    assert '<p class="note">Mail loops: ' in shown
    assert "could not be read: M2." in shown
    listed = part(client, "/orgs/sales/storage/?show=loops")
    assert "5.0 kB" in listed
    assert '<p class="note"><bdi>Off</bdi>: The object x is damaged.</p>' in listed


def test_after_a_run_the_list_says_that_it_is_older(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.ADMIN)
    calculated(client)
    archived(desk, client)
    assert "An archive or a purge ran since the newest backup." in part(client)
    desk.night()
    shown = calculated(sign_in(Role.VIEWER))
    assert "Free space" in shown
    assert "An archive or a purge ran since the newest backup." not in shown

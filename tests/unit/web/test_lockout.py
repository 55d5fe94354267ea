"""Who guesses passwords is stopped; who only mistyped is told when to come back, or let in by an admin."""

import asyncio
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.backends import ModelBackend
from django.core.cache import cache

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import browser, clean, noted, person, sign_in_as, signed_in, text
from unlost.app.actions.people.lockouts import lockouts
from unlost.model.access import LOCKED_AFTER, LOCKED_FOR, Role
from unlost.testing.clock import VirtualClock
from unlost.web.serving import ReachedAddress, listening
from unlost.web.signin.guesses import counted_guess

HERE = "192.0.2.7"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def lock(name: str, address: str = HERE) -> Any:
    """The answer to the last of too many wrong passwords."""
    for _ in range(LOCKED_AFTER - 1):
        assert sign_in_as(browser(address), name, "wrong").status_code == 200
    return sign_in_as(browser(address), name, "wrong")


def test_five_wrong_passwords_lock_the_name_here_for_a_while(world: World) -> None:
    person(world, "lena")
    answer = lock("lena")
    assert answer.status_code == 429
    clean(answer)
    (held,) = lockouts(world.app).lockouts
    page = text(answer)
    assert "Too many wrong passwords" in page
    assert f"{held.until:%Y-%m-%d %H:%M}" in page
    assert "unlost user unlock" in page
    assert sign_in_as(browser(HERE), "lena").status_code == 429  # the right one, too
    assert sign_in_as(browser("192.0.2.8"), "lena").status_code == 302  # from elsewhere


class WaitingClock(VirtualClock):
    """A clock whose sleepers let other threads work."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def test_guesses_that_arrive_at_the_same_moment_are_five_checks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(world, "lena")
    monkeypatch.setattr(world.app, "clock", WaitingClock(world.clock.now()))
    start, checked = threading.Barrier(20), queue.SimpleQueue[str]()
    check = ModelBackend.authenticate

    def noted_check(self: Any, request: Any, username: Any = None, **more: Any) -> Any:
        checked.put(username)
        time.sleep(0.01)  # all others arrive before this guess is counted
        return check(self, request, username, **more)

    monkeypatch.setattr(ModelBackend, "authenticate", noted_check)

    def guess(number: int) -> int:
        client = browser(HERE, HTTP_USER_AGENT=f"guesser {number}")
        start.wait()
        return int(sign_in_as(client, "lena", f"wrong {number}").status_code)

    with ThreadPoolExecutor(20) as guessers:
        codes = Counter(guessers.map(guess, range(20)))
    assert checked.qsize() == LOCKED_AFTER
    assert codes[429] >= 1 + LOCKED_AFTER
    assert len(lockouts(world.app).lockouts) == 1


def test_a_guess_that_cannot_be_counted_in_time_is_refused(world: World) -> None:
    person(world, "lena")
    with counted_guess(world.app, "Lena ", HERE):
        answer = sign_in_as(browser(HERE), "lena")
        assert sign_in_as(browser("192.0.2.8"), "lena").status_code == 302
    assert answer.status_code == 429
    assert "too-many-tries" in text(answer)
    assert sign_in_as(browser(HERE), "lena").status_code == 302


def test_four_wrong_passwords_do_not(world: World) -> None:
    person(world, "lena")
    for _ in range(LOCKED_AFTER - 1):
        sign_in_as(browser(HERE), "lena", "wrong")
    client = browser(HERE)
    assert sign_in_as(client, "lena").status_code == 302
    assert signed_in(client)


def test_another_spelling_is_the_same_name(world: World) -> None:
    person(world, "lena")
    for name in ("lena", "Lena", "LENA", "lEna"):
        sign_in_as(browser(HERE), name, "wrong")
    assert sign_in_as(browser(HERE), "leNa", "wrong").status_code == 429


def test_a_name_that_nobody_has_is_locked_alike(world: World) -> None:
    assert lock("nobody").status_code == 429


def test_it_is_over_when_the_page_said_so_though_somebody_tried_meanwhile(world: World) -> None:
    person(world, "lena")
    lock("lena")
    (before,) = lockouts(world.app).lockouts
    sign_in_as(browser(HERE), "lena", "wrong")
    assert lockouts(world.app).lockouts == (before,)
    attempt = AccessAttempt.objects.get()
    attempt.attempt_time -= LOCKED_FOR
    attempt.save()
    client = browser(HERE)
    assert sign_in_as(client, "lena").status_code == 302
    assert signed_in(client)


def test_an_admin_sees_who_is_locked_and_unlocks_the_name(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    person(world, "lena")
    lock("lena")
    page = text(admin.get("/settings/people/"))
    assert "1 name is locked" in page
    assert "Unlock lena" in page
    assert HERE in page
    answer = admin.post("/settings/people/unlock/", {"name": "lena"}, follow=True)
    assert "lena can try again now" in text(answer)
    assert "is locked" not in text(answer)
    assert sign_in_as(browser(HERE), "lena").status_code == 302
    assert noted("lockout.end")[0].deed.subject == "lena"


def test_a_name_that_is_not_locked_cannot_be_unlocked(world: World, sign_in: SignIn) -> None:
    answer = sign_in().post("/settings/people/unlock/", {"name": "lena"})
    assert answer.status_code == 404
    assert "lockout-unknown" in text(answer)


def test_nobody_else_unlocks(world: World, sign_in: SignIn) -> None:
    lock("lena")
    answer = sign_in(Role.RESTORER).post("/settings/people/unlock/", {"name": "lena"})
    assert answer.status_code == 403
    assert len(lockouts(world.app).lockouts) == 1


def test_wrong_ones_and_the_lock_are_noted(world: World) -> None:
    lock("lena")
    outcomes = [entry.deed.outcome for entry in noted("sign-in")]
    assert outcomes == ["sign-in-locked", *["sign-in-wrong"] * (LOCKED_AFTER - 1)]
    assert {entry.deed.actor for entry in noted("sign-in")} == {"lena"}


def test_what_was_typed_is_not_kept(world: World) -> None:
    sign_in_as(browser(HERE), "lena", "my other password")
    held = AccessAttempt.objects.get()
    assert "my other password" not in f"{held.post_data}{held.get_data}"


def test_who_goes_on_is_slowed_down_by_allauth_too(world: World) -> None:
    """Its own limit lies above, and answers in the form."""
    person(world, "lena")
    answers = [sign_in_as(browser(HERE), "lena", "wrong") for _ in range(2 * LOCKED_AFTER + 1)]
    assert [answer.status_code for answer in answers[:-1]] == [200] * 4 + [429] * 6
    assert answers[-1].status_code == 200
    assert "Too many failed login attempts" in text(answers[-1])


def test_many_names_from_one_address_are_slowed_down(world: World) -> None:
    answers = [sign_in_as(browser(HERE), f"name{number}", "wrong") for number in range(21)]
    assert "Too many failed login attempts" not in text(answers[19])
    assert "Too many failed login attempts" in text(answers[20])


def test_who_knocks_too_often_reads_a_page_of_ours(world: World) -> None:
    answers = [browser(HERE).post("/account/login/", {}) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    clean(answers[-1])
    assert "too-many-tries" in text(answers[-1])


def test_a_browser_cannot_say_from_where_it_asks(world: World) -> None:
    for number in range(LOCKED_AFTER):
        lied = {"HTTP_X_FORWARDED_FOR": f"198.51.100.{number}", "HTTP_X_REAL_IP": "198.51.100.1"}
        sign_in_as(browser(HERE, **lied), "lena", "wrong")
    (held,) = lockouts(world.app).lockouts
    assert held.address == HERE


@pytest.mark.parametrize(
    ("origins", "peer", "seen"),
    [
        ((), "127.0.0.1", "127.0.0.1"),
        (("https://unlost.acme.example",), "127.0.0.1", "203.0.113.5"),
        (("https://unlost.acme.example",), "192.0.2.66", "192.0.2.66"),
    ],
    ids=["no proxy", "a proxy on this machine", "somebody who says to be one"],
)
def test_a_proxy_is_believed_where_there_is_one(
    origins: tuple[str, ...], peer: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    told: list[str] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        told.append(scope["client"][0])

    config = listening(page, ReachedAddress(origins=origins))
    config.load()
    scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 5000),
        # the browser's own lie stands first, what the proxy adds last
        "headers": [(b"x-forwarded-for", b"198.51.100.9, 203.0.113.5")],
    }
    asyncio.run(config.loaded_app(scope, None, None))
    assert told == [seen]

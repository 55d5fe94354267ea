"""Requests to the console and the API that are hostile in form."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import uvicorn
from django.conf import settings
from django.test import Client

from homes import World
from unit.web.conftest import SignIn
from unlost.app.actions.people.people import add, first_link
from unlost.app.actions.people.tokens import make
from unlost.catalog.people.people import admins
from unlost.model.access import Role
from unlost.web.pages.people import start
from unlost.web.serving import MOST_HEADER_BYTES, ReachedAddress, listening

WORDS = "kakao-bohne-94-Lindenhof"


@pytest.fixture
def client() -> Client:
    return Client(SERVER_NAME="localhost")


async def page(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


@pytest.fixture
def port() -> Iterator[int]:
    """A server that listens as the console does."""
    server = uvicorn.Server(listening(page, ReachedAddress(port=0)))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def replies(port: int, request: bytes) -> bytes:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as line:
        line.sendall(request)
        return line.recv(100)


@pytest.mark.network
def test_endless_headers_are_refused_and_stall_nothing(port: int) -> None:
    short = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n"
    assert b"200 OK" in replies(port, short % b"x")
    endless = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (2 * MOST_HEADER_BYTES)
    assert b"400 Bad Request" in replies(port, endless)


def test_half_a_surrogate_pair_is_a_bad_request(world: World, client: Client) -> None:
    """It is JSON, and a text that neither the database nor the audit log can store."""
    add(world.app, "boss", role=Role.ADMIN)
    token = make(world.app, "test", role=Role.ADMIN, owner="boss").text
    answer = client.post(
        "/api/v1/people",
        data=json.dumps({"name": "\ud800", "role": "viewer"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 400, answer.content


@pytest.mark.parametrize("place", ["http://localhost/", "http://127.0.0.1/", "//localhost/"])
def test_signing_in_leads_to_no_other_program_of_the_machine(
    world: World, client: Client, place: str
) -> None:
    added = add(world.app, "otto", role=Role.VIEWER)
    person = start.get_user_model().objects.get(pk=added.user)
    person.set_password(WORDS)
    person.save()
    answer = client.post(
        "/account/login/", {"login": "otto", "password": WORDS, "next": place}, follow=False
    )
    assert answer.status_code == 302
    assert answer["Location"].startswith("/")
    assert not answer["Location"].startswith("//")


def test_a_session_ends_with_the_browser_however_it_began(
    world: World, client: Client, sign_in: SignIn
) -> None:
    assert sign_in is not None
    link = first_link(world.app)
    assert link is not None
    form = {"name": "otto", "full_name": "", "password": WORDS, "again": WORDS}
    answer = client.post(link.path, form)
    assert answer.status_code == 302, answer.content.decode()
    assert answer.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == ""


def test_a_first_link_that_is_used_twice_at_once_leaves_no_second_admin(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = first_link(world.app)
    assert link is not None
    monkeypatch.setattr(start, "use_link", lambda _text, *, at: None)  # the other one was faster
    form = {"name": "otto", "full_name": "", "password": WORDS, "again": WORDS}
    assert client.post(link.path, form).status_code == 404
    assert admins() == 0

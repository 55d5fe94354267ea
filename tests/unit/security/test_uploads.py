"""A body that is too large is refused before it fills the disk, whoever sends it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homes import World
from unit.app.shop import Shop
from unlost.app.actions.people.people import add
from unlost.app.actions.people.tokens import make
from unlost.model.access import Role
from unlost.web import uploads
from unlost.web.asgi import asgi

MEGABYTE = b"x" * 1_000_000
RUN = "/api/v1/plan-files/run"
ENDLESS = 10_000


class Sender:
    """A client that sends pieces, and counts how many were taken."""

    def __init__(self, pieces: int, **headers: str) -> None:
        self.pieces, self.taken, self.answer = pieces, 0, list[dict[str, Any]]()
        self.headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]  # fmt: skip

    async def receive(self) -> dict[str, Any]:
        if self.taken and self.taken >= self.pieces:  # Django waits for the end of the connection
            await asyncio.sleep(3600)
        self.taken += 1
        more = self.taken < self.pieces
        return {"type": "http.request", "body": MEGABYTE if self.pieces else b"", "more_body": more}

    async def send(self, message: dict[str, Any]) -> None:
        self.answer.append(message)

    @property
    def status(self) -> int:
        return int(self.answer[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.answer[1:])

    def to(self, app: Any, path: str) -> "Sender":
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
            "headers": [(b"host", b"localhost"), *self.headers], "query_string": b"",
            "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
            "http_version": "1.1",
        }  # fmt: skip
        asyncio.run(app(scope, self.receive, self.send))
        return self


@pytest.fixture
def app(world: World, tmp_path: Path) -> Any:
    return asgi(tmp_path / "static")


@pytest.fixture
def bearer(world: World) -> Callable[[Role], str]:
    def made(role: Role) -> str:
        add(world.app, role.value, role=role)
        return f"Bearer {make(world.app, 't', role=role, owner=role.value).text}"

    return made


@pytest.mark.parametrize("path", ["/account/login/", "/start/x/", "/settings/", "/static/unlost/x"])
def test_an_endless_form_is_not_stored(app: Any, path: str) -> None:
    sender = Sender(ENDLESS).to(app, path)
    assert (sender.status, sender.taken) == (413, 3)
    assert b"too large" in sender.body


def test_a_length_that_is_too_large_is_refused_before_a_byte_is_read(app: Any) -> None:
    sender = Sender(ENDLESS, content_length="3000000").to(app, "/account/login/")
    assert (sender.status, sender.taken) == (413, 0)


@pytest.mark.parametrize("length", ["-1", "many", "1", ""])
def test_a_length_that_lies_is_not_believed(app: Any, length: str) -> None:
    assert Sender(ENDLESS, content_length=length).to(app, "/account/login/").status == 413


@pytest.mark.parametrize("authorization", ["", "Bearer unl_x", "Bearer", "Basic eDp5", "\x00\xff"])
def test_a_stranger_sends_no_large_plan(app: Any, authorization: str) -> None:
    sender = Sender(ENDLESS, authorization=authorization).to(app, RUN)
    assert (sender.status, sender.taken) == (413, 3)
    assert json.loads(sender.body)["error"]["code"] == "upload-too-large"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.AUDITOR])
def test_who_may_not_restore_sends_no_large_plan(
    app: Any, bearer: Callable[[Role], str], role: Role
) -> None:
    assert Sender(ENDLESS, authorization=bearer(role)).to(app, RUN).status == 413


def test_a_large_plan_of_a_restorer_is_read_up_to_its_limit(
    app: Any, bearer: Callable[[Role], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    authorization = bearer(Role.RESTORER)
    sender = Sender(6, authorization=authorization).to(app, RUN)
    assert (sender.status, json.loads(sender.body)["error"]["code"]) == (400, "plan-unreadable")
    monkeypatch.setattr(uploads, "LARGEST_PLAN", 8_000_000)
    sender = Sender(ENDLESS, authorization=authorization).to(app, RUN)
    assert (sender.status, sender.taken) == (413, 9)
    other = Sender(ENDLESS, authorization=authorization).to(app, "/api/v1/people")
    assert (other.status, other.taken) == (413, 3)


def test_what_a_form_needs_is_far_below_the_limit(app: Any, shop: Shop) -> None:
    sender = Sender(2, content_type="application/x-www-form-urlencoded").to(app, "/account/login/")
    assert sender.status in (200, 400, 403), sender.status
    assert sender.taken >= 2

"""A limit on the bodies of requests, before Django stores them in a temporary file.

    body ─> ``LimitedBodies`` ─┬─ up to 2.5 MB              ─> Django
                               ├─ a plan file, with a token ─> Django, up to the size of a plan
                               └─ otherwise                 ─> 413, and the rest is not read

Django itself reads a body to its end before it looks at the request, so a stranger could fill the
disk. What a form or a JSON document needs is far below the limit.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from asgiref.sync import sync_to_async

from unlost.app.actions.restores.restore_plan import LARGEST_PLAN
from unlost.app.operations import OPERATIONS
from unlost.catalog.people.tokens import actor_of_token
from unlost.model.access import Right
from unlost.model.errors import UsageError
from unlost.web.api.problem import API, JSON, problem_of
from unlost.web.served_home import application

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LARGEST_BODY = 2_621_440  # bytes; Django's own limit for a form (DATA_UPLOAD_MAX_MEMORY_SIZE)
PLAN_FILES = frozenset(
    f"{API}v1{operation.path}" for operation in OPERATIONS if operation.takes
)  # paths without parameters


@dataclass(slots=True)
class _Body:
    """The bytes that arrived of a body, and how many may arrive."""

    path: str
    authorization: bytes
    most: int = LARGEST_BODY
    arrived: int = 0

    async def fits(self, size: int) -> bool:
        """Return True if the request may send this many bytes."""
        may_grow = size > self.most and self.path in PLAN_FILES
        # Only for large bodies, as it reads the database.
        if may_grow and await sync_to_async(_may_restore)(self.authorization):
            self.most = LARGEST_PLAN
        return size <= self.most


class LimitedBodies:
    """An ASGI application that refuses requests with bodies that are too large (413)."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass the request on, and cut it off once its body is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        body = _Body(scope["path"], headers.get(b"authorization", b""))
        fits = await body.fits(_declared(headers))

        async def limited() -> Message:
            nonlocal fits
            message = await receive()
            body.arrived += len(message.get("body", b""))
            fits = await body.fits(body.arrived)
            # Django then closes its temporary file, and answers nothing.
            return message if fits else {"type": "http.disconnect"}

        if fits:
            await self._app(scope, limited, send)
        if not fits:
            await _refuse(body.path, body.most, send)


def _declared(headers: Mapping[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _may_restore(authorization: bytes) -> bool:
    kind, _, token = authorization.decode("latin-1").partition(" ")
    if kind.lower() != "bearer":
        return False
    actor = actor_of_token(token.strip(), at=application().clock.now())
    return actor is not None and actor.may_somewhere(Right.RESTORE)


async def _refuse(path: str, most: int, send: Send) -> None:
    """Send the response for a body that is too large."""
    error = UsageError(
        "upload-too-large",
        "The body of the request is too large: at most {most:,} bytes are read.",
        next_step="Send less. Make several plans if this is a restore plan.",
        most=most,
    )
    is_api = path.startswith(API)
    content = msgspec.json.encode(problem_of(error)) if is_api else error.sentence.encode()
    headers = [
        (b"content-type", JSON.encode() if is_api else b"text/plain; charset=utf-8"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})

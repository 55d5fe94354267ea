"""The same commands against a server: actions are asked for over the REST API.

`UNLOST_URL` names the console, `UNLOST_TOKEN` is a token of it. Nothing of a home is opened here.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from unlost.app.access import Action
from unlost.app.operations import BY_ACTION, Method, Operation, as_path
from unlost.model.errors import (
    Conflict,
    LimitReached,
    NotAllowed,
    NotFound,
    StoreError,
    TransientError,
    UnlostError,
    UsageError,
)
from unlost.model.learned import learned

URL, TOKEN = "UNLOST_URL", "UNLOST_TOKEN"
API = "/api/v1"
SECONDS = 300.0  # a comparison with the live org takes its time
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
KINDS: Mapping[int, type[UnlostError]] = {
    400: UsageError,
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: UsageError,
    429: LimitReached,
    503: TransientError,
}


class RemoteHome:
    """Stands for an application that runs elsewhere: actions called with it are asked for there."""

    def __init__(self, url: str, token: str | None, *, client: httpx.Client | None = None) -> None:
        """Raises UsageError (``url-invalid``), NotAllowed (``token-missing``)."""
        self._url = _checked(url)
        if not token:
            raise NotAllowed(
                "token-missing",
                f"{URL} names a server, but there is no token for it.",
                next_step=f"Make one with `unlost token make` or in the console, and put it into "
                f"{TOKEN}.",
            )
        self._client = client or httpx.Client(timeout=SECONDS)
        self._client.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def __getattr__(self, name: str) -> NoReturn:
        """Whatever else an application has is where the home is."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise _not_here()

    def act_elsewhere(self, action: Action, given: Mapping[str, Any]) -> Any:
        """Ask for an action; raises as it does there, StoreError (``server-away``)."""
        operation = BY_ACTION.get(action.name)
        if operation is None:
            raise _not_here()
        told = {name: given[name] for name in operation.parameters if name in given}
        try:
            answer = self._asked(operation, told)
        except httpx.HTTPError as error:
            raise StoreError(
                "server-away",
                f"{self._url} does not answer: {type(error).__name__}.",
                next_step=f"Look whether the console runs there and whether {URL} is right.",
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise _failed(answer)
        return learned(operation.returns).decode(answer.content)

    def _asked(self, operation: Operation, told: Mapping[str, Any]) -> httpx.Response:
        plain: dict[str, Any] = msgspec.to_builtins(dict(told), str_keys=True)
        left = {name: value for name, value in plain.items() if not operation.in_path(name)}
        parts = {name: quote(as_path(value), safe="") for name, value in plain.items()}
        url = f"{self._url}{API}{operation.path.format(**parts)}"
        if operation.method is Method.GET:
            query = {name: value for name, value in left.items() if value is not None}
            return self._client.get(url, params=query)
        bodies = [name for name in operation.parameters if not operation.in_path(name)]
        body = left.get(bodies[0]) if len(bodies) == 1 else left
        content = msgspec.json.encode(body) if bodies else b""
        headers = {"Content-Type": "application/json"}
        return self._client.request(operation.method.value, url, content=content, headers=headers)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname:
        raise UsageError(
            "url-invalid",
            f"{URL} is not the address of a console: {url!r}.",
            next_step="Write it as https://unlost.acme.example; without TLS only on this machine.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _failed(answer: httpx.Response) -> UnlostError:
    kind = KINDS.get(answer.status_code, StoreError)
    try:
        told = answer.json()["error"]
        return kind(told["code"], told["sentence"], next_step=told["next_step"])
    except (ValueError, KeyError, TypeError):
        return StoreError(
            "server-strange",
            f"The server answered with {answer.status_code}, and not as a console does.",
            next_step=f"Look whether {URL} is right, and what a proxy in between says.",
        )


def _not_here() -> UsageError:
    return UsageError(
        "home-needed",
        "This command works only where the home is.",
        next_step=f"Run it on that machine, without {URL}.",
    )

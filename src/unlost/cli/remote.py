"""Remote use of the command line: actions are sent to a server over the REST API.

``UNLOST_URL`` is the address of the console, ``UNLOST_TOKEN`` one of its tokens. No home is opened
on this machine.

    verb ─> action(RemoteHome) ─> act_elsewhere ─┬─ ``ask``       one API call with a JSON result
                                                 └─ ``composed``  several: see ``remote_actions``

The mark of an action notices that its application is remote and passes the call on, so verbs need
no code for it. Errors of the server are raised here with their code and text, as the class that
belongs to the HTTP status.

See docs/adr/0015.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO, NoReturn, Self
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from unlost.app.access import UserAction
from unlost.app.actions.restores.restore_plan import plan_bytes
from unlost.app.home.system import SystemClock
from unlost.app.operations import BY_ACTION, BYTES, ApiOperation, Method, as_path
from unlost.model.decoders import decoder_for
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
from unlost.model.ports.system import Clock

URL, TOKEN = "UNLOST_URL", "UNLOST_TOKEN"
API = "/api/v1"
SECONDS = 300.0  # a comparison with the live org may take minutes
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# The opposite of ``unlost.web.failing.STATUS``.
ERRORS_BY_STATUS: Mapping[int, type[UnlostError]] = {
    400: UsageError,
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: UsageError,
    422: UsageError,
    429: LimitReached,
    503: TransientError,
}


type Given = Mapping[str, Any]
type RemoteAction = Callable[["RemoteHome", Given], Any]


class RemoteHome:
    """A stand-in for an application on a server: actions called with it are executed there.

    ``composed`` maps names of actions to functions for those that take several API calls; all
    others take one.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        composed: Mapping[str, RemoteAction],
        client: httpx.Client | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Check the address and the token, without calling the server.

        Raises UsageError (``url-invalid``), NotAllowed (``token-missing``).
        """
        self._url = _checked(url)
        self._composed = composed
        self.clock = clock or SystemClock()
        # Before the first call, for a better message than the server's 401.
        if not token:
            raise NotAllowed(
                "token-missing",
                "{variable} names a server, but no token is set.",
                next_step="Create a token in the console, or with "
                "`unlost token add NAME --owner PERSON`, and set {token_variable}.",
                variable=URL,
                token_variable=TOKEN,
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
        """Raise for all other attributes of an application, which need the home itself."""
        # Python looks up special methods on its own, for example to copy or to inspect an object.
        if name.startswith("__"):
            raise AttributeError(name)
        raise home_needed()

    def act_elsewhere(self, action: UserAction, given: Given) -> Any:
        """Execute an action on the server; raises its errors, StoreError (``server-away``)."""
        composed = self._composed.get(action.name)
        return composed(self, given) if composed is not None else self.ask(action.name, given)

    def ask(self, name: str, given: Given) -> Any:
        """Call one operation and return its JSON result."""
        operation = BY_ACTION.get(name)
        if operation is None or operation.gives:
            raise home_needed()
        with self._asked(operation, given) as answer:
            return decoder_for(operation.returns).decode(answer.read())

    def save(self, name: str, given: Given, target: BinaryIO) -> Mapping[str, str]:
        """Write the bytes of an operation to ``target``; returns the response headers."""
        with self._asked(BY_ACTION[name], given) as answer:
            target.writelines(answer.iter_bytes())
            return answer.headers

    def lines(self, name: str, given: Given) -> Iterator[str]:
        """Yield the lines of an operation that returns JSON lines."""
        with self._asked(BY_ACTION[name], given) as answer:
            yield from answer.iter_lines()

    @contextmanager
    def _asked(self, operation: ApiOperation, given: Given) -> Iterator[httpx.Response]:
        """Yield a successful response, to be read within the context."""
        try:
            with self._client.stream(**_request(self._url, operation, given)) as answer:
                if answer.status_code != httpx.codes.OK:
                    answer.read()
                    raise _failed(answer)
                yield answer
        except httpx.HTTPError as error:
            raise StoreError(
                "server-away",
                "{url} does not answer: {error}.",
                next_step="Check that the console runs there, and that {variable} is right.",
                url=self._url,
                error=type(error).__name__,
                variable=URL,
            ) from error


def _request(url: str, operation: ApiOperation, given: Given) -> dict[str, Any]:
    """Return the arguments for httpx."""
    # Callbacks and observers stay here.
    sent = {name: given[name] for name in operation.parameters if name in given}
    plain: dict[str, Any] = msgspec.to_builtins(sent, str_keys=True)
    query = {name: plain[name] for name in operation.free_parameters if name in plain}
    parts = {name: quote(as_path(value), safe="") for name, value in plain.items()}
    options: dict[str, Any] = {
        "method": operation.method.value,
        "url": f"{url}{API}{operation.path.format(**parts)}",
    }
    if operation.has_query:
        options["params"] = {name: value for name, value in query.items() if value is not None}
    if operation.takes:
        content = plan_bytes(given[operation.takes])
        return options | {"content": content, "headers": {"Content-Type": BYTES}}
    if operation.method is Method.GET:
        return options
    if not operation.free_parameters:
        return options
    body = query.get(operation.free_parameters[0]) if operation.alone else query
    typed = {"Content-Type": "application/json"}
    return options | {"content": msgspec.json.encode(body), "headers": typed}


def _checked(url: str) -> str:
    parts = urlsplit(url)
    # The token must not travel in clear text through a network.
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname:
        raise UsageError(
            "url-invalid",
            "{variable} is not the address of a console: {url!r}.",
            next_step="Use an address such as https://unlost.acme.example. Only this machine may be "
            "reached without TLS.",
            variable=URL,
            url=url,
        )
    return f"{parts.scheme}://{parts.netloc}"


def _failed(answer: httpx.Response) -> UnlostError:
    kind = ERRORS_BY_STATUS.get(answer.status_code, StoreError)
    try:
        problem = answer.json()["error"]
        return kind(problem["code"], problem["sentence"], next_step=problem["next_step"])
    except (ValueError, KeyError, TypeError):
        return StoreError(
            "server-strange",
            "The server returned {status}, but not as a console does.",
            next_step="Check that {variable} is right, and check any proxy in between.",
            status=answer.status_code,
            variable=URL,
        )


def home_needed() -> UsageError:
    """Return the error for a command that needs the home itself."""
    return UsageError(
        "home-needed",
        "This command works only on the machine that has the home.",
        next_step="Run it on that machine, and unset {variable}.",
        variable=URL,
    )

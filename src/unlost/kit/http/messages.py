"""Calls, answers and failures as plain values that need no HTTP library."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

type Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A call to make. ``url`` is absolute; ``accept`` names statuses that are no failure.

    An iterable ``body`` is sent in pieces as they come, so the call cannot be repeated. ``signed``:
    the session's token is sent along. ``budgeted``: the call counts as an API call.
    """

    method: str
    url: str
    headers: Headers = field(default_factory=dict)
    body: bytes | Iterable[bytes] | None = None
    accept: frozenset[int] = frozenset({200, 201, 204})
    signed: bool = True
    budgeted: bool = True


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer. Header names are lower case; ``body`` is decoded."""

    status: int
    headers: Headers
    body: bytes

    @property
    def is_json(self) -> bool:
        """True if the content type is JSON; only then may the body be parsed as JSON."""
        return "json" in self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class CallFailure:
    """The facts about a call that did not succeed.

    ``status`` is 0 if no answer came; ``code`` and ``message`` are the source's own.
    """

    status: int
    code: str = ""
    message: str = ""
    host: str = ""
    retry_after: float | None = None

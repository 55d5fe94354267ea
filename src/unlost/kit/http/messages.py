"""What is asked and what comes back, as plain values free of any HTTP library."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

type Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A call to be made. ``url`` is absolute; ``accept`` names statuses that are no failure.

    ``body`` may be given in pieces, which are sent as they come; such a call cannot be repeated.
    ``signed``: the session's token is sent along. ``budgeted``: it counts as an API call.
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
        """True if the answer says that it is JSON; only then may it be parsed as such."""
        return "json" in self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class CallFailure:
    """What a call that did not succeed says about itself.

    ``status`` is 0 where no answer came at all; ``code`` and ``message`` are the source's own.
    """

    status: int
    code: str = ""
    message: str = ""
    host: str = ""
    retry_after: float | None = None

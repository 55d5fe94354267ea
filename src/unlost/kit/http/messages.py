"""Calls, answers and failures as plain values that need no HTTP library."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from unlost.kit.http.limits import DOCUMENT, AnswerLimits

type Headers = Mapping[str, str]
LONGEST_PATH = 120  # shown characters
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # "safe" in RFC 9110, 9.2.1


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A call to make. ``url`` is absolute; ``accept`` names statuses that are no failure.

    An iterable ``body`` is sent in pieces as they come, so the call cannot be repeated. ``signed``:
    the session's token is sent along. ``budgeted``: the call counts as an API call. ``limits``: the
    most that its answer may take. ``harmless``: a second call after a lost answer does no harm, for
    example because a POST only reads. Calls of reading methods are always harmless.
    """

    method: str
    url: str
    headers: Headers = field(default_factory=dict)
    body: bytes | Iterable[bytes] | None = field(default=None, repr=False)  # may hold secrets
    accept: frozenset[int] = frozenset({200, 201, 204})
    signed: bool = True
    budgeted: bool = True
    limits: AnswerLimits = DOCUMENT
    harmless: bool = False

    @property
    def repeatable(self) -> bool:
        """True if the call may be made again after its answer was lost."""
        return self.harmless or self.method in READING_METHODS

    @property
    def name(self) -> str:
        """Method and path, for people; without the query, which can contain data."""
        return f"{self.method} {urlsplit(self.url).path[:LONGEST_PATH]}"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer. Header names are lower case; ``body`` is decoded.

    ``call`` names the call that it answers, such as ``GET /limits``.
    """

    status: int
    headers: Headers
    body: bytes
    call: str = ""

    @property
    def is_json(self) -> bool:
        """True if the content type is JSON; only then may the body be parsed as JSON."""
        return "json" in self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class CallFailure:
    """The facts about a call that did not succeed.

    ``status`` is 0 if no answer came; ``code`` and ``message`` are the source's own. ``call`` names
    the call, ``moved_to`` the host to which the answer redirects it.
    """

    status: int
    code: str = ""
    message: str = ""
    host: str = ""
    retry_after: float | None = None
    call: str = ""
    moved_to: str = ""

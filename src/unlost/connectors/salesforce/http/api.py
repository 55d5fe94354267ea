"""Salesforce's REST calls as functions: addresses, queries, batches, the server's clock."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any
from urllib.parse import quote_plus, urlsplit

from unlost.connectors.salesforce.http.errors import (
    TABLE,
    SalesforceRefusal,
    error_factory,
    read_error,
    understand,
)
from unlost.connectors.salesforce.http.limits import BATCH_REQUESTS, LONGEST_URI
from unlost.kit.addresses import is_loopback
from unlost.kit.http import (
    BodyStream,
    CallFailure,
    Headers,
    HttpAnswer,
    HttpCall,
    HttpClient,
    HttpPolicy,
    Transport,
)
from unlost.kit.json_to_arrow import decode
from unlost.kit.oauth import OAuthSession
from unlost.kit.paging import follow
from unlost.model.errors import IntegrityError, NotAllowed, TransientError
from unlost.model.ports.source import Context

JSON = {"Accept": "application/json"}
SEND_JSON = {"Accept": "application/json", "Content-Type": "application/json"}


def read_usage(headers: Headers) -> tuple[int, int] | None:
    """Calls used and allowed, from ``Sforce-Limit-Info: api-usage=18/15000`` (REST guide)."""
    for part in headers.get("sforce-limit-info", "").split(","):
        name, _, value = part.strip().partition("=")
        used, _, limit = value.partition("/")
        if name == "api-usage" and used.isdigit() and limit.isdigit():
            return int(used), int(limit)
    return None


def date_of(headers: Headers) -> datetime | None:
    """The server's clock from an answer's ``Date`` header."""
    text = headers.get("date")
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):  # a year that no calendar has
        return None


@dataclass(frozen=True, slots=True)
class BatchedGet:
    """A GET within a composite call: a path under the API version, and its own headers."""

    path: str
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchedPost:
    """A POST within a composite call: a path under the API version, its body and headers."""

    path: str
    body: object
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchedAnswer:
    """The answer to one call of a batch; ``body`` is decoded, header names are lower case."""

    status: int
    body: Any
    headers: Headers


class SalesforceApi:
    """Calls of one org. Safe for threads."""

    def __init__(
        self,
        session: OAuthSession,
        context: Context,
        *,
        version: str,
        transport: Transport | None = None,
        compress: bool = True,
    ) -> None:
        """``version`` as in paths, such as ``v66.0``."""
        self.version = version
        self.clock = context.clock
        self._session = session
        self._budget = context.budget
        self._last_seen: datetime | None = None
        self.calls_left: int | None = None  # of the org's day, from its last answer
        self.client = HttpClient(
            HttpPolicy(
                TABLE,
                understand,
                error_factory(context.clock.now),
                self.notice,
            ),
            clock=context.clock,
            entropy=context.entropy,
            budget=context.budget,
            session=session,
            transport=transport,
            compress=compress,
        )

    def url(self, path: str) -> str:
        """The address of a path: from the host (``/services/…``), or under the API version."""
        host = self.host()
        if path.startswith("/"):
            return host + path
        return f"{host}/services/data/{self.version}/{path}"

    def host(self) -> str:
        """The org's own host, from the newest token answer (it can change)."""
        instance = self._session.current().fields.get("instance_url", "")
        if urlsplit(instance).scheme != "https" and not is_loopback(instance):
            raise NotAllowed(
                "salesforce-instance",
                "The sign-in response contains no https address of the org.",
                next_step="Check the address of the org.",
            )
        return instance.rstrip("/")

    def token_field(self, name: str) -> str:
        """A text of the newest token answer, empty if it has none."""
        return self._session.current().fields.get(name, "")

    def get(self, path: str, *, accept: frozenset[int] = frozenset({200})) -> HttpAnswer:
        """The whole answer of a GET."""
        return self.client.send(HttpCall("GET", self.url(path), JSON, accept=accept))

    def get_json(self, path: str) -> Any:
        """The decoded JSON of a GET."""
        return self.client.send_for(HttpCall("GET", self.url(path), JSON), read_json)

    def post_json(self, path: str, value: object) -> Any:
        """The decoded JSON of a POST."""
        body = json.dumps(value).encode()
        return self.client.send_for(HttpCall("POST", self.url(path), SEND_JSON, body), read_json)

    def delete(self, path: str) -> None:
        """Send a DELETE; an object that no longer exists is fine."""
        gone = frozenset({200, 204, 404})
        self.client.send(HttpCall("DELETE", self.url(path), JSON, accept=gone))

    def stream(self, path: str, *, accept_type: str) -> AbstractContextManager[BodyStream]:
        """The body of a GET as a stream."""
        return self.client.stream(
            HttpCall(
                "GET",
                self.url(path),
                {"Accept": accept_type},
                accept=frozenset({200, 204}),
            )
        )

    def query_pages(
        self, soql: str, *, all_rows: bool = False, tooling: bool = False
    ) -> Iterator[tuple[Mapping[str, Any], datetime]]:
        """Result pages of a query, each with the server's time.

        ``all_rows``: including deleted and archived rows. A query too long for an address is sent
        in a composite call (help article 000386264).
        """
        resource = ("tooling/" if tooling else "") + ("queryAll" if all_rows else "query")
        path = f"{resource}/?q={quote_plus(soql, safe=',()')}"
        first = self._page(path) if len(path) <= LONGEST_URI else self._composite(path)
        yield from follow(first, fetch=self._page, link=_next_link)

    def query(self, soql: str, *, all_rows: bool = False, tooling: bool = False) -> list[Any]:
        """All records of a query that is known to be small; a short result is queried again."""
        for attempt in count(1):
            records, total = [], None
            for page, _ in self.query_pages(soql, all_rows=all_rows, tooling=tooling):
                records += page["records"]
                total = page.get("totalSize")
            if total is None or len(records) == total:
                return records
            self.client.backoff.wait(attempt, result_short(len(records), total))
        raise AssertionError

    def batch(self, paths: Sequence[str]) -> list[tuple[int, Any]]:
        """Status and decoded answer of many GETs, 25 a call, in order."""
        results: list[tuple[int, Any]] = []
        for start in range(0, len(paths), BATCH_REQUESTS):
            part = paths[start : start + BATCH_REQUESTS]
            requests = [{"method": "GET", "url": f"{self.version}/{path}"} for path in part]
            answer = self.post_json(
                "composite/batch", {"haltOnError": False, "batchRequests": requests}
            )
            results += [
                (int(result["statusCode"]), result["result"]) for result in answer["results"]
            ]
        return results

    def composite(
        self, requests: Sequence[BatchedGet | BatchedPost]
    ) -> tuple[list[BatchedAnswer], datetime]:
        """Send at most 25 reading calls in one, each with its own headers; adds the server time.

        REST guide, composite: subrequests may have headers, and so do their answers.
        """
        wanted = [
            {
                "method": "GET" if isinstance(request, BatchedGet) else "POST",
                "url": f"/services/data/{self.version}/{request.path}",
                "referenceId": f"get{place}",
                **({"httpHeaders": dict(request.headers)} if request.headers else {}),
                **({"body": request.body} if isinstance(request, BatchedPost) else {}),
            }
            for place, request in enumerate(requests)
        ]
        body = json.dumps({"allOrNone": False, "compositeRequest": wanted}).encode()
        call = HttpCall("POST", self.url("composite"), SEND_JSON, body)
        content, at = self.client.send_for(call, self._timed)
        return [_got(answered) for answered in content["compositeResponse"]], at

    def server_time(self) -> datetime:
        """Salesforce's clock, from the versions list, which needs no session; ours without one."""
        request = HttpCall(
            "GET", self.url("/services/data/"), JSON, accept=frozenset({200, 401}), signed=False
        )
        return date_of(self.client.send(request).headers) or self.clock.now()

    def recent_time(self) -> datetime:
        """Salesforce's clock at its last answer, or ours if that is earlier: needs no call."""
        return min(self._last_seen or self.server_time(), self.clock.now())

    def time_of(self, headers: Headers) -> datetime:
        """Salesforce's clock at an answer, or ours if that is earlier.

        What is kept until a later time must not be kept for years because a proxy is wrong.
        """
        now = self.clock.now()
        return min(date_of(headers) or now, now)

    def notice(self, headers: Headers) -> None:
        """Read calls left and the server's clock from an answer's headers."""
        if usage := read_usage(headers):
            self.calls_left = usage[1] - usage[0]
            self._budget.report(used=usage[0], limit=usage[1])
        self._last_seen = date_of(headers) or self._last_seen

    def _page(self, path: str) -> tuple[Mapping[str, Any], datetime]:
        return self.client.send_for(HttpCall("GET", self.url(path), JSON), self._timed)

    def _timed(self, answer: HttpAnswer) -> tuple[Any, datetime]:
        return read_json(answer), self.time_of(answer.headers)

    def _composite(self, path: str) -> tuple[Mapping[str, Any], datetime]:
        (inner,), at = self.composite([BatchedGet(path)])
        if inner.status != 200:
            raise self._error_of(inner.status, inner.body)
        return inner.body, at

    def _error_of(self, status: int, body: object) -> Exception:
        failure = CallFailure(status, *read_error(body))
        return error_factory(self.clock.now)(failure, TABLE.decide(failure))


def _got(answer: Mapping[str, Any]) -> BatchedAnswer:
    headers = {name.lower(): str(text) for name, text in (answer.get("httpHeaders") or {}).items()}
    return BatchedAnswer(int(answer["httpStatusCode"]), answer["body"], headers)


def _next_link(page: tuple[Mapping[str, Any], datetime]) -> str | None:
    content, _ = page
    if content.get("done", True):
        return None
    link = content.get("nextRecordsUrl")
    if not isinstance(link, str):
        raise IntegrityError(
            "salesforce-no-next-page",
            "Salesforce reported that a result continues, but not where.",
            next_step="Run the backup again.",
        )
    return link


def result_short(read: int, total: int) -> TransientError:
    """The error of a query that returned fewer or more rows than it announced."""
    return TransientError(
        "result-short",
        "A query returned {read} rows instead of the announced {total}.",
        next_step="Unlost repeats the query automatically.",
        read=read,
        total=total,
    )


def read_json(answer: HttpAnswer) -> Any:
    """The decoded body; raises SalesforceRefusal if it is not JSON, so not Salesforce's."""
    if not answer.is_json:
        raise SalesforceRefusal("", "the answer is not JSON", answer.status)
    return decode(answer.body)

"""Salesforce's REST calls as functions: addresses, queries, batches, the server's clock."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from urllib.parse import quote_plus

import msgspec

from unlost.connectors.salesforce.http.errors import (
    SALESFORCE,
    TABLE,
    SalesforceRefusal,
    error_factory,
    read_error,
    short_call,
    understand,
)
from unlost.connectors.salesforce.http.hosts import instance_of, path_of
from unlost.connectors.salesforce.http.limits import (
    BATCH_REQUESTS,
    LONGEST_URI,
    MOST_EMPTY_PAGES,
    MOST_SMALL,
    SMALL_PAGE,
)
from unlost.connectors.salesforce.http.shapes import (
    BatchAnswer,
    CompositeAnswer,
    CompositeResult,
    QueryAnswer,
)
from unlost.kit.http import (
    DOCUMENT,
    AnswerLimits,
    AnswerTooLarge,
    BodyStream,
    CallFailure,
    Headers,
    HttpAnswer,
    HttpCall,
    HttpClient,
    HttpPolicy,
    Transport,
)
from unlost.kit.http.body import number_in
from unlost.kit.http.limits import turn_to_decode
from unlost.kit.http.source_clock import SourceClock, date_of
from unlost.kit.json_to_arrow import MalformedAnswer, decode, read_as
from unlost.kit.oauth import OAuthSession
from unlost.kit.paging import follow
from unlost.model.errors import IntegrityError, TransientError
from unlost.model.ports.source import Context

JSON = {"Accept": "application/json"}
SEND_JSON = {"Accept": "application/json", "Content-Type": "application/json"}


def read_usage(headers: Headers) -> tuple[int, int] | None:
    """Calls used and allowed, from ``Sforce-Limit-Info: api-usage=18/15000`` (REST guide)."""
    for part in headers.get("sforce-limit-info", "").split(","):
        name, _, value = part.strip().partition("=")
        used, _, limit = value.partition("/")
        numbers = [number_in({"": text}, "") for text in (used, limit)]
        if name == "api-usage" and None not in numbers:
            return numbers[0] or 0, numbers[1] or 0
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
    """The answer to one call of a batch; header names are lower case.

    ``call`` names the call within its batch. ``raw`` is its body, still encoded.
    """

    status: int
    raw: msgspec.Raw
    headers: Headers
    call: str

    def read[T](self, kind: type[T]) -> T:
        """The decoded body; raises MalformedAnswer."""
        decoded: T = decode(bytes(self.raw), kind, call=self.call)
        return decoded

    def error(self) -> tuple[str, str]:
        """Code and message of a refusal."""
        return read_error(self.read(Any))


@dataclass(frozen=True, slots=True)
class QueryPage[T]:
    """A page of a query's result; ``at`` is the server's time, ``total`` the rows of all pages.

    ``records`` are its ``count`` records in the form that was asked for. ``link`` leads to the next
    page. ``size`` is that of the answer in bytes.
    """

    total: int
    count: int
    records: T
    at: datetime
    link: str | None
    size: int


class SalesforceApi:
    """Calls of one org. Safe for threads."""

    def __init__(
        self,
        session: OAuthSession,
        context: Context,
        *,
        version: str,
        login_url: str,
        transport: Transport | None = None,
        compress: bool = True,
    ) -> None:
        """``version`` as in paths, such as ``v66.0``; ``login_url`` is where the session signs in."""
        self.version = version
        self._login = login_url
        self.clock = context.clock
        self._session = session
        self._budget = context.budget
        self._source_clock = SourceClock(context.clock)
        self.calls_left: int | None = None  # of the org's day, from its last answer
        self.client = HttpClient(
            HttpPolicy(
                TABLE,
                understand,
                error_factory(context.clock.now),
                self.notice,
                source=SALESFORCE,
                call_name=short_call,
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
        """The org's own host, from the newest token answer (it can change).

        Raises NotAllowed if the token must not be sent there.
        """
        instance = self._session.current().fields.get("instance_url", "")
        return instance_of(instance, login=self._login)

    def link(self, address: str) -> str:
        """The path of a link in an answer; raises IntegrityError if it leads elsewhere."""
        return path_of(address, host=self.host())

    def token_field(self, name: str) -> str:
        """A text of the newest token answer, empty if it has none."""
        return self._session.current().fields.get(name, "")

    def get(self, path: str, *, accept: frozenset[int] = frozenset({200})) -> HttpAnswer:
        """The whole answer of a GET."""
        return self.client.send(HttpCall("GET", self.url(path), JSON, accept=accept))

    def get_json[T](self, path: str, kind: type[T]) -> T:
        """The decoded JSON of a GET; raises MalformedAnswer if it is not of this kind."""
        call = HttpCall("GET", self.url(path), JSON, accept=frozenset({200}))
        return self.client.send_for(call, lambda answer: read_json(answer, kind))

    def post_json[T](self, path: str, value: object, kind: type[T]) -> T:
        """The decoded JSON of a POST that only reads; raises MalformedAnswer if not of this kind."""
        body = json.dumps(value).encode()
        call = HttpCall("POST", self.url(path), SEND_JSON, body, harmless=True)
        return self.client.send_for(call, lambda answer: read_json(answer, kind))

    def delete(self, path: str) -> None:
        """Send a DELETE, again if its answer was lost; an object that no longer exists is fine."""
        gone = frozenset({200, 204, 404})
        self.client.send(HttpCall("DELETE", self.url(path), JSON, accept=gone, harmless=True))

    def stream(
        self, path: str, *, accept_type: str, limits: AnswerLimits
    ) -> AbstractContextManager[BodyStream]:
        """The body of a GET as a stream."""
        return self.client.stream(
            HttpCall(
                "GET",
                self.url(path),
                {"Accept": accept_type},
                accept=frozenset({200, 204}),
                limits=limits,
            )
        )

    def query_pages[T](
        self,
        soql: str,
        convert: Callable[[Sequence[Mapping[str, Any]]], T],
        *,
        all_rows: bool = False,
        tooling: bool = False,
        small: bool = False,
    ) -> Iterator[QueryPage[T]]:
        """Result pages of a query.

        ``convert`` makes the wanted form of the records, before another large page is decoded.
        ``all_rows``: including deleted and archived rows. ``small``: ask for the smallest pages. A
        query too long for an address is sent in a composite call (help article 000386264).
        """
        path = query_path(soql, all_rows=all_rows, tooling=tooling)
        options = SMALL_PAGE if small else {}
        if len(path) <= LONGEST_URI:
            first = self._page(path, options, convert)
        else:
            first = self._composite(path, options, convert)
        yield from self.pages_from(first, convert, options=options)

    def pages_from[T](
        self,
        first: QueryPage[T],
        convert: Callable[[Sequence[Mapping[str, Any]]], T],
        *,
        options: Headers | None = None,
    ) -> Iterator[QueryPage[T]]:
        """A page, and all that follow it."""
        empty = 0
        pages = follow(
            first,
            fetch=lambda link: self._page(link, options or {}, convert),
            link=lambda page: page.link,
        )
        for page in pages:
            empty = 0 if page.count else empty + 1
            if empty > MOST_EMPTY_PAGES:
                raise MalformedAnswer("page after page is empty", call="GET query")
            yield page

    def query(self, soql: str, *, all_rows: bool = False, tooling: bool = False) -> list[Any]:
        """All records of a query that is known to be small; a short result is queried again.

        Raises AnswerTooLarge if it is not small.
        """
        for attempt in count(1):
            records, total = self._records(soql, all_rows=all_rows, tooling=tooling)
            if total is None or len(records) == total:
                return records
            self.client.backoff.wait(attempt, result_short(len(records), total))
        raise AssertionError

    def _records(self, soql: str, *, all_rows: bool, tooling: bool) -> tuple[list[Any], int | None]:
        """The records of all pages, and their announced number if there is one."""
        records: list[Any] = []
        size = 0
        total: int | None = None
        for page in self.query_pages(soql, list, all_rows=all_rows, tooling=tooling):
            records += page.records
            size += page.size
            total = page.total if page.total >= 0 else None
            if len(records) > MOST_SMALL or size > DOCUMENT.decoded:
                raise AnswerTooLarge(f"a short list has more than {len(records):,} records")
        return records, total

    def batch(self, paths: Sequence[str]) -> list[BatchedAnswer]:
        """The answers to many GETs, 25 a call, in order."""
        results: list[BatchedAnswer] = []
        for start in range(0, len(paths), BATCH_REQUESTS):
            results += self._batch(paths[start : start + BATCH_REQUESTS])
        return results

    def _batch(self, paths: Sequence[str]) -> list[BatchedAnswer]:
        requests = [{"method": "GET", "url": f"{self.version}/{path}"} for path in paths]
        body = {"haltOnError": False, "batchRequests": requests}
        try:
            answer = self.post_json("composite/batch", body, BatchAnswer)
        except AnswerTooLarge:
            if len(paths) == 1:
                raise
            middle = len(paths) // 2
            return [*self._batch(paths[:middle]), *self._batch(paths[middle:])]
        if len(answer.results) != len(paths):
            raise _other_number(len(answer.results), len(paths), "POST /composite/batch")
        return [
            BatchedAnswer(result.status_code, result.result, {}, _inner("GET", path, "/batch"))
            for path, result in zip(paths, answer.results, strict=True)
        ]

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
        call = HttpCall("POST", self.url("composite"), SEND_JSON, body, harmless=True)
        results, at = self.client.send_for(call, self._composite_results)
        if len(results) != len(requests):
            raise _other_number(len(results), len(requests), "POST /composite")
        if any(result.reference_id not in ("", f"get{n}") for n, result in enumerate(results)):
            # Answers are taken by their place: rows of another table would look like no change.
            raise MalformedAnswer("its answers are in another order", call="POST /composite")
        return [
            _got(request, result) for request, result in zip(requests, results, strict=True)
        ], at

    def first_page[T](
        self,
        answer: BatchedAnswer,
        at: datetime,
        convert: Callable[[Sequence[Mapping[str, Any]]], T],
    ) -> QueryPage[T]:
        """The first page of a query that was sent in a composite call; raises its refusal."""
        if answer.status != 200:
            raise self._error_of(answer)
        size = len(bytes(answer.raw))
        with turn_to_decode(size):
            return self._page_of(answer.read(QueryAnswer), at, size, convert)

    def server_time(self) -> datetime:
        """Salesforce's clock, from the versions list, which needs no session; ours without one."""
        request = HttpCall(
            "GET", self.url("/services/data/"), JSON, accept=frozenset({200, 401}), signed=False
        )
        return date_of(self.client.send(request).headers) or self.clock.now()

    def recent_time(self) -> datetime:
        """Salesforce's clock at its last answer, or ours if that is earlier: needs no call."""
        return self._source_clock.at_last_answer() or min(self.server_time(), self.clock.now())

    def time_of(self, headers: Headers) -> datetime:
        """Salesforce's clock at an answer, or ours if that is earlier."""
        return self._source_clock.time_of(headers)

    def notice(self, headers: Headers) -> None:
        """Read calls left and the server's clock from an answer's headers."""
        if usage := read_usage(headers):
            self.calls_left = usage[1] - usage[0]
            self._budget.report(used=usage[0], limit=usage[1])
        self._source_clock.notice(headers)

    def _page[T](
        self,
        path: str,
        options: Headers,
        convert: Callable[[Sequence[Mapping[str, Any]]], T],
    ) -> QueryPage[T]:
        call = HttpCall("GET", self.url(path), {**JSON, **options}, accept=frozenset({200}))
        return self.client.send_for(call, lambda answer: self._query_page(answer, convert))

    def _query_page[T](
        self, answer: HttpAnswer, convert: Callable[[Sequence[Mapping[str, Any]]], T]
    ) -> QueryPage[T]:
        at = self.time_of(answer.headers)
        return self._page_of(read_json(answer, QueryAnswer), at, len(answer.body), convert)

    def _composite_results(self, answer: HttpAnswer) -> tuple[list[CompositeResult], datetime]:
        results = read_json(answer, CompositeAnswer).composite_response
        return results, self.time_of(answer.headers)

    def _composite[T](
        self, path: str, options: Headers, convert: Callable[[Sequence[Mapping[str, Any]]], T]
    ) -> QueryPage[T]:
        (inner,), at = self.composite([BatchedGet(path, options)])
        return self.first_page(inner, at, convert)

    def _page_of[T](
        self,
        page: QueryAnswer,
        at: datetime,
        size: int,
        convert: Callable[[Sequence[Mapping[str, Any]]], T],
    ) -> QueryPage[T]:
        link = None if page.done else self.link(_next_link(page))
        records = convert(page.records)
        return QueryPage(page.total_size, len(page.records), records, at, link, size)

    def _error_of(self, answer: BatchedAnswer) -> Exception:
        code, message = answer.error()
        failure = CallFailure(answer.status, code, message, call=answer.call)
        return error_factory(self.clock.now)(failure, TABLE.decide(failure))


def query_path(soql: str, *, all_rows: bool, tooling: bool = False) -> str:
    """The path of a query, also for a composite call."""
    resource = ("tooling/" if tooling else "") + ("queryAll" if all_rows else "query")
    return f"{resource}/?q={quote_plus(soql, safe=',()')}"


def _got(request: BatchedGet | BatchedPost, result: CompositeResult) -> BatchedAnswer:
    headers = {name.lower(): str(text) for name, text in (result.http_headers or {}).items()}
    method = "GET" if isinstance(request, BatchedGet) else "POST"
    call = _inner(method, request.path, "")
    return BatchedAnswer(result.http_status_code, result.body, headers, call)


def _inner(method: str, path: str, kind: str) -> str:
    """The name of a call within a composite one, without its query."""
    return f"{method} /{path.partition('?')[0].rstrip('/')} in POST /composite{kind}"


def _other_number(have: int, want: int, call: str) -> MalformedAnswer:
    return MalformedAnswer(f"it answers {have} of {want} calls", call=call)


def _next_link(page: QueryAnswer) -> str:
    if page.next_records_url is None:
        raise IntegrityError(
            "salesforce-no-next-page",
            "Salesforce reported that a result continues, but not where.",
            next_step="Run the backup again.",
        )
    return page.next_records_url


def result_short(read: int, total: int) -> TransientError:
    """The error of a query that returned fewer or more rows than it announced."""
    return TransientError(
        "result-short",
        "A query returned {read} rows instead of the announced {total}.",
        next_step="Unlost repeats the query automatically.",
        read=read,
        total=total,
    )


def read_json[T](answer: HttpAnswer, kind: type[T]) -> T:
    """The decoded body; raises SalesforceRefusal if it is not JSON, so not Salesforce's.

    Raises MalformedAnswer if it is not of this kind.
    """
    if not answer.is_json:
        raise SalesforceRefusal("", "the answer is not JSON", answer.status, answer.call)
    return read_as(kind)(answer)

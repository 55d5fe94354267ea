"""Calls of the Salesforce connector and their answers, as a proxy on the way sees them."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit


class CallKind(StrEnum):
    """The question that a call asks; further pages have the kind of their first page."""

    CLOCK = "clock"  # the list of versions, asked for its Date header
    SIGN_IN = "sign-in"
    IDENTITY = "identity"
    OBJECTS = "objects"  # the list of all objects
    DESCRIBE = "describe"
    FIELDS = "fields"  # the names of all fields, hidden ones included
    RIGHTS = "rights"
    CHOICE = "choice"  # a count before a read, to choose between REST and Bulk
    COUNT = "count"  # the number of live rows
    ROWS = "rows"  # all rows, or the changed ones
    CHECK = "check"  # rows that claim not to have changed
    LOOKUP = "lookup"  # rows by their ids
    IDS = "ids"  # a census
    JOB = "job"  # the state of a Bulk job
    RESULTS = "results"  # a result page of a Bulk job
    DELETED = "deleted"
    UPDATED = "updated"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SentCall:
    """One call; ``page`` counts the pages of a result from 0, ``record`` is that of a file."""

    method: str
    target: str
    kind: CallKind
    table: str = ""
    page: int = 0
    soql: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """One answer; header names are in lower case, the body is not compressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    def with_json(self, document: object) -> "ServedAnswer":
        """The same answer with another document."""
        return replace(self, body=json.dumps(document).encode())

    def with_members(self, **members: object) -> "ServedAnswer":
        """The same answer with some members of its document replaced."""
        return self.with_json({**self.json, **members})

    def with_header(self, name: str, text: str) -> "ServedAnswer":
        """The same answer with another header."""
        return replace(self, headers={**self.headers, name: text})

    @property
    def csv(self) -> "CsvRows":
        """The header and the rows of a result page."""
        header, *rows = csv.reader(io.StringIO(self.body.decode(), newline=""))
        return CsvRows(tuple(header), tuple(tuple(row) for row in rows))

    def with_csv(self, rows: "CsvRows") -> "ServedAnswer":
        """The same answer with other rows; its count header stays as it is."""
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([rows.header, *rows.rows])
        return replace(self, body=out.getvalue().encode())


@dataclass(frozen=True, slots=True)
class CsvRows:
    """A CSV in parts."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call with its answer, in a numbered backup."""

    call: SentCall
    answer: ServedAnswer
    backup: int = 0


SELECT = re.compile(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+))?", re.DOTALL)
RIGHTS_OF = frozenset(
    {
        "UserPermissionAccess", "PermissionSetAssignment", "GroupMember", "ObjectPermissions",
        "FieldPermissions",
    }
)  # fmt: skip
IDENTITY_COLUMNS = ("Id", "Name", "IsSandbox")
BEFORE = re.compile(r"\w+ < \d{4}-")
SINCE = re.compile(r"\w+ >= \d{4}-")
LIVE = "IsDeleted = false"


def kind_of_query(soql: str) -> tuple[CallKind, str]:
    """The kind and the table of a query in the connector's forms."""
    parsed = SELECT.fullmatch(soql)
    if parsed is None:
        return CallKind.OTHER, ""
    columns, table, where = parsed[1].split(","), parsed[2], parsed[3] or ""
    if table in RIGHTS_OF or (table == "User" and columns[0] == "ProfileId"):
        return CallKind.RIGHTS, table
    if table == "FieldDefinition":
        return CallKind.FIELDS, _quoted(where)
    if table == "Organization" and tuple(columns[:3]) == IDENTITY_COLUMNS:
        return CallKind.IDENTITY, table
    if columns == ["COUNT()"]:
        return (CallKind.COUNT if LIVE in where else CallKind.CHOICE), table
    if re.search(r"\bId (?:IN|=) ", where) and "SELECT" not in where:
        return CallKind.LOOKUP, table
    if columns in (["Id"], ["Id", "IsDeleted"]):
        return CallKind.IDS, table
    checks = BEFORE.search(where) and not SINCE.search(where)
    return (CallKind.CHECK if checks else CallKind.ROWS), table


def _quoted(where: str) -> str:
    name = re.search(r"'(\w+)'", where)
    return name[1] if name else ""


type Pathway = tuple[str, Callable[[Sequence[str]], tuple[CallKind, str, str]]]

PATHS: Sequence[Pathway] = (
    (r"GET /services/data/?", lambda _: (CallKind.CLOCK, "", "")),
    (r"POST /services/oauth2/token", lambda _: (CallKind.SIGN_IN, "", "")),
    (r"GET .*/sobjects/?", lambda _: (CallKind.OBJECTS, "", "")),
    (r"GET .*/sobjects/(\w+)/describe/?", lambda part: (CallKind.DESCRIBE, part[0], "")),
    (r"GET .*/sobjects/(\w+)/deleted/?", lambda part: (CallKind.DELETED, part[0], "")),
    (r"GET .*/sobjects/(\w+)/updated/?", lambda part: (CallKind.UPDATED, part[0], "")),
    (
        r"GET .*/sobjects/(\w+)/(\w{15,18})/(?:Body|VersionData)",
        lambda part: (CallKind.FILE, part[0], part[1]),
    ),
)  # fmt: skip


@dataclass(slots=True)
class Itinerary:
    """Knows which query the jobs and further pages of one connection belong to."""

    _pages: dict[str, SentCall] = field(default_factory=dict)
    _jobs: dict[str, SentCall] = field(default_factory=dict)

    def call(self, method: str, target: str, body: bytes) -> SentCall:
        """Describe a call."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if target in self._pages:
            return self._pages[target]
        if "q" in query:
            return self._of_query(method, target, query["q"][0])
        job = re.search(r"/jobs/query/(\w+)", path)
        if job and job[1] in self._jobs:
            return self._of_job(method, target, self._jobs[job[1]])
        if path.endswith("/jobs/query"):
            return replace(
                self._of_query(method, target, json.loads(body)["query"]), kind=CallKind.OTHER
            )
        for pattern, describe in PATHS:
            parsed = re.fullmatch(pattern, f"{method} {path}")
            if parsed:
                kind, table, record = describe(parsed.groups())
                return SentCall(method, target, kind, table, record=record)
        return SentCall(method, target, CallKind.OTHER)

    def _of_query(self, method: str, target: str, soql: str) -> SentCall:
        kind, table = kind_of_query(soql)
        return SentCall(method, target, kind, table, soql=soql)

    def _of_job(self, method: str, target: str, started: SentCall) -> SentCall:
        """The state of a job, or its first page: later ones are known by their locators."""
        result = "/results" in target
        kind = CallKind.RESULTS if result else CallKind.JOB
        listing = method != "GET" or "/resultPages" in target
        return SentCall(
            method, target, CallKind.OTHER if listing else kind, started.table, soql=started.soql
        )

    def note(self, exchange: Exchange) -> None:
        """Learn from an honest answer where its result continues."""
        call, answer = exchange.call, exchange.answer
        if call.method == "POST" and call.soql and answer.status == 200:
            self._jobs[answer.json["id"]] = call
        elif call.kind is CallKind.RESULTS:
            locator = answer.headers.get("sforce-locator", "")
            target = re.sub(r"&locator=.*", "", call.target) + f"&locator={quote(locator, safe='')}"
            self._pages[target] = replace(call, target=target, page=call.page + 1)
        elif call.soql and call.kind is not CallKind.JOB and answer.status == 200:
            link = answer.json.get("nextRecordsUrl")
            if link:
                self._pages[link] = replace(call, target=link, page=call.page + 1)

"""A Salesforce org that turned hostile: honest until one of its answers is replaced by an attack.

As a program it prints its address, and serves until its input ends. A client chooses the attack by
``POST /attack``. It runs beside the client, so that the memory of the one does not count as the other's.
"""

import gzip
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from fakes.salesforce import (
    HOST,
    ORG_ID,
    FakeSalesforce,
    describe,
    field,
    id_of,
    row,
    system_fields,
)
from fakes.wire import json_answer
from unlost.testing.clock import VirtualClock
from unlost.testing.system import MemoryCache

JSON = "application/json;charset=UTF-8"
CSV = "text/csv"
HTML = b"<html><body>Sign in to the wireless network</body></html>"
PIECE = 64 << 10
FILE_BYTES = b"\x89PNG and so on" * 100

# The calls of a backup: method and path.
PLACES = {
    "token": ("POST", r"/oauth2/token$"),
    "versions": ("GET", r"/services/data/$"),
    "objects": ("GET", r"/sobjects$"),
    "describes": ("POST", r"/composite$"),
    "columns": ("POST", r"/composite/batch$"),
    "record-counts": ("GET", r"/limits/recordCount$"),
    "limits": ("GET", r"/limits$"),
    "identity": ("GET", r"FROM\+Organization"),
    "rights": ("GET", r"FROM\+UserPermissionAccess"),
    "page": ("GET", r"queryAll/.*FROM\+(Contact|Case|Task|Event)"),
    "create-job": ("POST", r"/jobs/query$"),
    "job": ("GET", r"/jobs/query/\w+$"),
    "results": ("GET", r"/jobs/query/\w+/results"),
    "result-pages": ("GET", r"/jobs/query/\w+/resultPages"),
    "file": ("GET", r"/VersionData$"),
    "deleted": ("GET", r"/sobjects/\w+/deleted/"),
}

type Pieces = Iterator[bytes]
type Attack = Callable[[httpx.Response], Pieces]


# Records of tables that are read by REST, by one job, and by parallel pages of a job.
FEW = {"Contact": 4, "Account": 20, "Lead": 40}
MANY = FEW | {"Case": 4, "Task": 4, "Event": 4, "Opportunity": 20, "Campaign": 40}
PREFIXES = {
    "Contact": "003", "Account": "001", "Lead": "00Q", "Case": "500", "Task": "00T",
    "Event": "00U", "Opportunity": "006", "Campaign": "701",
}  # fmt: skip


def org(records: Mapping[str, int] = FEW) -> FakeSalesforce:
    """Tables with so many records, and one with a file."""
    made = FakeSalesforce()
    for name, count in records.items():
        prefix = PREFIXES[name]
        made.describes[name] = describe(name, *system_fields(), field("Name", nameField=True))
        made.rows[name] = [row(id_of(prefix, at), Name=f"{name} {at}") for at in range(count)]
    made.describes["ContentVersion"] = describe(
        "ContentVersion", *system_fields(), field("Title"), field("ContentSize", "int"),
        field("VersionData", "base64"),
    )  # fmt: skip
    made.rows["ContentVersion"] = [
        row(id_of("068", 1), Title="logo", ContentSize=len(FILE_BYTES), VersionData=None)
    ]
    made.bulk_pages = 15
    made.context = replace(made.context, cache=MemoryCache())  # as a home has one
    quota = {"Max": 15000, "Remaining": 14000}
    made.wire.on("GET", r"/limits$", lambda _: json_answer({"DailyApiRequests": quota}))
    made.wire.on("GET", r"/VersionData$", httpx.Response(200, content=FILE_BYTES))
    return made


# --- attacks: the raw bytes of an answer -----------------------------------------------------------


def head(kind: str, *lines: str, status: str = "200 OK") -> bytes:
    """The first lines of an answer that ends with its connection."""
    shown = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close", *lines, "", "")
    return "\r\n".join(shown).encode("latin-1")


def plain(body: bytes, *lines: str, kind: str = JSON, status: str = "200 OK") -> Pieces:
    yield head(kind, f"Content-Length: {len(body)}", *lines, status=status)
    yield body


def answer(body: bytes, *lines: str, kind: str = JSON, status: str = "200 OK") -> Attack:
    return lambda _: plain(body, *lines, kind=kind, status=status)


def endless(start: bytes, again: bytes, *lines: str, kind: str = "") -> Attack:
    """An answer whose body never ends."""

    def pieces(honest: httpx.Response) -> Pieces:
        yield head(kind or honest.headers.get("content-type", JSON), *lines)
        yield start
        repeated = again * max(1, PIECE // len(again))
        while True:
            yield repeated

    return pieces


def endless_rows(honest: httpx.Response) -> Pieces:
    """The honest rows again and again."""
    first, _, rows = honest.content.partition(b"\n")
    yield head(CSV)
    yield first + b"\n"
    again = rows or first + b"\n"
    again *= PIECE // len(again) + 1
    while True:
        yield again


def endless_row(honest: httpx.Response) -> Pieces:
    first, _, _ = honest.content.partition(b"\n")
    yield head(CSV)
    yield first + b'\n"'
    while True:
        yield b"x" * PIECE


@cache
def compressed(again: bytes) -> bytes:
    """16 MiB of these bytes."""
    return gzip.compress(again * ((16 << 20) // len(again)), 9)


def bomb(start: bytes, again: bytes) -> Attack:
    """A gibibyte that takes a mebibyte on the wire."""

    def pieces(honest: httpx.Response) -> Pieces:
        yield head(honest.headers.get("content-type", JSON), "Content-Encoding: gzip")
        yield gzip.compress(start)
        for _ in range(64):
            yield compressed(again)

    return pieces


def zipped(body: Callable[[], bytes]) -> Attack:
    once = cache(lambda: gzip.compress(body(), 1))
    return lambda _: plain(once(), "Content-Encoding: gzip")


def empty_members(_: httpx.Response) -> Pieces:
    """Gzip members without content, for ever."""
    yield head(JSON, "Content-Encoding: gzip")
    members = gzip.compress(b"") * 3_000  # each takes a new decompressor
    while True:
        yield members


def dripping(start: bytes, byte: bytes) -> Attack:
    """A byte now and then."""

    def pieces(_: httpx.Response) -> Pieces:
        yield start
        while True:
            yield byte
            time.sleep(0.01)

    return pieces


def informational(_: httpx.Response) -> Pieces:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 400


def columns(count: int) -> Attack:
    """A list, a record and a header line of so many columns."""

    def pieces(honest: httpx.Response) -> Pieces:
        if CSV in honest.headers.get("content-type", ""):
            names = ",".join(f"C{at}" for at in range(count))
            return plain(f"{names}\n".encode(), kind=CSV)
        fields = [{"name": f"C{at}", "type": "string"} for at in range(count)]
        record = {f"C{at}": None for at in range(count)}
        body = {
            "name": "Contact", "fields": fields, "sobjects": fields, "totalSize": 1, "done": True,
            "records": [record], "results": [{"statusCode": 200, "result": {"fields": fields}}],
            "compositeResponse": [
                {"httpStatusCode": 200, "body": {"name": "Contact", "fields": fields}}
            ],
        }  # fmt: skip
        return plain(json.dumps(body).encode())

    return pieces


def deep(levels: int) -> Attack:
    """A value that is nested too deeply, alone and within a record."""

    def pieces(honest: httpx.Response) -> Pieces:
        nested = b'{"a":' * levels + b"1" + b"}" * levels
        body = honest.content.replace(b"null", nested) if honest.content.count(b"null") else nested
        return plain(body)

    return pieces


def edited(edit: Callable[[bytes], bytes], *lines: str) -> Attack:
    """The honest answer with another body."""

    def pieces(honest: httpx.Response) -> Pieces:
        own = [
            f"{name}: {text}" for name, text in honest.headers.items() if name.startswith("sforce")
        ]
        kind = honest.headers.get("content-type", "application/octet-stream")
        return plain(edit(honest.content), *own, *lines, kind=kind)

    return pieces


def in_texts(text: bytes) -> Attack:
    """Every third text of the honest answer ends with ``text``, so also names, ids and links."""

    def edit(body: bytes) -> bytes:
        parts = body.split(b'"')
        parts[3::6] = [part + text for part in parts[3::6]]
        return b'"'.join(parts)

    return edited(edit)


def with_length(length: str, *more: str) -> Attack:
    def pieces(honest: httpx.Response) -> Pieces:
        kind = honest.headers.get("content-type", JSON)
        yield head(kind, f"Content-Length: {length}", *more)
        yield honest.content

    return pieces


def lying_counts(honest: httpx.Response) -> Pieces:
    body = re.sub(rb'"(totalSize|numberRecordsProcessed)": ?\d+', rb'"\1": 7777777', honest.content)
    kind = honest.headers.get("content-type", JSON)
    lines = [f"Sforce-NumberOfRecords: {'9' * 30}", "Sforce-Locator: again"] if kind == CSV else []
    return plain(body, *lines, kind=kind)


def links(target: str) -> Attack:
    """Every page leads on, to ``target``."""

    def edit(body: bytes) -> bytes:
        try:
            content = json.loads(body)
        except ValueError:
            return body
        if isinstance(content, dict):
            content |= {"done": False, "nextRecordsUrl": target, "instance_url": target}
            for page in content.get("resultPages", ()):
                page["resultUrl"] = target
        return json.dumps(content).encode()

    return edited(edit)


def redirect(target: str, status: str = "302 Found") -> Attack:
    return answer(b"", f"Location: {target}", status=status)


def garbage(_: httpx.Response) -> Pieces:
    yield bytes(range(256)) * 40


def elsewhere() -> str:
    return "https://127.evil.example/services/data/v66.0/query/0r8-stolen"


def values(start: bytes, again: bytes, size: int) -> Callable[[], bytes]:
    return lambda: start + again * (size // len(again)) + b"1]"


MIB = 1 << 20
ATTACKS: dict[str, Attack] = {
    "endless-list": endless(b"[", b"1,", kind=JSON),
    "endless-text": endless(b'{"a":"', b"abcdefgh", kind=JSON),
    "endless-rows": endless_rows,
    "endless-row": endless_row,
    "endless-header-line": endless(b"Id", b",Name", kind=CSV),
    "endless-bytes": endless(b"", b"\0"),
    "bomb-spaces": bomb(b"[", b" "),
    "bomb-objects": bomb(b"[", b"{},"),
    "bomb-rows": bomb(b"Id\n", b"001000000000001AAA\n"),
    "bomb-nulls": bomb(b"", b"\0"),
    "empty-objects": zipped(values(b"[", b"{},", 40 * MIB)),
    "small-objects": zipped(values(b'{"records":[', b'{"a":1.5},', 40 * MIB)),
    "wide-characters": zipped(values(b"[", '"🍫{}",'.format("a" * 1000).encode(), 46 * MIB)),
    "empty-members": empty_members,
    "drip-body": dripping(head(JSON), b" "),
    "drip-rows": dripping(head(CSV), b"x"),
    "drip-headers": dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "drip-chunks": dripping(head(JSON, "Transfer-Encoding: chunked") + b"5;", b"a"),
    "informational": informational,
    "columns-million": columns(1_000_000),
    "columns-many": columns(20_000),
    "deep": deep(100_000),
    "deep-value": deep(700),
    "null": answer(b"null"),
    "list": answer(b"[]"),
    "object": answer(b"{}"),
    "text": answer(b'"text"'),
    "number": answer(b"5"),
    "null-in-list": answer(b"[null]"),
    "empty": answer(b""),
    "error-of-another-shape": answer(b'[[{"errorCode":[]}]]', status="400 Bad Request"),
    "error-deep": answer(b"[" * 50_000, status="400 Bad Request"),
    "error-endless": endless(b"[", b"1,", kind=JSON),
    "surrogate": in_texts(rb"\ud800"),
    "not-utf8": in_texts(b"\xff\xfe"),
    "line-breaks": in_texts(rb"\r\nX-Injected: 1"),
    "steps-up": in_texts(b"/../../.."),
    "nul": in_texts(rb"\u0000"),
    "length-too-long": with_length("99999999"),
    "length-too-short": with_length("7"),
    "length-absurd": with_length("9" * 5000),
    "length-negative": with_length("-5"),
    "length-no-number": with_length("٣".encode().decode("latin-1")),
    "length-twice": with_length("5", "Content-Length: 6"),
    "counts-that-lie": lying_counts,
    "links-elsewhere": links(elsewhere()),
    "links-in-circles": links("/services/data/v66.0/query/0r8xx-0"),
    "links-up": links("/services/data/../../secrets"),
    "redirect-itself": redirect("/services/data/v66.0/limits", "307 Temporary Redirect"),
    "redirect-elsewhere": redirect(elsewhere()),
    "redirect-nowhere": redirect("http://[", "308 Permanent Redirect"),
    "header-huge": answer(b"{}", "X-Huge: " + "a" * MIB),
    "headers-many": answer(b"{}", *(f"X-{at}: {'a' * 50}" for at in range(1_200))),
    "headers-numbers": answer(
        b"{}", "Sforce-Limit-Info: api-usage=²/" + "9" * 5000, "Retry-After: " + "9" * 400,
        "Sforce-NumberOfRecords: ²", "Date: Fri, 31 Dec 9999 23:59:59 -2359",
        status="503 Service Unavailable",
    ),
    "html": answer(HTML, kind="text/html"),
    "html-as-json": answer(HTML),
    "rows-as-json": answer(b"Id,Name\n1,x\n"),
    "json-as-rows": answer(b'{"a":1}', kind=CSV),
    "other-encoding": answer(b"{}", "Content-Encoding: br"),
    "garbage": garbage,
    "closed": lambda _: iter(()),
}  # fmt: skip


class HostileServer(ThreadingHTTPServer):
    """Serves the org; ``attack`` replaces the answers at ``place``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.org = org(MANY)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.attack: Attack | None = None
        self.place = ""
        self.hits = 0
        self.lock = threading.Lock()
        self.clock = VirtualClock()
        self.org.context = replace(self.org.context, clock=self.clock)
        self.org.wire.on("POST", r"/oauth2/token$", self._token)

    def _token(self, _: httpx.Request) -> httpx.Response:
        user = f"https://login.salesforce.com/id/{ORG_ID}/{self.org.user}"
        return json_answer({"access_token": "00D!1", "instance_url": self.url, "id": user})

    def begin(self, attack: str, place: str, seconds: float) -> None:
        """Attack from now on, some seconds later; without a name be honest."""
        self.attack, self.place, self.hits = ATTACKS.get(attack), place, 0
        self.clock.advance(seconds=seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what an attack must expect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise each answer waits 40 ms
    server: HostileServer

    def log_message(self, *_: Any) -> None:
        """Write no log."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/attack":
            self._send(self._control(json.loads(body)))
            return
        method, pattern = PLACES.get(self.server.place, ("", ""))
        with self.server.lock:
            honest = self.server.org.wire(
                httpx.Request(
                    self.command, HOST + self.path, headers=dict(self.headers), content=body
                )
            )
            honest.read()
        attack = self.server.attack
        if attack is None or self.command != method or not re.search(pattern, self.path):
            self._send(honest)
            return
        self.server.hits += 1
        self.close_connection = True
        for piece in attack(honest):
            self.connection.sendall(piece)

    def _control(self, wanted: dict[str, Any]) -> httpx.Response:
        hits = self.server.hits
        self.server.begin(wanted["attack"], wanted["place"], wanted["seconds"])
        return json_answer({"hits": hits})

    def _send(self, reply: httpx.Response) -> None:
        self.send_response_only(reply.status_code)
        for name, value in reply.headers.items():
            if name not in {"content-length", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    do_GET = do_POST = do_DELETE = do_PATCH = _serve  # noqa: N815


@contextmanager
def serving() -> Iterator[HostileServer]:
    """A running server in this process."""
    server = HostileServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    with serving() as server:
        print(server.url, flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main()

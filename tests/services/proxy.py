"""Stands between a vault and its bucket, and takes requests or answers away.

A request is passed on as it came, also the name of the host that its signature is over.
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


class Loss(Enum):
    """What is taken away."""

    REQUEST = auto()  # it never comes to the server
    ANSWER = auto()  # the server has done it, and nobody hears of it


@dataclass
class Line:
    """The line to a server: whole, or without each request's first try, or dead behind the ``end``-th request."""

    url: str
    server: str
    loss: Loss | None = None
    end: int = 0
    asked: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def mend(self, loss: Loss | None = None, *, end: int = 0) -> None:
        """Begin to count anew. ``loss``: of each request's first try; ``end``: the last request, without an answer."""
        with self.lock:
            self.loss, self.end = loss, end
            for kept in (self.asked, self.lost, self.tried):
                kept.clear()

    def next(self, what: str) -> Loss | None:
        """Count a request; what is lost of it."""
        with self.lock:
            self.asked.append(what)
            lost = self._lost(what, len(self.asked))
            if lost is not None:
                self.lost.append(what)
            return lost

    def _lost(self, what: str, number: int) -> Loss | None:
        if self.end:
            return (
                None if number < self.end else Loss.ANSWER if number == self.end else Loss.REQUEST
            )
        if self.loss is None or what in self.tried:
            self.tried.discard(what)
            return None
        self.tried.add(what)
        return self.loss


class Passing(BaseHTTPRequestHandler):
    """Passes one request on, or does not."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out in one piece: of two, the second would wait

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def passed(self) -> None:
        """Hand the request to the server and its answer back, except for what is lost."""
        line: Line = self.server.line  # type: ignore[attr-defined]
        size = self.headers.get("Content-Length")
        body = self.rfile.read(int(size)) if size is not None else None
        loss = line.next(f"{self.command} {self.path}")
        if loss is Loss.REQUEST:
            self.close_connection = True
            return
        answer, told = self.answered(line.server, body)
        if loss is Loss.ANSWER:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def answered(self, server: str, body: bytes | None) -> tuple[http.client.HTTPResponse, bytes]:
        link = http.client.HTTPConnection(urlsplit(server).netloc, timeout=60)
        try:
            link.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    link.putheader(name, value)
            link.endheaders(body)
            answer = link.getresponse()
            return answer, answer.read()
        finally:
            link.close()

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = passed  # noqa: N815


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    """A line to the server at a URL, with a port of its own."""
    front = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    front.daemon_threads = True
    own = f"http://127.0.0.1:{front.server_port}{urlsplit(url).path}"
    line = front.line = Line(own, url)  # type: ignore[attr-defined]
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield line
    finally:
        front.shutdown()
        thread.join()
        front.server_close()

"""A bucket behind HTTP, as S3 speaks, that can be told to fail: no signatures are checked.

Sources: Amazon S3 API reference, GetObject, HeadObject, PutObject (conditional writes: 412 where the
name is taken, 409 where another's write is under way), DeleteObject, ListObjectsV2.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "box"
PAGE = 7  # names of one answer to a list: so few that lists have pages


class Bucket:
    """What the server holds and was asked. ``faults`` are used up by PUTs, in order.

    ``lost``: it is done, and no answer comes; ``refused``: no answer, and nothing is done; ``503``,
    ``409``: said, and nothing is done. ``forbidden`` answers 403 to everything; ``gone``: no bucket.
    ``removers``: whose access keys may delete, where not all may; ``versions``: it keeps them, in ``kept``, newest last.
    ``lock_mode``: the mode of its default lock. ``forgetful``: it says that what it deletes is not there, as Azure
    does where a client asks a second time.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.faults: deque[str] = deque()
        self.asked: list[tuple[str, str]] = []
        self.forbidden = self.gone = self.versions = self.forgetful = False
        self.removers: set[str] = set()
        self.kept: dict[str, list[str]] = {}
        self.numbers = count(1)
        self.lock_mode = ""
        self.lock = threading.Lock()
        self.url = ""


class Answers(BaseHTTPRequestHandler):
    """The answers of the server that holds a self.bucket."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out in one piece: of two, the second would wait

    @property
    def bucket(self) -> Bucket:
        """Set by who starts the server."""
        found: Bucket = self.server.bucket  # type: ignore[attr-defined]
        return found

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def name(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}").lstrip("/")

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        size = headers.get("Content_Length")
        if size is None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def trouble(self, code: str, status: int) -> None:
        self.reply(status, f"<Error><Code>{code}</Code></Error>".encode())

    def stopped(self) -> bool:
        """Answer what stands in the way of everything."""
        self.bucket.asked.append((self.command, self.name()))
        if self.bucket.forbidden:
            self.trouble("AccessDenied", 403)
        elif self.bucket.gone:
            self.trouble("NoSuchBucket", 404)
        return self.bucket.forbidden or self.bucket.gone

    def do_GET(self) -> None:
        if self.stopped():
            return
        asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "list-type" in asked:
            self.listed(asked)
            return
        if "versions" in asked:
            self.versions_of(asked["prefix"][0])
            return
        if "object-lock" in asked:
            mode = self.bucket.lock_mode
            self.reply(200, f"<Mode>{mode}</Mode>".encode()) if mode else self.reply(404)
            return
        body = self.bucket.objects.get(self.name())
        if body is None:
            self.trouble("NoSuchKey", 404)
            return
        stamp = {"Last_Modified": "Thu, 26 Nov 2026 10:00:00 GMT", "ETag": '"1"'}
        span = self.headers.get("Range")
        if span is None:
            self.reply(200, body, **stamp)
            return
        first, _, last = span.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last), len(body) - 1)
        if start >= len(body):
            self.trouble("InvalidRange", 416)
            return
        told = f"bytes {start}-{end}/{len(body)}"
        self.reply(206, body[start : end + 1], Content_Range=told, **stamp)

    def listed(self, asked: dict[str, list[str]]) -> None:
        prefix, after = asked.get("prefix", [""])[0], asked.get("continuation-token", [""])[0]
        names = sorted(n for n in self.bucket.objects if n.startswith(prefix) and n > after)
        told = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(self.bucket.objects[name])}</Size>"
            "<LastModified>2026-11-26T10:00:00.000Z</LastModified></Contents>"
            for name in names[:PAGE]
        )
        if len(names) > PAGE:
            told += f"<NextContinuationToken>{names[PAGE - 1]}</NextContinuationToken>"
        self.reply(200, f"<ListBucketResult>{told}</ListBucketResult>".encode())

    def do_HEAD(self) -> None:
        if self.stopped():
            return
        body = self.bucket.objects.get(self.name())
        if body is None:
            self.reply(404)
            return
        stamp = "Thu, 26 Nov 2026 10:00:00 GMT"
        told = {"x_amz_version_id": "any"} if self.bucket.versions else {}
        self.reply(200, Content_Length=str(len(body)), Last_Modified=stamp, ETag='"1"', **told)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.stopped():
            return
        fault = self.bucket.faults.popleft() if self.bucket.faults else ""
        if fault == "refused":
            self.close_connection = True
            return
        if fault in ("503", "409"):
            self.trouble("SlowDown" if fault == "503" else "ConditionalRequestConflict", int(fault))
            return
        with self.bucket.lock:
            taken = self.name() in self.bucket.objects and self.headers.get("If-None-Match") == "*"
            if not taken:
                self.bucket.objects[self.name()] = body
        if fault == "lost":
            self.close_connection = True
        elif taken:
            self.trouble("PreconditionFailed", 412)
        else:
            told = {"x_amz_version_id": self.version("v")} if self.bucket.versions else {}
            self.reply(200, ETag='"1"', **told)

    def do_DELETE(self) -> None:
        if self.stopped():
            return
        if self.bucket.forgetful:
            self.bucket.objects.pop(self.name(), None)
            self.trouble("BlobNotFound", 404)
            return
        _, _, told = self.headers.get("Authorization", "").partition("Credential=")
        if self.bucket.removers and told.partition("/")[0] not in self.bucket.removers:
            self.trouble("AccessDenied", 403)
            return
        lifts = self.headers.get("x-amz-bypass-governance-retention") is not None
        if lifts and not self.bucket.lock_mode:
            self.trouble("InvalidArgument", 400)
            return
        version = parse_qs(urlsplit(self.path).query).get("versionId")
        if version is not None and self.bucket.lock_mode and not lifts:
            self.trouble("AccessDenied", 403)
            return
        if version is None:
            self.bucket.objects.pop(self.name(), None)
            if self.bucket.versions:
                self.version("d")
        else:
            kept = self.bucket.kept[self.name()]
            kept.remove(version[0])
            if not any(one.startswith("v") for one in kept):
                self.bucket.objects.pop(self.name(), None)
        self.reply(204)

    def version(self, kind: str) -> str:
        """Keep a version of the object that is meant, or a mark of its deletion."""
        name = f"{kind}{next(self.bucket.numbers)}"
        self.bucket.kept.setdefault(self.name(), []).append(name)
        return name

    def versions_of(self, prefix: str) -> None:
        told = "".join(
            f"<{tag}><Key>{escape(name)}</Key><VersionId>{one}</VersionId></{tag}>"
            for name, kept in sorted(self.bucket.kept.items())
            for one in reversed(kept)
            for tag in ["Version" if one.startswith("v") else "DeleteMarker"]
            if name.startswith(prefix)
        )
        space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
        self.reply(200, f"<ListVersionsResult {space}>{told}</ListVersionsResult>".encode())


@contextmanager
def serving() -> Iterator[Bucket]:
    """A bucket named ``box`` on loopback."""
    bucket = Bucket()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.bucket = bucket  # type: ignore[attr-defined]
    server.daemon_threads = True
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

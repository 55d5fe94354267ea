"""The ingest jobs of a tiny org."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import httpx

from fakes.salesforce import id_of
from fakes.wire import json_answer
from unit.connectors.salesforce.writing.writable import Org


class Jobs:
    """Ingest jobs: ``fate`` decides of each row's cells whether and why it failed."""

    def __init__(self, org: Org, fate: Callable[[dict[str, str]], str] = lambda _: "") -> None:
        self.fate = fate
        self.states = ["InProgress", "JobComplete"]
        self.listed: list[dict[str, Any]] = []
        self.uploads: list[bytes] = []
        self.patched: list[tuple[str, str]] = []
        self.wanted: dict[str, Any] = {}
        self.unprocessed = self.whole = 0
        self.opened_in = "UploadComplete"
        self.told: dict[str, int] = {}
        on = org.wire.on
        on("GET", r"/jobs/ingest$", lambda _: json_answer({"done": True, "records": self.listed}))
        on("POST", r"/jobs/ingest$", self._create)
        on("PUT", r"/jobs/ingest/\w+/batches$", self._upload)
        on("PATCH", r"/jobs/ingest/\w+$", self._patch)
        on("GET", r"/jobs/ingest/\w+$", self._info)
        on("GET", r"/jobs/ingest/\w+/successfulResults$", lambda _: self._results("good"))
        on("GET", r"/jobs/ingest/\w+/failedResults$", lambda _: self._results("bad"))
        on("GET", r"/jobs/ingest/\w+/unprocessedrecords$", lambda _: self._results("left"))
        on("DELETE", r"/jobs/ingest/\w+$", httpx.Response(204))

    def _create(self, request: httpx.Request) -> httpx.Response:
        if not request.headers["Content-Type"].startswith("multipart"):
            self.wanted = json.loads(request.content)
            return json_answer({"id": "750j", "state": "Open"})
        self.whole += 1
        mark = request.headers["Content-Type"].split('"')[1].encode()
        job, data = request.content.split(b"--" + mark)[1:3]
        self.wanted = json.loads(job.partition(b"\r\n\r\n")[2])
        self.uploads.append(data.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
        return json_answer({"id": "750j", "state": self.opened_in})

    def _upload(self, request: httpx.Request) -> httpx.Response:
        self.uploads.append(request.read())
        return httpx.Response(201)

    def _patch(self, request: httpx.Request) -> httpx.Response:
        state = json.loads(request.content)["state"]
        self.patched.append((request.url.path.rsplit("/", 1)[1], state))
        return json_answer({"state": state})

    def _info(self, _: httpx.Request) -> httpx.Response:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return json_answer({"id": "750j", "state": state} | self.told)

    def _results(self, kind: str) -> httpx.Response:
        sent = list(csv.DictReader(io.StringIO(self.uploads[-1].decode(), newline="")))
        sent, left = sent[: len(sent) - self.unprocessed], sent[len(sent) - self.unprocessed :]
        failed = [one for one in sent if self.fate(one)]
        chosen = {"good": [one for one in sent if not self.fate(one)], "bad": failed, "left": left}
        if not chosen[kind]:
            return httpx.Response(204) if kind == "left" else httpx.Response(200, content=b"")
        out = io.StringIO()
        own = {"good": ["sf__Id", "sf__Created"], "bad": ["sf__Id", "sf__Error"], "left": []}[kind]
        writer = csv.DictWriter(out, [*own, *chosen[kind][0]], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        for number, one in reversed(list(enumerate(chosen[kind]))):
            known = one.get("Id") or id_of("001", number)
            told = {"sf__Id": known, "sf__Created": "true", "sf__Error": self.fate(one)}
            writer.writerow({name: told[name] for name in own} | one)
        return httpx.Response(200, content=out.getvalue().encode())

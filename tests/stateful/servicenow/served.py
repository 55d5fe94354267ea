"""A ServiceNow simulator in this process: the network of a connector, and the admin API."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from fakes.wire import Chunks
from unlost_simulators.kit.faults import Framing
from unlost_simulators.kit.http.calls import Call
from unlost_simulators.kit.http.delivery import Parcel
from unlost_simulators.servicenow.access.defaults import DEFAULTS
from unlost_simulators.servicenow.admin.api import routes
from unlost_simulators.servicenow.http.dispatcher import Dispatcher
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model.columns import TableDef
from unlost_simulators.servicenow.model.platform import DESCRIPTIONS, SETUP
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.simulator import Simulator

URL = "https://desk.service-now.com"
DESCRIBING = tuple(f"/table/{table.name}" for table in (*DESCRIPTIONS, *SETUP))
MANY = "10000"
LOST = httpx.RemoteProtocolError("the connection ended")


class InProcess(httpx.BaseTransport):
    """Carries the calls of a connector to a simulator. Faults on the wire break off their answers.

    ``shortened``: the pages to come, by table, that lack their last row.
    """

    def __init__(self, sim: Simulator) -> None:
        self._dispatcher = Dispatcher(sim)
        self.shortened: dict[str, int] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        parcel = self._dispatcher.serve(_call(request))
        if parcel.wire.lost:
            raise LOST
        body = b"".join(parcel.answer.chunks())
        pieces = _pieces(self._shorten(request, body), parcel)
        headers = dict(parcel.answer.headers)
        return httpx.Response(
            parcel.answer.status, headers=headers, stream=Chunks(*pieces), request=request
        )

    def _shorten(self, request: httpx.Request, body: bytes) -> bytes:
        """Leave out the last row of a page, in as many pages of a table as ``shortened`` says."""
        table = request.url.path.rpartition("/table/")[2]
        rows = json.loads(body).get("result") if self.shortened.get(table) else None
        if not rows or not isinstance(rows, list):
            return body
        self.shortened[table] -= 1
        return json.dumps({"result": rows[:-1]}).encode()


def _call(request: httpx.Request) -> Call:
    """The call as simulators see it. Rows that describe tables come in one page, whatever the limit
    of a page is: they never differ here, and would be most of the calls.
    """
    parts = urlsplit(str(request.url))
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.path.endswith(DESCRIBING) and "sysparm_limit" in query:
        query["sysparm_limit"] = MANY
    return Call(
        method=request.method,
        path=httpx.URL(parts.path).path,
        target=f"{parts.path}?{parts.query}" if parts.query else parts.path,
        query=query,
        headers={
            name.lower(): value
            for name, value in request.headers.items()
            if name.lower() != "accept-encoding"  # bodies stay readable here
        },
        body=request.read(),
    )


def _pieces(body: bytes, parcel: Parcel) -> Iterator[bytes | Exception]:
    end = parcel.wire.stop_after
    yield body[:end]
    if end is not None and parcel.wire.framing is not Framing.CLEAN:
        yield LOST


class ServedInProcess:
    """An instance of these tables and users. Its clock is the one of the test."""

    def __init__(
        self, tables: tuple[TableDef, ...], users: tuple[ApiUser, ...], clock: Any
    ) -> None:
        self.instance = Instance(tables, users, clock=clock)
        for rule in DEFAULTS:
            self.instance.add_acl(rule)
        self.sim = Simulator(self.instance, base_url=URL)
        self.transport = InProcess(self.sim)
        self._routes = routes(self.sim, None)

    def post(self, path: str, /, **arguments: Any) -> Any:
        """A call of the admin API, as tests of served instances make it."""
        return self._routes[f"POST {path}"](arguments)

    def get(self, path: str, /, **arguments: Any) -> Any:
        return self._routes[f"GET {path}"](arguments)

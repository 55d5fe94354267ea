"""A tiny Salesforce org behind a scripted network: enough to answer what the connector asks.

Rows are dictionaries of JSON values. Its SOQL knows the connector's own forms alone. Rare answers
are scripted on ``wire``, whose later rules win.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import httpx

from fakes.wire import Wire, context, csv_answer, error_answer, json_answer
from unlost.connectors.salesforce import AuthFlow, SalesforceConfig, SalesforceConnector
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.model.source.schema import Table

HOST = "https://acme.my.salesforce.com"
ORG_ID = "00D000000000001EAA"
USER_ID = "005000000000001AAA"
BASE = "/services/data/v66.0"
STAMP = "2026-03-01T10:00:00.000+0000"
FLAGS = {
    "queryable": True, "createable": True, "updateable": True, "deletable": True,
    "undeletable": True, "replicateable": True, "retrieveable": True, "customSetting": False,
}  # fmt: skip


def id_of(prefix: str, number: int) -> str:
    """A canonical id; all digits, so that its check letters are AAA."""
    return f"{prefix}{number:012d}AAA"


def field(name: str, kind: str = "string", **facts: Any) -> dict[str, Any]:
    soap = {
        "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "base64": "xsd:base64Binary",
        "datetime": "xsd:dateTime", "double": "xsd:double", "int": "xsd:int",
        "address": "urn:address", "json": "tns:json",
    }.get(kind, "xsd:string")  # fmt: skip
    return {
        "name": name, "label": name.replace("_", " "), "type": kind, "soapType": soap,
        "length": 80, "referenceTo": [], "nillable": True, "picklistValues": [],
        "createable": True, "updateable": True, "calculated": False, "nameField": False,
    } | facts  # fmt: skip


def system_fields() -> list[dict[str, Any]]:
    return [
        field("Id", "id", nillable=False, createable=False),
        field("IsDeleted", "boolean", createable=False),
        field("CreatedDate", "datetime"),
        field("LastModifiedDate", "datetime"),
        field("LastModifiedById", "reference", referenceTo=["User"]),
        field("SystemModstamp", "datetime"),
    ]


def describe(name: str, *fields: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {
        "name": name, "label": name, "labelPlural": name + "s", "fields": list(fields),
        "childRelationships": [],
    } | FLAGS | facts  # fmt: skip


def row(record: str, *, deleted: bool = False, at: str = STAMP, **cells: Any) -> dict[str, Any]:
    return {
        "Id": record, "IsDeleted": deleted, "CreatedDate": at, "LastModifiedDate": at,
        "LastModifiedById": USER_ID, "SystemModstamp": at,
    } | cells  # fmt: skip


class FakeSalesforce:
    """One org; ``describes`` and ``rows`` may be changed at any time."""

    def __init__(self, **settings: Any) -> None:
        self.wire = Wire()
        self.context = context(client_secret="s3cret", refresh_token="r1")
        self.config = SalesforceConfig(
            login_url=HOST, client_id="key", **({"auth": AuthFlow.CLIENT_CREDENTIALS} | settings)
        )
        self.describes: dict[str, dict[str, Any]] = {}
        self.modified: dict[str, datetime] = {}
        self.described = 0
        self.user = USER_ID
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.hidden: dict[str, list[str]] = {}
        self.counts: list[dict[str, Any]] = []
        self.flags = {
            "PermissionsViewAllData": True, "PermissionsQueryAllFiles": True,
            "PermissionsViewSetup": True, "PermissionsViewEncryptedData": True,
            "PermissionsManageUsers": True, "PermissionsApiEnabled": True,
        }  # fmt: skip
        self.deleted: dict[str, Any] = {"deletedRecords": []}
        self.updated: dict[str, Any] = {"ids": []}
        self.jobs: dict[str, tuple[list[str], list[dict[str, Any]]]] = {}
        self.page_rows = 2000
        self.bulk_pages = 10_000
        self._route()

    @contextmanager
    def source(self) -> Iterator[SalesforceSource]:
        connector = SalesforceConnector(self.wire.transport)
        with connector.open_source(self.config, self.context) as source:
            yield source

    def table(self, source: SalesforceSource, name: str) -> Table:
        found = source.discover().table(name)
        assert found is not None
        return found

    # --- routes ---------------------------------------------------------------------------------

    def _route(self) -> None:
        on = self.wire.on
        on("GET", r"/services/data/$", lambda _: self._dated(json_answer([])))
        on("POST", r"/services/oauth2/token$", self._token)
        on("GET", r"/sobjects$", lambda _: json_answer({"sobjects": self._entries()}))
        on("GET", r"/sobjects/\w+/describe$", self._describe)
        on("GET", r"/sobjects/\w+/deleted/", lambda _: json_answer(self.deleted))
        on("GET", r"/sobjects/\w+/updated/", lambda _: json_answer(self.updated))
        on("GET", r"/limits/recordCount$", lambda _: json_answer({"sObjects": self.counts}))
        on("POST", r"/composite/batch$", self._batch)
        on("POST", r"/composite$", self._composite)
        on("GET", r"/(query|queryAll|tooling/query)/\?q=", self._query)
        on("GET", r"/query/0r8", self._more)
        on("POST", r"/jobs/query$", self._create_job)
        on("GET", r"/jobs/query/\w+$", self._job)
        on("GET", r"/jobs/query/\w+/results", self._results)
        on("GET", r"/jobs/query/\w+/resultPages", self._result_pages)
        on("DELETE", r"/jobs/query/\w+$", lambda _: httpx.Response(204))

    def _dated(self, answer: httpx.Response) -> httpx.Response:
        answer.headers["Date"] = format_datetime(self.context.clock.now(), usegmt=True)
        return answer

    def _token(self, _: httpx.Request) -> httpx.Response:
        made = len(self.wire.made("POST", "oauth2/token"))
        return json_answer(
            {
                "access_token": f"00D!{made}", "instance_url": HOST, "token_type": "Bearer",
                "id": f"https://login.salesforce.com/id/{ORG_ID}/{self.user}",
            }
        )  # fmt: skip

    def _entries(self) -> list[dict[str, Any]]:
        return [
            {
                key: value
                for key, value in one.items()
                if key not in ("fields", "childRelationships")
            }
            for one in self.describes.values()
        ]

    def _describe(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.split("/")[-2]
        if name not in self.describes:
            return error_answer("NOT_FOUND", "The requested resource does not exist", 404)
        changed = self.modified.get(name)
        since = request.headers.get("If-Modified-Since")
        if changed and since and changed <= parsedate_to_datetime(since):
            return httpx.Response(304)
        self.described += 1
        dated = {"Last_Modified": format_datetime(changed, usegmt=True)} if changed else {}
        return json_answer(self.describes[name], **dated)

    def _batch(self, request: httpx.Request) -> httpx.Response:
        results = []
        for one in json.loads(request.content)["batchRequests"]:
            inner = self.wire(httpx.Request(one["method"], f"{HOST}/services/data/{one['url']}"))
            results.append({"statusCode": inner.status_code, "result": json.loads(inner.read())})
        return json_answer({"hasErrors": False, "results": results})

    def _composite(self, request: httpx.Request) -> httpx.Response:
        results = []
        for one in json.loads(request.content)["compositeRequest"]:
            inner = self.wire(
                httpx.Request(
                    one["method"],
                    f"{HOST}{one['url']}",
                    headers=one.get("httpHeaders"),
                    json=one.get("body"),
                )
            )
            results.append(
                {
                    "body": json.loads(inner.read() or b"null"),
                    "httpHeaders": {
                        name: inner.headers[name]
                        for name in ("Last-Modified",)
                        if name in inner.headers
                    },
                    "httpStatusCode": inner.status_code,
                    "referenceId": one["referenceId"],
                }
            )
        return self._dated(json_answer({"compositeResponse": results}))

    # --- queries --------------------------------------------------------------------------------

    def _query(self, request: httpx.Request) -> httpx.Response:
        query = unquote_plus(urlsplit(str(request.url)).query.removeprefix("q="))
        columns, table, found = self.select(query, all_rows="/queryAll/" in str(request.url))
        if table not in self.rows and table not in self._virtual():
            return error_answer("INVALID_TYPE", f"\n^\nsObject type '{table}' is not supported.")
        if columns == ["COUNT()"]:
            return json_answer({"totalSize": len(found), "done": True, "records": []})
        self._cursor = (columns, table, found)
        return self._page(0)

    def _more(self, request: httpx.Request) -> httpx.Response:
        return self._page(int(request.url.path.rsplit("-", 1)[1]))

    def _page(self, start: int) -> httpx.Response:
        columns, table, found = self._cursor
        part = found[start : start + self.page_rows]
        records = [
            {"attributes": {"type": table}} | {name: one.get(name) for name in columns}
            for one in part
        ]
        content: dict[str, Any] = {"totalSize": len(found), "done": True, "records": records}
        if start + len(part) < len(found):
            content["done"] = False
            content["nextRecordsUrl"] = f"{BASE}/query/0r8xx-{start + len(part)}"
        return self._dated(json_answer(content))

    def _virtual(self) -> dict[str, list[dict[str, Any]]]:
        listed = [
            {"QualifiedApiName": name, "EntityDefinition.QualifiedApiName": table}
            for table, one in self.describes.items()
            for name in [*(field["name"] for field in one["fields"]), *self.hidden.get(table, ())]
        ]
        return {
            "FieldDefinition": listed,
            "UserPermissionAccess": [self.flags],
            "Organization": [
                {
                    "Id": ORG_ID, "Name": "Acme", "IsSandbox": False,
                    "OrganizationType": "Enterprise Edition", "TimeZoneSidKey": "Europe/Berlin",
                    "TrialExpirationDate": None,
                }
            ],
        }  # fmt: skip

    def select(self, query: str, *, all_rows: bool) -> tuple[list[str], str, list[dict[str, Any]]]:
        """Columns, table and rows of a query in the connector's own forms."""
        parsed = re.fullmatch(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+))?", query, re.DOTALL)
        assert parsed, query
        columns, table, where = parsed.groups()
        rows = self.rows.get(table, self._virtual().get(table, []))
        tests = [_test(part) for part in (where or "").split(" AND ") if part]
        return (
            columns.split(","),
            table,
            [
                one
                for one in rows
                if (all_rows or not one.get("IsDeleted")) and all(test(one) for test in tests)
            ],
        )

    # --- bulk -----------------------------------------------------------------------------------

    def _create_job(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        columns, _, found = self.select(asked["query"], all_rows=asked["operation"] == "queryAll")
        job = f"750{len(self.jobs):012d}AAA"
        self.jobs[job] = (columns, found)
        return json_answer({"id": job, "state": "UploadComplete"})

    def _job(self, request: httpx.Request) -> httpx.Response:
        job = request.url.path.rsplit("/", 1)[1]
        if job not in self.jobs:
            return error_answer("NOT_FOUND", "The requested resource does not exist", 404)
        rows = len(self.jobs[job][1])
        return json_answer({"state": "JobComplete", "numberRecordsProcessed": rows})

    def _results(self, request: httpx.Request) -> httpx.Response:
        job = request.url.path.split("/")[-2]
        if job not in self.jobs:
            return error_answer("NOT_FOUND", "The requested resource does not exist", 404)
        asked = parse_qs(request.url.query.decode())
        start = int(asked.get("locator", ["0"])[0])
        most = min(int(asked.get("maxRecords", ["10000"])[0]), self.bulk_pages)
        columns, found = self.jobs[job]
        part = found[start : start + most]
        end = start + len(part)
        locator = str(end) if end < len(found) else "null"
        return self._dated(csv_answer(written(columns, part), rows=len(part), locator=locator))

    def _result_pages(self, request: httpx.Request) -> httpx.Response:
        job = request.url.path.split("/")[-2]
        starts = range(0, len(self.jobs[job][1]), self.bulk_pages)
        pages = [{"resultUrl": f"{BASE}/jobs/query/{job}/results?locator={at}"} for at in starts]
        start = int(parse_qs(request.url.query.decode()).get("locator", ["0"])[0])
        content: dict[str, Any] = {"resultPages": pages[start : start + 5], "done": True}
        if start + 5 < len(pages):
            content |= {
                "done": False,
                "nextRecordsUrl": f"{BASE}/jobs/query/{job}/resultPages?locator={start + 5}",
            }
        return json_answer(content)


def written(columns: list[str], rows: list[dict[str, Any]]) -> str:
    """The CSV of Bulk API 2.0: every cell quoted, Z in instants."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(one.get(name)) for name in columns] for one in rows])
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).replace("+0000", "Z")


def _test(condition: str) -> Callable[[dict[str, Any]], bool]:
    """One condition of the connector's forms, NOT IN and semi-joins always hold."""
    name, operator, value = re.fullmatch(
        r"([\w.]+) (=|>=|<|IN|NOT IN) (.+)", condition, re.DOTALL
    ).groups()  # type: ignore[union-attr]
    if operator == "NOT IN" or "SELECT" in value:
        return lambda _: True
    if operator == "IN":
        wanted = {_literal(part) for part in value.strip("()").split(",")}
        if "'" not in value:  # instants stand without quotes
            instants = {_instant(one) for one in wanted}
            return lambda one: _instant(one[name]) in instants
        return lambda one: one.get(name) in wanted
    right = _literal(value)
    if operator == "=":
        return lambda one: one.get(name) == right
    plain = str if name == "Id" else _instant
    if operator == ">=":
        return lambda one: plain(one[name]) >= plain(right)
    return lambda one: plain(one[name]) < plain(right)


def _literal(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text.strip("'"))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)

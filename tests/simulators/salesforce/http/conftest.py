"""A small org, and a client that talks to it in process."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from unlost_simulators.kit.blobs import BlobRecipe
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.app import SalesforceApp
from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.objects import build_object
from unlost_simulators.salesforce.model.schema import DeleteRule
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.oauth.apps import ConnectedApp
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.server import around
from unlost_simulators.salesforce.simulator import Simulator

BASE = "/services/data/v66.0"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BACKUP = SimUser(
    "005Dn000000BackIAA",
    "backup@small.example",
    name="Backup User",
    email="backup@small.example",
    consumer_key="small-backup",
    consumer_secret="not-a-secret",
)
NARROW = SimUser(
    "005Dn000000NarrIAA",
    "narrow@small.example",
    name="Narrow User",
    permissions=frozenset({Permission.API_ENABLED}),
    hidden_fields=frozenset({("Account", "Phone")}),
    consumer_key="small-narrow",
    consumer_secret="not-a-secret",
)

ACCOUNT = build_object(
    "Account",
    prefix="001",
    flags="QCUDNRT",
    fields=[
        f.text("Name", 255, required=True, name_field=True),
        f.external_id("Customer_Number__c"),
        f.phone("Phone"),
        f.double("Size__c", precision=18, scale=2),
        f.textarea("Notes__c", 131_072),
        *f.address("Billing"),
    ],
)
CONTACT = build_object(
    "Contact",
    prefix="003",
    flags="QCUDNRT",
    fields=[
        *f.person_name(),
        f.email("Email", id_lookup=True),
        f.external_id("Badge__c", unique=False),
        f.reference("AccountId", "Account", children="Contacts", on_delete=DeleteRule.CASCADE),
    ],
)
ATTACHMENT = build_object(
    "Attachment",
    prefix="00P",
    flags="QCUDNRT",
    fields=[
        f.text("Name", 255, required=True, name_field=True),
        f.base64("Body"),
        f.integer("BodyLength"),
        f.reference("ParentId", "Account", relationship="Parent", children="Attachments"),
    ],
)
TASK = build_object(
    "Task",
    prefix="00T",
    flags="QCUDNRT",
    fields=[
        f.text("Subject", 255),
        f.reference("WhatId", "Account", "Contact", relationship="What", children="Tasks"),
    ],
)
STATUS = build_object(
    "CaseStatus",
    prefix=None,
    id_prefix="01J",
    flags="Q",
    owned=False,
    fields=[f.text("MasterLabel", 255, name_field=True)],
    bulk=False,
)
SATELLITE = build_object(
    "ContentThing", prefix="06Z", flags="QCUD", fields=[f.text("Name", name_field=True)]
)
BLOB = BlobRecipe("random", 7, 3_000_000)


class InProcess:
    """Calls the application without a network; ``raw`` keeps a compressed body as it is."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def get(self, path: str, **rest: Any) -> httpx.Response:
        return self.request("GET", path, **rest)

    def post(self, path: str, **rest: Any) -> httpx.Response:
        return self.request("POST", path, **rest)

    def request(self, method: str, path: str, **rest: Any) -> httpx.Response:
        rest["headers"] = {"Accept-Encoding": "identity", **(rest.get("headers") or {})}
        return asyncio.run(self._call(method, path, rest))[0]

    def raw(self, path: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
        return asyncio.run(self._call("GET", path, {"headers": headers}, raw=True))

    async def _call(
        self, method: str, path: str, rest: dict[str, Any], *, raw: bool = False
    ) -> tuple[httpx.Response, bytes]:
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            auth = rest.pop("auth", None)
            request = client.build_request(method, path, **rest)
            answer = await client.send(request, stream=raw, auth=auth)
            if not raw:
                return answer, b""
            return answer, b"".join([piece async for piece in answer.aiter_raw()])


@dataclass
class Client:
    """Calls of one user; counts nothing, checks nothing."""

    http: InProcess
    sim: Simulator
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **rest: Any):
        return self.call("GET", path, **rest)

    def post(self, path: str, json: Any, **rest: Any):
        return self.call("POST", path, json=json, **rest)

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any):
        target = path if path.startswith(("/", "http")) else f"{BASE}/{path}"
        merged = {"Authorization": f"Bearer {self.token}", **self.headers, **(headers or {})}
        return self.http.request(method, target, headers=merged, **rest)

    def packed(self, path: str) -> tuple[httpx.Response, bytes]:
        """Get a path compressed, and give the bytes as they came."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "gzip, deflate"}
        return self.http.raw(f"{BASE}/{path}", headers)

    def admin(self, path: str, /, **body: Any):
        return self.http.post(f"/__sim__/{path}", json=body)

    def job(self, soql: str, operation: str = "query", **rest: Any) -> str:
        answer = self.post("jobs/query", {"operation": operation, "query": soql, **rest})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])


def login(http: InProcess, key: str) -> str:
    answer = http.post(
        "/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": key,
            "client_secret": "not-a-secret",
        },
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def small_org() -> Org:
    org = Org(
        [ACCOUNT, CONTACT, ATTACHMENT, TASK, STATUS, SATELLITE],
        [BACKUP, NARROW],
        clock=VirtualClock(START),
    )
    accounts = org.insert(
        BACKUP,
        "Account",
        [
            {"Name": f"Account {n}", "Customer_Number__c": f"C{n:03}", "Size__c": 10**n / 4}
            for n in range(9)
        ],
    )
    org.insert(
        BACKUP,
        "Contact",
        [
            {
                "FirstName": "Ada",
                "LastName": f'Line\nbreak "{n}"',
                "Email": f"ada{n}@small.example",
                "Badge__c": f"B{n // 2}",
                "AccountId": accounts[n % 9],
            }
            for n in range(450)
        ],
    )
    org.insert(
        BACKUP,
        "Attachment",
        [
            {
                "Name": "photo.bin",
                "Body": BLOB.token(),
                "BodyLength": BLOB.size,
                "ParentId": accounts[0],
            }
        ],
    )
    org.insert(BACKUP, "CaseStatus", [{"MasterLabel": "New"}, {"MasterLabel": "Closed"}])
    return org


@pytest.fixture
def sim() -> Iterator[Simulator]:
    made = around(small_org(), base_url="http://testserver")
    made.apps.put(ConnectedApp("small-refresh", "not-a-secret"))
    yield made
    made.close()


@pytest.fixture
def http(sim: Simulator) -> InProcess:
    return InProcess(SalesforceApp(sim))


@pytest.fixture
def client(http: InProcess, sim: Simulator) -> Client:
    return Client(http, sim, login(http, "small-backup"))


@pytest.fixture
def narrow(http: InProcess, sim: Simulator) -> Client:
    return Client(http, sim, login(http, "small-narrow"))

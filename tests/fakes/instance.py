"""A served ServiceNow instance for tests of its connector: who works there, and faults."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from unlost.connectors.servicenow import CONNECTOR, ServiceNowConfig
from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.opening import open_api
from unlost.connectors.servicenow.writing.writer import ServiceNowWriter
from unlost.model.finding import FindingKind, Severity
from unlost.model.ports.source import Context, Source
from unlost.model.source.reading import Page
from unlost.model.source.schema import Schema, Table
from unlost.testing.clock import VirtualClock, present_clock
from unlost.testing.connectors import read_all
from unlost.testing.system import memory_context
from unlost_simulators.servicenow.process import ServiceNowProcess, SimulatedInstance

PASSWORD = "not-a-secret-chocolate"
BACKUP = "backup@chocolate.example"
RESTORE = "restore@chocolate.example"
NARROW = "narrow@chocolate.example"
NOBODY = ["nobody"]


class ServedInstance:
    """The people and the admin of an instance, and the source of its backups."""

    def __init__(self, simulator: ServiceNowProcess | SimulatedInstance) -> None:
        self.url = simulator.url
        self.admin = simulator.admin
        self.clock: VirtualClock = present_clock()

    def config(self, user: str = BACKUP, **settings: Any) -> ServiceNowConfig:
        return ServiceNowConfig(url=self.url, username=user, **settings)

    def context(self) -> Context:
        return memory_context({"password": PASSWORD, "client_secret": PASSWORD}, clock=self.clock)

    @contextmanager
    def source(self, user: str = BACKUP, **settings: Any) -> Iterator[Source]:
        with CONNECTOR.open_source(self.config(user, **settings), self.context()) as source:
            yield source

    @contextmanager
    def writer(self, user: str = RESTORE, **settings: Any) -> Iterator[ServiceNowWriter]:
        with CONNECTOR.open_writer(self.config(user, **settings), self.context()) as writer:
            yield writer

    @contextmanager
    def api(self, user: str = BACKUP, **settings: Any) -> Iterator[ServiceNowApi]:
        with open_api(self.config(user, **settings), self.context()) as (api, _):
            yield api

    def insert(self, table: str, **cells: str) -> str:
        answer = self.admin.post("records/insert", as_=RESTORE, table=table, rows=[cells])
        return str(answer["sys_ids"][0])

    def update(self, table: str, record: str, **cells: str) -> None:
        self.admin.post("records/update", as_=RESTORE, table=table, changes={record: cells})

    def delete(self, table: str, *records: str) -> None:
        self.admin.post("records/delete", as_=RESTORE, table=table, sys_ids=list(records))

    def rows(self, table: str, query: str = "") -> list[Mapping[str, str]]:
        rows: list[Mapping[str, str]] = self.admin.get("records", table=table, query=query)
        return rows

    def acl(self, table: str, operation: str = "read", **parts: Any) -> None:
        """Add an access rule that nobody passes, not even an admin."""
        rule = {"roles": NOBODY, "admin_overrides": False, **parts}
        self.admin.post("acls", table=table, operation=operation, **rule)

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.admin.get("requests"))


def described(source: Source, name: str) -> Table:
    """A table as the source describes it now."""
    table = source.discover().table(name)
    assert table is not None
    return table


def full(source: Source, name: str) -> list[Page]:
    """A full read of a table."""
    return read_all(source, source.plan_reads(described(source, name), None))


def changes(source: Source, name: str, *, hours: float = 1) -> list[Page]:
    """The changes of the last hours."""
    table = described(source, name)
    cursor = source.cursor_at(table, source.server_time() - timedelta(hours=hours))
    return read_all(source, source.plan_reads(table, cursor))


def gaps(pages: list[Page]) -> list[str]:
    """The sentences of all gaps of pages."""
    return [f.sentence for page in pages for f in page.findings if f.severity is Severity.GAP]


def findings_of(schema: Schema) -> dict[FindingKind, list[str]]:
    """The sentences of a schema's findings by their kind."""
    kinds: dict[FindingKind, list[str]] = {}
    for finding in schema.findings:
        kinds.setdefault(finding.kind, []).append(finding.sentence)
    return kinds

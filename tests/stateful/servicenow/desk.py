"""A service desk under nightly backups: a simulated instance, the real connector, a vault."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from stateful.servicenow.served import URL, ServedInProcess
from unit.engine.scene import Scene
from unlost.connectors.servicenow import ServiceNowConfig, ServiceNowConnector
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup, backup
from unlost.engine.backup.partial import DeferredTables
from unlost.model.ports.source import Source
from unlost.testing.faults import CrashPoint
from unlost.testing.system import memory_context
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import Cascade, Column, Kind, TableDef
from unlost_simulators.servicenow.model.platform import (
    PLATFORM,
    ROLE,
    flag,
    instant,
    number,
    refer,
    text,
)
from unlost_simulators.servicenow.model.users import ApiUser

PASSWORD = "not-a-secret-desk"
BACKUP, RESTORE = "backup@desk.example", "restore@desk.example"
ADMIN, READ_ONLY, HELPDESK, PEOPLE = "admin", "snc_read_only", "itil", "people"
TASK, INCIDENT, PROBLEM, LINK, ITEM = "task", "incident", "problem", "task_ci", "cmdb_ci"
JOURNAL, ATTACHMENT, AUDIT, DELETIONS = (
    "sys_journal_field", "sys_attachment", "sys_audit", "sys_audit_delete",
)  # fmt: skip
RECORDS = (INCIDENT, PROBLEM, LINK, ITEM)
"""The tables in which people work."""
CLASSES = (INCIDENT, PROBLEM)
LOGS = (JOURNAL, AUDIT, DELETIONS)
READ = (TASK, *RECORDS, ATTACHMENT, *LOGS)
OSAKA = ids.fixed("sys_domain", "Osaka")


def _journal(name: str, label: str) -> Column:
    return Column(name=name, label=label, kind=Kind.JOURNAL_INPUT, max_length=4000)


TABLES = (
    *PLATFORM,
    TableDef(name=ITEM, label="Configuration Item", columns=(
        text("name", "Name", display=True), text("serial_number", "Serial number"),
        refer("owned_by", "Owned by", "sys_user"),
    )),
    TableDef(name=TASK, label="Task", extendable=True, audited=True, number="TASK", columns=(
        text("number", "Number", display=True), text("short_description", "Short description"),
        text("close_notes", "Close notes"), flag("active", "Active", "true"),
        number("priority", "Priority"), instant("opened_at", "Opened"),
        refer("cmdb_ci", "Configuration item", ITEM, cascade=Cascade.CLEAR),
        refer("parent", "Parent", TASK), _journal("work_notes", "Work notes"),
        Column(name="sys_domain", label="Domain", kind=Kind.DOMAIN, target="sys_domain",
               default="global"),
    )),
    TableDef(name=INCIDENT, label="Incident", extends=TASK, audited=True, number="INC", columns=(
        text("category", "Category"), refer("problem_id", "Problem", PROBLEM, cascade=Cascade.CLEAR),
    )),
    TableDef(name=PROBLEM, label="Problem", extends=TASK, audited=True, number="PRB", columns=(
        text("cause_notes", "Cause notes"),
    )),
    TableDef(name=LINK, label="CIs Affected", many_to_many=True, columns=(
        refer("task", "Task", TASK, cascade=Cascade.DELETE),
        refer("ci_item", "Configuration Item", ITEM, cascade=Cascade.DELETE),
    )),
)  # fmt: skip


def _user(name: str, *roles: str) -> ApiUser:
    return ApiUser(ids.fixed("sys_user", name), name, PASSWORD, frozenset(roles))


USERS = (_user(BACKUP, ADMIN, READ_ONLY), _user(RESTORE, ADMIN, PEOPLE))
STAMPS = {
    "sys_created_on": "2026-01-05 08:00:00", "sys_created_by": "admin",
    "sys_updated_on": "2026-01-05 08:00:00", "sys_updated_by": "admin", "sys_mod_count": "0",
}  # fmt: skip


@dataclass
class Desk(Scene):
    """``page_rows``: rows that a call of the connector asks for."""

    page_rows: int = 3
    _made: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.served = ServedInProcess(TABLES, USERS, self.clock)
        self.instance = self.served.instance
        self._describe_users()
        self.connector = ServiceNowConnector(self.served.transport)
        with self.opened() as source:
            self.oid = self.vault.ensure_org(source.identity())

    def close(self) -> None:
        super().close()
        self.instance.close()

    # --- people ------------------------------------------------------------------------------------

    def post(self, path: str, /, **arguments: Any) -> Any:
        """A call of the admin API."""
        return self.served.post(path, **arguments)

    def next_id(self) -> str:
        """The id of a new record: any text of 32 hexadecimal digits, the same in each run of a life."""
        self._made += 1
        return hashlib.blake2b(str(self._made).encode(), digest_size=16).hexdigest()

    def insert(self, table: str, **cells: str) -> str:
        """A new record."""
        row = {"sys_id": self.next_id(), **cells}
        return str(self.post("records/insert", table=table, rows=[row])["sys_ids"][0])

    def update(self, table: str, record: str, **cells: str) -> None:
        self.post("records/update", table=table, changes={record: cells})

    def attach(self, table: str, record: str, content: bytes) -> str:
        """An attachment of a record."""
        made = self.insert(
            ATTACHMENT, table_name=table, table_sys_id=record, file_name=f"{self.next_id()}.bin",
            content_type="application/octet-stream", size_bytes=str(len(content)),
            hash=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
        self.instance.store.keep_bytes(made, content=content)
        return made

    def rows(self, table: str, *, source: str = "") -> dict[str, Mapping[str, str]]:
        """The rows of a class as the instance has them, past all rights; ``source``: their archive."""
        rows = self.served.get("records", table=source or table)
        return {
            row["sys_id"]: row
            for row in rows
            if "sys_class_name" not in row or row["sys_class_name"] == table
        }

    # --- backups -----------------------------------------------------------------------------------

    @contextmanager
    def opened(self) -> Iterator[Source]:
        """The source as each process opens it."""
        config = ServiceNowConfig(url=URL, username=BACKUP, include=READ, page_rows=self.page_rows)
        context = memory_context({"password": PASSWORD}, clock=self.clock)
        with self.connector.open_source(config, context) as source:
            yield source

    def attempt(
        self,
        *,
        run: str | None = None,
        full: bool = False,
        only: tuple[str, ...] = (),
        point: CrashPoint | None = None,
    ) -> FinishedBackup | ParkedBackup | DeferredTables:
        """Back up now; ``point``: the process ends at one of its calls."""
        if run is None:
            self.nights += 1
            run = f"run-{self.nights}"
        with self.opened() as source:
            self.source = source
            ports = self.ports(run)
            if point is not None:
                ports = replace(ports, source=point.guard(source), vault=point.guard(self.vault))
            return backup(self.oid, ports, policy=self.policy, full=full, only=only)

    def _describe_users(self) -> None:
        """The rows of users and roles, which the connector reads."""
        for role in (ADMIN, READ_ONLY, HELPDESK, PEOPLE):
            self._quiet(ROLE, sys_id=ids.fixed(ROLE, role), name=role)
        for user in USERS:
            self._quiet("sys_user", sys_id=user.sys_id, user_name=user.name, name=user.name)
            self.give_roles(user.name, *user.roles)

    def give_roles(self, user: str, *roles: str) -> None:
        """Let a user have these roles, and no others."""
        member = ids.fixed("sys_user", user)
        self.post("users", name=user, roles=list(roles))
        self.post("records/clean", table="sys_user_has_role", query=f"user={member}")
        for role in roles:
            self._quiet(
                "sys_user_has_role", sys_id=ids.fixed("sys_user_has_role", user + role),
                user=member, role=ids.fixed(ROLE, role), state="active",
            )  # fmt: skip

    def _quiet(self, table: str, **cells: str) -> None:
        self.post("records/quiet-insert", table=table, rows=[{**STAMPS, **cells}])

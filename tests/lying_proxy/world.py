"""Backups of the small org through the proxy, and their comparison with the org, cell by cell."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from lying_proxy.calls import CallKind
from lying_proxy.lie import Lie, Stage
from lying_proxy.proxy import LyingProxy, SimulatorTransport
from lying_proxy.small_org import BACKUP, live_day, open_org
from unlost.connectors.salesforce import SalesforceConfig, SalesforceConnector
from unlost.engine.backup.backup import FinishedBackup, backup
from unlost.engine.backup.policy import BackupPolicy, RowCheckPolicy
from unlost.engine.backup.session import BackupPorts
from unlost.model.errors import UnlostError
from unlost.model.finding import Finding
from unlost.model.org import OrgIdentity
from unlost.model.ports.source import Context
from unlost.model.ports.vault import Snapshot
from unlost.testing.entropy import SeededEntropy
from unlost.testing.runner import MemoryRunner
from unlost.testing.system import (
    FreeBudget,
    MemoryCache,
    MemoryLease,
    MemorySecretStore,
    NullObserver,
)
from unlost.testing.vault import memory_vault
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.server import around

HOST = "http://127.0.0.1:1"  # no socket is opened
ROUND = 3  # backups in which each row is compared once, in place of thirty
POLICY = BackupPolicy(row_check=RowCheckPolicy(nights=ROUND))
FILES = {"Attachment": "Body", "ContentVersion": "VersionData"}


class OrgClock:
    """The clock of the backup's machine: it agrees with the org's."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._begin = org.clock.now()

    def now(self) -> datetime:
        """The present instant."""
        return self._org.clock.now()

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self.now() - self._begin).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._org.clock.advance(timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class Night:
    """One backup: its findings, its number of calls by kind and table, its count of changed records,
    or its error.
    """

    findings: tuple[Finding, ...] = ()
    questions: Counter[tuple[CallKind, str]] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    error: UnlostError | None = None

    @property
    def places(self) -> frozenset[tuple[str, str | None]]:
        """The kinds of its findings with their tables."""
        return frozenset((finding.kind.value, finding.table) for finding in self.findings)

    def names(self, table: str) -> bool:
        """True if a finding is about this table."""
        return any(finding.table == table for finding in self.findings)


class World:
    """An org, a proxy with one lie or none, a vault, and the backups of some tables so far."""

    def __init__(self, work: Path, lie: Lie | None, tables: Sequence[str]) -> None:
        self.tables = tuple(tables)
        self.org = open_org()
        self.sim = around(self.org, base_url=HOST)
        self.clock = OrgClock(self.org)
        self.stage = Stage(self.org)
        self.proxy = LyingProxy(SimulatorTransport(self.sim), lie, self.stage)
        self.vault: Any = memory_vault(self.clock)
        self.oid = self.vault.ensure_org(OrgIdentity("salesforce", self.org.id18))
        self.nights: list[Night] = []
        self._work = work
        self._lease, self._cache = MemoryLease(), MemoryCache()

    def close(self) -> None:
        """Stop the simulator."""
        self.sim.close()

    def back_up(self) -> Night:
        """Back up now, then live through a day; an error of ours ends the backup, nothing else may."""
        number = len(self.nights) + 1
        self.proxy.begin(number)
        try:
            night = self._night(number)
        except UnlostError as error:
            night = Night(questions=self.proxy.questions, error=error)
        self.proxy.end()
        self.nights.append(night)
        return night

    def live_day(self) -> None:
        """Let the day after the newest backup pass."""
        live_day(self.org, len(self.nights))

    def _night(self, number: int) -> Night:
        context = Context(
            self.clock, SeededEntropy(), MemorySecretStore({"client_secret": BACKUP.consumer_secret}),
            FreeBudget(), NullObserver(), self._cache,
        )  # fmt: skip
        config = SalesforceConfig(
            login_url=HOST,
            client_id=str(BACKUP.consumer_key),
            include=self.tables,
            bulk_above=150,
            page_rows=80,
        )
        with SalesforceConnector(self.proxy).open_source(config, context) as source:
            ports = BackupPorts(
                source=source,
                vault=self.vault,
                runner=MemoryRunner(f"run-{number}", clock=self.clock),
                lease=self._lease,
                clock=self.clock,
                observer=NullObserver(),
                work=self._work,
            )
            finished = backup(self.oid, ports, policy=POLICY)
        assert isinstance(finished, FinishedBackup), finished
        proof = finished.certificate
        lines = proof.tables
        return Night(
            (*proof.findings, *(finding for line in lines for finding in line.findings)),
            self.proxy.questions,
            Counter({line.table: line.created + line.changed + line.deleted for line in lines}),
        )

    # --- comparison ------------------------------------------------------------------------------

    def differences(self) -> dict[str, list[str]]:
        """Every record that the newest snapshot does not have as the org has it, by table."""
        snapshot = self.vault.newest_backup(self.oid)
        if snapshot is None:
            return {name: ["there is no backup"] for name in self.tables}
        found = {name: self._of_table(snapshot, name) for name in self.tables}
        return {name: places for name, places in found.items() if places}

    def _of_table(self, snapshot: Snapshot, table: str) -> list[str]:
        held = self.org.export(table).to_pylist()
        truth = {row["Id"]: row for row in held}
        stored = self._stored(snapshot, table)
        places = [f"{record}: missing" for record in truth.keys() - stored.keys()]
        places += [f"{record}: not in the org" for record in stored.keys() - truth.keys()]
        for record in truth.keys() & stored.keys():
            places += [
                f"{record}.{name}: {stored[record].get(name)!r}, in the org {value!r}"
                for name, value in truth[record].items()
                if name not in FILES.values() and not same(value, stored[record].get(name))
            ]
        return sorted([*places, *self._of_files(snapshot, table, list(truth))])

    def _stored(self, snapshot: Snapshot, table: str) -> dict[str, dict[str, Any]]:
        if table not in snapshot.tables():
            return {}
        rows = snapshot.scan(table).read_all().to_pylist()
        return {row["_u_id"]: row for row in rows}

    def _of_files(self, snapshot: Snapshot, table: str, records: list[str]) -> list[str]:
        if table not in FILES or table not in snapshot.tables():
            return []
        stored = {file.record: file for file in snapshot.files(table, records)}
        places = []
        for record in records:
            blob = self.org.blob(BACKUP, table, record, FILES[table])
            wanted = hashlib.sha256(b"".join(blob.chunks)).hexdigest()
            if record not in stored:
                places.append(f"{record}: no file")
                continue
            with self.vault.open_file(self.oid, stored[record].blob) as stream:
                if hashlib.sha256(stream.read()).hexdigest() != wanted:
                    places.append(f"{record}: another file")
        return places


def same(value: Any, text: str | None) -> bool:
    """True if the vault's text is this value of the org."""
    match value:
        case None | "":
            return text in (None, "")
        case bool():
            return text == str(value).lower()
        case int() | float() | Decimal():
            return _number(text) == Decimal(str(value))
        case datetime():
            return _instant(text) == value.replace(tzinfo=UTC)
        case _:
            return text == str(value)


def _number(text: str | None) -> Decimal | None:
    try:
        return Decimal(text or "")
    except InvalidOperation:
        return None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

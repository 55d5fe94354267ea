"""Backups of a served ServiceNow instance into a vault in memory, with their certificates."""

from itertools import count
from pathlib import Path
from typing import Any

from fakes.instance import ServedInstance
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup, backup
from unlost.engine.backup.partial import DeferredTables
from unlost.engine.backup.session import BackupPorts
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.vault.certificate import Certificate
from unlost.testing.runner import MemoryRunner
from unlost.testing.system import ListObserver, MemoryLease
from unlost.testing.vault import memory_vault

type BackupResult = FinishedBackup | ParkedBackup | DeferredTables


class CertifiedBackups:
    """Backups of a few tables of an instance; the settings leave all others out."""

    def __init__(self, served: ServedInstance, work: Path, *tables: str, **settings: Any) -> None:
        self.served, self.work = served, work
        self.settings = {"include": tables, **settings}
        self.vault = memory_vault(served.clock)
        self.org = ""
        self._numbers = count()

    def back_up(self, *, full: bool = False) -> Certificate:
        """The certificate of another backup, some hours later."""
        done = self.attempt(full=full)
        assert isinstance(done, FinishedBackup), done
        return done.certificate

    def attempt(self, *, full: bool = False, hours: float = 3) -> BackupResult:
        """Back up some hours later."""
        self.served.admin.post("clock/advance", hours=hours)
        self.served.clock.advance(hours=hours)
        with self.served.source(**self.settings) as source:
            self.org = self.org or self.vault.ensure_org(source.identity())
            clock, run = self.served.clock, f"run-{next(self._numbers)}"
            ports = BackupPorts(
                source=source,
                vault=self.vault,
                runner=MemoryRunner(run, clock=clock, steps={}),
                lease=MemoryLease(),
                clock=clock,
                observer=ListObserver(),
                work=self.work,
            )
            return backup(self.org, ports, full=full)

    def records(self, table: str, *columns: str) -> dict[str, dict[str, Any]]:
        """The cells of the live records of the newest backup by their id."""
        snapshot = self.vault.newest_backup(self.org)
        assert snapshot is not None
        rows = snapshot.scan(table, columns=list(columns)).read_all().to_pylist()
        return {row["_u_id"]: {name: row[name] for name in columns} for row in rows}


def gaps_of(certificate: Certificate) -> list[Finding]:
    """All gaps of a certificate, apart from those of tables that the settings leave out."""
    findings = [*certificate.findings, *(f for line in certificate.tables for f in line.findings)]
    return [
        finding
        for finding in findings
        if finding.severity is Severity.GAP and finding.kind is not FindingKind.TABLE_EXCLUDED
    ]


def sentences(certificate: Certificate) -> list[str]:
    """The sentences of the gaps."""
    return [gap.sentence for gap in gaps_of(certificate)]

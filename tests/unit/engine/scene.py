"""A small org under nightly backups, for the tests of the engine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

import copying
from unlost.engine.backup.backup import FinishedBackup, ParkedBackup, backup
from unlost.engine.backup.partial import DeferredTables
from unlost.engine.backup.policy import BackupPolicy, CensusPolicy
from unlost.engine.backup.session import BackupPorts
from unlost.jobs.runner import LocalRunner
from unlost.jobs.store import StepStore
from unlost.model.finding import FindingKind
from unlost.model.ports.run import Runner
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import Reference, TableTrait, WireKind
from unlost.model.vault.certificate import TableLine
from unlost.model.vault.store import Store
from unlost.testing.clock import VirtualClock
from unlost.testing.org import ALL_TRAITS, MemoryOrg
from unlost.testing.runner import MemoryRunner, Steps
from unlost.testing.source import MemorySource
from unlost.testing.system import ListObserver, MemoryLease
from unlost.testing.vault import memory_vault, reopened
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import open_vault

NIGHTLY = BackupPolicy(census=CensusPolicy.EVERY_NIGHT, breaker_floor=50)


@dataclass
class Scene:
    """An org, its source, a vault, and nights."""

    work: Path
    clock: VirtualClock = field(default_factory=VirtualClock)
    policy: BackupPolicy = NIGHTLY
    workers: int = 2
    durable: bool = False

    def __post_init__(self) -> None:
        self.org = MemoryOrg(self.clock)
        self.source: Any = MemorySource(self.org)
        self.store = MemoryStore()
        self.vault: Any = memory_vault(self.clock, store=self.store)
        self.oid = self.vault.ensure_org(self.org.identity)
        self.step_store = StepStore(self.work / "steps.sqlite") if self.durable else None
        self.steps: Steps = {}
        self.lease = MemoryLease()
        self.observer = ListObserver()
        self.nights = 0

    def ports(self, run: str) -> BackupPorts:
        return BackupPorts(
            source=self.source,
            vault=self.vault,
            runner=self.runner(run),
            lease=self.lease,
            clock=self.clock,
            observer=self.observer,
            work=self.work / "runs",
        )

    def runner(self, run: str) -> Runner:
        """Threads and a file of steps (``durable``), or one step after the other in memory."""
        if self.step_store is None:
            return MemoryRunner(run, clock=self.clock, steps=self.steps)
        return LocalRunner(run, store=self.step_store, clock=self.clock, workers=self.workers)

    def reopen(self, store: Store | None = None) -> None:
        """Forget what the process knew of the vault: another one opens it, over ``store`` if given."""
        self.vault = reopened(self.vault, self.clock, store=store or self.store)

    def copied(self, work: Path) -> Self:
        """Another scene at the same moment, with an org and a vault of its own.

        Copying takes a few milliseconds, where the nights of a story take hundreds.
        """
        assert self.step_store is None, "its steps lie in a file"
        assert not self.org._uncommitted, "its changes would become visible in the first org"
        sealed = self.vault.sealed
        scene = copying.deep(self, {id(self.vault): None})
        scene.work = work
        scene.vault = open_vault(
            scene.store,
            keys=sealed.keys.for_store(scene.store),
            clock=scene.clock,
            entropy=copying.deep(sealed.entropy),
        )
        return scene

    def close(self) -> None:
        if self.step_store is not None:
            self.step_store.close()

    def night(
        self, *, run: str | None = None, full: bool = False, hours: float = 24
    ) -> FinishedBackup:
        """Let time pass, then back up; the run must end."""
        self.clock.advance(hours=hours)
        done = self.attempt(run=run, full=full)
        assert isinstance(done, FinishedBackup), done
        return done

    def hour(self, *only: str, run: str | None = None, hours: float = 1) -> FinishedBackup:
        """Let time pass, then back up a few tables; the run must end."""
        self.clock.advance(hours=hours)
        done = self.attempt(run=run, only=only)
        assert isinstance(done, FinishedBackup), done
        return done

    def attempt(
        self, *, run: str | None = None, full: bool = False, only: tuple[str, ...] = ()
    ) -> FinishedBackup | ParkedBackup | DeferredTables:
        """Back up now."""
        if run is None:
            self.nights += 1
            run = f"run-{self.nights}"
        return backup(self.oid, self.ports(run), policy=self.policy, full=full, only=only)

    @property
    def head(self) -> Snapshot:
        found = self.vault.newest_backup(self.oid)
        assert found is not None
        return found

    def cells(self, table: str, *columns: str) -> dict[str, Any]:
        """What the newest snapshot holds of live records: id to cells."""
        rows = self.head.scan(table, columns=list(columns)).read_all()
        return by_id(rows, columns)

    def dead(self, table: str) -> dict[str, str]:
        """Deleted records and their op."""
        rows = self.head.scan_deleted(table, columns=[]).read_all()
        ids = rows["_u_id"].to_pylist()
        return dict(zip(ids, rows["_u_op"].to_pylist(), strict=True))

    def hidden(self, table: str) -> tuple[set[str], set[str]]:
        """Hidden rows and columns of a table."""
        marks = self.head.hidden(table)
        rows = {mark.record for mark in marks if mark.record is not None}
        return rows, {mark.column for mark in marks if mark.column is not None}


def by_id(rows: pa.Table, columns: tuple[str, ...]) -> dict[str, Any]:
    plain = rows.to_pydict()
    ids = plain["_u_id"]
    if len(columns) == 1:
        return dict(zip(ids, plain[columns[0]], strict=True))
    return {key: tuple(plain[c][at] for c in columns) for at, key in enumerate(ids)}


def line_of(done: FinishedBackup, table: str) -> TableLine:
    """The line of a table in a certificate."""
    return next(line for line in done.certificate.tables if line.table == table)


def kinds(done: FinishedBackup, table: str) -> set[FindingKind]:
    """The kinds of findings about a table."""
    return {finding.kind for finding in line_of(done, table).findings}


def chocolate(scene: Scene, *, records: int = 7) -> list[str]:
    """Accounts and contacts; the ids of the accounts."""
    org = scene.org
    org.add_table(
        "Account",
        {"Name": WireKind.TEXT, "Phone": WireKind.TEXT, "Turnover": WireKind.DECIMAL},
        logged=True,
    )
    org.add_table(
        "Contact",
        {"Name": WireKind.TEXT, "AccountId": WireKind.REFERENCE},
        references={"AccountId": Reference(("Account",))},
    )
    org.add_table(
        "Junction", {"Name": WireKind.TEXT}, traits=ALL_TRAITS - {TableTrait.REPORTS_DELETES}
    )
    made = []
    for at in range(records):
        cells = {"Name": f"Account {at}", "Phone": f"0{at}", "Turnover": "1000.00"}
        made.append(org.create("Account", cells))
        org.create("Contact", {"Name": f"Contact {at}", "AccountId": made[-1]})
        org.create("Junction", {"Name": f"Junction {at}"})
    return made

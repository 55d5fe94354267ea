"""A small vault with three nights and a restore, for tests that look at a whole vault from outside.

Accounts with big notes, contacts, enough tasks for a sidecar of its own, files (two of one content);
then changes, each kind of deletion, a column that appears, a hidden row and a hidden column.
"""

import copy
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

import copying
from unlost.model.org import OrgIdentity, OrgKind
from unlost.model.ports.vault import IncomingFile
from unlost.model.source.reading import Cursor, FileRef, Op, Rows
from unlost.model.source.schema import (
    Column,
    ColumnTrait,
    FileColumn,
    Reference,
    Schema,
    Table,
    WireKind,
)
from unlost.model.vault.certificate import Certificate, Verdict
from unlost.model.vault.snapshot import (
    Added,
    CommitKind,
    Lineage,
    SnapshotInfo,
    TableCommit,
    Visibility,
)
from unlost.model.vault.store import Store
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import MemoryWitness
from unlost.vault.commits.foreign_commits import ProcessLedger
from unlost.vault.keys.founding import draft_keyring, recovery_sheet
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import add_slot
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.unsynced import UnsyncedDisk
from unlost.vault.vault import EncryptedVault, VaultOptions, create_vault, open_vault
from unlost.vault.write.open_commit import OpenCommit

IDENTITY = OrgIdentity("salesforce", "00D000000000062EAA", OrgKind.PRODUCTION, "Chocolate", "UTC")
NOTE = "Zartbitter, 70 % – naïve 🍫\r\n“quoted”\tand\0nul. " * 1300  # over 64 KiB
TASKS = 3_000

type Cells = dict[str, str | None]


def column(name: str, kind: WireKind = WireKind.TEXT, *traits: ColumnTrait) -> Column:
    """A column with a label and a length."""
    return Column(name, kind, label=f"The {name}", length=255, traits=frozenset(traits))


ACCOUNT = Table(
    "Account",
    (
        column("Id", WireKind.ID),
        column("Name", WireKind.TEXT, ColumnTrait.NAME),
        column("Customer_Number__c", WireKind.TEXT, ColumnTrait.EXTERNAL_ID),
        column("Phone", WireKind.TEXT, ColumnTrait.PHONE),
        column("Revenue", WireKind.DECIMAL),
        column("Notes__c"),
        column("Score", WireKind.DECIMAL, ColumnTrait.VOLATILE),
    ),
    label="Account",
    name_column="Name",
)
CONTACT = Table(
    "Contact",
    (
        column("Id", WireKind.ID),
        column("Name", WireKind.TEXT, ColumnTrait.NAME),
        column("Email", WireKind.TEXT, ColumnTrait.EMAIL),
        replace(column("AccountId", WireKind.REFERENCE), reference=Reference(("Account",))),
        column("Salary", WireKind.DECIMAL),
    ),
)
TASK = Table("Task", (column("Id", WireKind.ID), column("Subject")))
VERSION = Table(
    "ContentVersion",
    (
        column("Id", WireKind.ID),
        column("Title", WireKind.TEXT, ColumnTrait.NAME),
        column("VersionData", WireKind.BINARY),
    ),
    files=(FileColumn("VersionData"),),
)
SCHEMA = Schema((ACCOUNT, CONTACT, TASK, VERSION), fingerprint="rights-1")
WIDER = Schema(
    (replace(ACCOUNT, columns=(*ACCOUNT.columns, column("Region__c"))), CONTACT, TASK, VERSION),
    fingerprint="rights-2",
)


def account_id(number: int) -> str:
    """A record id of 18 characters."""
    return f"001{number:012d}AAA"


def accounts(numbers: Sequence[int], **changes: str | None) -> list[Cells]:
    """Rows of Account."""
    return [
        {
            "Id": account_id(n),
            "Name": f"Maison Noir {n}",
            "Customer_Number__c": f"{n:06d}",
            "Phone": None if n % 3 else f"+49 (40) {n:05d}",
            "Revenue": f"{n}.50",
            "Notes__c": NOTE + str(n) if n % 50 == 7 else None,
            "Score": str(n * 7),
        }
        | changes
        for n in numbers
    ]


def contacts(count: int) -> list[Cells]:
    """Rows of Contact."""
    return [
        {
            "Id": f"003{n:012d}AAA",
            "Name": f"Zoë Ånström {n}",
            "Email": f"zoe.{n}@chocolate.example",
            "AccountId": account_id(n),
            "Salary": f"{n}000",
        }
        for n in range(count)
    ]


def tasks(count: int) -> list[Cells]:
    """Rows of Task: too many for a sidecar inside the manifest."""
    return [{"Id": f"00T{n:012d}AAA", "Subject": f"Call back {n}"} for n in range(count)]


@dataclass(slots=True)
class Story:
    """The vault under construction, and what opened it."""

    store: Store
    clock: VirtualClock
    entropy: SeededEntropy
    witness: MemoryWitness
    ledger: ProcessLedger
    keys: Keyring
    service: ServiceKey
    vault: EncryptedVault
    org: str
    sheet: str
    few: bool = False  # its nights hold what is little, and write it as bundles

    def add(self, commit: OpenCommit, table: str, rows: Sequence[Rows]) -> Added:
        """A piece of a night."""
        return (commit.add_few if self.few else commit.add)(table, rows)

    def rows(self, cells: Sequence[Cells], op: Op = Op.STATE) -> Rows:
        """Rows as a source gives them."""
        names = list(cells[0])
        batch = pa.RecordBatch.from_arrays(
            [pa.array([row[name] for row in cells], pa.string()) for name in names], names=names
        )
        now = pa.array([self.clock.now()] * len(cells), pa.timestamp("ms", tz="UTC"))
        return Rows(
            ids=pa.array([row["Id"] for row in cells], pa.string()),
            ops=pa.array([op.value] * len(cells), pa.string()),
            modified_at=now,
            modified_by=pa.array(["005000000000001AAA"] * len(cells), pa.string()),
            cells=batch,
            observed_at=self.clock.now(),
        )

    def gone(self, ids: Sequence[str], op: Op) -> Rows:
        """Tombstones of which only the id is known."""
        return Rows(
            ids=pa.array(ids, pa.string()),
            ops=pa.array([op.value] * len(ids), pa.string()),
            modified_at=pa.nulls(len(ids), pa.timestamp("ms", tz="UTC")),
            modified_by=pa.nulls(len(ids), pa.string()),
            cells=None,
            observed_at=self.clock.now(),
        )


def found(
    store: Store, *, seed: int = 1, few: bool = False, identity: OrgIdentity = IDENTITY
) -> Story:
    """A vault without a commit, with a service slot."""
    entropy, clock, witness = SeededEntropy(seed), VirtualClock(), MemoryWitness()
    ledger = ProcessLedger()
    keys = draft_keyring(store, entropy=entropy)
    service = ServiceKey.new(keys, entropy=entropy)
    add_slot(store, keys, service, slot="service", entropy=entropy)
    vault = create_vault(
        store,
        keys=keys,
        clock=clock,
        entropy=entropy,
        witness=witness,
        ledger=ledger,
        options=options(few=few),
    )
    return Story(
        store=store,
        clock=clock,
        entropy=entropy,
        witness=witness,
        ledger=ledger,
        keys=keys,
        service=service,
        vault=vault,
        org=vault.ensure_org(identity),
        sheet=recovery_sheet(keys).text(),
        few=few,
    )


def opened_again(story: Story, store: Store) -> Story:
    """The same vault in another store, opened by another process that has no witness.

    The ledger of the home is copied: two copies of a story go their ways.
    """
    keys, ledger = story.keys.for_store(store), copy.deepcopy(story.ledger)
    vault = open_vault(
        store,
        keys=keys,
        clock=story.clock,
        entropy=story.entropy,
        witness=None,
        ledger=ledger,
        options=options(few=story.few),
    )
    sheet = recovery_sheet(keys).text()
    return replace(story, store=store, keys=keys, vault=vault, ledger=ledger, sheet=sheet)


def on_disk(make: Callable[[UnsyncedDisk], Story]) -> Callable[[], tuple[UnsyncedDisk, Story]]:
    """Let a story be told on a disk in memory once; each call gives a copy of the disk and of the story.

    Copying takes a few milliseconds, where the nights of a story take hundreds.
    """

    @cache
    def told_once() -> tuple[UnsyncedDisk, Story]:
        disk = UnsyncedDisk(root=Path("/"))
        return disk, make(disk)

    def copied() -> tuple[UnsyncedDisk, Story]:
        vault = told_once()[1].vault
        disk, story = copying.deep(told_once(), {id(vault): None})
        _reopen(story)
        return disk, story

    return copied


def _reopen(story: Story) -> None:
    story.vault = open_vault(
        story.store,
        keys=story.keys,
        clock=story.clock,
        entropy=story.entropy,
        witness=story.witness,
        ledger=story.ledger,
        options=options(few=story.few),
    )


def options(*, few: bool) -> VaultOptions:
    """How a story's vault is opened."""
    return VaultOptions(bundle_from=1) if few else VaultOptions()


def file(record: str, body: bytes, name: str) -> IncomingFile:
    """A file whose row tells size and checksum."""

    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        yield io.BytesIO(body)

    checksum = f"md5:{hashlib.md5(body, usedforsecurity=False).hexdigest()}"
    ref = FileRef("ContentVersion", record, "VersionData", len(body), checksum, name, "text/plain")
    return IncomingFile(ref, opened)


FILES = {
    "068000000000001AAA": b"menu: truffles\n" * 4000,
    "068000000000002AAA": b"menu: truffles\n" * 4000,
    "068000000000003AAA": "Prix spécial – größer 🍫".encode(),
    "068000000000004AAA": b"",
}


def first_night(story: Story, *, files: dict[str, bytes] | None = None) -> SnapshotInfo:
    """Everything is read."""
    commit = story.vault.begin(story.org, run="night-1", kind=CommitKind.BACKUP, identity=IDENTITY)
    files = FILES if files is None else files
    versions: list[Cells] = [{"Id": record, "Title": f"Menu {record}"} for record in files]
    commit.put_schema(SCHEMA)
    added = [
        story.add(commit, "Account", [story.rows(accounts(range(60)))]),
        story.add(commit, "Account", [story.rows(accounts(range(60, 120)))]),
        story.add(commit, "Contact", [story.rows(contacts(40))]),
        story.add(commit, "Task", [story.rows(tasks(TASKS))]),
        story.add(commit, "ContentVersion", [story.rows(versions)]),
        commit.add_files(file(record, body, f"{record}.txt") for record, body in files.items()),
    ]
    commit.put_certificate(certificate(story, "night-1"))
    return finish(story, commit, added)


def second_night(story: Story) -> SnapshotInfo:
    """Changes, deletions, a new column, a row and a column that are not seen any more."""
    story.clock.advance(days=1)
    commit = story.vault.begin(story.org, run="night-2", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(WIDER)
    changed = accounts(range(5, 15), Phone="+49 40 1", Region__c="Nord")
    added = [
        story.add(commit, "Account", [story.rows(changed)]),
        story.add(commit, "Account", [story.rows(accounts([20, 21]), Op.DELETED)]),
        story.add(commit, "Account", [story.gone([account_id(n) for n in (30, 31)], Op.PURGED)]),
        story.add(commit, "Contact", [story.rows(contacts(40)[:2])]),
        commit.mark("Contact", visibility=Visibility.HIDDEN, columns=["Salary"]),
        commit.mark("Account", visibility=Visibility.HIDDEN, records=[account_id(40)]),
    ]
    commit.put_certificate(certificate(story, "night-2"))
    return finish(story, commit, added)


def third_night(story: Story) -> SnapshotInfo:
    """A census misses a record, another comes back, a file is replaced."""
    story.clock.advance(days=1)
    commit = story.vault.begin(story.org, run="night-3", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(WIDER)
    record = "068000000000003AAA"
    added = [
        story.add(commit, "Account", [story.gone([account_id(50)], Op.MISSING)]),
        story.add(commit, "Account", [story.rows(accounts([20], Region__c="Süd"))]),
        commit.add_files([file(record, b"a new menu", "new.txt")]),
    ]
    return finish(story, commit, added)


RESTORED = {account_id(n): f"001{n + 900:012d}AAA" for n in (30, 31)}
ENTRIES = (b'{"plan": "restore-1"}', b'{"call": 1, "before": "' + b"x" * 70_000 + b'"}', b"{}")


def restore(story: Story) -> SnapshotInfo:
    """Two accounts come back under new ids: a journal, and a commit that is no night."""
    story.clock.advance(days=1)
    commit = story.vault.begin(
        story.org, run="restore-1", kind=CommitKind.RESTORE, identity=IDENTITY
    )
    journal = story.vault.journal(story.org, commit.run)
    for entry in ENTRIES:
        journal.append(entry)
    rows = [Lineage("Account", old, live, story.org, "restore-1") for old, live in RESTORED.items()]
    return finish(story, commit, [commit.lineage(rows)])


def certificate(story: Story, run: str) -> Certificate:
    """A certificate that says little."""
    now = story.clock.now()
    return Certificate(
        org=IDENTITY,
        run=run,
        as_of=now,
        started=now,
        finished=now,
        tables=(),
        findings=(),
        quotas=(),
        verdict=Verdict.COMPLETE,
        sentence="Complete.",
    )


def finish(story: Story, commit, added: Sequence[Added]) -> SnapshotInfo:
    """Commit the pieces, each with its table."""
    tables: dict[str, list[Added]] = {}
    for piece in added:
        tables.setdefault(piece.table, []).append(piece)
    cursor = Cursor(story.clock.now().isoformat())
    return commit.finish(
        [
            TableCommit(
                name,
                tuple(pieces),
                cursor=cursor,
                window_start=story.clock.now(),
                window_end=story.clock.now() + timedelta(minutes=5),
            )
            for name, pieces in tables.items()
        ],
        as_of=story.clock.now(),
    )


def told(store: Store, *, few: bool = False) -> Story:
    """The whole story; ``few``: with all that is little in bundles."""
    story = found(store, few=few)
    first_night(story)
    second_night(story)
    third_night(story)
    restore(story)
    return story


@cache
def _told_once(*, few: bool) -> Story:
    return told(MemoryStore(), few=few)


def copied(store: Store | None = None, *, few: bool = False) -> Story:
    """The whole story, told once and copied: into another memory, or into an empty store.

    Not for tests that change how vaults are written before it is told: use ``told``.
    """
    first = _told_once(few=few)
    story: Story = copying.deep(first, {id(first.vault): None})
    if store is not None:
        for listed in story.store.list(""):
            assert store.put_new(listed.name, story.store.get(listed.name))
        story.store, story.keys = store, story.keys.for_store(store)
    _reopen(story)
    return story

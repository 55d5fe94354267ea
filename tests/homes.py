"""Homes for tests: made in an instant, with orgs and a vault that live in memory."""

import copy
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any
from urllib.parse import urlsplit

import psycopg

import copying
from postgres import Postgres
from unlost.app.compose import Application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.home.database import connect, disconnect
from unlost.app.home.home import Home, plan_home, read_home, write_home, write_secret_file
from unlost.model.access import Actor
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.archive_facts import ArchiveFacts, BinRule, ProtectedRecords
from unlost.model.bypass import BypassKind
from unlost.model.errors import NotAllowed, NotFound
from unlost.model.losses import LossRule, LossRules
from unlost.model.ports.source import BrowserSignIn, Connector, Context, SecretField, Source
from unlost.model.ports.system import Witness
from unlost.model.ports.writer import PlanningAccess, Writer
from unlost.model.source.connector_info import Expiry
from unlost.model.source.display import DisplayRule
from unlost.model.source.schema import Column, Reference, Schema, Table, WireKind
from unlost.model.source.shared_files import SharedFile
from unlost.model.source.sign_in import SignInMethods
from unlost.model.storage import FileVersionRule, MailRule, StorageRule, StorageWeight
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.memory_writer import MemoryWriter
from unlost.testing.org import BIN_DAYS, MemoryOrg
from unlost.testing.platform import Platform
from unlost.testing.source import MemorySource
from unlost.testing.vault import memory_vault
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import open_vault

CATALOG = "catalog.sqlite"
SECRET = "open sesame"
WRITE_SECRET = "write sesame"


@cache
def template() -> Path:
    """The database of a new home; all processes of a run share one, as migrations take seconds."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return _migrated(Path(mkdtemp(prefix="unlost-test-")))
    shared = Path(gettempdir()) / f"unlost-test-{run}"
    shared.mkdir(mode=0o700, exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = shared / CATALOG
        if not file.exists():
            _migrated(Path(mkdtemp(dir=shared))).rename(file)
    return _connected(file)


def _migrated(folder: Path) -> Path:
    return _connected(folder / CATALOG)


def _connected(file: Path) -> Path:
    connect(file)
    disconnect()
    return file


@cache
def server_template(server: Postgres) -> str:
    url = server.database()
    connect(url)
    disconnect()
    return url


def server_database(server: Postgres) -> str:
    """A new database with the tables of a home."""
    return server.database(like=urlsplit(server_template(server)).path.strip("/"))


SERVERS: list[Postgres] = []  # where homes are made, instead of files


def make_home(root: Path) -> Home:
    """A home with its keys and an empty database, but without a vault."""
    database = server_database(SERVERS[0]) if SERVERS else ""
    home = plan_home(root, vault=None, service_key=None, database=database)
    home.home_key.parent.mkdir(parents=True)
    write_secret_file(home.home_key, "ab" * 32)
    if isinstance(home.catalog, Path):
        shutil.copy(template(), home.catalog)
    write_home(home)
    return home


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    address: str = field(metadata={"leads": True})
    speed: int = 1
    quiet: bool = False
    exclude: tuple[str, ...] = field(default=(), metadata={"leaves_out": True})


class MemoryConnector:
    """Opens orgs that live in memory, by their address; asks for a password."""

    name = "memory"
    label = "Memory"
    storage_stop = 1.05
    config: type = MemoryConfig
    id_form = "letters and digits"

    def __init__(self, orgs: dict[str, MemoryOrg]) -> None:
        self.orgs = orgs
        self.sources: dict[str, MemorySource] = {}
        self.writers: dict[str, MemoryWriter] = {}
        self.contexts: list[Context] = []
        self.sign_in_rules = SignInMethods(errors=frozenset({"memory-sign-in", "secret-missing"}))
        self.browser: BrowserSignIn | None = None
        self.backup_user = "reader"

    def sign_in(self) -> SignInMethods:
        return self.sign_in_rules

    def browser_sign_in(self) -> BrowserSignIn | None:
        return self.browser

    def secrets(self, config: object | None) -> Sequence[SecretField]:
        return (
            SecretField("password", "Password", "Of the backup user."),
            SecretField("token", "Token", required=False, lines=True),
        )

    @contextmanager
    def open_source(self, config: object, context: Context) -> Iterator[Source]:
        assert isinstance(config, MemoryConfig)
        self.contexts.append(context)
        if context.secrets.get("password") != SECRET:
            raise NotAllowed("memory-sign-in", "The password is wrong.", next_step="Type it again.")
        yield self.source(config.address)

    @contextmanager
    def open_writer(self, config: object, context: Context) -> Iterator[Writer]:
        assert isinstance(config, MemoryConfig)
        self.contexts.append(context)
        if context.secrets.get("password") != WRITE_SECRET:
            raise NotAllowed("memory-sign-in", "The password is wrong.", next_step="Type it again.")
        yield self.writer(config.address)

    @contextmanager
    def open_planning(self, config: object, context: Context) -> Iterator[PlanningAccess]:
        assert isinstance(config, MemoryConfig)
        if context.secrets.get("password") != SECRET:
            raise NotAllowed("memory-sign-in", "The password is wrong.", next_step="Type it again.")
        reader = copy.copy(self.writer(config.address))
        reader.user = self.backup_user
        yield reader

    def write_permissions(self) -> Sequence[str]:
        return ("Write everything",)

    def bypass_kinds(self) -> Sequence[BypassKind]:
        return (BypassKind("flag", "Flag", "The name of a flag."),)

    def writer(self, address: str) -> MemoryWriter:
        if address not in self.writers:
            self.writers[address] = MemoryWriter(Platform(self.orgs[address]))
        return self.writers[address]

    def record_ids(self, text: str) -> Sequence[str]:
        """Lower case stands for upper case, where nothing has the typed one."""
        return tuple(dict.fromkeys((text, text.upper()))) if text.isalnum() else ()

    def storage_rules(self, schema: Schema) -> Mapping[str, StorageRule]:
        """A record costs a kilobyte, and a mail its text."""
        rules = {
            table.name: StorageRule(
                (StorageWeight("data storage", 1024),),
                "Created" if table.column("Created") else None,
                "Owner" if table.column("Owner") else None,
            )
            for table in schema.tables
        }
        mail = StorageRule((StorageWeight("data storage", 1024, ("Text",)),), "Sent", None)
        return rules | {"Mail": mail} if "Mail" in rules else rules

    def mail_rules(self, schema: Schema) -> Mapping[str, MailRule]:
        if schema.table("Mail") is None:
            return {}
        return {"Mail": MailRule("Subject", "From", "To", "Sent", "Headers", "Case")}

    def file_versions(self, schema: Schema) -> FileVersionRule | None:
        """A table "Version", if the org has it."""
        if schema.table("Version") is None:
            return None
        return FileVersionRule("Version", "File", "Latest", "Size", "Title")

    def shared_files(self, schema: Schema) -> Sequence[SharedFile]:
        """None: a memory org has no links."""
        return ()

    def archive_policies(self, schema: Schema) -> Sequence[ArchivePolicy]:
        """Closed records, if the org has any table with a column "Closed"."""
        closed = Condition("Closed", Comparison.IS, ("true",))
        return [
            ArchivePolicy(f"closed-{table.name.lower()}", table.name, (closed,))
            for table in schema.tables
            if table.column("Closed") is not None
        ]

    def archive_facts(self, schema: Schema) -> ArchiveFacts:
        """Records with a column "Active" that is true are protected; logs cannot be written.

        The bin has room for a record in each megabyte.
        """
        active = (Condition("Active", Comparison.IS, ("true",)),)
        tables = [table for table in schema.tables if table.column("Active") is not None]
        return ArchiveFacts(
            tuple(
                ProtectedRecords(f"active-{t.name.lower()}", f"Active {t.name}", t.name, active)
                for t in tables
            ),
            frozenset(table.name for table in schema.tables if table.name.endswith("History")),
            BinRule("data storage", 1, timedelta(days=BIN_DAYS)),
        )

    def loss_rules(self, schema: Schema) -> LossRules:
        """People open all tables but those of users and change logs; the bin lasts 15 days.

        A record of a table with a column "Closed" is open until that is true.
        """
        rule = LossRule(bin=timedelta(days=BIN_DAYS))
        work = replace(rule, state_column="Closed", closed_states=frozenset({"true"}))
        opened = (table for table in schema.tables if table.name != "User")
        return LossRules(
            {
                table.name: work if table.column("Closed") is not None else rule
                for table in opened
                if not table.name.endswith("History")
            }
        )

    def display_rule(self, table: Table) -> DisplayRule:
        """Columns have the number of a record and its text; stamps and ids are the system's."""
        numbers = tuple(c.name for c in table.columns if c.name == "Number" != table.name_column)
        stamps = {table.id_column, table.modified_column, table.modified_by_column}
        names = {column.name for column in table.columns}
        system = frozenset(name for name in stamps if name in names)
        return DisplayRule(numbers, system, ("Comment",) if "Comment" in names else ())

    def record_address(self, config: Mapping[str, Any], table: str, record: str) -> str:
        return f"https://{config['address']}.memory.example/{table}/{record}"

    def expiries(self, secrets: Mapping[str, str]) -> Sequence[Expiry]:
        """A password may end with a day."""
        _, _, day = secrets.get("password", "").partition(" until ")
        return (Expiry("the password", datetime.fromisoformat(day)),) if day else ()

    def source(self, address: str) -> MemorySource:
        if address not in self.sources:
            self.sources[address] = MemorySource(self.orgs[address])
        return self.sources[address]


def lose_data(home: Home) -> None:
    """The application database is gone, and a new one is in its place."""
    disconnect()
    if isinstance(home.catalog, Path):
        home.catalog.unlink()
        shutil.copy(template(), home.catalog)
    else:
        with psycopg.connect(home.catalog) as session:
            session.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connect(home.catalog)


class World:
    """A home, the clock that rules in it, an org with a few customers, and a vault in memory."""

    def __init__(self, root: Path) -> None:
        self.clock = VirtualClock()
        self.org = MemoryOrg(self.clock)
        self.connector = MemoryConnector({"one": self.org})
        self.other_connectors: list[MemoryConnector] = []
        self.home = make_home(root)
        self.entropy = SeededEntropy()
        self.vault = memory_vault(self.clock)
        self.vault_clock = self.clock
        self.witness: Witness | None = None
        connect(self.home.catalog)
        self.app = self.opened()

    def opened(self, *, cancel_flag: CancellationFlag | None = None) -> Application:
        return Application(
            self.home,
            clock=self.clock,
            entropy=self.entropy,
            connectors=self.load,
            vault=lambda home, clock, entropy: self.vault,
            cancel_flag=cancel_flag,
        )

    def opened_at(
        self,
        root: Path,
        *,
        cancel_flag: CancellationFlag | None = None,
        actor: Actor | None = None,
    ) -> Application:
        """As the command line opens it."""
        read_home(root)
        connect(self.home.catalog)
        app = self.opened(cancel_flag=cancel_flag)
        return app.acting(actor) if actor is not None else app

    def continue_from[T](self, earlier: "World", scene: T = None) -> T:
        """Take over the home, the org and the vault of a world that is closed; both go their ways.

        Returns a copy of ``scene``, which may hold the earlier world and parts of it: the copy holds
        those of this world.
        """
        self.close()
        disconnect()
        shutil.copytree(earlier.home.root, self.home.root, dirs_exist_ok=True)
        # Who was asked to sign in is of no interest any more.
        memo: dict[int, object] = {id(earlier): self, id(earlier.connector.contexts): []}
        state = (earlier.clock, earlier.org, earlier.connector, earlier.entropy)
        self.clock, self.org, self.connector, self.entropy = copying.deep(state, memo)
        vault = earlier.vault
        opened = (vault.sealed, earlier.vault_clock, earlier.witness, vault.ledger)
        sealed, self.vault_clock, self.witness, ledger = copying.deep(opened, memo)
        store, keys = sealed.store, sealed.keys
        if isinstance(store, LocalStore):
            assert self.home.vault is not None
            store = LocalStore(self.home.vault)
            keys = keys.for_store(store)
        self.vault = open_vault(
            store,
            keys=keys,
            clock=self.vault_clock,
            entropy=sealed.entropy,
            witness=self.witness,
            ledger=ledger,
        )
        connect(self.home.catalog)
        self.app = self.opened()
        memo[id(earlier.app)] = self.app
        return copying.deep(scene, memo)

    def load(self, name: str) -> Connector:
        connectors = (self.connector, *self.other_connectors)
        connector = next((one for one in connectors if one.name == name), None)
        if connector is None:
            raise NotFound("connector-unknown", f"There is no connector named {name!r}.")
        return connector

    def close(self) -> None:
        self.app.__exit__(None, None, None)


def fill(org: MemoryOrg) -> None:
    """Users, and customers who were last changed by them."""
    org.add_table("User", {"Name": WireKind.TEXT})
    org.create("User", {"Name": "Ada Admin"}, record="U1")
    org.add_table(
        "Account",
        {
            "Name": WireKind.TEXT,
            "Number": WireKind.TEXT,
            "Phone": WireKind.TEXT,
            "Owner": WireKind.REFERENCE,
        },
        references={"Owner": Reference(("User",))},
        logged=True,
    )
    by_user = Column("ModifiedBy", WireKind.REFERENCE, reference=Reference(("User",)))
    org.tables["Account"].columns["ModifiedBy"] = by_user
    for number, name in enumerate(("Schoko Zürich", "Cacao Lyon", "Praline Gent"), start=40017):
        cells = {"Name": name, "Number": f"00{number}", "Phone": f"+41 {number}", "Owner": "U1"}
        org.create("Account", cells, record=f"A{number}")

"""The composition root: the only module that chooses the classes behind the ports.

An ``Application`` is an opened home with an actor. Its parts are opened when they are first used,
so a command pays only for what it needs:

    open_application(root) ─> Application ─┬─ vault          the vault as the actor may read it
                                           ├─ whole_vault    the vault with all columns
                                           ├─ open_org       the source of an org, identity checked
                                           ├─ open_writer    the writer of an org, for a restore
                                           ├─ steps, runner  results of steps of unfinished runs
                                           └─ locks, lease   one run per org and kind at a time

Actions read through ``vault``, which leaves out columns hidden from the actor.

See docs/adr/0015.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Self

import msgspec

from unlost.app.home.cancellation import CancellableBudget, CancellationFlag, RunCancellation
from unlost.app.home.database import connect, disconnect
from unlost.app.home.discovery import load_connector
from unlost.app.home.home import Home, read_home, read_home_key
from unlost.app.home.process import share_arenas
from unlost.app.home.system import SystemClock, SystemEntropy, system_user
from unlost.catalog.orgs.orgs import ProtectedOrg, check_same_org, list_orgs
from unlost.catalog.vault.removals import SqlRemovals
from unlost.catalog.vault.witness import SqlWitness
from unlost.model.access import Actor, Right, machine
from unlost.model.decoders import decoder_for
from unlost.model.errors import NotAllowed, UsageError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from unlost.app.home.cache import FolderCache
    from unlost.jobs.store import StepStore
    from unlost.model.plan import PlanBasis
    from unlost.model.ports.run import Runner
    from unlost.model.ports.source import Connector, Context, Source
    from unlost.model.ports.system import (
        Budget,
        Cache,
        Clock,
        Entropy,
        Lease,
        Observer,
        SecretStore,
    )
    from unlost.model.ports.vault import Vault, VaultReader
    from unlost.model.ports.writer import PlanningAccess, Writer
    from unlost.model.runs.locks import Locks
    from unlost.model.runs.progress import Progress
    from unlost.model.source.hidden_columns import HiddenColumns
    from unlost.model.vault.store import Store
    from unlost.vault.keys.hierarchy import Keyring
    from unlost.vault.vault import EncryptedVault


class SilentObserver:
    """An observer that ignores progress."""

    def progress(self, event: Progress) -> None:
        """Ignore the event."""


class ObserverFanout:
    """Passes progress on to several observers, in order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def progress(self, event: Progress) -> None:
        """Pass the event to every observer."""
        for observer in self._observers:
            observer.progress(event)


class MemorySecrets:
    """Secrets in memory, until their org is known (port ``SecretStore``)."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        """Return the secret of this name, or None."""
        return self._values.get(name)

    def put(self, name: str, value: str) -> None:
        """Store a secret."""
        with self._lock:
            self._values[name] = value

    def every(self) -> dict[str, str]:
        """Return all secrets by name; a sign-in may have renewed some."""
        return dict(self._values)

    def move_to(self, store: SecretStore) -> None:
        """Copy all secrets into a persistent store."""
        for name, value in self._values.items():
            store.put(name, value)


class UnlimitedBudget:
    """A budget for the few calls before an org is known (port ``Budget``)."""

    def take(self, calls: int = 1) -> None:
        """Allow the calls."""

    def report(self, *, used: int, limit: int) -> None:
        """Ignore the report."""


class Application:
    """An opened home. Its parts are opened when they are first used."""

    def __init__(
        self,
        home: Home,
        *,
        clock: Clock,
        entropy: Entropy,
        connectors: Callable[[str], Connector] = load_connector,
        vault: VaultOpener | None = None,
        cancel_flag: CancellationFlag | None = None,
        actor: Actor | None = None,
    ) -> None:
        """Open nothing yet. ``connectors`` and ``vault`` replace the usual ways of loading these.

        ``cancel_flag`` stops active runs; ``actor`` is who acts, by default the user of this machine.
        """
        self.actor = actor or machine(system_user())
        self.home = home
        self.clock = clock
        self.entropy = entropy
        self.connector = connectors
        self.cancel_flag = cancel_flag or CancellationFlag()
        self._open_vault = vault or open_home_vault
        self._closing = ExitStack()
        self._closing.callback(disconnect)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()

    def acting(self, actor: Actor) -> Application:
        """Return the same opened home for another actor; it is valid only as long as this one."""
        other = copy.copy(self)
        other.actor = actor
        # The cached property belongs to the previous actor.
        other.__dict__.pop("hidden", None)
        return other

    @cached_property
    def whole_vault(self) -> Vault:
        """The vault, opened with the service key."""
        return self._open_vault(self.home, self.clock, self.entropy)

    def open_anew(self) -> None:
        """Drop the opened vault, as its key was changed."""
        self.__dict__.pop("whole_vault", None)

    @property
    def vault(self) -> VaultReader:
        """The vault as the actor may read it."""
        # An actor who sees all columns reads the vault directly, without the cost of a filter.
        return self.whole_vault.visible(self.hidden) if self.hidden else self.whole_vault

    def vault_of(self, oid: str) -> Vault:
        """Return the vault for an actor who may see every column of an org.

        Raises NotAllowed (``not-permitted``) for others.
        """
        if oid in self.hidden:
            raise NotAllowed(
                "not-permitted",
                "Some columns of this org are hidden from you. This action needs all of them.",
                next_step="Ask an Unlost admin for a role that can see them.",
            )
        return self.whole_vault

    @cached_property
    def hidden(self) -> Mapping[str, HiddenColumns]:
        """The columns that the actor may not see, by org."""
        if self.actor.may(Right.READ_HIDDEN):
            return {}
        from unlost.catalog.orgs.hidden_columns import hidden_by_org

        every = hidden_by_org().items()
        return {oid: some for oid, some in every if not self.actor.may(Right.READ_HIDDEN, oid)}

    def orgs(self, right: Right = Right.LOOK) -> Sequence[ProtectedOrg]:
        """Return the orgs in which the actor has this right, by name."""
        return [org for org in list_orgs() if self.actor.may(right, org.oid)]

    def org_of_run(self, run: str) -> str | None:
        """Return the oid of a run's org, also if only the vault knows it; None if unknown."""
        from unlost.catalog.runs.runs import find_run

        known = find_run(run)
        if known is not None:
            return next((org.oid for org in list_orgs() if org.name == known.org), None)
        # A rebuilt home has lost its runs; the journals in the vault still name their org.
        vault = self.whole_vault
        return next((oid for oid in vault.orgs() if run in vault.journals(oid)), None)

    @cached_property
    def damaged_vault(self) -> Vault:
        """The vault for verifying, which also opens if parts are damaged."""
        # A replaced opener, as in tests, is used for both.
        opener = open_damaged_vault if self._open_vault is open_home_vault else self._open_vault
        return opener(self.home, self.clock, self.entropy)

    @cached_property
    def steps(self) -> StepStore:
        """The store of step results of unfinished runs."""
        from unlost.jobs.store import StepStore

        store = StepStore(self.home.steps)
        self._closing.callback(store.close)
        return store

    @cached_property
    def locks(self) -> Locks:
        """Locks that one process at a time can take. If they are lost, active runs are stopped."""
        from unlost.catalog.home.locks import open_locks

        locks = open_locks(self.home.database, self.home.locks, lost=self.cancel_flag.lose)
        self._closing.callback(locks.close)
        return locks

    @cached_property
    def lease(self) -> Lease:
        """Prevents two runs of one kind on one org at a time."""
        from unlost.catalog.home.lease import SqlLease

        return SqlLease(self.locks, clock=self.clock)

    def runner(self, run: str) -> Runner:
        """Return the runner of a run, which another process may have begun."""
        from unlost.jobs.runner import LocalRunner

        return LocalRunner(run, store=self.steps, clock=self.clock)

    def secrets(self, oid: str) -> SecretStore:
        """Return the encrypted secrets of an org."""
        from unlost.catalog.orgs.secrets import SqlSecretStore, sealing_key

        key = sealing_key(read_home_key(self.home))
        return SqlSecretStore(oid, key=key, entropy=self.entropy)

    def cache(self, oid: str) -> FolderCache:
        """Return the cache of an org's metadata."""
        from unlost.app.home.cache import FolderCache, cache_key

        key = cache_key(read_home_key(self.home))
        return FolderCache(self.home.cache, org=oid, key=key, entropy=self.entropy)

    def context(
        self,
        *,
        secrets: SecretStore,
        budget: Budget,
        observer: Observer | None = None,
        cache: Cache | None = None,
    ) -> Context:
        """Return the small ports for a connector."""
        from unlost.model.ports.source import Context

        return Context(
            clock=self.clock,
            entropy=self.entropy,
            secrets=secrets,
            budget=budget,
            observer=observer or SilentObserver(),
            cache=cache,
        )

    @contextmanager
    def open_org(
        self,
        org: ProtectedOrg,
        *,
        observer: Observer | None = None,
        run: str | None = None,
        restore: bool = False,
    ) -> Iterator[Source]:
        """Open the source of an org, after checking that it is the org of this name.

        ``run`` lets people stop that run. ``restore``: the source is read for a restore, which may
        use the calls that backups leave for it.
        """
        connector = self.connector(org.identity.connector)
        config = read_config(connector, org.config)
        context = self.context(
            secrets=self.secrets(org.oid),
            budget=self.budget(org.oid, restore=restore, run=run),
            observer=observer,
            cache=self.cache(org.oid),
        )
        with connector.open_source(config, context) as source:
            check_same_org(org, source.identity())
            # Checked above: the address may lead to a refreshed sandbox by now, which is another
            # org.
            yield self._visible(source, org.oid)

    def _visible(self, source: Source, oid: str) -> Source:
        """Return the source as the actor may read it."""
        hidden = self.hidden.get(oid)
        if hidden is None:
            return source
        from unlost.app.home.visible_source import VisibleSource

        head = self.whole_vault.newest_backup(oid)
        return VisibleSource(source, hidden, backup=head.schema() if head is not None else None)

    def budget(self, oid: str, *, restore: bool = False, run: str | None = None) -> Budget:
        """Return the remaining API calls for an org; a share is reserved for restores.

        ``run`` lets people stop that run.
        """
        from unlost.catalog.orgs.budget import BudgetShare, SqlBudget
        from unlost.catalog.runs.runs import command_of
        from unlost.catalog.runs.schedules import schedule_of

        calls = schedule_of(oid).schedule.calls
        share = BudgetShare.of_restores(calls) if restore else BudgetShare.of_backups(calls)
        cancellation = RunCancellation(run, self.clock, command_of) if run is not None else None
        # Every call takes from the budget first, so this is the place where runs can be stopped.
        return CancellableBudget(
            SqlBudget(oid, clock=self.clock, share=share), self.cancel_flag, cancellation
        )

    def writer_secrets(self, oid: str) -> SecretStore:
        """Return the encrypted secrets of an org's write user."""
        from unlost.catalog.orgs.secrets import SqlSecretStore, sealing_key
        from unlost.catalog.orgs.writers import WriterSecrets

        key = sealing_key(read_home_key(self.home))
        return WriterSecrets(SqlSecretStore(oid, key=key, entropy=self.entropy))

    @contextmanager
    def open_writer(
        self,
        org: ProtectedOrg,
        *,
        observer: Observer | None = None,
        run: str | None = None,
        budget: Budget | None = None,
    ) -> Iterator[Writer]:
        """Open the writer of an org for one run; raises NotAllowed (``writer-missing``).

        ``budget`` replaces the share of API calls that restores have.
        """
        from unlost.catalog.orgs.writers import find_writer

        connector = self.connector(org.identity.connector)
        values = find_writer(org.oid)
        if values is None:
            raise writer_missing(org, connector)
        context = self.context(
            secrets=self.writer_secrets(org.oid),
            budget=budget or self.budget(org.oid, restore=True, run=run),
            observer=observer,
        )
        # A write user stores only the settings that differ from those of the org.
        config = read_config(connector, {**org.config, **values})
        with connector.open_writer(config, context) as writer:
            check_same_org(org, writer.identity())
            yield writer

    @contextmanager
    def open_planning(
        self, org: ProtectedOrg, *, observer: Observer | None = None
    ) -> Iterator[tuple[PlanningAccess, PlanBasis]]:
        """Open what a plan needs of the write side: the write user, or without one the backup user."""
        from unlost.catalog.orgs.writers import find_writer
        from unlost.model.plan import PlanBasis

        if find_writer(org.oid) is not None:
            with self.open_writer(org, observer=observer) as writer:
                yield writer, PlanBasis.WRITE_USER
            return
        connector = self.connector(org.identity.connector)
        context = self.context(
            secrets=self.secrets(org.oid),
            budget=self.budget(org.oid, restore=True),
            observer=observer,
        )
        with connector.open_planning(read_config(connector, org.config), context) as access:
            check_same_org(org, access.identity())
            yield access, PlanBasis.BACKUP_USER

    def names(self) -> dict[str, str]:
        """Return the names of the home's orgs by oid."""
        return {org.oid: org.name for org in list_orgs()}


def writer_missing(org: ProtectedOrg, connector: Connector) -> NotAllowed:
    """Return the error for a missing write user, with the permissions that it needs."""
    needed = "; ".join(connector.write_permissions())
    return NotAllowed(
        "writer-missing",
        "{org!r} has no write user. Its backup user can only read.",
        next_step="Create a user for restores in the org, and add it with `unlost org writer "
        "{org}`. It needs: {needed}.",
        org=org.name,
        needed=needed,
    )


type VaultOpener = Callable[[Home, Clock, Entropy], Vault]


def open_home_vault(home: Home, clock: Clock, entropy: Entropy) -> Vault:
    """Open the vault of a home with the service key, and verify its root.

    Raises NotFound (``vault-missing``), NotAllowed (``key-missing``, ``key-wrong`` and others),
    UsageError (``key-in-vault``, ``format-newer``), IntegrityError.
    """
    from unlost.app.home.home_keys import open_keys

    opened = open_keys(home, clock=clock, entropy=entropy)
    return vault_of(opened.store, opened.keys, clock, entropy)


def open_damaged_vault(home: Home, clock: Clock, entropy: Entropy) -> Vault:
    """Open a vault as ``open_home_vault``, but leave a damaged ``vault.json`` to ``verify``."""
    from unlost.app.home.home_keys import service_key_of
    from unlost.app.home.sealed_key import key_file
    from unlost.app.home.stores import home_store
    from unlost.vault.keys.opening import unlock_keyring

    store = home_store(home, clock=clock)
    keys = unlock_keyring(store, key_file(service_key_of(home)), entropy=entropy)
    return vault_of(store, keys, clock, entropy)


def vault_of(store: Store, keys: Keyring, clock: Clock, entropy: Entropy) -> EncryptedVault:
    """Return the vault that these keys open, with the home's witness and ledger."""
    from unlost.vault.vault import open_vault

    return open_vault(
        store,
        keys=keys,
        clock=clock,
        entropy=entropy,
        witness=SqlWitness(),
        ledger=SqlRemovals(),
    )


def read_config(connector: Connector, values: object) -> object:
    """Convert plain values to the connector's config; raises UsageError (``config-invalid``)."""
    try:
        return decoder_for(connector.config).convert(values, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(
            "config-invalid",
            "The settings of {connector} are invalid: {error}.",
            next_step="Enter the settings again with `unlost org add`.",
            connector=connector.name,
            error=error,
        ) from error


def open_application(
    root: Path,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    connectors: Callable[[str], Connector] = load_connector,
    vault: VaultOpener | None = None,
    cancel_flag: CancellationFlag | None = None,
    actor: Actor | None = None,
) -> Application:
    """Open the home in ``root``; raises as ``read_home`` and ``connect`` do."""
    share_arenas()
    home = read_home(root)
    connect(home.catalog)
    return Application(
        home,
        clock=clock or SystemClock(),
        entropy=entropy or SystemEntropy(),
        connectors=connectors,
        vault=vault,
        cancel_flag=cancel_flag,
        actor=actor,
    )

"""An opened vault: the port ``Vault`` over a store and the vault's keys.

Modules that write are imported when something is written: most commands only read.
"""

from collections.abc import Collection, Mapping
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from unlost.model.errors import Conflict
from unlost.model.org import OrgIdentity
from unlost.model.ports.removals import RemovalLedger
from unlost.model.ports.system import Clock, Entropy, Witness
from unlost.model.source.hidden_columns import HiddenColumns
from unlost.model.vault.snapshot import CommitKind
from unlost.model.vault.store import Store
from unlost.vault.commits.foreign_commits import ProcessLedger
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.founding import confirm_vault_file, write_vault_file
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import shredded_orgs
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.layout.org_names import identity_name, is_named
from unlost.vault.layout.write_budget import BufferLimit
from unlost.vault.maintenance.maintained import MaintainedVault
from unlost.vault.read.org_vault import OrgVault, VaultOptions
from unlost.vault.reader import EncryptedReader, OpenOrgs
from unlost.vault.stores.cached import without_cache

if TYPE_CHECKING:
    from unlost.vault.objects.home_copies import VaultHomes
    from unlost.vault.write.journal import RunJournal
    from unlost.vault.write.open_commit import OpenCommit

_OID_BYTES = 16


def create_vault(
    store: Store,
    *,
    keys: Keyring,
    clock: Clock,
    entropy: Entropy,
    witness: Witness | None = None,
    ledger: RemovalLedger | None = None,
    options: VaultOptions | None = None,
) -> "EncryptedVault":
    """Found the vault whose keys were drafted (``unlost.vault.keys.opening``) and open it."""
    write_vault_file(store, keys, created=clock.now())
    return open_vault(
        store,
        keys=keys,
        clock=clock,
        entropy=entropy,
        witness=witness,
        ledger=ledger,
        options=options,
    )


def open_vault(
    store: Store,
    *,
    keys: Keyring,
    clock: Clock,
    entropy: Entropy,
    witness: Witness | None = None,
    ledger: RemovalLedger | None = None,
    options: VaultOptions | None = None,
) -> "EncryptedVault":
    """The vault that these keys open.

    Without a ``witness``, the removal of the newest commit goes unnoticed. Without a ``ledger``,
    only commits that this opened vault makes count as its own: nothing is deleted because of
    others.
    """
    sealed = SealedObjects(store, keys=keys, entropy=entropy)
    return EncryptedVault(
        sealed,
        clock=clock,
        witness=witness,
        ledger=ledger if ledger is not None else ProcessLedger(),
        options=options or VaultOptions(),
    )


class EncryptedVault(EncryptedReader, MaintainedVault):
    """See the port ``unlost.model.ports.vault.Vault``. Safe to share between threads."""

    def __init__(
        self,
        sealed: SealedObjects,
        *,
        clock: Clock,
        witness: Witness | None,
        ledger: RemovalLedger,
        options: VaultOptions,
    ) -> None:
        opened = partial(
            OrgVault,
            sealed=sealed,
            clock=clock,
            witness=witness,
            ledger=ledger,
            options=options,
            limit=BufferLimit(options.buffer_bytes),
        )
        EncryptedReader.__init__(self, OpenOrgs(sealed, opened), hidden={})
        MaintainedVault.__init__(self, sealed, witness=witness)
        self._clock = clock
        self.ledger = ledger
        self._options = options

    @property
    def homes(self) -> "VaultHomes":
        """Copies of the data of the homes that use this vault."""
        from unlost.vault.objects.home_copies import VaultHomes

        return VaultHomes(self.sealed, ledger=self.ledger)

    def visible(self, hidden: Mapping[str, HiddenColumns]) -> EncryptedReader:
        """The vault for reading, without the hidden columns of each org."""
        return EncryptedReader(self._orgs, hidden=hidden)

    def ensure_org(self, identity: OrgIdentity) -> str:
        """The oid of this org; creates the org when it is first seen."""
        for org, known in self.orgs().items():
            if known.same_org(identity) and self.org_vault(org).chain.live().seq:
                return org
        # Its founder may have died before it was durable; from here on the org's data needs it.
        confirm_vault_file(self.sealed.store)
        org = self._oid(identity)
        if any(self.sealed.store.list(object_names.commits(org))):
            self.sealed.keys.check_there(org)  # lost keys must come back, and get no successors
        elif not is_named(self.sealed.store, org):
            self.sealed.keys.begin_org(org)
        self.sealed.keys.add_org(org)
        name = identity_name(self.sealed.store, org)
        content = msgspec.json.encode(identity)
        self.sealed.put_new(ObjectKind.IDENTITY, org=org, name=name, content=content)
        return org

    def begin(self, org: str, *, run: str, kind: CommitKind, identity: OrgIdentity) -> "OpenCommit":
        """Open or reopen the commit of a run; refuses another org's identity.

        Raises NotFound (``org-unknown``), Conflict (``org-identity``), IntegrityError.
        """
        from unlost.vault.write.beginning import begin_commit

        self._check_identity(org, identity)
        return begin_commit(self.org_vault(org), run=run, kind=kind, identity=identity)

    def read_files(self, org: str, blobs: Collection[str]) -> Mapping[str, bytes]:
        """The bytes of small files, with one lookup; raises NotFound (``file-unknown``)."""
        org_vault = self.org_vault(org)
        return org_vault.load_blob(until=org_vault.chain.live().seq)(blobs)

    def journal(self, org: str, run: str) -> "RunJournal":
        """The journal of a run; empty before its first entry. Raises NotFound (``org-unknown``)."""
        from unlost.vault.write.journal import RunJournal

        return RunJournal(self.org_vault(org), run)

    def plan_code(self, plan: bytes) -> bytes:
        """The code that proves that this vault's Unlost made a plan."""
        return self.sealed.keys.plan_code(plan)

    def uncached(self) -> "EncryptedVault":
        """The same vault, reading the store itself and not this machine's cache of it."""
        sealed, store = self.sealed, without_cache(self.sealed.store)
        if store is sealed.store:
            return self
        return EncryptedVault(
            SealedObjects(store, keys=sealed.keys, entropy=sealed.entropy),
            clock=self._clock,
            witness=self._witness,
            ledger=self.ledger,
            options=self._options,
        )

    def org_vault(self, org: str) -> OrgVault:
        """Open an org; raises NotFound (``org-unknown``)."""
        return self._orgs.org_vault(org)

    def oids(self) -> list[str]:
        """The oids of all orgs, including orgs whose chain is broken."""
        return self._orgs.oids()

    def _check_identity(self, org: str, identity: OrgIdentity) -> None:
        known = self._orgs.identity(org)
        if not known.same_org(identity):
            raise Conflict(
                "org-identity",
                "The vault has backups of {known} here, but the source is {source}. Nothing "
                "was written.",
                next_step="Check the address and the account, or add the other org under a new name.",
                known=known.label or known.tenant,
                source=identity.label or identity.tenant,
            )

    def _oid(self, identity: OrgIdentity) -> str:
        """The oid, equal for all writers and without meaning to others: it needs the master key."""
        gone = shredded_orgs(self.sealed.store, self.sealed.keys)
        for life in count():  # an org that is added again after shredding gets another oid
            name = (identity.connector, identity.tenant, *([life] if life else []))
            # Always the first master key: a renewal must not change the oids.
            code = self.sealed.keys.mac("org", msgspec.json.encode(name), generation=1)
            if (org := code[:_OID_BYTES].hex()) not in gone:
                return org
        raise AssertionError("counting has no end")

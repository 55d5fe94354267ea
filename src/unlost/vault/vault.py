"""An opened vault: the port ``Vault`` over a store and the vault's keys."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

import msgspec

from unlost.model.erasure import ErasureTold
from unlost.model.errors import Conflict, UnlostError
from unlost.model.hidden_columns import HiddenColumns
from unlost.model.maintenance import Agreement, MaintenanceOperation, MaintenancePlan
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.ports.system import Clock, Entropy, Witness
from unlost.model.reading import Rows
from unlost.model.rekeying import Rekeyed, UnderEarlier
from unlost.model.retention import Hold, HoldTarget
from unlost.model.snapshot import (
    CommitKind,
    SnapshotInfo,
    TableCommit,
    VerifyLevel,
    VerifyPart,
    VerifyReport,
)
from unlost.model.store import Store
from unlost.model.upkeep import Compaction, Sweep
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveState, live_objects
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import RunIntent
from unlost.vault.format.physical import HOLDS
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.format.vaultjson import VAULT_FILE, read_vault_file
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.opening import confirm_vault_file, found_vault
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.keys.shred_proofs import shredded_orgs
from unlost.vault.layout import object_names
from unlost.vault.layout.org_names import identity_name
from unlost.vault.layout.write_budget import BufferLimit
from unlost.vault.maintenance.compactor import compact
from unlost.vault.maintenance.erase.eraser import erasures
from unlost.vault.maintenance.erase.marks import erased_among
from unlost.vault.maintenance.garbage import sweep
from unlost.vault.maintenance.operations import apply_plan, is_uncached, plan_operation
from unlost.vault.maintenance.rekey.look import under_earlier
from unlost.vault.maintenance.rekey.rekeyer import rekey
from unlost.vault.maintenance.retain.holds import hold_rows, holds_in, lift_rows
from unlost.vault.maintenance.verify import VerifyScope, verify_vault
from unlost.vault.objects.home_copies import VaultHomes
from unlost.vault.read.org_vault import OrgVault, VaultOptions
from unlost.vault.read.snapshot import VaultSnapshot
from unlost.vault.reader import EncryptedReader, OpenOrgs
from unlost.vault.stores.cached import itself
from unlost.vault.write.finish import committed
from unlost.vault.write.journal import RunJournal
from unlost.vault.write.open_commit import OpenCommit

_OID_BYTES = 16
_PREFIX_BYTES = 8


def create_vault(
    store: Store,
    *,
    keys: Keyring,
    clock: Clock,
    entropy: Entropy,
    witness: Witness | None = None,
    options: VaultOptions | None = None,
) -> "EncryptedVault":
    """Found the vault whose keys were drafted (``unlost.vault.keys.opening``) and open it."""
    found_vault(store, keys, created=clock.now())
    return open_vault(
        store, keys=keys, clock=clock, entropy=entropy, witness=witness, options=options
    )


def open_vault(
    store: Store,
    *,
    keys: Keyring,
    clock: Clock,
    entropy: Entropy,
    witness: Witness | None = None,
    options: VaultOptions | None = None,
) -> "EncryptedVault":
    """The vault that these keys open. Without a ``witness`` a removed newest commit is not noticed."""
    sealed = SealedObjects(store, keys=keys, entropy=entropy)
    return EncryptedVault(sealed, clock=clock, witness=witness, options=options or VaultOptions())


class EncryptedVault(EncryptedReader):
    """See the port ``unlost.model.ports.vault.Vault``. Safe to share between threads."""

    def __init__(
        self,
        sealed: SealedObjects,
        *,
        clock: Clock,
        witness: Witness | None,
        options: VaultOptions,
    ) -> None:
        opened = partial(
            OrgVault,
            sealed=sealed,
            clock=clock,
            witness=witness,
            options=options,
            limit=BufferLimit(options.buffer_bytes),
        )
        super().__init__(OpenOrgs(sealed, opened), hidden={})
        self.sealed = sealed
        self._clock = clock
        self._witness = witness
        self._options = options

    @property
    def homes(self) -> VaultHomes:
        """Copies of the data of the homes that use this vault."""
        return VaultHomes(self.sealed)

    def visible(self, hidden: Mapping[str, HiddenColumns]) -> EncryptedReader:
        """The vault to read, without the columns that are hidden of each org."""
        return EncryptedReader(self._orgs, hidden=hidden)

    def adopt(self, identity: OrgIdentity) -> str:
        """The oid of this org, made on first sight."""
        for org, known in self.orgs().items():
            if known.same_org(identity) and self.room(org).chain.live().seq:
                return org
        confirm_vault_file(self.sealed.store)
        org = self._oid(identity)
        self.sealed.keys.add_org(org)
        name = identity_name(self.sealed.store, org)
        content = msgspec.json.encode(identity)
        self.sealed.put_new(ObjectKind.IDENTITY, org=org, name=name, content=content)
        return org

    def begin(self, org: str, *, run: str, kind: CommitKind, identity: OrgIdentity) -> OpenCommit:
        """Open, or re-open, the commit of a run; refuses another org's identity.

        Raises NotFound (``org-unknown``), Conflict (``org-identity``), IntegrityError.
        """
        self._check_identity(org, identity)
        room = self.room(org)
        state = room.chain.proved()
        notes = OpenRun(org, run, sealed=self.sealed)
        fresh = self._intent(state, run=run, kind=kind, identity=identity)
        resumed = notes.is_open()
        done = committed(state, run)
        intent = fresh if done is not None else notes.open(fresh)
        return OpenCommit(room, intent=intent, notes=notes, resumed=resumed)

    def at_time(self, org: str, when: datetime) -> VaultSnapshot | None:
        """The last backup that began at or before an instant; None if there is none."""
        earlier = [info for info in self.snapshots(org) if info.as_of <= when]
        return self.at(org, earlier[-1].number) if earlier else None

    def read_files(self, org: str, blobs: Collection[str]) -> Mapping[str, bytes]:
        """The bytes of small files, found together; raises NotFound (``file-unknown``)."""
        room = self.room(org)
        return room.load_blob(until=room.chain.live().seq)(blobs)

    def journal(self, org: str, run: str) -> RunJournal:
        """The journal of a run; empty before its first entry. Raises NotFound (``org-unknown``)."""
        return RunJournal(self.room(org), run)

    def plan[E](
        self,
        org: str,
        operation: MaintenanceOperation[E],
        *,
        pause: Callable[[], None] = lambda: None,
    ) -> MaintenancePlan[E]:
        """Show the effect that an operation would have now; see the port ``VaultMaintenance``."""
        return plan_operation(self._room_for(org, operation), operation, pause=pause)

    def apply[E](
        self,
        org: str,
        plan: Agreement[E],
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        before_write: Callable[[E], object] = lambda _: None,
    ) -> E:
        """Carry out an operation whose effect was agreed to; see the port ``VaultMaintenance``."""
        room = self._room_for(org, plan.operation)
        return apply_plan(room, plan, run=run, pause=pause, before_write=before_write)

    def _room_for(self, org: str, operation: MaintenanceOperation[Any]) -> OrgVault:
        return (self._proving() if is_uncached(operation) else self).room(org)

    def compact(
        self, org: str, *, run: str, pause: Callable[[], None] = lambda: None
    ) -> Compaction:
        """Merge segments where it is due; snapshots stay as they are, to the bit.

        One at a time for an org; backups may go on beside it. Raises Conflict
        (``maintenance-outrun``), IntegrityError, StoreError, and what ``pause`` raises.
        """
        return compact(self.room(org), run=run, pause=pause)

    def holds(self, org: str) -> tuple[Hold, ...]:
        """All holds that were not lifted, also those that have run out."""
        room = self.room(org)
        return tuple(holds_in(room, room.chain.live()))

    def hold(self, org: str, holds: tuple[Hold, ...], *, run: str) -> SnapshotInfo:
        """Set holds; one on the same thing replaces the earlier one."""
        return self._put_holds(org, hold_rows(holds, observed_at=self._clock.now()), run=run)

    def lift(self, org: str, things: tuple[HoldTarget, ...], *, run: str) -> SnapshotInfo:
        """Take holds back."""
        return self._put_holds(org, lift_rows(things, observed_at=self._clock.now()), run=run)

    def _put_holds(self, org: str, rows: Rows, *, run: str) -> SnapshotInfo:
        commit = self.begin(org, run=run, kind=CommitKind.HOLD, identity=self._orgs.identity(org))
        try:
            held = TableCommit(HOLDS, (commit.hold(rows),))
            return commit.finish([held], as_of=self._clock.now())
        except Exception:
            with suppress(UnlostError):
                commit.abandon()
            raise

    def erased(self, org: str, records: Collection[RecordKey]) -> frozenset[RecordKey]:
        """Those of the records that are on the list of what is not taken in again."""
        return erased_among(self.room(org), records)

    def erasures(self, org: str) -> tuple[ErasureTold, ...]:
        """What was erased, oldest first, as far as it may be told."""
        return erasures(self.room(org))

    def under_earlier_keys(self, org: str) -> UnderEarlier:
        """How much is still sealed under earlier org keys; see the port ``VaultMaintenance``."""
        return under_earlier(self.room(org))

    def rekey(
        self,
        org: str,
        *,
        run: str,
        most: int | None = None,
        pause: Callable[[], None] = lambda: None,
    ) -> Rekeyed:
        """Seal all that is live anew under the newest org key; see the port ``VaultMaintenance``."""
        return rekey(self.room(org), run=run, most=most, pause=pause)

    def sweep(self, org: str, *, run: str) -> Sweep:
        """Remove what was condemned days ago, and condemn what runs left that came to nothing."""
        return sweep(self.room(org), run=run)

    def size(self, org: str) -> int:
        """Bytes of all that the snapshots of an org are read from."""
        state = self.room(org).chain.live()
        return sum(entry.bytes for entry in live_objects(state, org=org))

    def verify(self, level: VerifyLevel, *, part: VerifyPart | None = None) -> VerifyReport:
        """Look whether everything is there, and whether all of it or a part is whole."""
        look = VerifyScope(level, part)
        proving = self._proving()
        return verify_vault(proving.sealed, look=look, witness=self._witness, room=proving.room)

    def format(self) -> int:
        """The number of the format that the vault is of; see the port ``VaultMaintenance``."""
        return read_vault_file(self.sealed.store.get(VAULT_FILE)).format

    def _proving(self) -> "EncryptedVault":
        """The same vault, of which nothing is read that this machine keeps of it."""
        sealed, store = self.sealed, itself(self.sealed.store)
        if store is sealed.store:
            return self
        return EncryptedVault(
            SealedObjects(store, keys=sealed.keys, entropy=sealed.entropy),
            clock=self._clock,
            witness=self._witness,
            options=self._options,
        )

    def room(self, org: str) -> OrgVault:
        """What serves an org; raises NotFound (``org-unknown``)."""
        return self._orgs.room(org)

    def oids(self) -> list[str]:
        """The oids of all orgs, also of those whose chain is broken."""
        return self._orgs.oids()

    def _check_identity(self, org: str, identity: OrgIdentity) -> None:
        known = self._orgs.identity(org)
        if not known.same_org(identity):
            raise Conflict(
                "org-identity",
                f"This vault keeps {known.label or known.tenant} here, but the source says that it "
                f"is {identity.label or identity.tenant}. Nothing was written.",
                next_step="Check the address and the account, or add the other org under a new name.",
            )

    def _oid(self, identity: OrgIdentity) -> str:
        """The same for all who adopt this org, and nothing to those without the key."""
        gone = shredded_orgs(self.sealed.store, self.sealed.keys)
        for life in count():  # an org that was shredded is another one when it comes back
            name = (identity.connector, identity.tenant, *([life] if life else []))
            code = self.sealed.keys.mac("org", msgspec.json.encode(name), generation=1)
            if (org := code[:_OID_BYTES].hex()) not in gone:
                return org
        raise AssertionError("counting has no end")

    def _intent(
        self, state: LiveState, *, run: str, kind: CommitKind, identity: OrgIdentity
    ) -> RunIntent:
        return RunIntent(
            format=numbers.FORMAT,
            run=object_names.check_run(run),
            kind=kind,
            identity=identity,
            base=state.seq,
            started=self._clock.now(),
            segments=self.sealed.entropy.bytes(_PREFIX_BYTES).hex(),
        )

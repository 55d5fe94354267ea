"""An opened vault: the port ``Vault`` over a store and the vault's keys."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from itertools import count
from typing import BinaryIO

import msgspec
import pyarrow as pa

from unlost.model.erasure import Erasure, ErasureTold, ErasureWish
from unlost.model.errors import Conflict, NotFound, UnlostError
from unlost.model.learned import learned
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.ports import Clock, Entropy, Witness
from unlost.model.reading import Rows
from unlost.model.rectification import Rectification, RectifyWish
from unlost.model.rekeying import Rekeyed, UnderEarlier
from unlost.model.retention import Forgetting, HeldThing, Hold, KeepRules
from unlost.model.salvage import Salvage, SalvageTold
from unlost.model.snapshot import (
    CommitKind,
    Hit,
    Lineage,
    SnapshotInfo,
    TableCommit,
    VerifyLevel,
    VerifyPart,
    VerifyReport,
    Version,
)
from unlost.model.store import Store
from unlost.model.upkeep import Compaction, Sweep
from unlost.vault import places
from unlost.vault.buffers import BufferLimit
from unlost.vault.changes import changes
from unlost.vault.commit import OpenCommit
from unlost.vault.compactor import compact
from unlost.vault.erase.eraser import erase, erasures, plan_erasure
from unlost.vault.erase.marks import erased_among
from unlost.vault.finish import committed
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import Intent
from unlost.vault.format.physical import HOLDS
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.garbage import sweep
from unlost.vault.history import history
from unlost.vault.homes import VaultHomes
from unlost.vault.intents import OpenRun
from unlost.vault.journal import RunJournal, journals
from unlost.vault.keys import Keyring
from unlost.vault.lineage import lineage
from unlost.vault.opening import confirm_vault_file, found_vault
from unlost.vault.orgnames import identity_name, is_named, named_orgs
from unlost.vault.rectify.rectifier import plan_rectification, rectify
from unlost.vault.rekey.look import under_earlier
from unlost.vault.rekey.rekeyer import rekey
from unlost.vault.retain.forget import forget, plan_forgetting
from unlost.vault.retain.holds import hold_rows, holds_in, lift_rows
from unlost.vault.retain.scope import shown_backups
from unlost.vault.room import OrgRoom, VaultOptions, unknown_org
from unlost.vault.salvage.salvager import plan_salvage, salvage, salvages
from unlost.vault.sealing import SealedObjects
from unlost.vault.search import search
from unlost.vault.shred import shredded_orgs
from unlost.vault.snapshot import VaultSnapshot
from unlost.vault.state import LiveState, live_objects
from unlost.vault.stores.cached import itself
from unlost.vault.upgrade import format_of, put_mark, repeat_mark
from unlost.vault.verify import Look, verify_vault

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
    """Found the vault whose keys were drafted (``unlost.vault.opening``) and open it."""
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


class EncryptedVault:
    """See the port ``unlost.model.ports.Vault``. Safe to share between threads."""

    def __init__(
        self,
        sealed: SealedObjects,
        *,
        clock: Clock,
        witness: Witness | None,
        options: VaultOptions,
    ) -> None:
        self.sealed = sealed
        self._clock = clock
        self._witness = witness
        self._options = options
        self._limit = BufferLimit(options.buffer_bytes)
        self._rooms: dict[str, OrgRoom] = {}
        self._lock = threading.Lock()
        self._format = -1  # not looked at yet

    @property
    def homes(self) -> VaultHomes:
        """Copies of the data of the homes that use this vault."""
        return VaultHomes(self.sealed)

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

    def orgs(self) -> Mapping[str, OrgIdentity]:
        """All orgs by oid, with the label that the newest commit tells."""
        return {org: self._identity(org) for org in self.oids()}

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

    def head(self, org: str) -> VaultSnapshot | None:
        """The newest backup, or None."""
        nights = self.snapshots(org)
        return self.at(org, nights[-1].number) if nights else None

    def snapshots(self, org: str) -> Sequence[SnapshotInfo]:
        """All backups that were not forgotten, oldest first: nights, and those between them."""
        return tuple(shown_backups(self.room(org).chain.live()))

    def commits(self, org: str) -> Sequence[SnapshotInfo]:
        """All that took a number, oldest first: nights, restores and whatever else."""
        return tuple(self.room(org).chain.live().commits.values())

    def at(self, org: str, number: int) -> VaultSnapshot:
        """The snapshot of this number; raises NotFound (``snapshot-unknown``, ``snapshot-forgotten``)."""
        _check_shown(self.room(org).chain.live(), number)
        return self.as_of(org, number)

    def as_of(self, org: str, number: int) -> VaultSnapshot:
        """What is left as of a commit, also of a backup that was forgotten; raises NotFound."""
        return VaultSnapshot(self.room(org), number)

    def at_time(self, org: str, when: datetime) -> VaultSnapshot | None:
        """The last backup that began at or before an instant; None if there is none."""
        earlier = [info for info in self.snapshots(org) if info.as_of <= when]
        return self.at(org, earlier[-1].number) if earlier else None

    def history(self, org: str, table: str, record: str) -> Sequence[Version]:
        """All versions of a record, oldest first; empty if the vault never saw it."""
        return history(self.room(org), table, record)

    def changes(self, org: str, table: str, *, after: int, until: int) -> Iterator[pa.Table]:
        """What differs between two snapshots: ``_u_id`` and ``change`` (``ChangeKind``), by id.

        ``after`` 0 is the empty picture before the first commit. Raises NotFound.
        """
        room = self.room(org)
        for number in (after, until):
            if number:
                room.chain.manifest(number)
                _check_shown(room.chain.live(), number)
        return changes(room, table, after=after, until=until)

    def search(self, org: str, text: str, *, limit: int = 20) -> Sequence[Hit]:
        """Records whose id, name, number, e-mail, phone or key begins with the text's tokens."""
        head = self.head(org)
        return search(head, text, limit=limit) if head else ()

    def open_file(self, org: str, blob: str) -> AbstractContextManager[BinaryIO]:
        """A stored file's bytes; raises NotFound (``file-unknown``)."""
        room = self.room(org)
        return room.open_blob(blob, until=room.chain.live().seq)

    def read_files(self, org: str, blobs: Collection[str]) -> Mapping[str, bytes]:
        """The bytes of small files, found together; raises NotFound (``file-unknown``)."""
        room = self.room(org)
        return room.load_blob(until=room.chain.live().seq)(blobs)

    def journal(self, org: str, run: str) -> RunJournal:
        """The journal of a run; empty before its first entry. Raises NotFound (``org-unknown``)."""
        return RunJournal(self.room(org), run)

    def journals(self, org: str, *, unfinished: bool = False) -> Sequence[str]:
        """Runs that have a journal: those with a commit in its order, then the others.

        ``unfinished``: only the others.
        """
        return journals(self.room(org), unfinished=unfinished)

    def lineage(
        self,
        org: str,
        *,
        table: str | None = None,
        records: Sequence[str] = (),
        lives: Sequence[str] = (),
    ) -> Sequence[Lineage]:
        """Which live records stand for records of this org: the newest row of each, by id.

        With ``table`` and ``records`` (old ids) the cost is that of their rows; then the rows that
        carry them on are given too. Otherwise all are read, and with ``lives`` those told that lead to one of them.
        """
        return lineage(
            self.room(org), targets=self.oids(), table=table, records=records, lives=lives
        )

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

    def lift(self, org: str, things: tuple[HeldThing, ...], *, run: str) -> SnapshotInfo:
        """Take holds back."""
        return self._put_holds(org, lift_rows(things, observed_at=self._clock.now()), run=run)

    def _put_holds(self, org: str, rows: Rows, *, run: str) -> SnapshotInfo:
        commit = self.begin(org, run=run, kind=CommitKind.HOLD, identity=self._identity(org))
        try:
            held = TableCommit(HOLDS, (commit.hold(rows),))
            return commit.finish([held], as_of=self._clock.now())
        except Exception:
            with suppress(UnlostError):
                commit.abandon()
            raise

    def plan_forgetting(
        self, org: str, rules: KeepRules, *, pause: Callable[[], None] = lambda: None
    ) -> Forgetting:
        """What ``forget`` would take away now. Nothing is written."""
        return plan_forgetting(self.room(org), rules, pause=pause)

    def forget(
        self,
        org: str,
        rules: KeepRules,
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        agree: Callable[[Forgetting], None] = lambda _: None,
    ) -> Forgetting:
        """Take away what the rules do not keep; the nights that stay are the same to the bit.

        ``agree`` is told what would go before anything is written, and stops it by raising.
        Raises Conflict (``runs-open``, ``maintenance-outrun``), IntegrityError, StoreError, and what
        ``pause`` and ``agree`` raise; then nothing has changed.
        """
        return forget(self.room(org), rules, run=run, pause=pause, agree=agree)

    def plan_erasure(
        self, org: str, wish: ErasureWish, *, pause: Callable[[], None] = lambda: None
    ) -> Erasure:
        """What ``erase`` would take away now; see the port ``Erasing``."""
        return plan_erasure(self.room(org), wish, pause=pause)

    def erase(
        self,
        org: str,
        wish: ErasureWish,
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        agree: Callable[[Erasure], object] = lambda _: None,
    ) -> Erasure:
        """Take records out of all history at once, and keep them out; see the port ``Erasing``."""
        return erase(self.room(org), wish, run=run, pause=pause, agree=agree)

    def erased(self, org: str, records: Collection[RecordKey]) -> frozenset[RecordKey]:
        """Those of the records that are on the list of what is not taken in again."""
        return erased_among(self.room(org), records)

    def erasures(self, org: str) -> tuple[ErasureTold, ...]:
        """What was erased, oldest first, as far as it may be told."""
        return erasures(self.room(org))

    def plan_rectification(
        self, org: str, wish: RectifyWish, *, pause: Callable[[], None] = lambda: None
    ) -> Rectification:
        """What ``rectify`` would replace now; see the port ``Rectifying``."""
        return plan_rectification(self.room(org), wish, pause=pause)

    def rectify(
        self,
        org: str,
        wish: RectifyWish,
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        agree: Callable[[Rectification], object] = lambda _: None,
    ) -> Rectification:
        """Replace values of a record in all history at once; see the port ``Rectifying``."""
        return rectify(self.room(org), wish, run=run, pause=pause, agree=agree)

    def plan_salvage(self, org: str, *, pause: Callable[[], None] = lambda: None) -> Salvage:
        """What ``salvage`` would do now; see the port ``Salvaging``."""
        return plan_salvage(self._proving().room(org), pause=pause)

    def salvage(
        self,
        org: str,
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        agree: Callable[[Salvage], object] = lambda _: None,
    ) -> Salvage:
        """Take damaged objects out, and keep all that can be read; see the port ``Salvaging``."""
        return salvage(self._proving().room(org), run=run, pause=pause, agree=agree)

    def salvages(self, org: str) -> tuple[SalvageTold, ...]:
        """What was salvaged, oldest first."""
        return tuple(salvages(self.room(org)))

    def under_earlier_keys(self, org: str) -> UnderEarlier:
        """How much is still sealed under earlier org keys; see the port ``Rekeying``."""
        return under_earlier(self.room(org))

    def rekey(
        self,
        org: str,
        *,
        run: str,
        most: int | None = None,
        pause: Callable[[], None] = lambda: None,
    ) -> Rekeyed:
        """Seal all that is live anew under the newest org key; see the port ``Rekeying``."""
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
        look = Look(level, part)
        proving = self._proving()
        return verify_vault(proving.sealed, look=look, witness=self._witness, room=proving.room)

    def format(self) -> int:
        """The number of the format that the vault is of; see the port ``Verifying``."""
        if self._format < numbers.FORMAT:  # it rises, and never falls
            self._format = format_of(self.sealed.store, self.sealed.keys)
        return self._format

    def upgrade(self, level: VerifyLevel) -> VerifyReport | None:
        """Prove that all is read, and put the marker that says so; see the port ``Verifying``."""
        store, keys = self.sealed.store, self.sealed.keys
        if self.format() == numbers.FORMAT:
            repeat_mark(store, keys)
            return None
        report = self.verify(level)
        if not report.damages:
            put_mark(store, keys, at=self._clock.now(), level=level)
        return report

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

    def room(self, org: str) -> OrgRoom:
        """What serves an org; raises NotFound (``org-unknown``)."""
        with self._lock:
            if org not in self._rooms:
                sealed = self.sealed
                if not is_named(sealed.store, org) or org in shredded_orgs(
                    sealed.store, sealed.keys
                ):
                    raise unknown_org(org)
                self._rooms[org] = OrgRoom(
                    org,
                    sealed=self.sealed,
                    clock=self._clock,
                    witness=self._witness,
                    options=self._options,
                    limit=self._limit,
                )
            return self._rooms[org]

    def oids(self) -> list[str]:
        """The oids of all orgs, also of those whose chain is broken."""
        gone = shredded_orgs(self.sealed.store, self.sealed.keys)
        return [org for org in named_orgs(self.sealed.store) if org not in gone]

    def _identity(self, org: str) -> OrgIdentity:
        chain = self.room(org).chain
        state = chain.live()
        if state.seq:
            return chain.manifest(state.seq)[0].identity
        name = identity_name(self.sealed.store, org)
        content = self.sealed.get(ObjectKind.IDENTITY, org=org, name=name)
        return learned(OrgIdentity).decode(content)

    def _check_identity(self, org: str, identity: OrgIdentity) -> None:
        known = self._identity(org)
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
    ) -> Intent:
        return Intent(
            format=numbers.FORMAT,
            run=places.check_run(run),
            kind=kind,
            identity=identity,
            base=state.seq,
            started=self._clock.now(),
            segments=self.sealed.entropy.bytes(_PREFIX_BYTES).hex(),
        )


def _check_shown(state: LiveState, number: int) -> None:
    """Raise NotFound for what is not told any more: of others than kept backups, where some were forgotten."""
    info = state.commits.get(number)
    if info is None or not state.forgotten:
        return
    if number in state.forgotten or info.kind is not CommitKind.BACKUP:
        raise NotFound(
            "snapshot-forgotten",
            f"Backup {number} was forgotten, as the rules for keeping backups say."
            if info.kind is CommitKind.BACKUP
            else f"Commit {number} is no backup, and what it showed may have been forgotten.",
            next_step="Choose one that is kept; list them with: unlost snapshots ORG",
        )

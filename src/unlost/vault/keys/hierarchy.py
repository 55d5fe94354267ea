"""The key hierarchy: from the owner's secret to the key of each single object.

    recovery sheet, passphrase ─> owner's secret ──HKDF──> owner's key (signs the register)
                                        └─HKDF─┐
    service key ───────────────────────────────┴─> MASTER KEY of generation g
             ├─HKDF──> codes (MAC) of vault.json, oids of orgs, key checks, restore plans
             ├─HKDF──> the key of each homes/<n>
             ├─wraps─> IDENTITY KEY of each org   never changes
             │          └─HKDF──> ids of blobs and schemas, pseudonyms of erased values
             └─wraps─> ORG KEY of each data-key epoch      random; epochs 1, 2, 3 …
                        └─HKDF──> one key for each object of the org

For example, the segment ``orgs/<oid>/data/ab/ab…`` of epoch 2 has the key ``derive(org key of epoch
2, "segment/orgs/<oid>/data/ab/ab…")``.

Wrapped keys are stored in the vault, three copies each; any intact copy is enough:

    orgs/<oid>/keys/00000002/1            org key of epoch 2, wrapped by the first master key
    orgs/<oid>/keys/00000002.00000003/1   the same key, wrapped by the master key of generation 3
    orgs/<oid>/keys/identity/1            the identity key

``unlost.vault.keys.unlock`` gets the master key itself. A vault may have had several master keys,
one after the other (*generations*). New objects are written only under org keys that the present
master key has wrapped. So a person who stole an earlier master key cannot plant an org key they
know.

See docs/adr/0026 (new master key), 0029 (end of the earlier org keys) and 0037 (owner's key).
"""

import hmac
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256

from unlost.model.errors import IntegrityError, NotAllowed, NotFound, UnlostError, UsageError
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.sealed import (
    KIB64,
    ObjectBinding,
    ObjectKind,
    read_header,
    seal,
    unseal,
)
from unlost.vault.keys.derivation import (
    COPIES,
    KEY_BYTES,
    WRAPPED,
    base_folder,
    derive,
    epoch_folder,
    epoch_of,
    generation_of,
    identity_folder,
    object_key,
    wrapped_folder,
)
from unlost.vault.keys.owner import Owner, master_of

_FIRST_EPOCH = 1
_CHECK = 32  # hex digits of a key check
# Epochs in a master generation, at most; a renewal adds one. So a thief cannot take the last number.
_MOST_EPOCHS = 100_000


class Keyring:
    """The keys of an opened vault. Safe to share between threads.

    ``vault`` is the vault's id, 16 bytes; ``master`` the master key, 32 bytes; ``owner`` who may
    change the register; ``earlier`` the master keys before, oldest first; ``inherited`` the key
    checks of the wrapped keys of that time which are still valid, by folder. Orgs are named by
    their oid, 32 hex digits.
    """

    def __init__(
        self,
        store: Store,
        *,
        vault: bytes,
        master: bytes,
        owner: Owner,
        entropy: Entropy,
        earlier: Sequence[bytes] = (),
        inherited: Mapping[str, str] | None = None,
    ) -> None:
        self.vault = vault
        self.owner = owner
        self.inherited = inherited or {}
        self.masters = (*earlier, master)
        self._store = store
        self._entropy = entropy
        self._opened: dict[str, bytes] = {}
        self._epochs: dict[str, int] = {}
        self._lock = threading.Lock()

    @classmethod
    def of_secret(
        cls,
        store: Store,
        *,
        vault: bytes,
        secret: bytes,
        entropy: Entropy,
        earlier: Sequence[bytes] = (),
    ) -> "Keyring":
        """The keys that follow from an owner's secret, 32 bytes."""
        return cls(
            store,
            vault=vault,
            master=master_of(secret),
            owner=Owner.of(secret),
            entropy=entropy,
            earlier=earlier,
        )

    def __repr__(self) -> str:
        return f"Keyring(vault={self.vault.hex()})"

    @property
    def generation(self) -> int:
        """The number of the present master key, from 1."""
        return len(self.masters)

    def successor(self) -> "Keyring":
        """The keys of the same vault of a new owner's secret, which is not stored anywhere yet."""
        return Keyring.of_secret(
            self._store,
            vault=self.vault,
            secret=self._entropy.bytes(KEY_BYTES),
            entropy=self._entropy,
            earlier=self.masters,
        )

    def inherit(self, before: "Keyring", *, orgs: Collection[str]) -> None:
        """Take over the keys of these orgs that are valid now, and none that is planted later."""
        copies = (copy for org in orgs for copy in before.valid_keys(org))
        self.inherited = {base: self.key_check(base, key) for base, key in copies}

    def for_store(self, store: Store) -> "Keyring":
        """The same keys for another store, for example a mirror of the vault."""
        return Keyring(
            store,
            vault=self.vault,
            master=self.masters[-1],
            owner=self.owner,
            entropy=self._entropy,
            earlier=self.masters[:-1],
            inherited=self.inherited,
        )

    def random(self, size: int) -> bytes:
        """Random bytes, for sealing objects under these keys."""
        return self._entropy.bytes(size)

    def add_org(self, org: str) -> None:
        """Create an org's keys; existing keys do not change. Safe to repeat after a crash."""
        self._make(identity_folder(org), org=org)
        if self.generation == 1:
            # A fixed number, so that two processes that add the org at the same time share one key.
            self._make(epoch_folder(org, _FIRST_EPOCH), org=org)
        elif self._writing(org) is None:
            self._begin_epoch(org)
        for epoch in self._own_epochs(org):
            self._make(epoch_folder(org, epoch), org=org)

    def begin_org(self, org: str) -> None:
        """Create the identity key of an org that the vault never had, whatever copies are there.

        A thief of an earlier master key knows the oid of an org that is added later, and may have
        put copies of a key there. Then follows ``add_org``.
        """
        base = identity_folder(org)
        fresh, (first, *_) = self._entropy.bytes(KEY_BYTES), self._own_copies(base)
        if not any(self._held(name, org=org) for name in self._own_copies(base)):
            self._store.put_new(first, self._wrap(first, fresh, org=org))
        held = any(self._held(name, org=org) for name in self._own_copies(base))
        self._wrap_all(base, self._agreed(base, org=org) if held else fresh, org=org)

    def check_there(self, org: str) -> None:
        """Raise IntegrityError (``org-key-lost``) unless the keys of an org with data are there."""
        self._key(identity_folder(org), org=org)
        folders = [epoch_folder(org, epoch) for epoch in self.epochs(org)]
        if not any(self._any_copy(folder, org=org) for folder in folders):
            raise _lost(f"orgs/{org}/keys")

    def take_over(self, org: str) -> None:
        """Wrap the keys of an org that the register lists from before, and begin an epoch.

        Keys that the register does not list are ignored: a thief of an earlier master key may have
        planted them.
        """
        # The new epoch comes first: from here on no object is written under a key from before.
        if self._writing(org) is None and self._generations_by_folder(org):
            self._begin_epoch(org)
        for base in self._of_generation(org):
            if self._any_copy(base, org=org):  # a lost key cannot be wrapped anew
                self._make(base, org=org)

    def epochs(self, org: str) -> tuple[int, ...]:
        """All epochs with at least one copy of the org key, ascending."""
        names = (base.rsplit("/", 1)[1] for base in self._generations_by_folder(org))
        return tuple(sorted(int(name) for name in names if name.isdecimal()))

    def epoch(self, org: str) -> int:
        """The epoch for new objects; raises IntegrityError (``org-key-lost``)."""
        if org not in self._epochs:
            writing = self._writing(org)
            if writing is None and self.generation > 1 and self._generations_by_folder(org):
                self._begin_epoch(org)
                writing = self._writing(org)
            if writing is None:
                raise self._unusable(org)
            self._epochs[org] = writing
        return self._epochs[org]

    def _unusable(self, org: str) -> IntegrityError:
        """The error for an org without a key to write under: all are lost, or their copies differ."""
        for epoch in self._own_epochs(org):
            name, *others = self._own_copies(epoch_folder(org, epoch))
            return _differs(others[0] if self._opens(name, org=org) else name)
        return _lost(f"orgs/{org}/keys")

    def has_epoch(self, org: str, epoch: int) -> bool:
        """True if there is a copy of the org key of this epoch."""
        return epoch in self.epochs(org)

    def choose_epoch(self, org: str) -> None:
        """Choose the epoch for new objects again.

        Another process may have begun a newer one, and a rekey then deletes the key of this one.
        """
        self._epochs.pop(org, None)

    def copies_before(self, org: str, epoch: int) -> tuple[str, ...]:
        """The copies of the org keys of earlier epochs."""
        names = [listed.name for listed in self._store.list(f"orgs/{org}/keys/")]
        return tuple(name for name in names if 0 < epoch_of(base_folder(name)) < epoch)

    def key_check(self, base: str, key: bytes) -> str:
        """The key check of a wrapped key, which makes a planted key recognizable."""
        return self.mac(base, key).hex()[:_CHECK]

    def object_key(self, kind: ObjectKind, *, org: str, name: str, epoch: int) -> bytes:
        """The key of an object; raises IntegrityError (``org-key-lost``, ``object-damaged``)."""
        return object_key(self._key(epoch_folder(org, epoch), org=org), kind, name)

    def identity_key(self, org: str, purpose: str) -> bytes:
        """A key that no rotation changes, for pseudonyms and for the ids of blobs."""
        return derive(self._key(identity_folder(org), org=org), purpose)

    def place(self, kind: ObjectKind, *, org: str, name: str) -> ObjectBinding:
        """The context that is bound into an object of this org."""
        return ObjectBinding(kind=kind, vault=self.vault, org=bytes.fromhex(org), name=name)

    def mac(self, label: str, data: bytes, *, generation: int | None = None) -> bytes:
        """HMAC-SHA256 under a key derived from a master key: proves ``vault.json`` and slots."""
        return hmac.digest(derive(self._of(generation), f"mac/{label}"), data, sha256)

    def plan_code(self, plan: bytes) -> bytes:
        """The code of a restore plan, which lies in a file outside the vault."""
        return self.mac("plan", plan)

    def home_key(self, name: str, generation: int) -> bytes:
        """The key of a copy of a home's data."""
        return derive(self._of(generation), f"{ObjectKind.HOME}/{name}")

    def master(self) -> bytes:
        """The master key itself: only for writing slots and the recovery sheet."""
        return self.masters[-1]

    def _of(self, generation: int | None) -> bytes:
        """The master key of a generation; the present one if the generation is unknown."""
        known = generation is not None and 1 <= generation <= self.generation
        return self.masters[(generation or 1) - 1 if known else -1]

    def folders(self, org: str, *, named: Collection[int] = ()) -> tuple[str, ...]:
        """The folders of an org's valid wrapped keys, each of the newest generation there is.

        ``named``: epochs that manifests name, so that their keys must exist.
        """
        generations_by_folder = self._generations_by_folder(org)
        strange = set(self.strange_copies(org))
        there = {
            base_folder(listed.name)
            for listed in self._store.list(f"orgs/{org}/keys/")
            if listed.name not in strange
        }
        needed = {epoch_folder(org, epoch) for epoch in named}
        bases = sorted({*there, *needed, identity_folder(org)})
        lost = {self.generation}
        return tuple(
            wrapped_folder(base, max(generations_by_folder.get(base, lost))) for base in bases
        )

    def earlier_copies(self, org: str) -> tuple[str, ...]:
        """Copies by earlier master keys of keys that the present one has wrapped too."""
        names = [listed.name for listed in self._store.list(f"orgs/{org}/keys/")]
        return tuple(name for name in names if self.is_wrapped_anew(name, org=org))

    def opens(self, org: str) -> bool:
        """True if a valid copy of the org's identity key is there and opens."""
        try:
            self._open_any(identity_folder(org), org=org)  # not from memory: it may be outdated
        except (IntegrityError, NotAllowed):
            return False
        return True

    def is_wrapped_anew(self, name: str, *, org: str) -> bool:
        """True for a copy by an earlier master key if the present one has wrapped the key too."""
        match = WRAPPED.fullmatch(name)
        if match is None or int(match[3] or 1) >= self.generation:
            return False
        return self._is_wrapped(match[1], org=org)

    def strange_copies(self, org: str) -> tuple[str, ...]:
        """Objects in an org's key folder that are not valid keys: they were planted."""
        names = [listed.name for listed in self._store.list(f"orgs/{org}/keys/")]
        return tuple(name for name in names if self._is_strange(name, org=org))

    def opens_later(self, org: str) -> bool:
        """True if the present master key opens a copy with the number of a later one."""
        names = [listed.name for listed in self._store.list(f"orgs/{org}/keys/")]
        later = [name for name in names if (generation_of(name) or 0) > self.generation]
        return any(self._opens(name, org=org) for name in later)

    def pending(self, org: str) -> tuple[str, ...]:
        """Folders of keys that the present master key can wrap, and has not yet wrapped in full."""
        return tuple(
            base
            for base in self._of_generation(org)
            if not self._is_wrapped(base, org=org) and self._any_copy(base, org=org)
        )

    def _is_wrapped(self, base: str, *, org: str) -> bool:
        """True if all three copies of the present master key hold the key that is valid."""
        with suppress(IntegrityError):
            key = self._key(base, org=org)
            return all(self._is_key(copy, key, org=org) for copy in self._own_copies(base))
        return False

    def _is_strange(self, name: str, *, org: str) -> bool:
        match = WRAPPED.fullmatch(name)
        if match is None or self._is_beyond(match[1]):
            return True
        generation = int(match[3] or 1)
        if generation > self.generation:  # opens only if the register is lost
            return not self._opens(name, org=org)
        known = self._inherited(org)
        return generation < self.generation and bool(known) and match[1] not in known

    def _is_beyond(self, base: str) -> bool:
        """True for an epoch with a number that no renewal can have reached."""
        return epoch_of(base) > _MOST_EPOCHS * self.generation

    def _inherited(self, org: str) -> list[str]:
        """The folders of an org's keys that the register lists from before."""
        return [base for base in self.inherited if base.startswith(f"orgs/{org}/")]

    def _of_generation(self, org: str) -> list[str]:
        """The folders of all keys that the present master key has wrapped or must wrap."""
        bases = (epoch_folder(org, epoch) for epoch in self._own_epochs(org))
        return sorted({*self._inherited(org), *bases})

    def valid_keys(self, org: str) -> Iterator[tuple[str, bytes]]:
        """The valid keys of an org, by their folders."""
        known = self._inherited(org)
        for base in self._generations_by_folder(org):
            opens_here = any(self._opens(copy, org=org) for copy in self._own_copies(base))
            if opens_here or base in known:
                with suppress(IntegrityError):
                    yield base, self._key(base, org=org)

    def _opens(self, name: str, *, org: str) -> bool:
        try:
            self._unwrap(name, org=org)
        except (IntegrityError, NotFound, UsageError):
            return False
        return True

    def _own_copies(self, base: str) -> tuple[str, ...]:
        folder = wrapped_folder(base, self.generation)
        return tuple(f"{folder}/{copy}" for copy in COPIES)

    def check_copy(self, name: str, *, org: str) -> None:
        """Open one copy of a wrapped key; raises IntegrityError or NotFound.

        Also raises if it holds another key than the copy that is used: a holder of the master key
        can make three copies of three keys, and with the first one all data would be lost.
        """
        key = self._unwrap(name, org=org)
        if key != self._key(base_folder(name), org=org):
            raise _differs(name)

    def repairable_copies(self, org: str) -> tuple[str, ...]:
        """Damaged and missing copies of an org's keys that have an intact one."""
        broken = {folder: self._broken_copies(folder, org=org) for folder in self.folders(org)}
        return tuple(
            name for names in broken.values() if len(names) < len(COPIES) for name in names
        )

    def repair_org(self, org: str) -> tuple[str, ...]:
        """Rewrite damaged copies of an org's keys from intact ones; returns their names."""
        return tuple(name for folder in self.folders(org) for name in self._repair(folder, org=org))

    def _generations_by_folder(self, org: str) -> dict[str, set[int]]:
        """The generations that have a copy, by the folder of the first generation.

        Generations above the present one appear only if there are no others: then the register may
        be lost.
        """
        generations_by_folder: dict[str, set[int]] = {}
        for listed in self._store.list(f"orgs/{org}/keys/"):
            match = WRAPPED.fullmatch(listed.name)
            if match is not None and not self._is_beyond(match[1]):
                generation = int(match[3] or 1)
                generations_by_folder.setdefault(match[1], set()).add(generation)
        return {base: self._known(numbers) for base, numbers in generations_by_folder.items()}

    def _known(self, generations: set[int]) -> set[int]:
        return {
            generation for generation in generations if generation <= self.generation
        } or generations

    def _own_epochs(self, org: str) -> list[int]:
        """Epochs that the present master key has wrapped, newest first."""
        return [
            epoch
            for epoch in reversed(self.epochs(org))
            if any(
                self._opens(own_copy, org=org)
                for own_copy in self._own_copies(epoch_folder(org, epoch))
            )
        ]

    def _writing(self, org: str) -> int | None:
        """The newest epoch that the present master key has begun; None if there is none."""
        for epoch in reversed(self.epochs(org)):
            base = epoch_folder(org, epoch)
            # A thief of an earlier master key may know an inherited org key: it is only read.
            if base not in self.inherited and self._agree(base, org=org):
                return epoch
        return None

    def _agree(self, base: str, *, org: str) -> bool:
        """True if there are own copies that open, and all of them hold one key."""
        keys = set[bytes]()
        for name in self._own_copies(base):
            with suppress(IntegrityError, NotFound, UsageError):
                keys.add(self._unwrap(name, org=org))
        return len(keys) == 1

    def _begin_epoch(self, org: str) -> None:
        """Create an org key with a new number, above all epochs that are valid or were lost."""
        seen = set(self.epochs(org))
        used = (*self._own_epochs(org), *self._listed_epochs(org), *self._lost_epochs(org))
        epoch = max(used, default=0) + 1
        while epoch in seen:
            epoch += 1
        base = epoch_folder(org, epoch)
        first = self._own_copies(base)[0]
        self._store.put_new(first, self._wrap(first, self._entropy.bytes(KEY_BYTES), org=org))
        self._wrap_all(base, self._unwrap(first, org=org), org=org)

    def _lost_epochs(self, org: str) -> Iterator[int]:
        """The epochs of the newest manifests that do not open.

        A lost key may come back from a mirror, so its number must not get another key.
        """
        names = [listed.name for listed in self._store.list(f"orgs/{org}/commits/")]
        for name in sorted(names, reverse=True):
            with suppress(IntegrityError, NotFound, UsageError):
                data = self._store.get(name)
                epoch = read_header(data, name=name).epoch
                try:
                    key = self.object_key(ObjectKind.MANIFEST, org=org, name=name, epoch=epoch)
                    unseal(data, place=self.place(ObjectKind.MANIFEST, org=org, name=name), key=key)
                except (IntegrityError, NotAllowed):
                    if epoch < _MOST_EPOCHS * self.generation:  # else it is junk
                        yield epoch
                else:
                    return

    def _listed_epochs(self, org: str) -> list[int]:
        names = (base.rsplit("/", 1)[1] for base in self._inherited(org))
        return [int(name) for name in names if name.isdecimal()]

    def _make(self, base: str, *, org: str) -> None:
        """Ensure three copies of a key; a new key is the one in the copy that is created first."""
        first = self._own_copies(base)[0]
        if self._store.size(first) is None and not self._any_copy(base, org=org):
            key = self._entropy.bytes(KEY_BYTES)
            self._store.put_new(first, self._wrap(first, key, org=org))
        self._wrap_all(base, self._agreed(base, org=org), org=org)

    def _agreed(self, base: str, *, org: str) -> bytes:
        """The key that most copies hold; if no two agree, the key that opens the newest manifest.

        A thief may put a wrong copy where one was lost, and what is rewritten must not follow it.
        """
        held = [key for name in self._own_copies(base) if (key := self._held(name, org=org))]
        if len(set(held)) < len(held) or len(held) == 1:
            agreed = Counter(held).most_common(1)[0][0]
        else:
            proved = (key for key in held if self._opens_manifest(key, epoch_of(base), org=org))
            agreed = next(proved, None) or self._key(base, org=org)
        with self._lock:
            self._opened[base] = agreed
        return agreed

    def _held(self, name: str, *, org: str) -> bytes | None:
        """The key in a copy that is valid; None for others."""
        with suppress(IntegrityError, NotFound, UsageError):
            key = self._unwrap(name, org=org)
            return key if self._is_valid(base_folder(name), key, name=name, org=org) else None
        return None

    def _opens_manifest(self, key: bytes, epoch: int, *, org: str) -> bool:
        """True if an org key opens a manifest of its epoch."""
        for listed in self._store.list(f"orgs/{org}/commits/"):
            name = listed.name
            with suppress(IntegrityError, NotFound, UsageError):
                data = self._store.get(name)
                if read_header(data, name=name).epoch == epoch:
                    place = self.place(ObjectKind.MANIFEST, org=org, name=name)
                    unseal(data, place=place, key=object_key(key, ObjectKind.MANIFEST, name))
                    return True
        return False

    def _wrap_all(self, base: str, key: bytes, *, org: str) -> None:
        """Rewrite each copy that does not open, and read it back; then all copies are durable."""
        # The last copy is put again though it opens: its writer may have died before it was
        # durable, and a put that finds the name taken syncs it.
        *others, last = self._own_copies(base)
        if self._is_key(last, key, org=org):
            self._store.put_new(last, self._wrap(last, key, org=org))
        for name in (*others, last):
            if not self._is_key(name, key, org=org):
                data = self._wrap(name, key, org=org)
                if not self._store.put_new(name, data):
                    self._store.delete(name)
                    self._store.put_new(name, data)
                if not self._is_key(name, key, org=org):
                    raise _lost(base)

    def _is_key(self, name: str, key: bytes, *, org: str) -> bool:
        return self._opens(name, org=org) and self._unwrap(name, org=org) == key

    def _any_copy(self, base: str, *, org: str) -> bool:
        try:
            self._key(base, org=org)
        except IntegrityError:
            return False
        return True

    def _key(self, base: str, *, org: str) -> bytes:
        """The key in a folder, from the first copy that opens."""
        with self._lock:
            if base not in self._opened:
                self._opened[base] = self._open_any(base, org=org)
            return self._opened[base]

    def _copies(self, base: str, *, org: str) -> Iterator[str]:
        """Copies of the present generation, then of others, left by an unfinished renewal."""
        yield from self._own_copies(base)
        others = sorted(
            self._generations_by_folder(org).get(base, set()) - {self.generation}, reverse=True
        )
        yield from (f"{wrapped_folder(base, other)}/{copy}" for other in others for copy in COPIES)

    def _open_any(self, base: str, *, org: str) -> bytes:
        worst: UnlostError | None = None
        for name in self._copies(base, org=org):
            try:
                key = self._unwrap(name, org=org)
            except IntegrityError as error:
                worst = error
            except UnlostError as error:
                worst = worst or error
            else:
                if self._is_valid(base, key, name=name, org=org):
                    return key
        # No copy of ours opens, but a later master key exists: this process is outdated.
        if max(self._generations_by_folder(org).get(base, {1})) > self.generation:
            raise outdated()
        raise _lost(base) from worst

    def _is_valid(self, base: str, key: bytes, *, name: str, org: str) -> bool:
        """False for a key that was planted: one that the register lists needs its key check."""
        if base in self.inherited:
            # Also in a copy of the present master key: its thief may have put it there before the
            # renewal was finished, which then deletes the earlier copies.
            return self.key_check(base, key) == self.inherited[base]
        return (generation_of(name) or 1) >= self.generation or not self._inherited(org)

    def _unwrap(self, name: str, *, org: str) -> bytes:
        place = self.place(ObjectKind.KEY, org=org, name=name)
        return unseal(self._store.get(name), place=place, key=self._wrapping_key(name))

    def _wrap(self, name: str, key: bytes, *, org: str) -> bytes:
        return seal(
            key,
            place=self.place(ObjectKind.KEY, org=org, name=name),
            key=self._wrapping_key(name),
            epoch=0,
            entropy=self._entropy,
            power=KIB64,
        )

    def _wrapping_key(self, name: str) -> bytes:
        return object_key(self._of(generation_of(name)), ObjectKind.KEY, name)

    def _repair(self, folder: str, *, org: str) -> list[str]:
        if not self._broken_copies(folder, org=org):
            return []
        names = [f"{folder}/{copy}" for copy in COPIES]
        if not any(self._opens(name, org=org) for name in names):
            raise _lost(folder)
        key = self._agreed(base_folder(names[0]), org=org)
        broken = [name for name in names if not self._is_key(name, key, org=org)]
        for name in broken:
            self._store.delete(name)
            self._store.put_new(name, self._wrap(name, key, org=org))
        return broken

    def _broken_copies(self, folder: str, *, org: str) -> list[str]:
        names = (f"{folder}/{copy}" for copy in COPIES)
        return [name for name in names if not self._is_whole(name, org=org)]

    def _is_whole(self, name: str, *, org: str) -> bool:
        """True for a copy that opens and holds the key that is used."""
        try:
            self.check_copy(name, org=org)
        except (IntegrityError, NotFound, UsageError):
            return False
        return True


def outdated() -> NotAllowed:
    """The error for a master key that was replaced."""
    return NotAllowed(
        "key-outdated",
        "The vault has a new master key, so this key is no longer valid.",
        next_step="Use the new recovery sheet, or a key that was created after the renewal: move the "
        "key file of this home away, and create a new one with `unlost key add NAME --service "
        "--sheet FILE`. Restart processes that were started before the renewal. If you did not renew "
        "the master key, run `unlost verify --level full`.",
    )


def _differs(name: str) -> IntegrityError:
    return IntegrityError(
        "key-copy-differs",
        "“{name}” holds another key than the other copies.",
        next_step="Find out who can write to the vault, then run `unlost doctor --repair`.",
        name=name,
    )


def _lost(folder: str) -> IntegrityError:
    return IntegrityError(
        "org-key-lost",
        "No copy of the key in “{folder}” can be decrypted. Without it, the data of this org "
        "cannot be read.",
        next_step="Restore the folder from a mirror of the vault. If the org was shredded on "
        "purpose, nothing is wrong.",
        folder=folder,
    )

"""Keys: from the vault's master key to the key of each single object.

    master ──wraps──> org key (one an epoch, random) ──HKDF──> a key for each object
           └─wraps──> identity key (one an org, never changed) ──HKDF──> a key for each purpose
           └─HKDF───> keys that prove ``vault.json`` and the slots

Wrapped keys lie in the vault, three copies each; any whole copy will do. How the master key itself
is come by is told in ``unlost.vault.unlock``.

A vault may have had several master keys, one after the other. Names of wrapped keys tell which one
wrapped them: without a number the first. New objects are only written under org keys that the present
one has wrapped, so that a thief of an earlier one cannot slip in a key that he knows.
"""

import hmac
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from unlost.model.errors import IntegrityError, NotAllowed, UnlostError
from unlost.model.ports import Entropy
from unlost.model.store import Store
from unlost.vault.format.sealed import KIB64, ObjectKind, Place, seal, unseal

KEY_BYTES = 32
ID_BYTES = 16
COPIES = (1, 2, 3)
_FIRST_EPOCH = 1
_INFO = "unlost/1/"
_NO_ORG = bytes(ID_BYTES)
_WRAPPED = re.compile(r"(orgs/[0-9a-f]{32}/keys/(\d{8}|identity))(?:\.(\d{8}))?/[123]")


def derive(secret: bytes, label: str) -> bytes:
    """A 32-byte key for one purpose: HKDF-SHA256 (RFC 5869), no salt, info ``unlost/1/`` + label."""
    info = (_INFO + label).encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def object_key(org_key: bytes, kind: ObjectKind, name: str) -> bytes:
    """The key of one object; segments use it as their Parquet footer key."""
    return derive(org_key, f"{kind}/{name}")


def epoch_folder(org: str, epoch: int, generation: int = 1) -> str:
    """Where the copies of an org key lie that the master key of a generation wrapped."""
    return _folder(f"orgs/{org}/keys/{epoch:08d}", generation)


def identity_folder(org: str, generation: int = 1) -> str:
    """Where the copies of an org's identity key lie."""
    return _folder(f"orgs/{org}/keys/identity", generation)


def _folder(base: str, generation: int) -> str:
    return base if generation == 1 else f"{base}.{generation:08d}"


def generation_of(name: str) -> int | None:
    """The number of the master key that wrapped a copy; None for other objects."""
    match = _WRAPPED.fullmatch(name)
    return int(match[3] or 1) if match else None


class Keyring:
    """An opened vault's keys. Safe to share between threads.

    ``vault`` is the vault's id, 16 bytes; ``master`` the master key, 32 bytes; ``earlier`` those
    that it followed, oldest first. Orgs are named by their oid, 32 hex digits.
    """

    def __init__(
        self,
        store: Store,
        *,
        vault: bytes,
        master: bytes,
        entropy: Entropy,
        earlier: Sequence[bytes] = (),
    ) -> None:
        self.vault = vault
        self.masters = (*earlier, master)
        self._store = store
        self._entropy = entropy
        self._opened: dict[str, bytes] = {}
        self._epochs: dict[str, int] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Keyring(vault={self.vault.hex()})"

    @property
    def generation(self) -> int:
        """The number of the present master key, from 1."""
        return len(self.masters)

    def successor(self) -> "Keyring":
        """The same vault's keys under a new master key, which nothing in the store knows yet."""
        master = self._entropy.bytes(KEY_BYTES)
        return Keyring(
            self._store,
            vault=self.vault,
            master=master,
            entropy=self._entropy,
            earlier=self.masters,
        )

    def on(self, store: Store) -> "Keyring":
        """The same keys for another store, such as a copy of the vault."""
        return Keyring(
            store,
            vault=self.vault,
            master=self.masters[-1],
            entropy=self._entropy,
            earlier=self.masters[:-1],
        )

    def random(self, size: int) -> bytes:
        """Random bytes, for what is sealed under these keys."""
        return self._entropy.bytes(size)

    def add_org(self, org: str) -> None:
        """Make an org's keys; no change for those that are there. Safe to repeat after a crash.

        Keys that an earlier master key wrapped are wrapped by the present one, and a new epoch is begun.
        """
        self._make(identity_folder(org), org=org)
        held = self._held(org)
        own = [
            epoch for epoch in self.epochs(org) if self.generation in held[epoch_folder(org, epoch)]
        ]
        if not own:  # first, so that nothing is written under a key that an earlier thief has
            newest = max(self.epochs(org), default=0)
            self._make(epoch_folder(org, newest + 1), org=org)
        for epoch in self.epochs(org):
            self._make(epoch_folder(org, epoch), org=org)

    def epochs(self, org: str) -> tuple[int, ...]:
        """All epochs of which a copy of the org key is there, ascending."""
        names = (base.rsplit("/", 1)[1] for base in self._held(org))
        return tuple(sorted(int(name) for name in names if name.isdecimal()))

    def epoch(self, org: str) -> int:
        """The epoch in which new objects are written; raises IntegrityError (``org-key-lost``)."""
        if org not in self._epochs:
            own = self._own_epochs(org)
            if not own and self.generation > 1 and self.epochs(org):
                self.add_org(org)
                own = self._own_epochs(org)
            if not own:
                raise _lost(f"orgs/{org}/keys")
            self._epochs[org] = own[-1]
        return self._epochs[org]

    def object_key(self, kind: ObjectKind, *, org: str, name: str, epoch: int) -> bytes:
        """The key of an object; raises IntegrityError (``org-key-lost``, ``object-damaged``)."""
        return object_key(self._key(epoch_folder(org, epoch), org=org), kind, name)

    def identity_key(self, org: str, purpose: str) -> bytes:
        """A key that no rotation changes, for pseudonyms and for the ids of blobs."""
        return derive(self._key(identity_folder(org), org=org), purpose)

    def place(self, kind: ObjectKind, *, org: str, name: str) -> Place:
        """What is bound into an object of this org."""
        return Place(kind=kind, vault=self.vault, org=bytes.fromhex(org), name=name)

    def mac(self, label: str, data: bytes, *, generation: int | None = None) -> bytes:
        """HMAC-SHA256 under a key derived from a master key: proves ``vault.json`` and slots."""
        return hmac.digest(derive(self._of(generation), f"mac/{label}"), data, sha256)

    def home_key(self, name: str, generation: int) -> bytes:
        """The key of a copy of a home's data."""
        return derive(self._of(generation), f"{ObjectKind.HOME}/{name}")

    def master(self) -> bytes:
        """The master key itself: for making slots and the recovery sheet only."""
        return self.masters[-1]

    def _of(self, generation: int | None) -> bytes:
        """The master key of a generation; the present one for those that are not known."""
        known = generation is not None and generation <= self.generation
        return self.masters[(generation or 1) - 1 if known else -1]

    def folders(self, org: str) -> tuple[str, ...]:
        """The folders of an org's wrapped keys that count: each of the newest generation there is."""
        held = self._held(org)
        epochs = {_FIRST_EPOCH, *self.epochs(org)}
        bases = [identity_folder(org), *(epoch_folder(org, epoch) for epoch in sorted(epochs))]
        return tuple(_folder(base, max(held.get(base, {1}))) for base in bases)

    def earlier_copies(self, org: str) -> tuple[str, ...]:
        """Copies that an earlier master key wrapped, of keys that the present one has wrapped too."""
        names = [listed.name for listed in self._store.list(f"orgs/{org}/keys/")]
        return tuple(name for name in names if self.is_wrapped_anew(name, org=org))

    def is_wrapped_anew(self, name: str, *, org: str) -> bool:
        """True for a copy by an earlier master key of a key that the present one has wrapped too."""
        match = _WRAPPED.fullmatch(name)
        if match is None or int(match[3] or 1) >= self.generation:
            return False
        return self.generation in self._held(org).get(match[1], set())

    def check_copy(self, name: str, *, org: str) -> None:
        """Open one copy of a wrapped key; raises IntegrityError or NotFound."""
        self._unwrap(name, org=org)

    def repair_org(self, org: str) -> tuple[str, ...]:
        """Write lost or damaged copies of an org's keys anew from a whole one; their names."""
        return tuple(name for folder in self.folders(org) for name in self._repair(folder, org=org))

    def _held(self, org: str) -> dict[str, set[int]]:
        """By the folder of the first generation: which generations have a copy."""
        held: dict[str, set[int]] = {}
        for listed in self._store.list(f"orgs/{org}/keys/"):
            match = _WRAPPED.fullmatch(listed.name)
            if match:
                held.setdefault(match[1], set()).add(int(match[3] or 1))
        return held

    def _own_epochs(self, org: str) -> list[int]:
        held = self._held(org)
        return [one for one in self.epochs(org) if self.generation in held[epoch_folder(org, one)]]

    def _make(self, base: str, *, org: str) -> None:
        """Three copies of a new key; whoever creates the first copy decides which key it is."""
        folder = _folder(base, self.generation)
        first = f"{folder}/1"
        if self._store.size(first) is None and not self._any_copy(base, org=org):
            key = self._entropy.bytes(KEY_BYTES)
            self._store.put_new(first, self._wrap(first, key, org=org))
        key = self._key(base, org=org)
        for copy in COPIES:
            name = f"{folder}/{copy}"
            self._store.put_new(name, self._wrap(name, key, org=org))

    def _any_copy(self, base: str, *, org: str) -> bool:
        try:
            self._key(base, org=org)
        except IntegrityError:
            return False
        return True

    def _key(self, base: str, *, org: str) -> bytes:
        """The wrapped key of a folder, from the first copy that opens."""
        with self._lock:
            if base not in self._opened:
                self._opened[base] = self._open_any(self._copies(base, org=org), base, org=org)
            return self._opened[base]

    def _copies(self, base: str, *, org: str) -> Iterator[str]:
        """Copies of the present generation, then those of others, which only a renewal leaves."""
        own = _folder(base, self.generation)
        yield from (f"{own}/{copy}" for copy in COPIES)
        others = sorted(self._held(org).get(base, set()) - {self.generation}, reverse=True)
        yield from (f"{_folder(base, one)}/{copy}" for one in others for copy in COPIES)

    def _open_any(self, names: Iterable[str], base: str, *, org: str) -> bytes:
        worst: UnlostError | None = None
        for name in names:
            try:
                return self._unwrap(name, org=org)
            except IntegrityError as error:
                worst = error
            except UnlostError as error:
                worst = worst or error
        if max(self._held(org).get(base, {1})) > self.generation:
            raise outdated()
        raise _lost(base) from worst

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
        names = [f"{folder}/{copy}" for copy in COPIES]
        key = self._open_any(names, folder, org=org)
        repaired = []
        for name in names:
            try:
                self._unwrap(name, org=org)
            except UnlostError:
                self._store.delete(name)
                self._store.put_new(name, self._wrap(name, key, org=org))
                repaired.append(name)
        return repaired


def outdated() -> NotAllowed:
    """The error for a master key that another one has followed."""
    return NotAllowed(
        "key-outdated",
        "The vault has got a new master key since, and this one does not count any more.",
        next_step="Open it with the new recovery sheet or a key that was made since. A process that "
        "runs from before is started again. If nobody renewed it, run unlost verify --level full.",
    )


def _lost(folder: str) -> IntegrityError:
    return IntegrityError(
        "org-key-lost",
        f"No copy of the key in “{folder}” can be opened. Without it this org's data cannot be read.",
        next_step="Bring the folder back from a copy of the vault. "
        "If the org was shredded on purpose, nothing is wrong.",
    )

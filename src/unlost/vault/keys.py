"""Keys: from the vault's master key to the key of each single object.

    master ──wraps──> org key (one an epoch, random) ──HKDF──> a key for each object
           └─wraps──> identity key (one an org, never changed) ──HKDF──> a key for each purpose
           └─HKDF───> keys that prove ``vault.json`` and the slots

Wrapped keys lie in the vault, three copies each; any whole copy will do. How the master key itself
is come by is told in ``unlost.vault.unlock``.
"""

import hmac
import re
import threading
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from unlost.model.errors import IntegrityError, UnlostError
from unlost.model.ports import Entropy
from unlost.model.store import Store
from unlost.vault.format.sealed import KIB64, ObjectKind, Place, seal, unseal

KEY_BYTES = 32
ID_BYTES = 16
COPIES = (1, 2, 3)
_FIRST_EPOCH = 1
_INFO = "unlost/1/"
_NO_ORG = bytes(ID_BYTES)
_EPOCH_NAME = re.compile(r"orgs/[0-9a-f]{32}/keys/(\d{8})/[123]")


def derive(secret: bytes, label: str) -> bytes:
    """A 32-byte key for one purpose: HKDF-SHA256 (RFC 5869), no salt, info ``unlost/1/`` + label."""
    info = (_INFO + label).encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def object_key(org_key: bytes, kind: ObjectKind, name: str) -> bytes:
    """The key of one object; segments use it as their Parquet footer key."""
    return derive(org_key, f"{kind}/{name}")


def epoch_folder(org: str, epoch: int) -> str:
    """Where the copies of an org key lie."""
    return f"orgs/{org}/keys/{epoch:08d}"


def identity_folder(org: str) -> str:
    """Where the copies of an org's identity key lie."""
    return f"orgs/{org}/keys/identity"


class Keyring:
    """An opened vault's keys. Safe to share between threads.

    ``vault`` is the vault's id, 16 bytes; ``master`` the master key, 32 bytes. Orgs are named by
    their oid, 32 hex digits.
    """

    def __init__(self, store: Store, *, vault: bytes, master: bytes, entropy: Entropy) -> None:
        self.vault = vault
        self._master = master
        self._store = store
        self._entropy = entropy
        self._opened: dict[str, bytes] = {}
        self._epochs: dict[str, int] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Keyring(vault={self.vault.hex()})"

    def add_org(self, org: str) -> None:
        """Make an org's keys; no change for those that are there. Safe to repeat after a crash."""
        self._make(identity_folder(org), org=org)
        if not self.epochs(org):
            self._make(epoch_folder(org, _FIRST_EPOCH), org=org)
        for epoch in self.epochs(org):
            self._make(epoch_folder(org, epoch), org=org)

    def epochs(self, org: str) -> tuple[int, ...]:
        """All epochs of which a copy of the org key is there, ascending."""
        names = (listed.name for listed in self._store.list(f"orgs/{org}/keys/"))
        found = (_EPOCH_NAME.fullmatch(name) for name in names)
        return tuple(sorted({int(match[1]) for match in found if match}))

    def epoch(self, org: str) -> int:
        """The epoch in which new objects are written; raises IntegrityError (``org-key-lost``)."""
        if org not in self._epochs:
            epochs = self.epochs(org)
            if not epochs:
                raise _lost(f"orgs/{org}/keys")
            self._epochs[org] = epochs[-1]
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

    def mac(self, label: str, data: bytes) -> bytes:
        """HMAC-SHA256 under a key derived from the master key: proves ``vault.json`` and slots."""
        return hmac.digest(derive(self._master, f"mac/{label}"), data, sha256)

    def home_key(self, name: str) -> bytes:
        """The key of a copy of a home's data."""
        return derive(self._master, f"{ObjectKind.HOME}/{name}")

    def master(self) -> bytes:
        """The master key itself: for making slots and the recovery sheet only."""
        return self._master

    def check_copy(self, name: str, *, org: str) -> None:
        """Open one copy of a wrapped key; raises IntegrityError or NotFound."""
        self._unwrap(name, org=org)

    def repair_org(self, org: str) -> tuple[str, ...]:
        """Write lost or damaged copies of an org's keys anew from a whole one; their names."""
        folders = [identity_folder(org), *(epoch_folder(org, e) for e in self.epochs(org))]
        return tuple(name for folder in folders for name in self._repair(folder, org=org))

    def _make(self, folder: str, *, org: str) -> None:
        """Three copies of a new key; whoever creates the first copy decides which key it is."""
        first = f"{folder}/1"
        if self._store.size(first) is None and not self._any_copy(folder, org=org):
            key = self._entropy.bytes(KEY_BYTES)
            self._store.put_new(first, self._wrap(first, key, org=org))
        key = self._key(folder, org=org)
        for copy in COPIES:
            name = f"{folder}/{copy}"
            self._store.put_new(name, self._wrap(name, key, org=org))

    def _any_copy(self, folder: str, *, org: str) -> bool:
        try:
            self._key(folder, org=org)
        except IntegrityError:
            return False
        return True

    def _key(self, folder: str, *, org: str) -> bytes:
        """The wrapped key of a folder, from the first copy that opens."""
        with self._lock:
            if folder not in self._opened:
                self._opened[folder] = self._open_any(folder, org=org)
            return self._opened[folder]

    def _open_any(self, folder: str, *, org: str) -> bytes:
        worst: UnlostError | None = None
        for copy in COPIES:
            try:
                return self._unwrap(f"{folder}/{copy}", org=org)
            except IntegrityError as error:
                worst = error
            except UnlostError as error:
                worst = worst or error
        raise _lost(folder) from worst

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
        return object_key(self._master, ObjectKind.KEY, name)

    def _repair(self, folder: str, *, org: str) -> list[str]:
        key = self._open_any(folder, org=org)
        repaired = []
        for name in (f"{folder}/{copy}" for copy in COPIES):
            try:
                self._unwrap(name, org=org)
            except UnlostError:
                self._store.delete(name)
                self._store.put_new(name, self._wrap(name, key, org=org))
                repaired.append(name)
        return repaired


def _lost(folder: str) -> IntegrityError:
    return IntegrityError(
        "org-key-lost",
        f"No copy of the key in “{folder}” can be opened. Without it this org's data cannot be read.",
        next_step="Bring the folder back from a copy of the vault. "
        "If the org was shredded on purpose, nothing is wrong.",
    )

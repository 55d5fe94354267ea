"""The mirror of the vault from the home's side: its place and state, and opening either copy.

The mirror's place is in ``unlost.toml`` beside the vault's, as only the owner of the machine may
decide where copies go; its state is in the database. An update copies what is live in the vault,
and deletes from the mirror only what the vault's own chain declares deleted. See docs/adr/0027.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.app.compose import Application
from unlost.app.home import stores
from unlost.app.home.home import read_home
from unlost.app.home.home_keys import service_key_of
from unlost.app.home.sealed_key import key_file
from unlost.catalog.vault.checks import last_mirror_check
from unlost.catalog.vault.mirroring import last_mirror
from unlost.catalog.vault.removals import SqlRemovals
from unlost.catalog.vault.witness import SqlWitness
from unlost.model.errors import NotFound, UnlostError, UsageError
from unlost.model.runs.exclusion import RunLock
from unlost.model.runs.night import CheckRecord
from unlost.model.vault.mirror import MIRROR_LATE, MirrorRecord
from unlost.model.vault.store import Store
from unlost.vault.keys.opening import unlock_keyring
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.probe import FOLDER
from unlost.vault.stores.store import where_allowed
from unlost.vault.vault import EncryptedVault, open_vault

LOCK = RunLock.MIRROR.value

type VaultOfStore = Callable[[Store], EncryptedVault]


class MirrorCondition(StrEnum):
    """The state of the vault's mirror in one word."""

    NONE = "none"
    LATE = "late"
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class MirrorState:
    """The state of the mirror. ``place`` is empty if there is none.

    ``last`` is the newest update, ``check`` its newest verification. ``late``: it is out of date.
    """

    place: str
    last: MirrorRecord | None
    check: CheckRecord | None
    late: bool

    @property
    def condition(self) -> MirrorCondition:
        """The state in one word."""
        if not self.place:
            return MirrorCondition.NONE
        return MirrorCondition.LATE if self.late else MirrorCondition.FRESH


def mirror_place(app: Application) -> StoreAddress | None:
    """Return the mirror's place as ``unlost.toml`` has it now; None if there is none.

    If that file is unreadable, as during an edit, the value from the start of the process is used.
    """
    try:
        return read_home(app.home.root).mirror
    except UnlostError:
        return app.home.mirror


def known_place(app: Application) -> StoreAddress:
    """Return the mirror's place; raises NotFound (``mirror-none``) if there is none."""
    place = mirror_place(app)
    if place is None:
        raise NotFound(
            "mirror-none",
            "This vault has no mirror.",
            next_step="Set a place for one with `unlost vault mirror set PLACE`.",
        )
    return place


def open_place(app: Application, place: StoreAddress) -> Store:
    """Return the store at a place; with the home's cache if it is the vault's own."""
    if place == app.home.place:
        return stores.home_store(app.home, clock=app.clock)
    return stores.store_at(place, clock=app.clock)


def nothing_at(app: Application, place: StoreAddress) -> bool:
    """Return True if a place has no objects: an unmounted disk looks like an empty folder."""
    return next(iter(open_place(app, place).list("")), None) is None


def vault_opener(app: Application, *, witnessed: bool) -> VaultOfStore:
    """Return a function that opens a copy of the vault with the service key.

    ``witnessed``: it must be at least as new as the state that this home has seen.
    """

    def opened(store: Store) -> EncryptedVault:
        provider = key_file(service_key_of(app.home))
        keys = unlock_keyring(store, provider, entropy=app.entropy)
        return open_vault(
            store,
            keys=keys,
            clock=app.clock,
            entropy=app.entropy,
            witness=SqlWitness() if witnessed else None,
            ledger=SqlRemovals() if witnessed else None,
        )

    return opened


def check_apart(address: StoreAddress, other: StoreAddress) -> None:
    """Raise UsageError (``copy-same-place``) if one place is inside the other."""
    if address.folder is not None and other.folder is not None:
        first, second = address.folder.resolve(), other.folder.resolve()
        inside = first.is_relative_to(second) or second.is_relative_to(first)
    else:
        paths = [f"{place}/" for place in (address, other)]
        alike = (address.folder, address.reach.endpoint) == (other.folder, other.reach.endpoint)
        inside = alike and (paths[0].startswith(paths[1]) or paths[1].startswith(paths[0]))
    if inside:
        raise not_apart(address, other)


def not_apart(address: StoreAddress, other: StoreAddress) -> UsageError:
    """Return the error for a copy inside the original, or the reverse."""
    return UsageError(
        "copy-same-place",
        "{other} and the vault in {address} overlap.",
        next_step="Choose another place, preferably in another building or account.",
        other=other,
        address=address,
    )


def check_separate_store(app: Application, place: StoreAddress) -> None:
    """Raise UsageError (``copy-same-place``) if an object put at a place appears in the vault's.

    Two addresses may name the same place in many ways.
    """
    there, mark = open_place(app, place), f"{FOLDER}{app.entropy.bytes(16).hex()}"
    # A random name, so that two homes may check at the same time.
    there.put_new(mark, b"")
    try:
        store = open_place(app, app.home.place)
        if any(listed_object.name.endswith(mark) for listed_object in store.list("")):
            raise not_apart(app.home.place, place)
    finally:
        # A later probe with other credentials removes it (see docs/adr/0030).
        with where_allowed():
            there.delete(mark)


def is_late(last: MirrorRecord | None, now: datetime) -> bool:
    """Return True if the mirror is out of date, or was never filled."""
    return last is None or last.done_at is None or now - last.done_at > MIRROR_LATE


def mirror_now(app: Application) -> MirrorState:
    """Return the state of the mirror."""
    place = mirror_place(app)
    if place is None:
        return MirrorState("", None, None, late=False)
    last = last_mirror(str(place))
    return MirrorState(str(place), last, last_mirror_check(), late=is_late(last, app.clock.now()))

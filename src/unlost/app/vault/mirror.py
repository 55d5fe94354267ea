"""The vault's second copy as this home reaches it, and both copies opened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unlost.app.compose import Application
from unlost.app.home import stores
from unlost.app.home.home import read_home
from unlost.app.home.home_keys import service_key_of
from unlost.app.home.sealed_key import key_file
from unlost.catalog.checks import last_mirror_check
from unlost.catalog.mirroring import last_mirror
from unlost.catalog.witness import SqlWitness
from unlost.model.errors import NotFound, UnlostError, UsageError
from unlost.model.mirror import MIRROR_LATE, MirrorRecord
from unlost.model.night import CheckRecord
from unlost.model.store import Store
from unlost.vault.keys.opening import unlock_keyring
from unlost.vault.stores.address import StoreAddress
from unlost.vault.vault import EncryptedVault, open_vault

LOCK = "mirror"

type Opened = Callable[[Store], EncryptedVault]


class MirrorOfHome(StrEnum):
    """Whether there is a second copy of the vault."""

    NONE = "none"
    LATE = "late"
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class MirrorState:
    """The second copy. ``place`` is empty where there is none.

    ``last`` is the newest try to bring it up to date, ``check`` the newest look whether it is whole.
    ``late``: it is older than it should be.
    """

    place: str
    last: MirrorRecord | None
    check: CheckRecord | None
    late: bool

    @property
    def copy(self) -> MirrorOfHome:
        """In a word."""
        if not self.place:
            return MirrorOfHome.NONE
        return MirrorOfHome.LATE if self.late else MirrorOfHome.FRESH


def mirror_place(app: Application) -> StoreAddress | None:
    """Where the second copy lies, as ``unlost.toml`` says now; None where there is none.

    While somebody edits that file, as it said when this process began.
    """
    try:
        return read_home(app.home.root).mirror
    except UnlostError:
        return app.home.mirror


def known_place(app: Application) -> StoreAddress:
    """The same; raises NotFound (``mirror-none``) where there is none."""
    place = mirror_place(app)
    if place is None:
        raise NotFound(
            "mirror-none",
            "This vault has no second copy.",
            next_step="Name a place for one: unlost vault mirror set PLACE",
        )
    return place


def store_at(app: Application, place: StoreAddress) -> Store:
    """The store at a place; of the vault's own one this home keeps pieces."""
    if place == app.home.place:
        return stores.home_store(app.home, clock=app.clock)
    return stores.store_at(place, clock=app.clock)


def nothing_at(app: Application, place: StoreAddress) -> bool:
    """True if not one object lies at a place: a disk that is not mounted looks like an empty folder."""
    return next(iter(store_at(app, place).list("")), None) is None


def opener(app: Application, *, witnessed: bool) -> Opened:
    """Opens a copy of the vault with the service key; ``witnessed``: it must be as new as was seen."""

    def opened(store: Store) -> EncryptedVault:
        provider = key_file(service_key_of(app.home))
        keys = unlock_keyring(store, provider, entropy=app.entropy)
        witness = SqlWitness() if witnessed else None
        return open_vault(store, keys=keys, clock=app.clock, entropy=app.entropy, witness=witness)

    return opened


def check_apart(address: StoreAddress, other: StoreAddress) -> None:
    """Raise UsageError (``copy-same-place``) where one of the places lies in the other."""
    if address.folder is not None and other.folder is not None:
        first, second = address.folder.resolve(), other.folder.resolve()
        inside = first.is_relative_to(second) or second.is_relative_to(first)
    else:
        paths = [f"{address_text}/" for address_text in (address, other)]
        alike = (address.folder, address.reach.endpoint) == (other.folder, other.reach.endpoint)
        inside = alike and (paths[0].startswith(paths[1]) or paths[1].startswith(paths[0]))
    if inside:
        raise not_apart(address, other)


def not_apart(address: StoreAddress, other: StoreAddress) -> UsageError:
    """The error for a copy that would lie in what it is a copy of."""
    return UsageError(
        "copy-same-place",
        f"{other} and the vault in {address} are not apart from one another.",
        next_step="Name another place, best in another building or account.",
    )


def check_unseen(app: Application, place: StoreAddress) -> None:
    """Raise UsageError (``copy-same-place``) where what is put at a place appears in the vault's.

    Two addresses may name one place in many ways.
    """
    there, mark = store_at(app, place), f"probe/{app.entropy.bytes(16).hex()}"
    there.put_new(mark, b"")
    try:
        store = store_at(app, app.home.place)
        if any(listed_object.name.endswith(mark) for listed_object in store.list("")):
            raise not_apart(app.home.place, place)
    finally:
        there.delete(mark)


def is_late(last: MirrorRecord | None, now: datetime) -> bool:
    """True if the second copy lacks what was backed up long ago, or there is none yet."""
    return last is None or last.done_at is None or now - last.done_at > MIRROR_LATE


def mirror_now(app: Application) -> MirrorState:
    """How the second copy is."""
    place = mirror_place(app)
    if place is None:
        return MirrorState("", None, None, late=False)
    last = last_mirror(str(place))
    return MirrorState(str(place), last, last_mirror_check(), late=is_late(last, app.clock.now()))

"""Of which format a vault is, and the marker by which one that was founded in an earlier format says so.

``vault.json`` stays as it was founded. The marker is put once all of the vault could be read, and it changes nothing
of what is there: whoever is cut off puts the rest of its copies the next time. From a renewal on the register knows
the format too, so that it does not fall where all copies are lost.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial

from unlost.model.errors import IntegrityError, NotFound, UsageError
from unlost.model.snapshot import VerifyLevel
from unlost.model.store import Store
from unlost.vault.format import number as numbers
from unlost.vault.format.upgraded import (
    MARKS,
    FormatMark,
    damaged_mark,
    encode_mark,
    mark_copies,
    mark_number,
    read_mark,
)
from unlost.vault.format.vaultjson import VAULT_FILE, read_vault_file
from unlost.vault.keys import Keyring
from unlost.vault.register import registered


def format_of(store: Store, keys: Keyring) -> int:
    """The format of a vault: as it was founded, or as the marker or the register says.

    Raises NotFound, IntegrityError where ``vault.json`` is lost or makes no sense.
    """
    founded = read_vault_file(store.get(VAULT_FILE)).format
    if founded == numbers.FORMAT:
        return founded
    return max(founded, marked_format(store, keys))


def marked_format(store: Store, keys: Keyring) -> int:
    """The format that the marker says, or the register where all copies are lost; 0 without either."""
    mark = _counting(store, keys)
    return mark.format if mark is not None else 0


def get_mark(store: Store, keys: Keyring, name: str) -> FormatMark:
    """What a copy of a marker says, which counts; raises NotFound, IntegrityError, UsageError.

    One by an earlier master key, which a thief may have, counts if there was one when the present one followed.
    """
    mark = read_mark(store.get(name), name=name, mac=partial(_counting_proof, keys, name))
    if mark.vault != keys.vault.hex():
        raise damaged_mark(name)
    return mark


def put_mark(store: Store, keys: Keyring, *, at: datetime, level: VerifyLevel) -> FormatMark:
    """Three copies of a new marker, each read back.

    Raises IntegrityError (``marker-damaged``) where something else lies under a name of it, NotAllowed
    (``key-outdated``), also where another master key followed meanwhile, for which the marker does not count.
    """
    mark = FormatMark(
        format=numbers.FORMAT,
        vault=keys.vault.hex(),
        at=at.isoformat(),
        level=level.value,
        master=keys.generation,
    )
    registered(store, keys)
    _write(store, keys, mark)
    return mark


def repeat_mark(store: Store, keys: Keyring) -> None:
    """Write the copies that a marker lacks: somebody was cut off, or they were lost; no change where there is none.

    Raises IntegrityError (``marker-damaged``), NotAllowed (``key-outdated``).
    """
    mark = _counting(store, keys)
    if mark is not None:
        registered(store, keys)
        _write(store, keys, mark)


def expected_marks(store: Store, keys: Keyring) -> tuple[str, ...]:
    """The names of the copies that there must be; none where the vault was not upgraded."""
    mark = _counting(store, keys)
    return mark_copies(mark.format) if mark is not None else ()


def lacking_marks(store: Store, keys: Keyring) -> tuple[str, ...]:
    """Copies that there must be and that are lost: somebody was cut off, or they were removed."""
    return tuple(one for one in expected_marks(store, keys) if store.size(one) is None)


def strange_marks(store: Store, keys: Keyring) -> tuple[str, ...]:
    """What lies among the markers and does not count: it is damaged, or somebody put it there.

    What a newer Unlost wrote is none of it if it proves itself.
    """
    return tuple(one.name for one in store.list(MARKS) if _is_strange(store, keys, one.name))


def mend_marks(store: Store, keys: Keyring) -> None:
    """Remove what does not count, and write copies anew, from a whole one or else as the register says.

    Raises NotAllowed (``key-outdated``).
    """
    mark, strange = _counting(store, keys), strange_marks(store, keys)
    registered(store, keys)
    for name in strange:
        store.delete(name)
    if mark is not None:
        _write(store, keys, mark)


def _write(store: Store, keys: Keyring, mark: FormatMark) -> None:
    for name in mark_copies(mark.format):
        store.put_new(name, encode_mark(mark, mac=partial(_proof, keys, name)))
        get_mark(store, keys, name)
    registered(store, keys)  # again: made by a key that another followed meanwhile, they are void


def _counting(store: Store, keys: Keyring) -> FormatMark | None:
    """The marker that counts, by its first whole copy; a new one where the register alone knows of it."""
    return next(_whole(store, keys), None) or _remembered(keys)


def _remembered(keys: Keyring) -> FormatMark | None:
    """A new marker for one that there was when the present master key followed; when that was is lost."""
    if not keys.inherited.upgraded:
        return None
    return FormatMark(
        keys.inherited.upgraded, keys.vault.hex(), at="", level="", master=keys.generation
    )


def _whole(store: Store, keys: Keyring) -> Iterator[FormatMark]:
    for name in mark_copies(numbers.FORMAT):
        with suppress(IntegrityError, NotFound, UsageError):
            yield get_mark(store, keys, name)


def _is_strange(store: Store, keys: Keyring, name: str) -> bool:
    try:
        with suppress(NotFound, UsageError):
            get_mark(store, keys, name)
    except IntegrityError:
        return True
    return False


def _counting_proof(keys: Keyring, name: str, master: int, body: bytes) -> bytes:
    """The code of a marker; none by an earlier master key, but for a format that the register knows."""
    counts = master == keys.generation or mark_number(name) <= keys.inherited.upgraded
    return _proof(keys, name, master, body) if counts else b""


def _proof(keys: Keyring, name: str, master: int, body: bytes) -> bytes:
    return keys.mac(name, body, generation=master)

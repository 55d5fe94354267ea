"""The ways to open a vault from a program, as values that can be sent to other processes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from unlost.app.home.sealed_key import key_file as by_key_file
from unlost.model.errors import NotAllowed, StoreError, UsageError
from unlost.vault.commits.foreign_commits import ReaderLedger
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.unlock import ByPassphrase, ByRecoverySheet, KeyProvider
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.reach import open_store
from unlost.vault.stores.readonly import ReadOnlyStore
from unlost.vault.vault import EncryptedVault
from unlost.vault.vault import open_vault as open_encrypted

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class VaultOpening:
    """The address of a vault, and exactly one way to open it.

    A pickle names the vault's address and the key file or the file of the recovery sheet, never
    their content; with a passphrase it holds the passphrase. The text of a recovery sheet is the
    owner's secret itself, and is not pickled.
    """

    place: StoreAddress
    key_file: Path | None = None
    passphrase: str | None = None
    sheet_file: Path | None = None
    sheet: str | None = None

    def __repr__(self) -> str:
        return f"Opening({str(self.place)!r}, {self.way})"

    @property
    def way(self) -> str:
        """The way to open it, without its secret."""
        if self.key_file is not None:
            return f"key_file={str(self.key_file)!r}"
        if self.passphrase is not None:
            return "passphrase=…"
        return f"recovery={str(self.sheet_file)!r}" if self.sheet_file is not None else "recovery=…"

    def __reduce__(self) -> tuple[Callable[..., "VaultOpening"], tuple[Any, ...]]:
        if self.sheet is not None:
            raise UsageError(
                "recovery-not-shared",
                "The text of a recovery sheet is the owner's secret, so it is not passed to other "
                "processes.",
                next_step="Open the vault with key_file=, or set recovery= to the path of a file.",
            )
        return VaultOpening, (self.place, self.key_file, self.passphrase, self.sheet_file)

    def provider(self) -> KeyProvider:
        """The key provider; raises NotAllowed (``key-missing``)."""
        if self.key_file is not None:
            return by_key_file(self.key_file)
        if self.passphrase is not None:
            return ByPassphrase(self.passphrase)
        if self.sheet is not None:
            return ByRecoverySheet(self.sheet)
        assert self.sheet_file is not None
        try:
            return ByRecoverySheet(self.sheet_file.read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise NotAllowed(
                "key-missing",
                "The recovery sheet {sheet_file} cannot be read: {strerror}.",
                next_step="Use the file that contains the sheet, or pass its text.",
                sheet_file=self.sheet_file,
                strerror=error.strerror,
            ) from error


class _Untold:
    """Clock and randomness for readers: reading needs neither."""

    def now(self) -> NoReturn:
        """Raise StoreError (``store-read-only``)."""
        raise _only_read("needs no time")

    def monotonic(self) -> NoReturn:
        """Raise StoreError (``store-read-only``)."""
        raise _only_read("needs no time")

    def sleep(self, seconds: float) -> NoReturn:
        """Raise StoreError (``store-read-only``)."""
        raise _only_read(f"waits no {seconds} s")

    def bytes(self, size: int) -> NoReturn:
        """Raise StoreError (``store-read-only``)."""
        raise _only_read(f"draws no {size} random bytes")

    def fraction(self) -> NoReturn:
        """Raise StoreError (``store-read-only``)."""
        raise _only_read("draws nothing")


def _only_read(what: str) -> StoreError:
    return StoreError(
        "store-read-only",
        "A vault that was opened read-only {what}.",
        next_step="Use the commands of Unlost to write to it.",
        what=what,
    )


def opening(
    place: StoreAddress,
    *,
    key_file: str | Path | None,
    passphrase: str | None,
    recovery: str | Path | None,
) -> VaultOpening:
    """Choose the way to open the vault; raises UsageError (``way-in-unclear``) unless it is one."""
    if sum(way is not None for way in (key_file, passphrase, recovery)) != 1:
        raise UsageError(
            "way-in-unclear",
            "Open a vault in exactly one way.",
            next_step="Pass one of key_file=, passphrase= and recovery= (a path or the text).",
        )
    if key_file is not None:
        return VaultOpening(place, key_file=Path(key_file).absolute())
    if passphrase is not None:
        return VaultOpening(place, passphrase=passphrase)
    if isinstance(recovery, Path):
        return VaultOpening(place, sheet_file=recovery.absolute())
    assert recovery is not None
    return VaultOpening(place, sheet=recovery)


def opened(way: VaultOpening) -> EncryptedVault:
    """Open the vault, once in a process for each way; raises the errors of ``open_keyring``."""
    with _lock:
        return _open(way)


@cache
def _open(way: VaultOpening) -> EncryptedVault:
    # Opened once in a process: deriving a key from a passphrase is slow on purpose.
    untold = _Untold()
    # A program that only reads must not be able to write by mistake.
    store = ReadOnlyStore(open_store(way.place, sleep=untold.sleep))
    keys = open_keyring(store, way.provider(), entropy=untold)
    return open_encrypted(store, keys=keys, clock=untold, entropy=untold, ledger=ReaderLedger())

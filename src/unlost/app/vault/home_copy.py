"""Automatic copies of the home's database in the vault, for rebuilding it on a new machine.

A copy is the whole database (always as SQLite), packed with zstd and sealed by a key derived from
the master key, so it belongs to no org. Changes of settings are copied immediately, runs and alerts
at most once an hour. Credentials in it stay encrypted with the home's key, which never enters the
vault. See docs/adr/0013.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timedelta

import zstandard

from unlost.app.access import RemoteAccess
from unlost.app.compose import Application
from unlost.catalog.home.copying import (
    NewestCopy,
    dump,
    happened_since,
    last_copy,
    names_any,
    note_copy,
    settings_digest,
)
from unlost.model.errors import IntegrityError, NotFound, UnlostError
from unlost.model.ports.vault import Vault

# Runs and alerts of many orgs are copied together, at most this often.
PATIENCE = timedelta(hours=1)
_later: ContextVar[bool] = ContextVar("later", default=False)  # changes that are copied together
LARGEST = 1 << 31  # bytes; far above a home's size, so that a damaged frame cannot exhaust memory


def copy_if_due(app: Application, *, patience: timedelta = PATIENCE) -> bool:
    """Copy the home's data into the vault if something changed; True if it did.

    Settings are copied immediately; runs and alerts once the newest copy is as old as ``patience``.
    Raises errors of the vault.
    """
    settings = settings_digest()
    due = _is_due(settings, app.clock.now(), patience)
    if due:
        _copy(app, settings)
    return due


def _copy(app: Application, settings: str) -> int:
    """Make a copy and return its number; ``settings``: the digest from before it."""
    now = app.clock.now()
    number = app.whole_vault.homes.store_copy(zstandard.compress(dump()))
    note_copy(NewestCopy(number, settings, now))
    return number


def copy_is_due(app: Application) -> bool:
    """Return True if a copy is due.

    It is due if settings changed, or if runs or alerts ended and the newest copy is an hour old.
    """
    return _is_due(settings_digest(), app.clock.now(), PATIENCE)


def _is_due(settings: str, now: datetime, patience: timedelta) -> bool:
    last = last_copy()
    if last is None or last.settings != settings:
        return True
    return now - last.at >= patience and happened_since(last.at)


def after_change(app: Application) -> None:
    """Copy settings after a change by hand; if the vault is unavailable, the service does it."""
    if _later.get():
        return
    with suppress(UnlostError):
        _copy(app, settings_digest())


@contextmanager
def copied_together(app: Application) -> Iterator[None]:
    """Copy the home once after several changes by hand, instead of after each."""
    before = _later.set(True)
    try:
        yield
    finally:
        _later.reset(before)
        after_change(app)


def after_run(app: Application) -> None:
    """Copy the home after a run by hand; if the vault is unavailable, the service does it.

    A remote home is copied by its server.
    """
    if isinstance(app, RemoteAccess):
        return
    with suppress(UnlostError):
        copy_if_due(app, patience=timedelta(0))


def renew_copies(app: Application) -> None:
    """Copy the home's data now, and delete all older copies, as they contain erased data."""
    app.whole_vault.homes.drop_before(_copy(app, settings_digest()))


def copies_name(app: Application, oids: Collection[str]) -> bool:
    """Return True if a copy in the vault still has settings of one of these orgs."""
    return bool(oids) and any(
        _names_any(app, number, oids) for number in app.whole_vault.homes.numbers()
    )


def _names_any(app: Application, number: int, oids: Collection[str]) -> bool:
    with suppress(IntegrityError, NotFound):
        return names_any(read_copy(app.whole_vault, number) or b"", oids)
    return False


def read_copy(vault: Vault, number: int | None) -> bytes | None:
    """Return a copy, by default the newest; None if the vault has none.

    Raises NotFound (``home-copy-unknown``), IntegrityError.
    """
    content = vault.homes.newest() if number is None else vault.homes.get(number)
    if content is None:
        return None
    try:
        return zstandard.decompress(content, max_output_size=LARGEST)
    except zstandard.ZstdError as error:
        raise IntegrityError(
            "home-copy-damaged",
            "The copy of the home's data cannot be unpacked: {error}.",
            next_step="Use an earlier copy with `unlost vault rebuild --copy NUMBER`.",
            error=error,
        ) from error

"""Copies of the home's own data in the vault: made by themselves, read on a new machine."""

from contextlib import suppress
from datetime import datetime, timedelta

import zstandard

from unlost.app.compose import Application
from unlost.catalog.copying import Copied, dump, last_copy, note_copy, settings_digest
from unlost.model.errors import IntegrityError, UnlostError
from unlost.model.ports import Vault

DAILY = timedelta(days=1)  # runs, nights and alerts that changed meanwhile
LARGEST = 1 << 31  # bytes: a home's data is far from it, and a damaged frame must not ask for more


def copy_if_due(app: Application) -> bool:
    """Copy the home's data into the vault if settings changed, or a day went by; True if it did.

    Raises what the vault raises.
    """
    settings, now = settings_digest(), app.clock.now()
    if not _is_due(settings, now):
        return False
    number = app.vault.homes.keep(zstandard.compress(dump()))
    note_copy(Copied(number, settings, now))
    return True


def copy_is_due(app: Application) -> bool:
    """True if the vault does not have the settings of now, or has not had them for a day."""
    return _is_due(settings_digest(), app.clock.now())


def _is_due(settings: str, now: datetime) -> bool:
    last = last_copy()
    return last is None or last.settings != settings or now - last.at >= DAILY


def after_change(app: Application) -> None:
    """Copy at once what was changed by hand. Where the vault is away the service does it later."""
    with suppress(UnlostError):
        copy_if_due(app)


def read_copy(vault: Vault, number: int | None) -> bytes | None:
    """A copy, by default the newest; None if the vault has none.

    Raises NotFound (``home-copy-unknown``), IntegrityError.
    """
    held = vault.homes.numbers()
    if number is None and not held:
        return None
    content = vault.homes.get(held[-1] if number is None else number)
    try:
        return zstandard.decompress(content, max_output_size=LARGEST)
    except zstandard.ZstdError as error:
        raise IntegrityError(
            "home-copy-damaged",
            f"The copy of the home's data cannot be unpacked: {error}.",
            next_step="Take an earlier copy with `unlost vault rebuild --copy NUMBER`.",
        ) from error

"""The options that name a key of the vault: the recovery sheet, or the passphrase of a slot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.home.home_keys import GivenKey

Sheet = Annotated[
    Path | None,
    typer.Option(
        "--sheet", metavar="FILE", help="Open the vault with the recovery sheet in this file."
    ),
]
ByPassphrase = Annotated[
    str,
    typer.Option(
        "--by-passphrase",
        metavar="SLOT",
        help="Open the vault with the passphrase of this slot; prompts for it.",
    ),
]


def given_key_of(sheet: Path | None, slot: str, *, key_file: Path | None = None) -> "GivenKey":
    """Return the key that the options name; prompts for the passphrase of ``slot``."""
    from unlost.app.home.home_keys import GivenKey

    if sum((sheet is not None, bool(slot), key_file is not None)) > 1:
        raise UsageError(
            "way-in-unclear",
            "More than one key was given to open the vault.",
            next_step="Use only one: the recovery sheet, a passphrase, or a key file.",
        )
    words = typer.prompt(f"Passphrase of {slot}", hide_input=True, err=True) if slot else ""
    text = read_sheet(sheet) if sheet is not None else ""
    return GivenKey(key_file=key_file, sheet=text, slot=slot, passphrase=words)


def owner_key_of(sheet: Path | None, slot: str) -> "GivenKey":
    """Return the key that the options name, for changes that a key file may not make.

    Raises NotAllowed (``sheet-needed``) before anything is asked.
    """
    if sheet is None and not slot:
        from unlost.vault.keys.owner import sheet_needed

        raise sheet_needed()
    return given_key_of(sheet, slot)


def read_sheet(sheet: Path) -> str:
    """Return the text of a recovery sheet, never empty; raises UsageError (``sheet-unreadable``)."""
    try:
        text = sheet.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text:
        raise UsageError(
            "sheet-unreadable",
            "The recovery sheet {sheet} is empty or cannot be read.",
            next_step="Type the sheet into a text file, and give that file.",
            sheet=sheet,
        )
    return text

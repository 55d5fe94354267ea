"""The recovery sheet: everything that is needed to open a vault, on paper.

The content is 55 bytes: 0 (the format of the sheet, whatever the format of the vault is), the
vault's id (16), the owner's secret (32), and the first 6 bytes of the SHA-256 of all that. Written in
Crockford's base 32 it is 88 characters, in 22 groups of four. A sheet may be typed in small
letters, with O for 0 and I or L for 1.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from unlost.model.errors import NotAllowed, UsageError
from unlost.model.message import message
from unlost.vault.format.number import newer

GROUPS = 22

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_GROUP = 4
_LINE = 6
_VAULT, _SECRET, _CHECK = 16, 32, 6
_FORMAT = 0  # never changes: the sheet in a safe must equal the sheet that is printed today
_LINE_SHAPE = re.compile(r"^\s*\d\d-\d\d:(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RecoverySheet:
    """The vault's id (16 bytes), and the secret of its owner (32 bytes)."""

    vault: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"RecoverySheet(vault={self.vault.hex()})"

    def groups(self) -> tuple[str, ...]:
        """The 22 groups of four characters."""
        content = bytes([_FORMAT]) + self.vault + self.secret
        text = _to_base32(content + _check(content))
        return tuple(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))

    def text(self) -> str:
        """The sheet as it is printed."""
        groups = self.groups()
        lines = [
            f"{at + 1:02}-{min(at + _LINE, GROUPS):02}:  {'  '.join(groups[at : at + _LINE])}"
            for at in range(0, GROUPS, _LINE)
        ]
        return "\n".join(
            (
                "UNLOST RECOVERY SHEET",
                "",
                f"Vault {self.vault.hex()}",
                "",
                *lines,
                "",
                "Anyone with this sheet and a copy of the vault can read everything in it.",
                "Only this sheet or a passphrase can change the keys, or destroy an org.",
                "If this sheet and all other keys are lost, the vault cannot be read again.",
                "Print it twice, keep the printouts in two places, and delete the file.",
                "",
            )
        )


def parse_recovery_sheet(text: str) -> RecoverySheet:
    """The sheet from its printed text, or from the groups alone.

    Raises NotAllowed (``recovery-mistyped``), UsageError (``format-newer``).
    """
    lines = _LINE_SHAPE.findall(text)
    letters = re.sub(r"[\s-]", "", "".join(lines) if lines else text).upper()
    if len(letters) != GROUPS * _GROUP or any(letter not in _VALUES for letter in letters):
        raise _mistyped(
            "it has {count} characters, or characters that no sheet has", count=len(letters)
        )
    whole = _from_base32(letters)
    content, check = whole[:-_CHECK], whole[-_CHECK:]
    if _check(content) != check:
        raise _mistyped("its check characters do not match: a character is wrong")
    if content[0] > _FORMAT:
        raise newer("recovery sheet", content[0], upto=_FORMAT)
    return RecoverySheet(vault=content[1 : 1 + _VAULT], secret=content[1 + _VAULT :])


def confirm_groups(sheet: RecoverySheet, typed: dict[int, str]) -> None:
    """Check groups that were typed back, by their numbers from 1.

    Raises UsageError (``sheet-unconfirmed``).
    """
    groups = sheet.groups()
    for number, text in typed.items():
        if _plain(text) != _plain(groups[number - 1]):
            raise UsageError(
                "sheet-unconfirmed",
                "Group {number} does not match the sheet.",
                next_step="Read the group from the printed sheet and type it again.",
                number=number,
            )


def _plain(text: str) -> tuple[int | None, ...]:
    return tuple(_VALUES.get(letter) for letter in text.strip().upper())


def _check(content: bytes) -> bytes:
    return sha256(content).digest()[:_CHECK]


def _to_base32(content: bytes) -> str:
    number = int.from_bytes(content)
    return "".join(_ALPHABET[number >> shift & 31] for shift in _shifts(len(content)))


def _from_base32(letters: str) -> bytes:
    number = 0
    for letter in letters:
        number = number << 5 | _VALUES[letter]
    return number.to_bytes(len(letters) * 5 // 8)


def _shifts(size: int) -> range:
    return range(size * 8 - 5, -1, -5)


def _mistyped(template: str, **args: Any) -> NotAllowed:
    return NotAllowed(
        "recovery-mistyped",
        "This is not a valid recovery sheet: {why}.",
        next_step="Type the 22 groups of four characters again, or use the file that was printed.",
        why=message("", template, **args),
    )

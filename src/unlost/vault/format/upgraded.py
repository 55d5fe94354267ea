"""The marker of a vault that was founded in an earlier format: it says of which format the vault is since.

``vault.json`` is never written over, so the marker lies beside it, in clear, proved by the master key. There are three
copies, ``format/<number>``, and with ``.2`` and ``.3``; any whole one will do. The bytes are one JSON object
with the fields of ``FormatMark`` in their order, without spaces, closed by a code as ``vault.json`` is.
"""

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass

from unlost.model.errors import IntegrityError
from unlost.vault.format.number import check_number
from unlost.vault.format.unproved import unproved

MARKS = "format/"

_NAME = re.compile(r"format/([1-9][0-9]{0,3})(?:\.[23])?")
_SHAPE = re.compile(rb'(\{.*),"mac":"([0-9a-f]{64})"\}\n', re.DOTALL)
_MASTER = re.compile(rb'"master":([1-9][0-9]{0,7})(?=,|\Z)')


@dataclass(frozen=True, slots=True)
class FormatMark:
    """That a vault is of a format, because all of it could be read.

    ``at`` is RFC 3339 in UTC, ``level`` how it was verified; both are empty in one that stands for copies that
    were all lost. ``master`` is the number of the master key that proves it.
    """

    format: int
    vault: str
    at: str
    level: str
    master: int = 1


type ProofOf = Callable[[int, bytes], bytes]  # by the number of a master key


def mark_copies(number: int) -> tuple[str, ...]:
    """The names of the copies of a marker; each is also the label of its code."""
    return tuple(f"{MARKS}{number}{end}" for end in ("", ".2", ".3"))


def mark_number(name: str) -> int:
    """The format that a marker of this name says; 0 for other names."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else 0


def encode_mark(mark: FormatMark, *, mac: ProofOf) -> bytes:
    """The bytes of a marker; ``mac`` makes the code."""
    body = json.dumps(asdict(mark), separators=(",", ":")).encode()[:-1]
    return body + b',"mac":"' + mac(mark.master, body).hex().encode() + b'"}\n'


def read_mark(data: bytes, *, name: str, mac: ProofOf) -> FormatMark:
    """What a marker says; nothing of it is believed, nor parsed, before its code proves it.

    Under a name no number counts but the one that the name says. Fields that it does not know are passed
    over. Raises UsageError (``format-newer``) where a newer Unlost wrote it, IntegrityError (``marker-damaged``).
    """
    number, master = mark_number(name), _proving_master(data, mac=mac)
    members = unproved(data) if number and master else {}
    if (members.get("format"), members.get("master")) != (number, master):
        raise damaged_mark(name)
    check_number(number, name=name)
    try:
        vault, at, level = (str(members[field]) for field in ("vault", "at", "level"))
    except KeyError:
        raise damaged_mark(name) from None
    return FormatMark(number, vault, at, level, master)


def damaged_mark(name: str) -> IntegrityError:
    """The error for a marker that is not what Unlost wrote."""
    return IntegrityError(
        "marker-damaged",
        f"“{name}”, which says of which format the vault is, is not what Unlost wrote.",
        next_step="Find out who may write to the vault's place; `unlost doctor --repair` removes it, or "
        "writes it anew from a whole copy.",
    )


def _proving_master(data: bytes, *, mac: ProofOf) -> int:
    """The number of the master key that proves all bytes of a marker; 0 where none does."""
    match = _SHAPE.fullmatch(data)
    said = _MASTER.search(match[1]) if match else None
    if match is None or said is None:
        return 0
    master = int(said[1])
    code = mac(master, match[1]).hex().encode()
    return master if hmac.compare_digest(code, match[2]) else 0

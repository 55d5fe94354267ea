"""The register of slots: which ways into the vault there are, so that one that vanished is missed.

Each entry is an object ``slots/<number:08>`` of its own, from 1 without a gap; the newest counts. The
bytes are one JSON object with the fields of ``Register`` in their order after ``format``, without
spaces, closed by a code as ``vault.json`` is. An empty ``sheet`` is left out, and so are
``master`` and ``earlier`` while there is but the first master key.
"""

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unlost.model.errors import IntegrityError
from unlost.vault.format.sealed import FORMAT, newer

REGISTER = "slots/"

_SHAPE = re.compile(rb'(\{.*),"mac":"([0-9a-f]{64})"\}\n', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Register:
    """The slots from an entry on: by name the BLAKE3 (hex) of a copy, which are all alike.

    ``sheet`` is when somebody last took the recovery sheet down (RFC 3339, UTC); empty if nobody did.
    ``master`` is the number of the master key, which proves the entry; ``earlier`` has those before it,
    oldest first, each sealed under it.
    """

    vault: str
    number: int
    slots: Mapping[str, str]
    sheet: str = ""
    master: int = 1
    earlier: tuple[str, ...] = ()


type ProofOf = Callable[[int, bytes], bytes]  # by the number of a master key


def register_name(number: int) -> str:
    """The name of an entry, which is also the label of its code."""
    return f"{REGISTER}{number:08d}"


def encode_register(register: Register, *, mac: Callable[[bytes], bytes]) -> bytes:
    """The bytes of an entry; ``mac`` makes the code."""
    members = {
        "format": FORMAT,
        "vault": register.vault,
        "number": register.number,
        "slots": dict(sorted(register.slots.items())),
        **({"sheet": register.sheet} if register.sheet else {}),
        **({"master": register.master, "earlier": register.earlier} if register.earlier else {}),
    }
    body = json.dumps(members, separators=(",", ":")).encode()[:-1]
    return body + b',"mac":"' + mac(body).hex().encode() + b'"}\n'


def claimed_master(data: bytes) -> int:
    """The number of the master key that an entry says it is of, unproved; 0 where it says nothing."""
    try:
        number = json.loads(data).get("master", 1)
    except (ValueError, AttributeError):
        return 0
    return number if isinstance(number, int) else 0


def read_register(data: bytes, *, name: str, mac: ProofOf) -> Register:
    """What an entry says, proved.

    Raises UsageError (``format-newer``), IntegrityError (``register-damaged``).
    """
    match, master = _SHAPE.fullmatch(data), claimed_master(data)
    proof = mac(master, match[1]).hex().encode() if match and master else b""
    if match is None or not hmac.compare_digest(proof, match[2]):
        raise damaged_register(name)
    members = json.loads(data)
    if members["format"] > FORMAT:
        raise newer(name, members["format"])
    register = Register(
        members["vault"],
        members["number"],
        members["slots"],
        str(members.get("sheet", "")),
        master,
        tuple(members.get("earlier", ())),
    )
    if register_name(register.number) != name:
        raise damaged_register(name)
    return register


def damaged_register(name: str) -> IntegrityError:
    """The error for an entry that is not what Unlost wrote."""
    return IntegrityError(
        "register-damaged",
        f"“{name}”, which lists the ways into the vault, is not what Unlost wrote.",
        next_step="Bring it back from a copy of the vault; nothing else is affected.",
    )

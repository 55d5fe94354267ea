"""The register of slots: the list of all ways to open the vault, so that a missing slot is noticed.

Each entry is its own object ``slots/<number:08>``, from 1 without a gap; the newest counts. The
bytes are one JSON object with the fields of ``Register`` in their order after ``format``, without
spaces, closed by a code as ``vault.json`` is. An empty ``sheet`` is left out. ``master`` and the
fields that belong to it are left out until the vault gets a second master key. See docs/adr/0026.
"""

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from unlost.model.errors import IntegrityError
from unlost.vault.format import number as numbers
from unlost.vault.format.unproved import unproved

REGISTER = "slots/"

_NAME = re.compile(r"slots/(\d{8})")
_SHAPE = re.compile(rb'(\{.*),"mac":"([0-9a-f]{64})"\}\n', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Register:
    """The slots that are valid from an entry on: by name, the BLAKE3 hash (hex) of a copy.

    ``sheet`` is the time at which a person last took down the recovery sheet (RFC 3339, UTC); empty
    if never. ``master`` is the number of the master key that proves the entry. ``earlier`` has the
    earlier master keys, oldest first, each sealed under this one. ``followed`` has one token for
    each of them, by which a holder of that key recognizes that it was replaced. ``keys`` and
    ``shredded`` list the valid objects from before the present master key: wrapped keys with a code
    of their content, and the oids of shredded orgs.
    """

    vault: str
    number: int
    slots: Mapping[str, str]
    sheet: str = ""
    master: int = 1
    earlier: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    shredded: tuple[str, ...] = ()


type ProofOf = Callable[[int, bytes], bytes]  # by the number of a master key


def register_name(number: int) -> str:
    """The name of an entry, which is also the label of its code."""
    return f"{REGISTER}{number:08d}"


def register_number(name: str) -> int:
    """The number of an entry by its name; 0 for other names."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else 0


def encode_register(register: Register, *, mac: Callable[[bytes], bytes]) -> bytes:
    """The bytes of an entry; ``mac`` makes the code."""
    members = {
        "format": numbers.FORMAT,
        "vault": register.vault,
        "number": register.number,
        "slots": dict(sorted(register.slots.items())),
        **({"sheet": register.sheet} if register.sheet else {}),
        **(_of_renewal(register) if register.earlier else {}),
    }
    body = json.dumps(members, separators=(",", ":")).encode()[:-1]
    return body + b',"mac":"' + mac(body).hex().encode() + b'"}\n'


def claimed_master(data: bytes) -> int:
    """The number of the master key that an entry claims, unproved; 0 if it claims none."""
    members = unproved(data)
    number = members.get("master", 1)
    return number if isinstance(number, int) and number > 0 and members else 0


def claims_to_follow(data: bytes, *, token: str) -> bool:
    """True if an entry has the token that only a holder of a master key can have put there."""
    followed = unproved(data).get("followed", ())
    return isinstance(followed, list) and token in followed


def read_register(data: bytes, *, name: str, mac: ProofOf) -> Register:
    """Read an entry and prove it.

    Raises UsageError (``format-newer``, ``format-unknown``), IntegrityError (``register-damaged``).
    """
    match, master = _SHAPE.fullmatch(data), claimed_master(data)
    proof = mac(master, match[1]).hex().encode() if match and master else b""
    if match is None or not hmac.compare_digest(proof, match[2]):
        raise damaged_register(name)
    members = json.loads(data)
    numbers.check_number(members["format"], name=name)
    register = Register(
        members["vault"],
        members["number"],
        members["slots"],
        str(members.get("sheet", "")),
        master,
        tuple(members.get("earlier", ())),
        tuple(members.get("followed", ())),
        members.get("keys", {}),
        tuple(members.get("shredded", ())),
    )
    if register_name(register.number) != name:
        raise damaged_register(name)
    return register


def damaged_register(name: str) -> IntegrityError:
    """The error for an entry that is not what Unlost wrote."""
    return IntegrityError(
        "register-damaged",
        "“{name}”, which lists the key slots of the vault, is missing or damaged.",
        next_step="Restore the folder slots from a mirror of the vault. If the vault still "
        "opens, `unlost doctor --repair` removes entries that cannot be verified.",
        name=name,
    )


def _of_renewal(register: Register) -> dict[str, object]:
    return {
        "master": register.master,
        "earlier": register.earlier,
        "followed": register.followed,
        "keys": dict(sorted(register.keys.items())),
        "shredded": sorted(register.shredded),
    }

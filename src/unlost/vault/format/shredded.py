"""The proof that an org was shredded: all that is left of it, in clear, proved by the master key.

It is stored in three copies, ``shredded/<oid>``, and with ``.2`` and ``.3``; any intact copy is
enough. The bytes are one JSON object with the fields of ``ShreddedOrg`` in their order after
``format``, without spaces, closed by a code as ``vault.json`` is.
"""

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

from unlost.model.errors import IntegrityError
from unlost.vault.format import number as numbers
from unlost.vault.format.unproved import unproved

SHREDDED = "shredded/"

_NAME = re.compile(r"shredded/([0-9a-f]{32})(?:\.[23])?")
_SHAPE = re.compile(rb'(\{.*),"mac":"([0-9a-f]{64})"\}\n', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ShreddedOrg:
    """The size of an org when it was shredded: commits, head of the newest, objects and bytes.

    ``at`` is RFC 3339 in UTC, ``master`` the number of the master key that proves it.
    """

    vault: str
    org: str
    at: str
    commits: int
    head: str
    objects: int
    bytes: int
    master: int = 1


_FIELDS = tuple(field.name for field in fields(ShreddedOrg))

type ProofOf = Callable[[int, bytes], bytes]  # by the number of a master key


def shredded_name(org: str) -> str:
    """The name of the first copy of the proof."""
    return f"{SHREDDED}{org}"


def shredded_copies(org: str) -> tuple[str, ...]:
    """The names of the copies; each is also the label of its code."""
    return tuple(f"{shredded_name(org)}{end}" for end in ("", ".2", ".3"))


def shredded_org(name: str) -> str | None:
    """The oid by the name of a copy; None for other names."""
    match = _NAME.fullmatch(name)
    return match[1] if match else None


def encode_shredded(proof: ShreddedOrg, *, mac: ProofOf) -> bytes:
    """The bytes of a proof; ``mac`` makes the code."""
    members = {"format": numbers.FORMAT, **asdict(proof)}
    body = json.dumps(members, separators=(",", ":")).encode()[:-1]
    return body + b',"mac":"' + mac(proof.master, body).hex().encode() + b'"}\n'


def read_shredded(data: bytes, *, name: str, mac: ProofOf) -> ShreddedOrg:
    """Read a proof. Unknown fields are ignored.

    Raises UsageError (``format-newer``, ``format-unknown``), IntegrityError (``proof-damaged``).
    """
    match = _SHAPE.fullmatch(data)
    members = unproved(data) if match else {}
    if match is None or not members:
        raise damaged_proof(name)
    numbers.check_number(members.get("format"), name=name)
    try:
        proof = ShreddedOrg(**{name: members[name] for name in _FIELDS if name in members})
        code = mac(int(proof.master), match[1]).hex().encode()
    except (TypeError, ValueError):
        raise damaged_proof(name) from None
    if not hmac.compare_digest(code, match[2]) or shredded_org(name) != proof.org:
        raise damaged_proof(name)
    return proof


def damaged_proof(name: str) -> IntegrityError:
    """The error for a proof that is not what Unlost wrote."""
    return IntegrityError(
        "proof-damaged",
        "“{name}”, the proof that an org was shredded, is damaged.",
        next_step="Restore it from a mirror of the vault. If no org was shredded, remove it.",
        name=name,
    )

"""The register: who may open the vault, and which orgs were shredded. Signed by the vault's owner.

The register is a sequence of entries. The newest entry that the owner signed is in force, and it
repeats everything that is still valid from before. An entry has three equal copies:

    register/00000004/1   register/00000004/2   register/00000004/3

The bytes are one JSON object with the fields of ``RegisterEntry`` in their order, without spaces,
keys of maps in ascending order, then ``,"signature":"…"}`` and a line feed. The signature (Ed25519,
64 bytes in hex) is over ``register/00000004``, a zero byte, and all bytes before ``,"signature"``.
See docs/adr/0026 and docs/adr/0037.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from unlost.model.decoders import decoder_for
from unlost.model.errors import IntegrityError
from unlost.vault.format import number as numbers
from unlost.vault.format.slots import KeySlot
from unlost.vault.format.unproved import unproved

REGISTER = "register/"
COPIES = (1, 2, 3)
LARGEST = 64 << 20  # bytes; far above an entry with the keys of ten thousand orgs

_NAME = re.compile(r"register/(\d{8})/[123]")
_SHAPE = re.compile(rb'(\{.*),"signature":"([0-9a-f]{128})"\}\n', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Handover:
    """The signature by which the owner of one master generation put the next one in force.

    ``owner`` is the public key of the earlier generation. ``signature`` is over the vault's id and
    the next generation's public key; empty if the owner's secret was lost.
    """

    owner: str
    signature: str


@dataclass(frozen=True, slots=True)
class ShreddedOrg:
    """The size of an org when it was shredded: commits, head of the newest, objects and bytes.

    ``at`` is RFC 3339 in UTC.
    """

    at: str
    commits: int
    head: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEntry:
    """An entry of the register.

    ``vault`` is the vault's id and ``owner`` the public key that proves the entry, both in hex.
    ``generation`` is the number of the present master key, from 1. ``sheet`` is the time at which a
    person last wrote down the recovery sheet (RFC 3339, UTC); empty if never. ``slots`` has the key
    slots by name. ``earlier`` has the earlier master keys, oldest first, each sealed under the
    present one, and ``handovers`` likewise how each was replaced. ``checks`` has the key checks of
    wrapped keys from before the present generation that are still valid, by folder. ``shredded``
    has the shredded orgs by oid.
    """

    format: int = numbers.FORMAT
    vault: str
    owner: str
    number: int = 0
    generation: int = 1
    sheet: str = ""
    slots: Mapping[str, KeySlot] = field(default_factory=dict[str, KeySlot])
    earlier: tuple[str, ...] = ()
    handovers: tuple[Handover, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict[str, str])
    shredded: Mapping[str, ShreddedOrg] = field(default_factory=dict[str, ShreddedOrg])


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """The parts of an entry's object, unproved."""

    body: bytes
    signature: bytes

    def message(self, number: int) -> bytes:
        """The bytes that the signature proves, in an object of this number."""
        return _message(number, self.body)

    def content(self, number: int) -> RegisterEntry:
        """The content.

        Raises UsageError (``format-newer``, ``format-unknown``), IntegrityError
        (``register-damaged``).
        """
        name = entry_name(number)
        try:
            numbers.check_number(unproved(self.body + b"}").get("format"), name=name)
            entry = decoder_for(RegisterEntry).decode(self.body + b"}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise damaged_register(name) from None
        if entry.number != number:
            raise damaged_register(name)
        return entry


def entry_name(number: int) -> str:
    """The folder of an entry's copies."""
    return f"{REGISTER}{number:08d}"


def entry_copies(number: int) -> tuple[str, ...]:
    """The names of an entry's copies."""
    return tuple(f"{entry_name(number)}/{copy}" for copy in COPIES)


def entry_number(name: str) -> int | None:
    """The number of the entry that an object is a copy of; None for other names."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def encode_entry(entry: RegisterEntry, *, sign: Callable[[bytes], bytes]) -> bytes:
    """The bytes of an entry's copies."""
    body = msgspec.json.encode(entry, order="deterministic")[:-1]
    signature = sign(_message(entry.number, body))
    return body + b',"signature":"' + signature.hex().encode() + b'"}\n'


def read_entry(data: bytes) -> SignedEntry | None:
    """The parts of an entry, unproved; None if the object is no entry."""
    match = _SHAPE.fullmatch(data)
    return SignedEntry(match[1], bytes.fromhex(match[2].decode())) if match else None


def handover_message(vault: str, owner: str) -> bytes:
    """The bytes that the earlier owner signs to put the next one in force."""
    return f"handover/{vault}/{owner}".encode()


def damaged_register(name: str) -> IntegrityError:
    """The error for a register, or an entry of it, that its owner did not sign."""
    return IntegrityError(
        "register-damaged",
        "“{name}”, which lists the key slots of the vault, is missing or damaged.",
        next_step="Restore the folder register from a mirror of the vault, or open the vault with "
        "the newest recovery sheet. If the master key was renewed without the earlier sheet, move "
        "the key file of this home away, and create a new one with `unlost key add NAME --service "
        "--sheet FILE`.",
        name=name,
    )


def _message(number: int, body: bytes) -> bytes:
    return entry_name(number).encode() + b"\0" + body

"""Writes the golden sealed objects: run it only when a format number is added, never to mend a test.

PYTHONPATH=tests python tests/golden/make_sealed.py tests/golden/format-1/sealed
"""

import sys
from pathlib import Path

import numpy as np

from unlost.testing.entropy import SeededEntropy
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import SchemaDocument, canonical_text
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.register import (
    Handover,
    RegisterEntry,
    ShreddedOrg,
    encode_entry,
    handover_message,
)
from unlost.vault.format.sealed import KIB64, MIB1, ObjectBinding, ObjectKind, seal
from unlost.vault.format.sidecar import GroupFence, Sidecar, encode
from unlost.vault.format.slots import KeySlot, KeyStretch, SlotHolds, SlotPlace, wrap_key
from unlost.vault.format.vaultjson import MAC_LABEL, VaultFile, encode_vault_file
from unlost.vault.keys.derivation import derive, object_key
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.owner import Owner, master_of
from unlost.vault.objects.schemas import number_columns
from unlost.vault.stores.memory import MemoryStore
from vaultstory import SCHEMA

SECRET = bytes(range(32))
MASTER, OWNER = master_of(SECRET), Owner.of(SECRET)
FOLLOWER = Owner.of(bytes(range(32, 64)))
VAULT = bytes(range(16))
ORG = bytes(range(16, 32))
ORG_KEY = bytes(range(64, 96))
NAME = f"orgs/{ORG.hex()}/commits/00000000000000000001"
CONTENTS = {
    "empty": b"",
    "short": "Zartbitter 70 % – naïve 🍫".encode(),
    "blocks": bytes(number % 251 for number in range(70_000)),
}
INSTANT = "2026-03-02T01:00:00+00:00"
STRETCH = KeyStretch(salt=bytes(range(16)).hex(), memory=64 * 1024, passes=2, lanes=1)


def keyring() -> Keyring:
    """The keys of the golden vault."""
    return Keyring.of_secret(MemoryStore(), vault=VAULT, secret=SECRET, entropy=SeededEntropy(7))


def golden() -> dict[str, bytes]:
    """Every golden file by its name."""
    return sealed() | clear()


def clear() -> dict[str, bytes]:
    """Other things in clear, and texts that are sealed."""
    car = Sidecar(
        (GroupFence("ab", 3, 7), GroupFence("größer", 1, 2)), np.full((2, 8), 5, dtype=np.uint32)
    )
    schema = SchemaDocument(numbers.FORMAT, SCHEMA, number_columns(SCHEMA, {}))

    return {
        "sidecar": encode(car),
        "schema.json": canonical_text(schema),
        "register": encode_entry(first(), sign=OWNER.sign),
        "register-renewed": encode_entry(renewed(), sign=FOLLOWER.sign),
    }


def first() -> RegisterEntry:
    """An entry with two slots."""
    slots = {
        "service": slot("service", None, key=derive(b"S" * 32, "slot/service")),
        "passphrase": slot("passphrase", STRETCH, key=derive(b"S" * 32, "slot/passphrase")),
    }
    return RegisterEntry(vault=VAULT.hex(), owner=OWNER.public.hex(), number=2, slots=slots)


def renewed() -> RegisterEntry:
    """An entry of a second master key, with all that there can be."""
    message = handover_message(VAULT.hex(), FOLLOWER.public.hex())
    return RegisterEntry(
        vault=VAULT.hex(),
        owner=FOLLOWER.public.hex(),
        number=3,
        generation=2,
        sheet=INSTANT,
        slots={"service": slot("service", None, key=derive(b"S" * 32, "slot/service"))},
        earlier=("aa" * 60,),
        handovers=(Handover(OWNER.public.hex(), OWNER.sign(message).hex()),),
        checks={f"orgs/{ORG.hex()}/keys/00000001": "cc" * 16},
        shredded={ORG.hex(): ShreddedOrg(INSTANT, 3, "ab" * 32, 40, 9_000)},
    )


def sealed() -> dict[str, bytes]:
    """Sealed objects, and what opens the vault."""
    files = {}
    for number, (name, content) in enumerate(CONTENTS.items()):
        files[f"{name}.sealed"] = seal(
            content,
            place=ObjectBinding(ObjectKind.MANIFEST, vault=VAULT, org=ORG, name=NAME),
            key=object_key(ORG_KEY, ObjectKind.MANIFEST, NAME),
            epoch=1,
            entropy=SeededEntropy(number),
            power=MIB1 if name == "short" else KIB64,
        )
    keys = keyring()
    file = VaultFile(vault=VAULT.hex(), created=INSTANT)
    files["vault.json"] = encode_vault_file(file, mac=lambda data: keys.mac(MAC_LABEL, data))
    files["sheet.txt"] = RecoverySheet(vault=VAULT, secret=SECRET).text().encode()
    return files


def slot(name: str, stretch: KeyStretch | None, *, key: bytes) -> KeySlot:
    """A slot of the first master key."""
    holds = SlotHolds.MASTER if stretch is None else SlotHolds.OWNER
    return wrap_key(
        MASTER if stretch is None else SECRET,
        holds=holds,
        stretch=stretch,
        place=SlotPlace(VAULT.hex(), 1, name),
        key=key,
        nonce=b"N" * 12,
    )


def main() -> None:
    """Write what is not there; what is stays as it is."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in golden().items():
        if not (folder / name).exists():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()

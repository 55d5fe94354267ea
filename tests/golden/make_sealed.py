"""Writes the golden sealed objects: run it only when a format number is added, never to mend a test.

PYTHONPATH=tests python tests/golden/make_sealed.py tests/golden/format-1/sealed
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from unlost.testing.entropy import SeededEntropy
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import SchemaDocument, canonical_text
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.register import Register, encode_register, register_name
from unlost.vault.format.sealed import KIB64, MIB1, ObjectBinding, ObjectKind, seal
from unlost.vault.format.shredded import ShreddedOrg, encode_shredded, shredded_name
from unlost.vault.format.sidecar import GroupFence, Sidecar, encode
from unlost.vault.format.slots import KeyStretch, slot_folder, slot_head, wrap_master
from unlost.vault.format.vaultjson import MAC_LABEL, VaultFile, encode_vault_file
from unlost.vault.keys.hierarchy import Keyring, derive, object_key
from unlost.vault.objects.schemas import number_columns
from unlost.vault.stores.memory import MemoryStore
from vaultstory import SCHEMA

MASTER = bytes(range(32))
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
STRETCH = KeyStretch(salt=bytes(range(16)), memory=64 * 1024, passes=2, lanes=1)


def keyring() -> Keyring:
    """The keys of the golden vault."""
    return Keyring(MemoryStore(), vault=VAULT, master=MASTER, entropy=SeededEntropy(7))


def golden() -> dict[str, bytes]:
    """Every golden file by its name."""
    return sealed() | clear()


def clear() -> dict[str, bytes]:
    """Other things in clear, and texts that are sealed."""
    keys, org = keyring(), ORG.hex()
    gone = ShreddedOrg(
        VAULT.hex(), org, INSTANT, commits=3, head="ab" * 32, objects=40, bytes=9_000
    )
    renewed = Register(VAULT.hex(), 3, {"s": "11" * 32}, INSTANT, 2, ("aa",), ("bb",),
                       {f"orgs/{org}/keys/00000001": "cc" * 16}, (org,))  # fmt: skip
    car = Sidecar(
        (GroupFence("ab", 3, 7), GroupFence("größer", 1, 2)), np.full((2, 8), 5, dtype=np.uint32)
    )
    schema = SchemaDocument(numbers.FORMAT, SCHEMA, number_columns(SCHEMA, {}))

    def mac(name: str) -> Callable[[int, bytes], bytes]:
        return lambda master, body: keys.mac(name, body, generation=master)

    return {
        "shredded": encode_shredded(gone, mac=mac(shredded_name(org))),
        "register-renewed": encode_register(renewed, mac=partial(keys.mac, register_name(3))),
        "sidecar": encode(car),
        "schema.json": canonical_text(schema),
    }


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
    for name, stretch in (("service", None), ("passphrase", STRETCH)):
        files[f"{name}.slot"] = slot(keys, name, stretch)
    listed = Register(VAULT.hex(), 2, {"service": "11" * 32, "passphrase": "22" * 32})
    files["register"] = encode_register(listed, mac=partial(keys.mac, register_name(2)))
    files["sheet.txt"] = RecoverySheet(vault=VAULT, master=MASTER).text().encode()
    return files


def slot(keys: Keyring, name: str, stretch: KeyStretch | None) -> bytes:
    """A slot whose secret is 32 times the letter S."""
    head = slot_head(vault=VAULT.hex(), name=name, stretch=stretch)
    key = derive(b"S" * 32, slot_folder(name))
    proved = head + wrap_master(MASTER, key=key, nonce=b"N" * 12, head=head, name=name)
    return proved + keys.mac(slot_folder(name), proved)


def main() -> None:
    """Write what is not there; what is stays as it is."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in golden().items():
        if not (folder / name).exists():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()

"""Writes the golden sealed objects: run it only when a format number is added, never to mend a test.

python tests/golden/make_sealed.py tests/golden/format-0/sealed
"""

import sys
from functools import partial
from pathlib import Path

from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.register import Register, encode_register, register_name
from unlost.vault.format.sealed import KIB64, MIB1, ObjectKind, Place, seal
from unlost.vault.format.slots import Stretch, slot_folder, slot_head, wrap_master
from unlost.vault.format.vaultjson import MAC_LABEL, VaultFile, encode_vault_file
from unlost.vault.keys import Keyring, derive, object_key
from unlost.vault.stores.memory import MemoryStore

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
STRETCH = Stretch(salt=bytes(range(16)), memory=64 * 1024, passes=2, lanes=1)


def keyring() -> Keyring:
    """The keys of the golden vault."""
    return Keyring(MemoryStore(), vault=VAULT, master=MASTER, entropy=SeededEntropy(7))


def golden() -> dict[str, bytes]:
    """Every golden file by its name."""
    files = {}
    for number, (name, content) in enumerate(CONTENTS.items()):
        files[f"{name}.sealed"] = seal(
            content,
            place=Place(ObjectKind.MANIFEST, vault=VAULT, org=ORG, name=NAME),
            key=object_key(ORG_KEY, ObjectKind.MANIFEST, NAME),
            epoch=1,
            entropy=SeededEntropy(number),
            power=MIB1 if name == "short" else KIB64,
        )
    keys = keyring()
    file = VaultFile(vault=VAULT.hex(), created="2026-03-02T01:00:00+00:00")
    files["vault.json"] = encode_vault_file(file, mac=lambda data: keys.mac(MAC_LABEL, data))
    for name, stretch in (("service", None), ("passphrase", STRETCH)):
        files[f"{name}.slot"] = slot(keys, name, stretch)
    listed = Register(VAULT.hex(), 2, {"service": "11" * 32, "passphrase": "22" * 32})
    files["register"] = encode_register(listed, mac=partial(keys.mac, register_name(2)))
    files["sheet.txt"] = RecoverySheet(vault=VAULT, master=MASTER).text().encode()
    return files


def slot(keys: Keyring, name: str, stretch: Stretch | None) -> bytes:
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

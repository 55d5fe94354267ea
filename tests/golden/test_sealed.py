"""Our own codecs, byte for byte, as they were when the format was laid down."""

from pathlib import Path

import msgspec
import pytest

from golden.make_sealed import CONTENTS, MASTER, NAME, ORG, ORG_KEY, VAULT, golden, keyring
from unlost.vault.format.manifest import SchemaDocument
from unlost.vault.format.recovery import parse_recovery_sheet
from unlost.vault.format.register import read_register, register_name
from unlost.vault.format.sealed import ObjectBinding, ObjectKind, unseal
from unlost.vault.format.shredded import read_shredded, shredded_name
from unlost.vault.format.sidecar import decode
from unlost.vault.format.slots import read_slot, slot_folder, unwrap_master
from unlost.vault.format.vaultjson import MAC_LABEL, prove_vault_file, read_vault_file
from unlost.vault.keys.hierarchy import derive, object_key

FOLDER = Path(__file__).parent / "format-1" / "sealed"
EARLIER = FOLDER.parents[1] / "earlier_sheet.txt"  # printed with other words
FILES = {path.name: path.read_bytes() for path in FOLDER.iterdir()}


def test_every_golden_file_is_made_again_byte_for_byte() -> None:
    made = golden()
    assert made.keys() == FILES.keys()
    for name, data in FILES.items():
        assert made[name] == data, name


@pytest.mark.parametrize("name", CONTENTS)
def test_golden_objects_open(name: str) -> None:
    place = ObjectBinding(ObjectKind.MANIFEST, vault=VAULT, org=ORG, name=NAME)
    key = object_key(ORG_KEY, ObjectKind.MANIFEST, NAME)
    assert unseal(FILES[f"{name}.sealed"], place=place, key=key) == CONTENTS[name]


@pytest.mark.parametrize("name", ["service", "passphrase"])
def test_golden_slots_open(name: str) -> None:
    slot = read_slot(FILES[f"{name}.slot"], name=name)
    assert unwrap_master(slot, key=derive(b"S" * 32, slot_folder(name))) == MASTER
    assert keyring().mac(slot_folder(name), slot.proved) == slot.mac


def test_the_golden_vault_file_and_sheet_are_read() -> None:
    data = FILES["vault.json"]
    assert read_vault_file(data).vault == VAULT.hex()
    prove_vault_file(data, mac=lambda body: keyring().mac(MAC_LABEL, body))
    assert read_vault_file(data).format == 1
    for text in (FILES["sheet.txt"].decode(), EARLIER.read_text("utf-8")):
        sheet = parse_recovery_sheet(text)
        assert (sheet.vault, sheet.master) == (VAULT, MASTER)


def test_other_golden_things_in_clear_are_read() -> None:
    keys, org = keyring(), ORG.hex()

    def mac(name: str):
        return lambda master, body: keys.mac(name, body, generation=master)

    proof = read_shredded(FILES["shredded"], name=shredded_name(org), mac=mac(shredded_name(org)))
    assert (proof.org, proof.commits, proof.objects, proof.master) == (org, 3, 40, 1)
    register = read_register(
        FILES["register-renewed"], name=register_name(3), mac=mac(register_name(3))
    )
    assert (register.master, register.shredded) == (2, (org,))
    car = decode(FILES["sidecar"], name="x")
    assert [(one.first, one.rows) for one in car.fences] == [("ab", 3), ("größer", 1)]
    document = msgspec.json.decode(FILES["schema.json"], type=SchemaDocument)
    assert (document.format, document.columns["Task"]["Subject"].code) == (1, 2)

"""Our own codecs, byte for byte, as they were when format 0 was laid down."""

from pathlib import Path

import pytest

from golden.make_sealed import CONTENTS, MASTER, NAME, ORG, ORG_KEY, VAULT, golden, keyring
from unlost.vault.format.recovery import parse_recovery_sheet
from unlost.vault.format.sealed import ObjectKind, Place, unseal
from unlost.vault.format.slots import read_slot, slot_folder, unwrap_master
from unlost.vault.format.vaultjson import MAC_LABEL, prove_vault_file, read_vault_file
from unlost.vault.keys import derive, object_key

FOLDER = Path(__file__).parent / "format-0" / "sealed"


def test_every_golden_file_is_made_again_byte_for_byte() -> None:
    made = golden()
    kept = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert made.keys() == kept.keys()
    for name, data in kept.items():
        assert made[name] == data, name


@pytest.mark.parametrize("name", CONTENTS)
def test_golden_objects_open(name: str) -> None:
    place = Place(ObjectKind.MANIFEST, vault=VAULT, org=ORG, name=NAME)
    key = object_key(ORG_KEY, ObjectKind.MANIFEST, NAME)
    assert unseal((FOLDER / f"{name}.sealed").read_bytes(), place=place, key=key) == CONTENTS[name]


@pytest.mark.parametrize("name", ["service", "passphrase"])
def test_golden_slots_open(name: str) -> None:
    slot = read_slot((FOLDER / f"{name}.slot").read_bytes(), name=name)
    assert unwrap_master(slot, key=derive(b"S" * 32, slot_folder(name))) == MASTER
    assert keyring().mac(slot_folder(name), slot.proved) == slot.mac


def test_the_golden_vault_file_and_sheet_are_read() -> None:
    data = (FOLDER / "vault.json").read_bytes()
    assert read_vault_file(data).vault == VAULT.hex()
    prove_vault_file(data, mac=lambda body: keyring().mac(MAC_LABEL, body))
    sheet = parse_recovery_sheet((FOLDER / "sheet.txt").read_text())
    assert (sheet.vault, sheet.master) == (VAULT, MASTER)

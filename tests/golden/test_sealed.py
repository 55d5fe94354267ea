"""Our own codecs, byte for byte, as they were when the format was laid down."""

from pathlib import Path

import msgspec
import pytest

from golden.make_sealed import (
    CONTENTS,
    FOLLOWER,
    MASTER,
    NAME,
    ORG,
    ORG_KEY,
    OWNER,
    SECRET,
    VAULT,
    first,
    golden,
    keyring,
    renewed,
)
from unlost.vault.format.manifest import SchemaDocument
from unlost.vault.format.recovery import parse_recovery_sheet
from unlost.vault.format.register import read_entry
from unlost.vault.format.sealed import ObjectBinding, ObjectKind, unseal
from unlost.vault.format.sidecar import decode
from unlost.vault.format.slots import SlotPlace, unwrap_key
from unlost.vault.format.vaultjson import MAC_LABEL, prove_vault_file, read_vault_file
from unlost.vault.keys.derivation import derive, object_key
from unlost.vault.keys.owner import is_signed

FOLDER = Path(__file__).parent / "format-1" / "sealed"
EARLIER = FOLDER.parents[1] / "earlier_sheet.txt"  # printed with other words
# Optional fields of tables and columns that a schema has since then, at their defaults.
LATER = (
    b',"grants":[],"stamp_column":null,"merged_into_column":null',
    b',"rank":"other"',
    b',"search":null',
    b',"labels":[]',
    b',"images":false',
    b',"image_columns":[]',
    b',"remarks":null',
    b',"table_column":null,"key_column":null,"separator":null,"families":[]',
)
FILES = {path.name: path.read_bytes() for path in FOLDER.iterdir()}


def test_every_golden_file_is_made_again_byte_for_byte() -> None:
    made = golden()
    assert made.keys() == FILES.keys()
    for name, data in FILES.items():
        for field in LATER:
            made[name] = made[name].replace(field, b"")
        assert made[name] == data, name


@pytest.mark.parametrize("name", CONTENTS)
def test_golden_objects_open(name: str) -> None:
    place = ObjectBinding(ObjectKind.MANIFEST, vault=VAULT, org=ORG, name=NAME)
    key = object_key(ORG_KEY, ObjectKind.MANIFEST, NAME)
    assert unseal(FILES[f"{name}.sealed"], place=place, key=key) == CONTENTS[name]


@pytest.mark.parametrize(("name", "content"), [("service", MASTER), ("passphrase", SECRET)])
def test_golden_slots_open(name: str, content: bytes) -> None:
    signed = read_entry(FILES["register"])
    assert signed is not None
    slot = signed.content(2).slots[name]
    key = derive(b"S" * 32, f"slot/{name}")
    assert unwrap_key(slot, place=SlotPlace(VAULT.hex(), 1, name), key=key) == content


@pytest.mark.parametrize(
    ("name", "number", "owner", "entry"),
    [("register", 2, OWNER, first()), ("register-renewed", 3, FOLLOWER, renewed())],
)
def test_golden_entries_of_the_register_are_read(name: str, number: int, owner, entry) -> None:
    signed = read_entry(FILES[name])
    assert signed is not None
    assert is_signed(signed.message(number), signed.signature, by=owner.public)
    assert signed.content(number) == entry


def test_the_golden_vault_file_and_sheet_are_read() -> None:
    data = FILES["vault.json"]
    assert read_vault_file(data).vault == VAULT.hex()
    prove_vault_file(data, mac=lambda body: keyring().mac(MAC_LABEL, body))
    assert read_vault_file(data).format == 1
    for text in (FILES["sheet.txt"].decode(), EARLIER.read_text("utf-8")):
        sheet = parse_recovery_sheet(text)
        assert (sheet.vault, sheet.secret) == (VAULT, SECRET)


def test_other_golden_things_in_clear_are_read() -> None:
    car = decode(FILES["sidecar"], name="x")
    assert [(one.first, one.rows) for one in car.fences] == [("ab", 3), ("größer", 1)]
    document = msgspec.json.decode(FILES["schema.json"], type=SchemaDocument)
    assert (document.format, document.columns["Task"]["Subject"].code) == (1, 2)

"""Our own codecs, byte for byte, as they were when each format was laid down."""

from pathlib import Path

import msgspec
import pytest

from golden.make_sealed import CONTENTS, MASTER, NAME, ORG, ORG_KEY, VAULT, golden, keyring, sealed
from older import written_before
from unlost.vault.format.manifest import SchemaDocument
from unlost.vault.format.recovery import parse_recovery_sheet
from unlost.vault.format.register import read_register, register_name
from unlost.vault.format.sealed import ObjectKind, Place, unseal
from unlost.vault.format.shredded import read_shredded, shredded_name
from unlost.vault.format.sidecar import decode
from unlost.vault.format.slots import read_slot, slot_folder, unwrap_master
from unlost.vault.format.upgraded import read_mark
from unlost.vault.format.vaultjson import MAC_LABEL, prove_vault_file, read_vault_file
from unlost.vault.keys import derive, object_key

FORMATS = [Path(__file__).parent / name / "sealed" for name in ("format-0", "format-1")]


@pytest.fixture(params=FORMATS, ids=["format-0", "format-1"])
def folder(request: pytest.FixtureRequest) -> Path:
    return request.param


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def agree(made: dict[str, bytes], files: dict[str, bytes]) -> None:
    assert made.keys() == files.keys()
    for name, data in files.items():
        assert made[name] == data, name


def test_every_golden_file_is_made_again_byte_for_byte() -> None:
    agree(golden(), kept(FORMATS[1]))


def test_format_0_differs_in_its_number_alone() -> None:
    """And in what that is bound into: seals and codes."""
    with written_before():
        agree(sealed(), kept(FORMATS[0]))


@pytest.mark.parametrize("name", CONTENTS)
def test_golden_objects_open(folder: Path, name: str) -> None:
    place = Place(ObjectKind.MANIFEST, vault=VAULT, org=ORG, name=NAME)
    key = object_key(ORG_KEY, ObjectKind.MANIFEST, NAME)
    assert unseal((folder / f"{name}.sealed").read_bytes(), place=place, key=key) == CONTENTS[name]


@pytest.mark.parametrize("name", ["service", "passphrase"])
def test_golden_slots_open(folder: Path, name: str) -> None:
    slot = read_slot((folder / f"{name}.slot").read_bytes(), name=name)
    assert unwrap_master(slot, key=derive(b"S" * 32, slot_folder(name))) == MASTER
    assert keyring().mac(slot_folder(name), slot.proved) == slot.mac


def test_the_golden_vault_file_and_sheet_are_read(folder: Path) -> None:
    data = (folder / "vault.json").read_bytes()
    assert read_vault_file(data).vault == VAULT.hex()
    prove_vault_file(data, mac=lambda body: keyring().mac(MAC_LABEL, body))
    assert read_vault_file(data).format == FORMATS.index(folder)
    sheet = parse_recovery_sheet((folder / "sheet.txt").read_text())
    assert (sheet.vault, sheet.master) == (VAULT, MASTER)


def test_other_golden_things_in_clear_are_read() -> None:
    files, keys, org = kept(FORMATS[1]), keyring(), ORG.hex()

    def mac(name: str):
        return lambda master, body: keys.mac(name, body, generation=master)

    proof = read_shredded(files["shredded"], name=shredded_name(org), mac=mac(shredded_name(org)))
    assert (proof.org, proof.commits, proof.objects, proof.master) == (org, 3, 40, 1)
    mark = read_mark(files["marker"], name="format/1", mac=mac("format/1"))
    assert (mark.format, mark.vault, mark.level, mark.master) == (1, VAULT.hex(), "full", 1)
    register = read_register(
        files["register-renewed"], name=register_name(3), mac=mac(register_name(3))
    )
    assert (register.master, register.shredded, register.upgraded) == (2, (org,), 1)
    car = decode(files["sidecar"], name="x")
    assert [(one.first, one.rows) for one in car.fences] == [("ab", 3), ("größer", 1)]
    document = msgspec.json.decode(files["schema.json"], type=SchemaDocument)
    assert (document.format, document.columns["Task"]["Subject"].code) == (1, 2)

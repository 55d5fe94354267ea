"""The golden vault of each format is read for ever: by us, and by the second reader."""

import json
from pathlib import Path

import pytest

from golden.make_vault import TABLES, told
from second_reader.reader import Org, Vault
from unlost.model.snapshot import VerifyLevel
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.opening import open_keyring
from unlost.vault.stores.local import LocalStore
from unlost.vault.unlock import ByRecoverySheet
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import ENTRIES, FILES, RESTORED

FOLDER = Path(__file__).parent / "format-0"


@pytest.fixture(scope="module")
def vault() -> EncryptedVault:
    store, entropy = LocalStore(FOLDER / "vault"), SeededEntropy()
    sheet = (FOLDER / "sheet.txt").read_text(encoding="utf-8")
    keys = open_keyring(store, ByRecoverySheet(sheet), entropy=entropy)
    return open_vault(store, keys=keys, clock=VirtualClock(), entropy=entropy)


@pytest.fixture(scope="module")
def org(vault: EncryptedVault) -> str:
    (org,) = vault.orgs()
    return org


def test_it_holds_what_it_held(vault: EncryptedVault, org: str) -> None:
    expected = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    assert len(expected) == 3 * len(TABLES) * 2 + 4
    assert told(vault, org) == expected


@pytest.mark.parametrize("level", VerifyLevel)
def test_it_is_whole(vault: EncryptedVault, level: VerifyLevel) -> None:
    report = vault.verify(level)
    assert report.damages == ()
    assert report.objects > 40


def test_its_files_open(vault: EncryptedVault, org: str) -> None:
    for stored in vault.at(org, 1).files("ContentVersion", list(FILES)):
        with vault.open_file(org, stored.blob) as stream:
            assert stream.read() == FILES[stored.record]


def test_its_records_are_found(vault: EncryptedVault, org: str) -> None:
    assert [hit.record for hit in vault.search(org, "000007")] == ["001000000000007AAA"]
    assert {hit.table for hit in vault.search(org, "zoe.7@chocolate.example")} == {"Contact"}


def test_its_restore_is_read(vault: EncryptedVault, org: str) -> None:
    assert list(vault.journals(org)) == ["restore-1"]
    assert list(vault.journal(org, "restore-1").read()) == list(ENTRIES)
    assert {row.old: row.live for row in vault.lineage(org)} == RESTORED


def test_the_second_reader_reads_it_too(vault: EncryptedVault, org: str) -> None:
    other = Org(Vault(FOLDER / "vault", (FOLDER / "sheet.txt").read_text("utf-8")), org)
    head = vault.head(org)
    assert head is not None
    assert other.head == vault.at(org, 4).info.head
    assert other.journal("restore-1") == list(ENTRIES)
    for table in TABLES:
        ours = head.scan(table).read_all().column("_u_id").to_pylist()
        assert list(other.live(table, head.info.number)) == ours

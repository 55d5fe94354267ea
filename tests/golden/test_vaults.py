"""The golden vaults of format 1 are read for ever: by us, and by the second reader."""

import json
import shutil
from operator import attrgetter
from pathlib import Path

import pytest

from golden.corners import SPELLED_AGAIN
from golden.make_vaults import MAKERS
from golden.telling import ByReader, Told, in_force, nights, scanned, tables, told
from second_reader.reader import Vault
from sweeps import sampled
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import EncryptedVault, open_vault

ROOT = Path(__file__).parent / "format-1"
NAMES = [maker.__name__ for maker in MAKERS]
FOLDERS = [ROOT / name for name in NAMES]
NAME = attrgetter("name")
MOST = 1_500_000  # bytes that all of them may have


@pytest.fixture(scope="module", params=FOLDERS, ids=NAME)
def folder(request: pytest.FixtureRequest) -> Path:
    return request.param


def opened(folder: Path) -> EncryptedVault:
    store, entropy = LocalStore(folder / "vault"), SeededEntropy()
    sheet = (folder / "sheet.txt").read_text(encoding="utf-8")
    keys = open_keyring(store, ByRecoverySheet(sheet), entropy=entropy)
    return open_vault(store, keys=keys, clock=VirtualClock(), entropy=entropy)


def read_expected(folder: Path) -> Told:
    content: Told = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def vault(folder: Path) -> EncryptedVault:
    return opened(folder)


@pytest.fixture(scope="module")
def expected(folder: Path) -> Told:
    return read_expected(folder)


@pytest.fixture(scope="module")
def org(vault: EncryptedVault) -> str:
    (org,) = vault.orgs()
    return org


def test_there_is_a_vault_for_each_maker_and_all_are_small() -> None:
    assert {one.name for one in ROOT.iterdir()} == {*NAMES, "sealed"}
    assert sum(one.stat().st_size for one in ROOT.rglob("*") if one.is_file()) < MOST


def test_it_tells_what_it_told(vault: EncryptedVault, expected: Told) -> None:
    assert told(vault) == expected


def test_a_scan_tells_each_record_as_it_was(
    vault: EncryptedVault, expected: Told, org: str
) -> None:
    """But for a row that says the same in another spelling: see the corners."""
    for night in nights(vault, org):
        for table in tables(vault, org):
            rows = scanned(vault, org, night, table)
            told_before = in_force(expected[org], night, table)
            differing = {one for one in rows if rows[one] != told_before[one]}
            assert rows.keys() == told_before.keys()
            assert differing <= {SPELLED_AGAIN}


@pytest.mark.parametrize("level", VerifyLevel)
def test_it_is_whole(vault: EncryptedVault, level: VerifyLevel) -> None:
    report = vault.verify(level)
    assert report.damages == ()
    assert report.objects > 20


def test_it_has_the_format_that_it_says(folder: Path, expected: Told) -> None:
    """All that is sealed begins with the number."""
    numbers = {
        file.read_bytes()[7]
        for file in (folder / "vault").rglob("*")
        if file.is_file() and file.read_bytes()[:7] == b"UNLOSTS"
    }
    assert numbers == {expected["format"]} == {1}


def test_the_second_reader_reads_it_too(folder: Path, expected: Told, org: str) -> None:
    sheet, own = (folder / "sheet.txt").read_text(encoding="utf-8"), expected[org]
    other = Vault(folder / "vault", sheet)
    assert other.orgs() == [org]
    for gone, said in expected["shredded"].items():
        proof = other.shredded[gone]
        assert said == f"{proof['commits']} commits, {proof['at']}"
    theirs = ByReader(other, org)
    assert theirs.org.check_objects() > 8
    for night, by_table in own["nights"].items():
        alive = {table: one["alive"] for table, one in by_table.items()}
        assert theirs.night(int(night)) == alive
        for record, body in own["files"][night].items():
            assert theirs.file(record, int(night)) == body
    for run, entries in own["journals"].items():
        assert theirs.journal(run) == entries


def test_the_second_reader_tells_the_same_history(folder: Path, expected: Told, org: str) -> None:
    sheet = (folder / "sheet.txt").read_text(encoding="utf-8")
    theirs = ByReader(Vault(folder / "vault", sheet), org)
    count = 0
    for table, records in expected[org]["records"].items():
        for record, versions in records.items():
            for version in versions:
                assert theirs.version(table, record, version["in"]) == version
                count += 1
    assert count > {"corners": 20}.get(folder.name, 200)


def test_row_hashes_follow_from_the_cells(folder: Path, expected: Told, org: str) -> None:
    sheet = (folder / "sheet.txt").read_text(encoding="utf-8")
    theirs = ByReader(Vault(folder / "vault", sheet), org)
    for table in (*expected[org]["records"], "$files", "$hidden", "$lineage", "$suppressed"):
        hashes = theirs.hashes(table)
        assert [stands for stands, _ in hashes] == [follows for _, follows in hashes]
    assert len(theirs.hashes("$files")) >= 5


@pytest.mark.parametrize("folder", sampled(FOLDERS, every=4, name=NAME))
def test_it_goes_on(folder: Path, tmp_path: Path) -> None:
    """A vault accepts another backup after each kind of maintenance."""
    # The fixture of the module may still hold the vault of another test.
    expected = read_expected(folder)
    shutil.copytree(folder, tmp_path / "copy")
    again = opened(tmp_path / "copy")
    (org,) = again.orgs()
    again.compact(org, run="compact-now")
    again.sweep(org, run="sweep-now")
    assert again.verify(VerifyLevel.DEEP).damages == ()
    left = told(again)[org]
    assert {name: left[name] for name in ("nights", "records", "files")} == {
        name: expected[org][name] for name in ("nights", "records", "files")
    }
    # The compaction renews the words: what was found is found, and by the domain of its mail.
    for text, found in expected[org]["search"].items():
        assert set(found) <= set(left["search"][text])

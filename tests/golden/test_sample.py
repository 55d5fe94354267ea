"""The sample vault is a golden vault, and everything that its page says about it is so."""

import base64
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet.encryption import create_decryption_properties, create_encryption_properties

from golden.make_sample import members
from second_reader.page import PAGES, blocks, text_of
from second_reader.reader import Org, Vault

ARCHIVE = PAGES / "sample-vault.zip"
MOST = 100_000  # bytes
COMMIT = re.compile(r"^\| (\d) \| `(\w+)` \| `([0-9a-f]{64})` \| ([\d |]+) \|$", re.MULTILINE)
TABLES = ("Account", "Contact", "Task", "ContentVersion")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, unpacked beside itself."""
    folder = tmp_path_factory.mktemp("sample")
    (folder / ARCHIVE.name).write_bytes(ARCHIVE.read_bytes())
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def org(folder: Path) -> Org:
    """The org, read with the sheet that the page prints."""
    _, sheet, _ = blocks("sample-vault", "text")
    vault = Vault(folder / "vault", sheet)
    return Org(vault, *vault.orgs())


def test_the_archive_is_small_and_equals_the_golden_vault() -> None:
    with zipfile.ZipFile(ARCHIVE) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == members()
    assert ARCHIVE.stat().st_size < MOST


def test_the_program_on_the_page_prints_what_the_page_says(folder: Path) -> None:
    (program,) = blocks("sample-vault", "python")
    service_key, _, output = blocks("sample-vault", "text")
    assert service_key.splitlines()[3] in program
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True,
        env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.stdout == output


def test_the_table_of_commits_is_what_the_second_reader_finds(org: Org) -> None:
    commits = COMMIT.findall(text_of("sample-vault"))
    assert len(commits) == len(org.manifests) == 4
    heads = [*(one["parent"] for one in org.manifests[1:]), org.head]
    for manifest, head, (number, kind, told, counts) in zip(
        org.manifests, heads, commits, strict=True
    ):
        assert (int(number), kind, told) == (manifest["seq"], manifest["kind"], head)
        alive = [len(org.live(table, int(number))) for table in TABLES]
        assert [int(one) for one in counts.split(" | ")] == alive


def test_the_page_names_a_long_text(org: Org) -> None:
    assert "`001000000000007AAA`" in text_of("sample-vault")
    (first, *_) = org.versions("Account", 1)["001000000000007AAA"]
    assert len(first["Notes__c"].encode()) > 65_536


def opened(org: Org) -> Iterator[tuple[Path, bytes, bytes]]:
    """Path, key and AAD prefix of each object with rows."""
    entries = [entry for _, entry in org.segments.values()]
    for name, epoch in sorted({(org._object(entry), entry["epoch"]) for entry in entries}):
        key = org.vault.object_key(name, "segment", org.org, epoch)
        prefix = org.vault.vault + bytes.fromhex(org.org) + name.encode()
        yield org.vault.folder / name, key, prefix


def rows_of(path: Path, key: bytes, prefix: bytes) -> pa.Table:
    properties = create_decryption_properties(key, aad_prefix=prefix)
    return pq.read_table(path, decryption_properties=properties)


def test_polars_reads_what_pyarrow_reads_but_no_metadata(org: Org) -> None:
    for path, key, prefix in opened(org):
        own = pl.ParquetDecryptionProperties(footer_key=key, aad_prefix=prefix)
        rows = pl.read_parquet(path, decryption=own)
        assert rows.equals(pl.DataFrame(rows_of(path, key, prefix)))
        with pytest.raises(pl.exceptions.ComputeError):
            pl.read_parquet_metadata(path)


def test_duckdb_reads_no_segment_for_want_of_a_prefix(org: Org, tmp_path: Path) -> None:
    """It reads the same rows under the same key where there is no prefix."""
    for path, key, prefix in opened(org):
        rows, plain = rows_of(path, key, prefix), tmp_path / path.name
        properties = create_encryption_properties(key)
        pq.write_table(rows, plain, encryption_properties=properties, store_schema=False)
        duck = duckdb.connect()
        duck.execute(f"PRAGMA add_parquet_key('k', '{base64.b64encode(key).decode()}')")
        query = "SELECT count(*) FROM read_parquet('{}', encryption_config = {{{}}})"
        with pytest.raises(duckdb.InvalidInputException, match="AES tag differs"):
            duck.sql(query.format(path, "footer_key: 'k'")).fetchall()
        with pytest.raises(duckdb.BinderException, match="aad_prefix"):
            duck.sql(query.format(path, "footer_key: 'k', aad_prefix: 'p'")).fetchall()
        assert duck.sql(query.format(plain, "footer_key: 'k'")).fetchall() == [(len(rows),)]

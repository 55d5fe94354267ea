"""An ordinary program of Spark reads exports as they were written: files, values, and the nights of Delta tables."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from hostile import Folder, make, names
from smallvault import TABLE
from unlost.outside.delta import export_delta
from unlost.outside.exporting import ExportKind, export_files
from unlost.outside.formats import ExportFormat
from unlost.outside.source import TableContent

pytestmark = [pytest.mark.spark, pytest.mark.network]

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".spark" / "python" / "bin" / "python"
READER = Path(__file__).with_name("spark_reader.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return make(tmp_path_factory.mktemp("vault"))


@pytest.fixture(scope="module")
def lake(folder: Folder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of all kinds, and beside them what Spark read of them."""
    root = tmp_path_factory.mktemp("lake")
    vault, org = folder.small.vault, folder.small.org
    for number in (1, 2, 3):
        head = vault.at(org, number)
        texts = ExportKind("oid", ExportFormat.PARQUET)
        export_files(head, [TABLE], texts, out=root / f"texts{number}")
        delta = ExportKind("oid", ExportFormat.DELTA)
        list(
            export_delta(
                head, [TABLE], delta, out=root / "delta", before=lambda n: vault.at(org, n)
            )
        )
    values = ExportKind("oid", ExportFormat.PARQUET, TableContent.VERSIONS, values=True)
    export_files(vault.at(org, 3), [TABLE], values, out=root / "values")
    asked = [
        *(f"texts{number}=parquet:{root}/texts{number}/Thing.parquet" for number in (1, 2, 3)),
        *(f"delta{number}=delta@{number - 1}:{root}/delta/Thing" for number in (1, 2, 3)),
        f"newest=delta:{root}/delta/Thing",
        f"values=parquet:{root}/values/Thing.parquet",
    ]
    subprocess.run([PYTHON, READER, root, *asked], check=True, timeout=240)
    return root


def read(lake: Path, name: str) -> pa.Table:
    return feather.read_table(lake / f"{name}.arrow")


def cells(rows: pa.Table, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows in the order of their ids; Delta's names differ by more than case."""
    back = rows.rename_columns([{"name_2": "name"}.get(name, name) for name in rows.column_names])
    return sorted(back.select(["_u_id", *columns]).to_pylist(), key=lambda row: row["_u_id"])


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("form", ["texts", "delta"])
def test_spark_reads_every_cell_of_every_night(
    lake: Path, folder: Folder, form: str, number: int
) -> None:
    expected = folder.expected(number)
    assert cells(read(lake, f"{form}{number}"), names(number)) == expected
    counted = read(lake, f"{form}{number}.count").to_pylist()
    assert counted == [{"n": len(expected), "ids": len(expected)}]


def test_spark_reads_the_newest_night(lake: Path, folder: Folder) -> None:
    assert cells(read(lake, "newest"), names(3)) == folder.expected(3)


def test_spark_reads_values_as_they_are(lake: Path) -> None:
    written = pq.read_table(lake / "values" / "Thing.parquet")
    order = [("_u_id", "ascending"), ("_u_snap", "ascending")]
    seen = read(lake, "values").select(written.column_names).sort_by(order)
    assert seen.to_pylist() == written.sort_by(order).to_pylist()

"""Exports read back equal by programs of others, night after night, and are never half."""

import fcntl
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from hostile import HOSTILE, Folder, make, names
from smallvault import COLUMNS, TABLE, SmallVault, finish, rows, schema
from unlost.model.errors import Conflict, StoreError, UsageError
from unlost.model.ports.vault import Snapshot
from unlost.outside import exporting
from unlost.outside.delta import export_delta
from unlost.outside.exporting import ExportKind, check_kind, export_files, paths_of
from unlost.outside.formats import ExportFormat
from unlost.outside.source import TableContent, distinct

PARQUET, DELTA, CSV = (ExportKind("oid", form) for form in (ExportFormat.PARQUET, ExportFormat.DELTA, ExportFormat.CSV))  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return make(tmp_path_factory.mktemp("vault"))


def at(small: SmallVault, number: int) -> Snapshot:
    return small.vault.at(small.org, number)


def carry(small: SmallVault, number: int, out: Path, kind: ExportKind = DELTA) -> exporting.TableExport:  # fmt: skip
    (told,) = export_delta(at(small, number), [TABLE], kind, out=out, before=lambda n: at(small, n))
    return told


def cells(table: pa.Table, columns: Sequence[str]) -> list[dict[str, Any]]:
    return sorted(table.select(["_u_id", *columns]).to_pylist(), key=lambda row: row["_u_id"])


@pytest.mark.parametrize("number", [1, 2, 3])
def test_parquet_reads_back_equal(folder: Folder, tmp_path: Path, number: int) -> None:
    out = tmp_path / "out"
    receipt = export_files(at(folder.small, number), [TABLE], PARQUET, out=out)
    expected, file = folder.expected(number), out / "Thing.parquet"
    assert receipt.tables[0].rows == len(expected)
    assert cells(pq.read_table(file), names(number)) == expected
    assert cells(pl.read_parquet(file).to_arrow(), names(number)) == expected
    text = duckdb.sql(f'SELECT _u_id, "Name", "Text" FROM \'{file}\' ORDER BY 1').fetchall()
    assert text == [(row["_u_id"], row["Name"], row["Text"]) for row in expected]
    assert sorted(path.name for path in out.iterdir()) == ["Thing.parquet", "unlost-export.json"]


def test_csv_tells_null_from_empty(folder: Folder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_files(at(folder.small, 3), [TABLE], CSV, out=out)
    read = pacsv.read_csv(
        out / "Thing.csv",
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        read_options=pacsv.ReadOptions(block_size=1 << 24),
        convert_options=pacsv.ConvertOptions(
            strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""],
            column_types=dict.fromkeys(names(3), pa.string()),
        ),
    )  # fmt: skip
    assert cells(read, names(3)) == folder.expected(3)


def test_formulas_are_changed_only_for_people(folder: Folder, tmp_path: Path) -> None:
    people = ExportKind("oid", ExportFormat.CSV, people=True)
    told = export_files(at(folder.small, 1), [TABLE], people, out=tmp_path / "people").tables[0]
    plain = export_files(at(folder.small, 1), [TABLE], CSV, out=tmp_path / "plain").tables[0]
    assert (told.changed, plain.changed) == (2, 0)
    assert b"\"'=HYPERLINK(" in (tmp_path / "people" / "Thing.csv").read_bytes()
    assert b'"=HYPERLINK(' in (tmp_path / "plain" / "Thing.csv").read_bytes()


def test_versions_and_values_in_parquet(folder: Folder, tmp_path: Path) -> None:
    kind = ExportKind("oid", ExportFormat.PARQUET, TableContent.VERSIONS, values=True)
    told = export_files(at(folder.small, 3), [TABLE], kind, out=tmp_path / "out").tables[0]
    read = pq.read_table(tmp_path / "out" / "Thing.parquet")
    assert told.misfits == 4
    assert str(read.schema.field("Amount").type) == "decimal128(38, 12)"
    assert {row["_u_op"] for row in read.to_pylist()} == {"U", "P", "D", "M"}


@pytest.mark.parametrize("values", [False, True])
def test_delta_has_the_nights_as_versions(folder: Folder, tmp_path: Path, values: bool) -> None:
    kind, out = ExportKind("oid", ExportFormat.DELTA, values=values), tmp_path / "out"
    told = [carry(folder.small, number, out, kind) for number in (1, 2, 3)]
    assert [(one.version, one.whole) for one in told] == [(0, True), (1, False), (2, False)]
    assert [one.rows for one in told] == [500 + len(HOSTILE), 11, 4]
    for number in (1, 2, 3):
        read = DeltaTable(out / "Thing", version=number - 1).to_pyarrow_table()
        assert len(read) == len(folder.expected(number))
        if not values:
            back = read.rename_columns([{"name_2": "name"}.get(n, n) for n in read.column_names])
            assert cells(back, names(number)) == folder.expected(number)
    again = carry(folder.small, 3, out, kind)
    assert (again.version, again.rows) == (2, 0)
    with pytest.raises(Conflict) as newer:
        carry(folder.small, 2, out, kind)
    assert newer.value.code == "delta-newer"


def test_polars_and_duckdb_read_delta(folder: Folder, tmp_path: Path) -> None:
    for number in (1, 3):
        carry(folder.small, number, tmp_path)
    read = duckdb.from_arrow(DeltaTable(tmp_path / "Thing").to_pyarrow_dataset())
    expected = [(row["_u_id"], row["Text"]) for row in folder.expected(3)]
    assert read.query("data", 'SELECT _u_id, "Text" FROM data ORDER BY 1').fetchall() == expected
    frame = pl.scan_delta(str(tmp_path / "Thing")).select("_u_id", "Text").collect()
    assert sorted(frame.rows()) == expected


def test_a_column_that_goes_writes_all_anew(tmp_path: Path) -> None:
    small = SmallVault()
    small.night("r1", *((f"{n}", "U", {"Name": f"N{n}", "Phone": "1"}) for n in range(5)))
    carry(small, 1, tmp_path)
    commit = small.begin("r2", put=schema("Name", "Amount"))
    finish(commit, commit.add(TABLE, [rows(("0", "U", {"Name": "x"}), names=("Name", "Amount"))]))
    told = carry(small, 2, tmp_path)
    assert (told.version, told.whole) == (1, True)
    table = DeltaTable(tmp_path / "Thing")
    assert "Phone" not in [field.name for field in table.schema().fields]
    commit = small.begin("r3", put=schema(*COLUMNS))  # and comes back with what it had
    finish(commit, commit.add(TABLE, [rows(("1", "U", {"Name": "y"}))]))
    told = carry(small, 3, tmp_path)
    assert (told.version, told.whole) == (2, True)
    read = DeltaTable(tmp_path / "Thing").to_pyarrow_table()
    assert cells(read, ["Phone"]) == [
        {"_u_id": row["_u_id"], "Phone": row["Phone"]}
        for row in at(small, 3).scan(TABLE).read_all().to_pylist()
    ]


def test_a_delta_table_of_somebody_else_is_left_alone(folder: Folder, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "Thing", pa.table({"x": [1]}))
    with pytest.raises(Conflict) as strange:
        carry(folder.small, 1, tmp_path)
    assert strange.value.code == "delta-strange"
    other = ExportKind("another", ExportFormat.DELTA)
    with pytest.raises(Conflict) as mixed:
        carry(folder.small, 1, tmp_path, other)
    assert mixed.value.code == "export-other"


def test_an_earlier_snapshot_that_is_gone_writes_all_anew(folder: Folder, tmp_path: Path) -> None:
    carry(folder.small, 1, tmp_path)
    (told,) = export_delta(at(folder.small, 2), [TABLE], DELTA, out=tmp_path, before=lambda _: None)
    assert (told.version, told.whole) == (1, True)


def test_a_cut_export_goes_on(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, draft = tmp_path / "out", tmp_path / ".out.unlost-part"
    whole = exporting.write_parquet
    monkeypatch.setattr(exporting, "write_parquet", _cut)
    with pytest.raises(StoreError) as cut:
        export_files(at(folder.small, 3), [TABLE], PARQUET, out=out)
    assert cut.value.code == "export-not-written"
    assert not out.exists()
    assert not (draft / "Thing.parquet").exists()
    monkeypatch.setattr(exporting, "write_parquet", whole)
    with pytest.raises(Conflict) as other:
        export_files(at(folder.small, 2), [TABLE], PARQUET, out=out)
    assert other.value.code == "export-other"
    export_files(at(folder.small, 3), [TABLE], PARQUET, out=out)
    assert cells(pq.read_table(out / "Thing.parquet"), names(3)) == folder.expected(3)
    assert not draft.exists()
    with pytest.raises(Conflict) as there:
        export_files(at(folder.small, 3), [TABLE], PARQUET, out=out)
    assert there.value.code == "export-exists"


def test_what_is_whole_is_not_written_again(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = Path.rename
    monkeypatch.setattr(Path, "rename", _full)
    with pytest.raises(StoreError):
        export_files(at(folder.small, 3), [TABLE], PARQUET, out=tmp_path / "out")
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(exporting, "write_parquet", _cut)
    told = export_files(at(folder.small, 3), [TABLE], PARQUET, out=tmp_path / "out")
    assert told.tables[0].rows == len(folder.expected(3))


def test_a_receipt_that_nobody_can_read_is_left_alone(folder: Folder, tmp_path: Path) -> None:
    draft = tmp_path / ".out.unlost-part"
    draft.mkdir()
    (draft / "unlost-export.json").write_text("half")
    with pytest.raises(Conflict):
        export_files(at(folder.small, 3), [TABLE], PARQUET, out=tmp_path / "out")


def test_one_export_at_a_time(folder: Folder, tmp_path: Path) -> None:
    with (tmp_path / ".unlost-lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict) as busy:
            carry(folder.small, 1, tmp_path)
    assert busy.value.code == "export-busy"


def _cut(batches: Any, *_: Any) -> None:
    next(iter(batches))
    raise OSError(28, "No space left on device")


def _full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_delta_table_that_cannot_be_written_says_so(folder: Folder, tmp_path: Path) -> None:
    carry(folder.small, 1, tmp_path)
    for log in (tmp_path / "Thing" / "_delta_log").iterdir():
        log.write_bytes(b"not json")
    with pytest.raises(StoreError) as damaged:
        carry(folder.small, 2, tmp_path)
    assert damaged.value.code == "export-not-written"


def test_without_deltalake_the_extra_is_named(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError) as missing:
        carry(folder.small, 1, tmp_path)
    assert "unlost[delta]" in missing.value.next_step


@pytest.mark.parametrize(
    "kind",
    [ExportKind("o", ExportFormat.CSV, values=True), ExportKind("o", ExportFormat.DELTA, TableContent.VERSIONS)],
)  # fmt: skip
def test_what_does_not_go_together(kind: ExportKind) -> None:
    with pytest.raises(UsageError):
        check_kind(kind)


def test_names_of_files_and_columns() -> None:
    assert distinct(["a", "A", "a_2", "A"]) == ["a", "A_3", "a_2", "A_4"]
    assert paths_of(["a/b", "A", "a"], PARQUET) == {
        "a/b": "a%2Fb.parquet", "A": "A.parquet", "a": "a_2.parquet",
    }  # fmt: skip

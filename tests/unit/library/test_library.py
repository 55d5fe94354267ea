"""The public API: what it gives is what the vault holds, whoever reads it."""

import concurrent.futures
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import dask
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import unlost
from hostile import HOSTILE, Folder, names
from smallvault import TABLE
from unlost.library import Partition, ReadableSnapshot, ReadableTable
from unlost.model.errors import NotAllowed, NotFound, StoreError, UsageError


@pytest.fixture
def vault(folder: Folder) -> unlost.library.ReadableVault:
    return unlost.open_vault(folder.path, key_file=folder.key_file)


def at(folder: Folder, number: int | str = "latest") -> ReadableSnapshot:
    return unlost.open_vault(folder.path, key_file=folder.key_file).org("The org").at(number)


def told(rows: pa.Table, number: int) -> list[dict[str, str | None]]:
    return [{n: row[n] for n in ("_u_id", *names(number))} for row in rows.to_pylist()]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("merged", [False, True])
def test_every_reader_gets_every_cell(folder: Folder, number: int, merged: bool) -> None:
    if merged:
        folder.small.vault.compact(folder.small.org, run=f"merge-{number}")
    table, expected = at(folder, number).table(TABLE), folder.expected(number)
    assert {row["Name"] for row in expected} >= set(HOSTILE.values()) - {"NA"}
    assert told(table.to_arrow(), number) == expected
    assert told(table.to_polars().to_arrow(), number) == expected
    assert told(pa.Table.from_batches(table.batches()), number) == expected
    lazy = pl.scan_pyarrow_dataset(table.dataset()).collect()
    assert told(lazy.to_arrow(), number) == expected
    parts = [part.to_arrow() for part in table.partitions(rows=100)]
    assert told(pa.concat_tables(parts), number) == expected
    things = table.dataset()
    picked = duckdb.sql('select _u_id, Name, "Text" from things').fetchall()
    assert things.count_rows() == len(picked)
    assert picked == [(row["_u_id"], row["Name"], row["Text"]) for row in expected]


def test_dask_reads_parts_in_other_processes(folder: Folder) -> None:
    table = at(folder).table(TABLE)
    parts = table.partitions(rows=100)
    assert len(parts) > 1
    with concurrent.futures.ProcessPoolExecutor(
        2, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        read = dask.compute(*[dask.delayed(part.to_arrow)() for part in parts], scheduler="processes", pool=pool)  # fmt: skip
    assert told(pa.concat_tables(read), 3) == folder.expected(3)


def test_a_pickle_holds_no_key(folder: Folder) -> None:
    part = at(folder).table(TABLE).partitions()[0]
    text = pickle.dumps(part)
    assert folder.key_file.name.encode() in text
    key = folder.key_file.read_text().split()[4]
    keys = folder.small.keys
    for secret in (key.encode(), bytes.fromhex(key), keys.master(), keys.owner.known_secret()):
        assert secret not in text
    assert pickle.loads(text) == part


def test_what_a_pickle_of_the_other_ways_in_holds(folder: Folder, tmp_path: Path) -> None:
    words = unlost.open_vault(folder.path, passphrase=folder.passphrase)
    part = words.org("The org").at().table(TABLE).partitions()[0]
    assert folder.passphrase.encode() in pickle.dumps(part)
    assert folder.passphrase not in repr(words)
    sheet = tmp_path / "sheet.txt"
    sheet.write_text(folder.sheet)
    by_file = unlost.open_vault(folder.path, recovery=sheet)
    part = pickle.loads(pickle.dumps(by_file.org("The org").at().table(TABLE).partitions()[0]))
    assert isinstance(part, Partition)
    assert part.to_arrow().num_rows == len(folder.expected(3))
    by_text = unlost.open_vault(folder.path, recovery=folder.sheet)
    with pytest.raises(UsageError, match="is the owner's secret"):
        pickle.dumps(by_text.org("The org").at().table(TABLE).partitions())
    assert folder.sheet[:20] not in repr(by_text)
    sheet.unlink()
    with pytest.raises(NotAllowed) as missing:
        unlost.open_vault(folder.path, recovery=tmp_path / "none.txt")
    assert missing.value.code == "key-missing"
    with pytest.raises(TypeError, match="partitions"):
        pickle.dumps(part.dataset())


def test_typed_columns_round_nothing(folder: Folder) -> None:
    table = at(folder).table(TABLE, typed=True)
    assert str(table.schema.field("Amount").type) == "decimal128(38, 12)"
    rows = {row["_u_id"]: row for row in table.to_arrow().to_pylist()}
    row = rows["n0050"]
    assert (str(row["Amount"]), row["Flag"], row["Count"]) == ("50.500000000000", True, 50)
    assert row["Seen"].isoformat() == "2026-02-28T10:00:00+00:00"
    odd = rows["odd"]
    assert (str(odd["Amount"]), odd["Count"], odd["Day"], odd["Flag"], odd["Seen"]) == (
        "10000000.000000000000", None, None, None, None,
    )  # fmt: skip
    assert table.misfits == {"Count": 1, "Day": 1, "Flag": 1, "Seen": 1}
    assert table.lost == 0
    texts = at(folder).table(TABLE).to_arrow(["Count"], where=pc.field("_u_id") == "odd")
    assert texts.to_pylist() == [{"Count": "9223372036854775808"}]


def test_history_is_what_the_vault_tells_of_each_record(folder: Folder) -> None:
    history = at(folder).table(TABLE).history()
    for record in ("n0001", "n0002", "n0050", "hNA", "new"):
        rows = history.to_arrow(where=pc.field("_u_id") == record).to_pylist()
        every = folder.small.vault.history(folder.small.org, TABLE, record)
        assert [(r["_u_snap"], r["_u_op"], r["Name"]) for r in rows] == [
            (one.snapshot, one.op.value, one.cells.get("Name")) for one in every
        ]
        assert [r["_u_valid_to"] for r in rows] == [*(one.snapshot for one in every[1:]), None]
    parts = [part.to_arrow() for part in history.partitions(rows=100)]
    assert pa.concat_tables(parts).equals(history.to_arrow())
    assert repr(history) == "Table('Thing', snapshot 3, versions)"


def test_filters_and_columns(folder: Folder) -> None:
    table = at(folder).table(TABLE)
    whole = pl.from_arrow(table.to_arrow())
    assert isinstance(whole, pl.DataFrame)
    for where, own in (
        (pc.field("_u_id") == "n0050", pl.col("_u_id") == "n0050"),
        (pc.field("Name").is_null(), pl.col("Name").is_null()),
        (pc.field("_u_snap") > 1, pl.col("_u_snap") > 1),
        (pc.field("Name") == "nobody", pl.lit(value=False)),
        (pc.starts_with(pc.field("Name"), "N"), pl.col("Name").str.starts_with("N")),
    ):
        for columns in (None, ["Phone"], ["_u_id", "Name", "Text", "Phone", "Amount", "Seen"]):
            wanted = whole.filter(own).select(columns or pl.all())
            assert table.to_polars(columns, where).equals(wanted)
        assert table.count(where) == len(whole.filter(own))
    assert table.count() == len(whole)
    assert table.partitions()[0].to_polars(["Name"]).equals(whole.select("Name"))
    assert sum(len(b) for b in table.partitions()[0].batches(["Name"])) == len(whole)


def test_a_dataset_answers_as_pyarrows_do(folder: Folder) -> None:
    data = at(folder).table(TABLE).dataset()
    whole = data.to_table()
    assert data.head(3).equals(whole.slice(0, 3))
    assert data.take(pa.array([2, 0])).equals(whole.take([2, 0]))
    made = data.to_table(columns={"Twice": pc.add(pc.field("_u_snap"), pc.field("_u_snap"))})
    assert made.column(0).to_pylist() == [2 * n for n in whole.column("_u_snap").to_pylist()]
    assert data.scanner(columns=[]).to_table().num_columns == 0
    assert sum(len(b) for b in data.to_batches(columns=["Name"])) == len(whole)
    assert data.scanner().dataset_schema == data.schema
    assert str(data.partition_expression) == "true"
    assert "snapshot 3" in repr(data)
    for never in (data.get_fragments, data.scanner().scan_batches):
        with pytest.raises(UsageError) as refused:
            never()
        assert refused.value.code == "dataset-no-fragments"


def test_wide_filters_look_records_up(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    table = at(folder).table(TABLE)
    expected = table.to_arrow().filter(pc.field("_u_id") == "n0050")
    for few in (1, 10**9):
        monkeypatch.setattr("unlost.outside.dataset.FEW", few)
        assert table.to_arrow(where=pc.field("_u_id") == "n0050").equals(expected)


def test_names(vault: unlost.library.ReadableVault) -> None:
    assert vault.orgs() == ["The org"]
    assert repr(vault.org("T1")) == "Org('T1')"
    org = vault.org("The org")
    assert [one.number for one in org.snapshots()] == [1, 2, 3]
    snapshot = org.at(org.snapshots()[0].as_of)
    assert snapshot.number == 3  # all began at the same instant
    assert snapshot.tables() == [TABLE]
    assert len(snapshot.head) == 64
    assert repr(snapshot).startswith("Snapshot(3, 2026-")
    assert isinstance(snapshot.table("thing"), ReadableTable)
    assert snapshot.table(TABLE).name == TABLE
    with pytest.raises(NotFound) as wrong:
        vault.org("the orgs")
    assert "The org" in wrong.value.next_step
    with pytest.raises(NotFound) as wrong:
        snapshot.table("Thigh")
    assert "Did you mean Thing" in wrong.value.next_step
    with pytest.raises(NotFound) as wrong:
        snapshot.table("xyz")
    assert "unlost certificate" in wrong.value.next_step
    with pytest.raises(NotFound) as wrong:
        snapshot.table(TABLE).to_arrow(["Nam"])
    assert "Name" in wrong.value.next_step
    with pytest.raises(NotFound) as wrong:
        snapshot.table(TABLE).to_arrow(["§"])
    assert "case-sensitive" in wrong.value.next_step
    with pytest.raises(UsageError):
        org.at(True)


@pytest.mark.parametrize("ways", [{}, {"passphrase": "a", "recovery": "b"}])
def test_there_is_one_way_in(folder: Folder, ways: dict[str, str]) -> None:
    with pytest.raises(UsageError) as unclear:
        unlost.open_vault(folder.path, **ways)  # type: ignore[arg-type]
    assert unclear.value.code == "way-in-unclear"


def test_nothing_is_written(folder: Folder) -> None:
    vault = unlost.open_vault(folder.path, key_file=folder.key_file)
    before = sorted(path for path in folder.path.rglob("*"))
    vault.org("The org").at().table(TABLE).to_arrow()
    assert sorted(path for path in folder.path.rglob("*")) == before
    store = vault._vault.sealed.store
    for write in (
        lambda: store.put_new("x", b""),
        lambda: store.put_stream("x", ()),
        lambda: store.delete("vault.json"),
    ):
        with pytest.raises(StoreError) as refused:
            write()
        assert refused.value.code == "store-read-only"
    clock, entropy = vault._vault._clock, vault._vault.sealed.entropy
    for untold in (
        clock.now,
        clock.monotonic,
        entropy.fraction,
        lambda: clock.sleep(1),
        lambda: entropy.bytes(1),
    ):
        with pytest.raises(StoreError) as refused:
            untold()
        assert refused.value.code == "store-read-only"


def test_importing_unlost_imports_hardly_anything() -> None:
    code = "import sys, unlost; print([m for m in ('pyarrow', 'polars', 'duckdb', 'django') if m in sys.modules])"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError):
        _ = unlost.nothing


def test_records_are_found_and_tell_their_story(vault: unlost.library.ReadableVault) -> None:
    org = vault.org("The org")
    assert [hit.record for hit in org.find("N3")][:1] == ["n0003"]
    assert "n0002" not in [hit.record for hit in org.find("N2")]
    former = {hit.record: hit.value for hit in org.find("N2", former=True, limit=200) if hit.former}
    assert former["n0002"] == "N2"
    story = org.history(TABLE, "n0002")
    assert [event.kind for event in story] == ["created", "deleted"]
    with pytest.raises(NotFound):
        org.history(TABLE, "nobody")

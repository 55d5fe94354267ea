"""SQL over snapshots: what it sees, and what it cannot reach."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hostile import HOSTILE, Folder, make
from smallvault import TABLE
from unlost.model.errors import IntegrityError, LimitReached, NotFound, UsageError
from unlost.outside import sql
from unlost.vault.layout import object_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return make(tmp_path_factory.mktemp("vault"))


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def ask(folder: Folder, work: Path, statement: str, number: int = 3) -> list[dict[str, Any]]:
    """The rows of a statement over an org named “a b”."""
    vault, org = folder.small.vault, folder.small.org
    named = sql.tables_named(statement)
    reads = sql.reads_of(named, orgs=["a b"], snapshot=lambda _: vault.at(org, number))
    with sql.running(statement, reads, work=work) as running:
        rows: list[dict[str, Any]] = running.rows.read_all().to_pylist()
    return rows


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_cell_is_there_verbatim(folder: Folder, work: Path, number: int) -> None:
    rows = ask(folder, work, f'SELECT * FROM "a b".{TABLE}_text ORDER BY _u_id', number)
    expected = folder.expected(number)
    assert [row["Name"] for row in rows] == [row["Name"] for row in expected]
    assert [row["Text"] for row in rows] == [row["Text"] for row in expected]
    if number > 1:  # this name differs from another by its case alone
        assert [row["name_2"] for row in rows] == [row["name"] for row in expected]


def test_columns_have_the_types_of_the_schema(folder: Folder, work: Path) -> None:
    told = ask(folder, work, 'DESCRIBE "a b".Thing')
    types = {row["column_name"]: row["column_type"] for row in told}
    assert types["Amount"] == "DECIMAL(38,12)"
    assert types["Seen"] == types["_u_observed_at"] == "TIMESTAMP WITH TIME ZONE"
    assert (types["Flag"], types["Count"], types["Day"]) == ("BOOLEAN", "BIGINT", "DATE")
    (row,) = ask(folder, work, "SELECT sum(Amount) AS s, count(*) AS n FROM thing")
    amounts = [float(r["Amount"]) for r in folder.expected(3) if r["Amount"]]
    assert (float(row["s"]), row["n"]) == (sum(amounts), len(folder.expected(3)))


@pytest.mark.parametrize(
    "where",
    ["Amount > 100", "Flag", "Day = '2026-02-28'", "Seen >= '2026-02-28'", "Count IN (50, 100)",
     "Name LIKE 'N4%'", "Name IS NULL", "Amount + Amount < 9", "_u_snap = 2 AND Amount < 60"],
)  # fmt: skip
def test_filters_that_duckdb_pushes_down_change_nothing(
    folder: Folder, work: Path, where: str
) -> None:
    pushed = ask(folder, work, f"SELECT _u_id, Name FROM Thing WHERE {where} ORDER BY 1")
    whole = ask(folder, work, f"WITH t AS MATERIALIZED (FROM Thing) SELECT _u_id, Name FROM t WHERE {where} ORDER BY 1")  # fmt: skip
    assert pushed == whole
    assert pushed


def test_versions_and_joins(folder: Folder, work: Path) -> None:
    rows = ask(folder, work, "SELECT _u_op, _u_snap, _u_valid_to FROM Thing_history WHERE _u_id = 'n0001' ORDER BY 2")  # fmt: skip
    assert [tuple(row.values()) for row in rows] == [("U", 1, 3), ("P", 3, None)]
    (row,) = ask(folder, work, 'SELECT count(*) AS n FROM "A B".Thing t JOIN Thing_history_text h USING (_u_id)')  # fmt: skip
    assert row["n"] > len(folder.expected(3))
    assert ask(folder, work, "SELECT count(*) AS n FROM Thing", 1) == [{"n": 500 + len(HOSTILE)}]


def test_nothing_is_needed_for_a_statement_without_tables(folder: Folder, work: Path) -> None:
    assert ask(folder, work, "WITH t AS (SELECT 1 AS x) SELECT x + 1 AS y FROM t") == [{"y": 2}]
    assert ask(folder, work, "SELECT count(*) >= 0 AS y FROM information_schema.tables") == [{"y": True}]  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "sql-refused"),
        ("SELECT * FROM read_parquet('https://example.com/x')", "sql-refused"),
        ("SELECT * FROM glob('/*')", "sql-refused"),
        ("SELECT * FROM read_text('/etc/passwd')", "sql-refused"),
        ("SELECT * FROM '/etc/passwd'", "sql-refused"),
        ("SELECT * FROM folder", "sql-refused"),
        ("SELECT Nme FROM Thing", "sql-refused"),
        ("SELECT Name + 1 FROM Thing", "sql-refused"),
        ("COPY (SELECT 1) TO '/tmp/x'", "sql-read-only"),
        ("CREATE TABLE x AS SELECT 1", "sql-read-only"),
        ("INSTALL httpfs", "sql-read-only"),
        ("LOAD httpfs", "sql-read-only"),
        ("ATTACH '/tmp/x.db'", "sql-read-only"),
        ("SET memory_limit = '1TB'", "sql-read-only"),
        ("PRAGMA version", "sql-read-only"),
        ("SELECT 1; SELECT 2", "sql-read-only"),
        ("", "sql-read-only"),
        ("SELEC 1", "sql-not-understood"),
    ],
)
def test_a_statement_reaches_nothing_else(
    folder: Folder, work: Path, statement: str, code: str
) -> None:
    with pytest.raises(UsageError) as refused:
        ask(folder, work, statement)
    assert refused.value.code == code
    assert refused.value.next_step


def test_names_that_are_near_are_told(folder: Folder, work: Path) -> None:
    with pytest.raises(NotFound) as wrong:
        ask(folder, work, "SELECT 1 FROM ab.Thing")
    assert (wrong.value.code, wrong.value.next_step) == ("org-unknown", "Use one of: a b.")
    with pytest.raises(NotFound) as wrong:
        ask(folder, work, 'SELECT 1 FROM "a b".Thin_history')
    assert (wrong.value.code, wrong.value.next_step) == ("table-unknown", 'Did you mean "a b"."Thing"?')  # fmt: skip
    with pytest.raises(UsageError) as column:
        ask(folder, work, "SELECT Nme FROM Thing")
    assert "Name" in column.value.next_step


def test_what_fits_no_type_is_counted(folder: Folder, work: Path) -> None:
    vault, org = folder.small.vault, folder.small.org
    statement = "SELECT Count, Day FROM Thing"
    reads = sql.reads_of(sql.tables_named(statement), orgs=["o"], snapshot=lambda _: vault.at(org, 3))  # fmt: skip
    with sql.running(statement, reads, work=work) as running:
        running.rows.read_all()
    assert sql.misfits(reads) == {"o.Thing.Count": 1, "o.Thing.Day": 1}


def test_a_damaged_vault_says_so_itself(tmp_path: Path, work: Path) -> None:
    damaged = make(tmp_path / "damaged")
    state = damaged.small.vault.org_vault(damaged.small.org).chain.live()
    ident = next(iter(state.segments[TABLE]))
    file = damaged.path / object_names.segment(damaged.small.org, ident)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-9] + b"123456789")
    damaged.small.reopen()
    empty = tmp_path / "work"
    empty.mkdir()
    with pytest.raises(IntegrityError):
        ask(damaged, empty, "SELECT Name FROM Thing")
    for path in (damaged.path, damaged.key_file.parent, empty):
        _remove(path)


def _remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def test_what_is_too_large_says_so(
    folder: Folder, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "MEMORY", "8MB")
    monkeypatch.setattr(sql, "TEMP_SPACE", "1MB")
    with pytest.raises(LimitReached) as large, ExitStack():
        ask(folder, work, "SELECT i, count(*) FROM range(20000000) t(i) GROUP BY i ORDER BY 2")
    assert large.value.code == "sql-too-large"

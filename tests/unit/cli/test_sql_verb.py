"""unlost sql: what it prints, writes, and who may ask."""

import csv
import io
import json
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from homes import SECRET, World
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import type_at, with_sales
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.records.sql import sql
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.cli.exits import ExitCode
from unlost.cli.verbs.records.sql import SqlFormat, _stdout
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotAllowed, UsageError
from unlost.model.source.schema import WireKind
from unlost.testing.org import MemoryOrg


def live(world: World) -> None:
    """One night, which finds a price that is no number."""
    with_sales(world)
    world.org.add_table("Offer", {"Name": WireKind.TEXT, "Price": WireKind.DECIMAL})
    for name, price in (("=1+1", "10.50"), ("Ω", "many"), ("", None)):
        world.org.create("Offer", {"Name": name, "Price": price})
    type_at(world, "backup", "sales", code=ExitCode.FINDINGS)


after_night = scene(live)


@pytest.fixture
def night(unlost: Terminal, after_night: Lead) -> Terminal:
    after_night(unlost.world)
    return unlost


def test_rows_for_a_screen(night: Terminal) -> None:
    ended = night("sql", "SELECT Name, Phone FROM sales.Account ORDER BY Name LIMIT 2")
    assert ended.code == ExitCode.OK
    assert [line.split() for line in ended.out.splitlines()] == [
        ["Name", "Phone"],
        ["Cacao", "Lyon", "+41", "40018"],
        ["Praline", "Gent", "+41", "40019"],
    ]
    assert "No rows." in night("sql", "SELECT Name FROM Account WHERE Name = 'x'").out
    many = night("sql", "SELECT a.Name, repeat('x', 100) FROM Account a, range(100)").out
    assert "Only the first 200" in many
    assert "x" * 59 + "…" in many


def test_what_fits_no_type_is_told(night: Terminal) -> None:
    ended = night("sql", "SELECT Price FROM Offer ORDER BY Price NULLS LAST")
    assert ended.out.split() == ["Price", "10.5", "∅", "∅"]
    assert ended.err.startswith("1 value of sales.Offer.Price did not fit the type")


def test_formats(night: Terminal, tmp_path: Path) -> None:
    query = "SELECT Name, Price, [1, 2] AS list, DATE '2026-01-02' AS day, NULL AS nothing FROM Offer ORDER BY Price NULLS LAST, Name"  # fmt: skip
    ended = night("sql", query, "--format", "csv")
    assert ended.out.splitlines()[1] == '"=1+1","10.5","[1,2]",2026-01-02,'
    assert '"",,' in ended.out
    people = night("sql", query, "--format", "csv", "--for", "people")
    assert people.out.splitlines()[1].startswith('"\'=1+1"')
    assert "1 cell got an apostrophe" in people.err
    lines = [json.loads(line) for line in night("sql", query, "--format", "json").out.splitlines()]
    assert lines[0] == {"Name": "=1+1", "Price": "10.5", "list": "[1,2]", "day": "2026-01-02", "nothing": None}  # fmt: skip
    assert night("sql", query, "--json").out == night("sql", query, "--format", "json").out
    assert night("sql", query, "--json", "--format", "csv").failure["code"] == "two-formats"
    out = tmp_path / "offers.parquet"
    assert night("sql", query, "--format", "parquet", "--out", str(out)).code == ExitCode.OK
    assert [row["Name"] for row in pq.read_table(out).to_pylist()] == ["=1+1", "", "Ω"]
    again = night("sql", query, "--format", "parquet", "--out", str(out))
    assert (again.code, "already exists" in again.err) == (ExitCode.FAILED, True)
    names = [row[0] for row in csv.reader(io.StringIO(ended.out))]
    assert names == ["Name", "=1+1", "", "Ω"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("SELECT 1 FROM sales.Acount",), ExitCode.FAILED, '"sales"."Account"'),
        (("DROP TABLE Account",), ExitCode.USAGE, "Write one SELECT"),
        (("SELECT 1", "--for", "people"), ExitCode.USAGE, "--format csv"),
        (("SELECT 1", "--out", "x"), ExitCode.USAGE, "--format csv, json or parquet"),
        (("SELECT 1 FROM Account", "--as-of", "9"), ExitCode.FAILED, "The oldest backup is 1"),
    ],
)
def test_what_is_wrong(night: Terminal, words: tuple[str, ...], code: ExitCode, told: str) -> None:
    ended = night("sql", *words)
    assert ended.code == code
    assert told in ended.err


def test_parquet_is_nothing_for_a_terminal(
    night: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "unlost.cli.verbs.records.sql.sys.stdout.isatty", lambda: True, raising=False
    )
    with pytest.raises(UsageError, match="cannot be shown on a terminal"):
        _stdout(SqlFormat.PARQUET)


def test_a_statement_is_audited_by_its_tables_alone(night: Terminal) -> None:
    night("sql", "SELECT Name FROM Account WHERE Phone = '+41 40017'")
    entry = newest(most=1)[0]
    assert (entry.deed.act, entry.deed.outcome) == ("data.sql", "done")
    assert entry.deed.detail == {"read": ["sales/Account@1"]}
    assert list(night.world.home.work.glob("sql-*")) == []


def test_who_may_ask_and_what_they_see(night: Terminal) -> None:
    app = night.world.app
    hide(app, "sales", "Account.Phone")
    viewer = app.acting(Actor(ActorKind.PERSON, "vi", (Grant(Role.VIEWER, get_org("sales").oid),)))
    with ExitStack() as stack:
        names = sql(viewer, "SELECT * FROM Account_history", stack=stack).rows.schema.names
        assert "Phone" not in names
        assert "Name" in names
    for hidden in ("SELECT Phone FROM Account", "SELECT 1 FROM Account_text WHERE Phone > 'x'"):
        with ExitStack() as stack, pytest.raises(UsageError):
            sql(viewer, hidden, stack=stack).rows.read_all()
    with ExitStack() as stack:
        log = sql(viewer, "SELECT * FROM AccountHistory", stack=stack).rows.read_all()
    assert "+41" not in str(log.to_pylist())
    nobody = app.acting(Actor(ActorKind.PERSON, "no", ()))
    with ExitStack() as stack, pytest.raises(NotAllowed):
        sql(nobody, "SELECT 1", stack=stack)


def test_of_several_orgs_one_must_be_named(night: Terminal) -> None:
    world = night.world
    world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="T2")
    add_org(world.app, NewOrg("memory", "other", {"address": "two"}, {"password": SECRET}))
    ended = night("sql", "SELECT 1 FROM Account")
    assert '"other", "sales"' in ended.err
    assert night("sql", "SELECT count(*) FROM sales.Account").code == ExitCode.OK

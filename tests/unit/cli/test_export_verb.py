"""unlost export: what it says, refuses and notes."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from homes import World
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import type_at, with_sales
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.records.export import ExportRequest, export
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.cli.exits import ExitCode
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotAllowed
from unlost.outside.formats import ExportFormat
from unlost.vault.read.snapshot import VaultSnapshot


def live(world: World) -> None:
    """One night."""
    with_sales(world)
    world.org.update("Account", "A40019", {"Name": "=cmd()"})
    type_at(world, "backup", "sales")


after_night = scene(live)


@pytest.fixture
def night(unlost: Terminal, after_night: Lead) -> Terminal:
    after_night(unlost.world)
    return unlost


def viewer(world: World) -> Actor:
    return Actor(ActorKind.PERSON, "vi", (Grant(Role.VIEWER, get_org("sales").oid),))


def test_tables_go_into_a_new_folder(night: Terminal, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = night("export", "sales", str(out), "--format", "parquet")
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("Snapshot 1 of sales (2026-03-02 01:00 UTC) is in ")
    assert ended.out.splitlines()[0].endswith(", unencrypted.")
    assert pq.read_table(out / "Account.parquet").num_rows == 3
    again = night("export", "sales", str(out), "--format", "parquet")
    assert (again.code, "Choose another folder" in again.err) == (ExitCode.FAILED, True)
    entry = next(one for one in newest(most=9) if one.deed.outcome == "done")
    assert (entry.deed.act, entry.deed.org) == ("data.export", "sales")
    assert entry.deed.detail["tables"]["Account"] == 3
    assert entry.deed.detail["out"] == str(out)


def test_delta_follows_the_nights(night: Terminal, tmp_path: Path) -> None:
    words = ("export", "sales", str(tmp_path / "lake"), "--format", "delta", "--table", "account")
    assert night(*words, "--json").json["tables"][0]["version"] == 0
    night.world.clock.advance(hours=24)
    night.world.org.delete("Account", "A40017")
    night.world.org.update("Account", "A40018", {"Name": "New"})
    assert night("backup", "sales").code == ExitCode.OK
    told = night(*words, "--json").json["tables"][0]
    assert (told["version"], told["rows"], told["whole"]) == (1, 2, False)
    table = DeltaTable(tmp_path / "lake" / "Account")
    found = {row["_u_id"]: row["Name"] for row in table.to_pyarrow_table().to_pylist()}
    assert found == {"A40018": "New", "A40019": "=cmd()"}
    assert "Version" in night(*words).out


def test_csv_says_whether_it_was_changed(night: Terminal, tmp_path: Path) -> None:
    plain = night("export", "sales", str(tmp_path / "a"), "--format", "csv")
    assert "Cells are verbatim" in plain.out
    people = night("export", "sales", str(tmp_path / "b"), "--format", "csv", "--for", "people")
    assert "got an apostrophe" in people.out
    assert b'"\'=cmd()"' in (tmp_path / "b" / "Account.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--format", "parquet", "--for", "people"), "people-read-csv"),
        (("--format", "csv", "--typed"), "csv-has-no-types"),
        (("--format", "delta", "--history"), "delta-has-history"),
        (("--format", "csv", "--table", "Acount"), "table-unknown"),
        (("--format", "csv", "--as-of", "live"), "moment-live"),
    ],
)
def test_what_is_refused(night: Terminal, tmp_path: Path, words: tuple[str, ...], code: str) -> None:  # fmt: skip
    ended = night("export", "sales", str(tmp_path / "out"), *words, "--json")
    assert ended.failure["code"] == code
    assert list(tmp_path.glob("*out*")) == []


def test_nothing_in_clear_lies_in_the_vault(night: Terminal) -> None:
    vault = night.world.home.vault
    ended = night("export", "sales", str(vault / "out"), "--format", "csv", "--json")
    assert ended.failure["code"] == "export-in-vault"
    assert not vault.exists()


def test_typed_exports_count_what_fits_no_type(night: Terminal, tmp_path: Path) -> None:
    ended = night("export", "sales", str(tmp_path / "t"), "--format", "parquet", "--typed", "--history")  # fmt: skip
    assert ended.code == ExitCode.OK


def test_an_export_says_how_much_was_lost(
    night: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--format", "parquet", "--table", "Account")
    assert "damage" not in night("export", "sales", str(tmp_path / "a"), *words).out
    lost = {"A40017": frozenset({"Phone", "Name"}), "A40018": frozenset({"Phone"})}
    monkeypatch.setattr(VaultSnapshot, "salvaged", True)
    monkeypatch.setattr(VaultSnapshot, "unread", lambda *_: lost)
    told = night("export", "sales", str(tmp_path / "b"), *words).out
    assert "3 values became null, because damage destroyed them." in told


def test_hidden_columns_stay(night: Terminal, tmp_path: Path) -> None:
    app = night.world.app
    hide(app, "sales", "Account.Phone")
    own = app.acting(viewer(night.world))
    export(own, "sales", ExportRequest(ExportFormat.PARQUET), out=tmp_path / "seen")
    assert "Phone" not in pq.read_table(tmp_path / "seen" / "Account.parquet").column_names
    stranger = Actor(ActorKind.PERSON, "au", (Grant(Role.AUDITOR, None),))
    with pytest.raises(NotAllowed):
        export(app.acting(stranger), "sales", ExportRequest(ExportFormat.CSV), out=tmp_path / "x")

"""unlost watch: sets of records, their changes, and taking back what a user did."""

from pathlib import Path

import pytest

from homes import WRITE_SECRET, World
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import type_at, with_sales
from unlost.cli.exits import ExitCode
from unlost.model.source.schema import Reference, WireKind

OTHER = "A40018"


def live(world: World) -> None:
    """An account whose phone number changed between two backups; a writer."""
    with_sales(world)
    type_at(world, "org", "writer", "sales", UNLOST_WRITER_PASSWORD=WRITE_SECRET)
    type_at(world, "backup", "sales")
    world.clock.advance(days=1)
    world.org.update("Account", OTHER, {"Phone": "+41 1"}, by="U1")
    type_at(world, "backup", "sales")
    record = f"Account/{OTHER}"
    type_at(world, "watch", "add", "sales", "Mine", "--record", record, "--alert-deletions")


watched = scene(live)


@pytest.fixture
def shop(unlost: Terminal, watched: Lead) -> Terminal:
    """An account whose phone number changed between two backups; a writer."""
    watched(unlost.world)
    return unlost


def test_a_set_is_added_listed_and_removed(shop: Terminal) -> None:
    listed = shop("watch", "list")
    assert listed.out == "sales: Mine, 1 record; alerts: deletions\n"
    assert shop("watch", "remove", "sales", "Mine").out == "Mine is not watched any more.\n"
    assert shop("watch", "list", "--org", "sales").out.startswith("Nothing is watched.")


def test_a_list_is_watched(shop: Terminal) -> None:
    words = ("watch", "add", "sales", "Hers", "--table", "Account")
    assert "Watched: Hers, a list" in shop(*words, "--related-to", "User/U1").out
    added = shop(*words, "--search", "Schoko", "--alert-column", "Account.Phone")
    assert "Watched: Hers, a list; alerts: Account.Phone" in added.out


def test_changes_are_shown_with_user_and_values(shop: Terminal) -> None:
    out = shop("watch", "show", "sales", "Mine").out
    assert out.startswith("Mine: 1 record, 1 change\n")
    assert "by Ada Admin" in out
    assert "+41 40018" in out
    assert "+41 1" in out
    assert "0 changes" in shop("watch", "show", "sales", "Mine", "--kind", "deleted").out
    assert "0 changes" in shop("watch", "show", "sales", "Mine", "--user", "U2").out


def test_the_rest_of_many_changes_is_named(shop: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.world.clock.advance(days=1)
    shop.world.org.update("Account", OTHER, {"Name": "Wrong"}, by="U1")
    type_at(shop.world, "backup", "sales")
    out = shop("watch", "show", "sales", "Mine", "--start", "1").out
    assert out.startswith("Mine: 1 record, 2 changes\n")
    assert "→ Wrong" not in out
    monkeypatch.setattr("unlost.app.actions.records.watch.PAGE", 1)
    monkeypatch.setattr("unlost.app.records.changes.watched_sets.MOST_RECORDS", 0)
    assert "1 changed record left out" in shop("watch", "show", "sales", "Mine").out


def test_an_unknown_set_names_the_next_step(shop: Terminal) -> None:
    ended = shop("watch", "show", "sales", "Other")
    assert ended.code == ExitCode.FAILED
    assert "unlost watch list" in ended.err


def test_what_a_user_did_is_taken_back(shop: Terminal, tmp_path: Path) -> None:
    out = str(tmp_path / "plan.json")
    ended = shop("watch", "take-back", "sales", "Mine", "--user", "U1", "--out", out)
    assert ended.code == ExitCode.OK
    assert f"Account/{OTHER}: Phone" in ended.out
    assert shop("restore", "run", out).code == ExitCode.OK
    live = dict(shop.world.connector.writer("one").platform.live("Account"))
    assert live[OTHER].cells["Phone"] == "+41 40018"


def test_the_org_is_read_when_asked_for(shop: Terminal) -> None:
    shop.world.org.update("Account", OTHER, {"Phone": "+41 9"}, by="U1")
    assert "+41 9" not in shop("watch", "show", "sales", "Mine").out
    assert "+41 9" in shop("watch", "show", "sales", "Mine", "--live").out


def test_what_stays_is_named(shop: Terminal, tmp_path: Path) -> None:
    """Created records and changes since the newest backup stayed without a word."""
    org = shop.world.org
    org.add_table(
        "Contact",
        {"Name": WireKind.TEXT, "Account": WireKind.REFERENCE},
        references={"Account": Reference(("Account",))},
    )
    type_at(shop.world, "backup", "sales")
    created = [
        org.create("Contact", {"Name": f"Copy {n}", "Account": OTHER}, by="U1") for n in (1, 2)
    ]
    org.update("Account", OTHER, {"Name": "Others"}, by="U1")
    shop.world.clock.advance(days=1)
    type_at(shop.world, "backup", "sales")
    org.update("Account", OTHER, {"Name": "Live"}, by="U2")
    words = ("watch", "take-back", "sales", "Mine", "--user", "U1", "--out")
    out = shop(*words, str(tmp_path / "a.json")).out
    assert "Changes since the newest backup: not included. Add them with --live." in out
    assert "2 records that the user created: not deleted." in out
    assert f"  Contact Copy 1 (Contact/{created[0]})" in out
    assert "unlost purge plan sales Contact/" in out
    out = shop(*words, str(tmp_path / "b.json"), "--live").out
    assert "1 value that others changed later: not included." in out
    assert "Add them with --live" not in out


def test_what_a_user_did_since_the_newest_backup_is_taken_back(
    shop: Terminal, tmp_path: Path
) -> None:
    shop.world.org.update("Account", OTHER, {"Phone": "+41 9"}, by="U1")
    out = str(tmp_path / "plan.json")
    words = ("watch", "take-back", "sales", "Mine", "--user", "U1", "--live", "--out", out)
    assert shop(*words).code == ExitCode.OK
    assert shop("restore", "run", out).code == ExitCode.OK
    live = dict(shop.world.connector.writer("one").platform.live("Account"))
    assert live[OTHER].cells["Phone"] == "+41 40018"


@pytest.mark.parametrize("way", ["set", "file"])
def test_a_column_of_a_set_or_of_a_list_of_ids_is_put_back(
    shop: Terminal, tmp_path: Path, way: str
) -> None:
    """Each record had to be given with an option of its own."""
    ids, out = tmp_path / "ids.txt", str(tmp_path / "plan.json")
    ids.write_text(f"{OTHER}\n\n")
    how = ("--watched", "Mine") if way == "set" else ("--ids", str(ids))
    words = ("--table", "Account", "--column", "Phone", "--at", "1", "--unless-since", "2")
    assert shop("restore", "plan", "sales", *how, *words, "--out", out).code == ExitCode.OK
    assert shop("restore", "run", out).code == ExitCode.OK
    live = dict(shop.world.connector.writer("one").platform.live("Account"))
    assert live[OTHER].cells["Phone"] == "+41 40018"

"""unlost watch: sets of records, their changes, and taking back what a user did."""

from pathlib import Path

import pytest

from homes import WRITE_SECRET, World
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import type_at, with_sales
from unlost.cli.exits import ExitCode

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
    monkeypatch.setattr("unlost.app.records.watched_sets.MOST_RECORDS", 0)
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

"""unlost find: when something was, as the clocks of the org's company tell it."""

from dataclasses import replace

import pytest

from homes import SECRET, World
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import type_at, with_sales
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.records.search import org_searches
from unlost.cli.exits import ExitCode
from unlost.engine.records import matches
from unlost.model.vault.snapshot import SearchHelp, SearchIndexState
from unlost.vault.reader import EncryptedReader


@pytest.fixture
def zurich(unlost: Terminal) -> Terminal:
    """An org in Zürich of which a record was deleted between two nights, at 01:00 UTC."""
    world = unlost.world
    world.org.identity = replace(world.org.identity, zone="Europe/Zurich")
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    assert unlost("backup", "sales").code == ExitCode.OK
    world.org.delete("Account", "A40017")
    world.clock.advance(days=1)
    assert unlost("backup", "sales").code == ExitCode.OK
    return unlost


def test_it_tells_times_in_the_zone_of_the_org_as_history_does(zurich: Terminal) -> None:
    told = zurich("find", "A40017")
    assert "CET" in told.out
    assert "UTC" not in told.out
    (hit, *_) = zurich("find", "A40017", "--json").json["hits"]
    assert hit["zone"] == "Europe/Zurich"


def test_former_values_are_found_on_request(unlost: Terminal) -> None:
    world = unlost.world
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    assert unlost("backup", "sales").code == ExitCode.OK
    world.org.update("Account", "A40017", {"Name": "Another"})
    world.clock.advance(days=1)
    assert unlost("backup", "sales").code == ExitCode.OK
    assert "Nothing found" in unlost("find", "schoko").out
    told = unlost("find", "schoko", "--former").out
    assert "Account Another: alive\n  Name: Schoko Zürich (former value)\n" in told
    help_text = " ".join(unlost("find", "--help").out.split())
    assert "This takes longer" in help_text


def with_firms(world: World) -> None:
    """Thirty firms; two were deleted by Ada."""
    with_sales(world)
    for number in range(30):
        world.org.create("Account", {"Name": f"Firma {number:02}"}, record=f"F{number:02}")
    world.org.create("User", {"Name": "Firma User"}, record="U9")
    type_at(world, "backup", "sales")
    world.clock.advance(days=1)
    for number in range(2):
        world.org.delete("Account", f"F{number:02}", by="U1")
    type_at(world, "backup", "sales")


thirty_firms = scene(with_firms)


@pytest.fixture
def firms(unlost: Terminal, thirty_firms: Lead) -> Terminal:
    """Thirty firms; two were deleted by Ada."""
    thirty_firms(unlost.world)
    return unlost


def test_pages_are_numbered_and_say_how_many_there_are(firms: Terminal) -> None:
    first = firms("find", "firma").out
    assert "1 to 20 of 31; --page 2 shows more." in first
    assert "By table: Accounts 30, User 1" in first
    assert "21 to 31 of 31.\n" in firms("find", "firma", "--page", "2").out
    assert "31 in all." in firms("find", "firma", "--page", "3").out
    assert firms("find", "firma", "--page", "0").code == ExitCode.USAGE
    assert len(firms("find", "firma", "--page", "2", "--json").json["hits"]) == 11


def test_more_matches_than_are_checked_are_told(
    firms: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = matches.org_matches
    monkeypatch.setattr(
        org_searches, "org_matches", lambda vault, search: few(vault, search, most=25)
    )
    told = firms("find", "firma").out
    assert "1 to 20 of at least 25; --page 2 shows more." in told
    assert "Add a word, or choose a table." in told


def test_filters_have_options(firms: Terminal) -> None:
    told = firms("find", "firma", "--state", "deleted", "--table", "account").out
    assert "Account Firma 00: deleted on" in told
    assert told.count("by Ada Admin") == 2
    assert "User Firma User: alive" in firms("find", "firma", "--table", "User").out
    by_ada = firms("find", "--deleted-by", "ada").out
    assert by_ada.count("ModifiedBy: Ada Admin") == 2
    assert firms("find", "deleted by ada").out == by_ada
    none = firms("find", "firma", "--since", "2099-01-01").out
    assert "- Filters are set. Search without filters." in none
    assert firms("find", "firma", "--until", "2099-01-01", "--json").json["total"] == 31
    assert firms("find", "firma", "--since", "soon").code == ExitCode.USAGE
    assert firms("find").code == ExitCode.USAGE


def test_nothing_found_says_what_was_searched(firms: Terminal) -> None:
    told = firms("find", "nothing").out
    assert "Nothing found for 'nothing' (searched sales)." in told
    assert "  sales: newest backup 20" in told
    assert "; next 20" in told
    assert "Searched were ids, numbers, names" in told
    assert "- Only present values were searched; for deleted records, the last ones." in told


def test_a_typing_mistake_gets_the_command_that_was_meant(firms: Terminal) -> None:
    assert "Did you mean:\n  unlost find Schoko\n" in firms("find", "schoco").out


def test_an_index_in_renewal_is_told(firms: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        EncryptedReader, "search_help", lambda *_: SearchHelp(SearchIndexState(1, 4))
    )
    told = firms("find", "firma").out
    assert "Older records of sales are still being indexed (25 % left)." in told


def test_an_answer_about_deletions_that_is_not_whole_says_so(firms: Terminal) -> None:
    assert "Only deletions" not in firms("find", "deleted by ada").out
    first = f"{firms.world.clock.now():%Y-%m-%d}"
    firms.world.clock.advance(days=100)
    assert firms("backup", "sales").code == ExitCode.OK
    recent = firms("find", "deleted by ada").out
    assert recent.startswith("Only deletions in sales since 2026-")
    assert "Use --since DAY to search earlier ones." in recent
    assert "Nothing found" in recent
    whole = firms("find", "deleted by ada", "--since", first).out
    assert "Only deletions" not in whole
    assert "Firma" in whole

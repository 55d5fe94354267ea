"""unlost erase: planned, asked for, done, and listed."""

import pytest

from scenes import Lead, scene
from terminals import Terminal
from unit.cli.served import from_afar
from unit.cli.typed import with_two_nights
from unlost.cli.exits import ExitCode

two_nights = scene(with_two_nights)


@pytest.fixture
def nights(unlost: Terminal, two_nights: Lead) -> Terminal:
    two_nights(unlost.world)
    return unlost


WISH = ("sales", "--record", "Account/A40017", "--match", "Account.Number")


def test_it_is_planned_and_done(nights: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert nights("erase", "list", "sales").out == "Nothing was erased or corrected in sales.\n"
    plan = nights("erase", *WISH, "--plan")
    assert plan.code == ExitCode.OK
    assert plan.out.startswith("sales: 3 records would be erased.\n")
    assert "1 value would be excluded under any id." in plan.out
    assert "references from other records to their ids" in plan.out
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    done = nights("erase", "records", *WISH)
    assert asked == ["Erase 3 records from all backups of sales? This cannot be undone."]
    assert "sales: 3 records erased, with 4 versions and 0 file contents." in done.out
    listed = nights("erase", "list", "sales")
    assert "by admin, commit 3." in listed.out
    assert "3 records (Account 1, " in listed.out
    assert "A40017" not in listed.out
    again = nights("erase", *WISH, "--yes")
    assert "1 record not found in the vault, but would be excluded" in again.out
    assert "There was nothing left to erase." in again.out


def test_with_json_nobody_is_asked(nights: Terminal) -> None:
    refused = nights("erase", *WISH, "--json")
    assert refused.code == ExitCode.USAGE
    assert nights("erase", *WISH, "--plan", "--json").json["records"] == 3
    assert nights("erase", *WISH, "--yes", "--json").json["snapshot"] == 3
    assert nights("erase", "list", "sales", "--json").json["erasures"][0]["by"] == "admin"


def test_without_words_it_explains_itself(nights: Terminal) -> None:
    assert "--help" in nights("erase", "--help").out
    assert nights("erase", "sales").code == ExitCode.USAGE


def test_from_afar_it_is_planned_done_and_listed(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with from_afar(nights.world, monkeypatch):
        assert nights("erase", *WISH, "--plan", "--json").json["matchable"] == ["Account.Name"]
        assert nights("erase", *WISH, "--yes", "--json").json["snapshot"] == 3
        assert "3 records (Account 1, " in nights("erase", "list", "sales").out

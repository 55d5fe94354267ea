"""unlost keep, forget and hold: at home, and from afar."""

import re
from collections.abc import Iterator

import pytest

from homes import World
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.served import from_afar
from unit.cli.typed import type_at, with_sales
from unlost.cli.exits import ExitCode
from unlost.model.message import Message


def live(world: World) -> None:
    """Five nights in which a phone changes; SHORT is there for one of them."""
    with_sales(world)
    for number in range(1, 6):
        world.clock.advance(days=1)
        world.org.update("Account", "A40017", {"Phone": f"+41 {number}"})
        if number == 2:
            world.org.create("User", {"Name": "Short"}, record="SHORT")
        if number == 3:
            world.org.delete("User", "SHORT")
        type_at(world, "backup", "sales")


after_nights = scene(live)


@pytest.fixture(params=["home", "afar"])
def nights(
    unlost: Terminal,
    after_nights: Lead,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Terminal]:
    """Five nights in which a phone changes; SHORT is there for one of them."""
    after_nights(unlost.world)
    if request.param == "home":
        yield unlost
        return
    with from_afar(unlost.world, monkeypatch):
        yield unlost


def test_rules_are_set_and_shown(nights: Terminal) -> None:
    assert nights("keep", "show").out == "sales keeps\n  all backups\n"
    told = nights("keep", "set", "sales", "--daily", "2", "--deleted-days", "1")
    assert told.code == ExitCode.OK
    assert "  the last good backup of each of 2 days\n" in told.out
    assert "  the last state of deleted records, for 1 day\n" in told.out
    assert "Warning: fewer than 7 backups are kept." in told.out
    assert "unlost forget sales --plan" in told.out
    shown = nights("keep", "show", "sales", "--json").json["orgs"][0]
    assert (shown["rules"]["daily"], shown["remarks"]) == (2, ["few-nights"])
    wide = nights("keep", "set", "sales", "--days", "30", "--monthly", "1")
    assert "  all backups of the last 30 days\n" in wide.out
    assert "of each of 1 month\n" in wide.out
    assert "all backups" in nights("keep", "set", "sales", "--everything").out
    alone = nights("keep", "set", "sales", "--deleted-days", "9").out
    assert "applies only if backups are forgotten too" in alone
    assert nights("keep", "set", "sales", "--days", "-3").code == ExitCode.USAGE


def test_a_preset_is_previewed_and_set(nights: Terminal) -> None:
    seen = nights("forget", "sales", "--plan", "--preset", "standard")
    assert seen.code == ExitCode.OK
    assert "each of 30 days; the last good backup of each of 12 months" in " ".join(
        seen.out.split()
    )
    assert nights("keep", "show").out == "sales keeps\n  all backups\n"
    told = nights("keep", "set", "sales", "--preset", "standard", "--yearly", "10").out
    assert "  the last good backup of each of 12 months\n" in told
    assert "  the last good backup of each of 10 years\n" in told
    refused = nights("forget", "sales", "--preset", "decade", "--json")
    assert (refused.code, refused.failure["code"]) == (ExitCode.USAGE, "preset-not-set")
    assert nights("keep", "set", "sales", "--preset", "forever").code == ExitCode.USAGE
    both = nights("keep", "set", "sales", "--everything", "--preset", "decade", "--json")
    assert both.failure["code"] == "keep-contradictory"


def test_a_plan_is_shown_asked_for_and_done(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nights("forget", "sales").out.endswith("There is nothing to forget.\n")
    nights("keep", "set", "sales", "--daily", "2", "--deleted-days", "1")
    nights("hold", "set", "sales", "--backup", "1", "--reason", "audit")
    plan = nights("forget", "sales", "--plan")
    assert plan.code == ExitCode.OK
    assert "2 backups would be forgotten, 3 backups would stay:\n" in plan.out
    assert re.search(r"^ +5  2026-03-07 \d\d:\d\d UTC$", plan.out, re.MULTILINE)
    assert re.search(r"^User +2 +1 +1 *$", plan.out, re.MULTILINE)
    assert "1 legal hold in force:\n  backup 1 is under legal hold by" in plan.out
    asked: list[str] = []

    def refuse(text: str, *, abort: bool) -> None:
        import typer

        asked.append(text)
        raise typer.Abort

    with monkeypatch.context() as patch:
        patch.setattr("typer.confirm", refuse)
        refused = nights("forget", "sales")
    assert refused.code == ExitCode.FAILED
    assert "What to do: Run it again and confirm." in refused.err
    assert asked == ["Forget 2 backups of sales? This cannot be undone."]
    assert len(nights("snapshots", "sales", "--json").json["snapshots"]) == 5
    done = nights("forget", "sales", "--yes")
    assert done.code == ExitCode.OK
    assert "sales: 2 backups forgotten, with " in done.out
    assert "; 3 backups stay." in done.out
    listed = nights("snapshots", "sales", "--json").json["snapshots"]
    assert [one["number"] for one in listed] == [1, 4, 5]
    assert "2 backups forgotten" in nights("keep", "show").out
    assert nights("forget", "sales", "--yes", "--json").json["snapshot"] is None


def test_with_json_somebody_must_have_agreed(nights: Terminal) -> None:
    nights("keep", "set", "sales", "--daily", "2")
    seen = nights("forget", "sales", "--plan", "--json").json
    assert [night["number"] for night in seen["kept"]] == [4, 5]
    refused = nights("forget", "sales", "--json")
    assert (refused.code, refused.failure["code"]) == (ExitCode.USAGE, "forget-not-agreed")
    assert nights("forget", "sales", "--yes", "--json").json["nights"] == 3


def test_holds_are_set_listed_and_lifted(nights: Terminal) -> None:
    assert nights("hold", "list", "sales").out == "sales has no legal holds.\n"
    day = ("--until", "2030-12-31", "--reason", "a court")
    told = nights("hold", "set", "sales", "--record", "User/short", *day)
    assert told.code == ExitCode.OK
    assert re.match(
        r"record User/SHORT is under legal hold by \S+ until 2030-12-31 23:59 UTC \(a court\), since ",
        told.out,
    )
    nights("hold", "set", "sales", "--table", "account")
    nights("hold", "set", "sales", "--org")
    listed = nights("hold", "list", "sales").out
    assert "table Account is under legal hold by" in listed
    assert "the entire org is under legal hold by" in listed
    for thing in (("--record", "User/SHORT"), ("--table", "Account"), ("--org",)):
        assert nights("hold", "lift", "sales", *thing).code == ExitCode.OK
    assert nights("hold", "list", "sales", "--json").json["holds"] == []
    assert nights("hold", "lift", "sales", "--org", "--json").failure["code"] == "hold-unknown"
    assert nights("hold", "set", "sales", "--json").failure["code"] == "hold-unclear"


def test_a_home_without_an_org_keeps_nothing(unlost: Terminal) -> None:
    assert unlost("keep", "show").out.startswith("No org is protected yet.")


def test_a_forgetting_that_failed_is_told(sales: Terminal) -> None:
    from unlost.catalog.orgs.orgs import get_org
    from unlost.catalog.vault.keeping import save_forgotten
    from unlost.model.vault.retention import ForgottenRecord

    now, oid = sales.world.clock.now(), get_org("sales").oid
    save_forgotten(oid, ForgottenRecord(now, error=Message("x", "The disk is full.")))
    assert "forgetting failed: The disk is full." in sales("keep", "show").out
    save_forgotten(oid, ForgottenRecord(now, 3, nights=1, waiting=2_000, next_at=now))
    told = sales("keep", "show").out
    assert "1 backup forgotten" in told
    assert "2.0 kB are no longer needed and will be removed after " in told

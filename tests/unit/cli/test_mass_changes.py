"""Mass changes on the command line: shown, expected, muted, with their thresholds."""

import pytest

from homes import World
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import type_at, with_sales
from unlost.cli.exits import ExitCode


def live(world: World) -> None:
    """Two backups, between which thirty phones are overwritten with one value."""
    with_sales(world)
    org = world.org
    for number in range(40):
        org.create("Account", {"Name": f"C{number}", "Phone": f"+41 {number}"}, record=f"C{number}")
    type_at(world, "backup", "sales")
    world.clock.advance(hours=1)
    for number in range(30):
        org.update("Account", f"C{number}", {"Phone": "0"})
    type_at(world, "backup", "sales")
    type_at(world, "up", "--once")


overwritten = scene(live)


@pytest.fixture
def damaged(unlost: Terminal, overwritten: Lead) -> Terminal:
    """Two backups, between which thirty phones are overwritten with one value."""
    overwritten(unlost.world)
    return unlost


def test_changes_are_listed_with_their_repair_and_expected(damaged: Terminal) -> None:
    ended = damaged("alert", "changes", "sales", "2")
    assert ended.code == ExitCode.FINDINGS
    assert ended.out.startswith("now: Phone was overwritten with one value in 30 of 43 records")
    assert (
        "    unlost restore plan sales --changed-between 1 2 --table Account --column Phone "
        "--change overwritten\n"
    ) in ended.out
    words = ("alerts", "expected", "sales", "2", "Account.Phone", "--change", "overwritten")
    assert damaged(*words, "--reason", " ").code == ExitCode.USAGE
    marked = damaged(*words, "--reason", "The phone system moved.").out
    assert "Account.Phone overwritten in backup 2 is expected.\n" in marked
    again = damaged("alert", "changes", "sales", "2")
    assert again.code == ExitCode.OK
    assert "(answered: The phone system moved.)" in again.out
    assert damaged("alert", "changes", "sales", "9").code == ExitCode.FAILED


def test_changes_are_announced_muted_listed_and_ended(damaged: Terminal) -> None:
    assert "No mass changes of sales" in damaged("alert", "silences", "sales").out
    until = ("--until", "2026-12-31")
    out = damaged("alerts", "expect", "sales", "Account.Phone", *until, "--reason", "Import").out
    assert "Account.Phone is expected until 2026-12-31" in out
    mute = ("alert", "mute", "sales", "--user", "U1", "--most", "50", *until, "--reason", "Usual")
    assert "any table by U1 is muted until 2026-12-31" in damaged(*mute).out
    listed = damaged("alert", "silences", "sales", "--json").json["silences"]
    assert [silence["kind"] for silence in listed] == ["expected", "muted"]
    assert damaged("alert", "unsilence", "sales", str(listed[0]["id"])).code == ExitCode.OK
    assert damaged("alert", "unsilence", "sales", "99").code == ExitCode.FAILED
    assert "Import" not in damaged("alert", "silences", "sales").out


@pytest.mark.parametrize(
    "words",
    [
        ("expect", "sales", "a.b.c", "--until", "2026-12-31"),
        ("expect", "sales", "Account", "--until", "2019-12-31"),
        ("expect", "sales", "Account", "--until", "2036-12-31"),
        ("expect", "sales", "Account", "--until", "2026-12-31T99"),
        ("mute", "sales", "--until", "2026-12-31", "--reason", "x"),
        ("limits", "sales", "--column-share", "5"),
        ("address", "unlost"),
        ("address", "https://[x"),
    ],
)
def test_what_cannot_be_meant_is_refused(sales: Terminal, words: tuple[str, ...]) -> None:
    assert sales("alert", *words).code == ExitCode.USAGE


def test_thresholds_are_shown_and_changed(sales: Terminal) -> None:
    assert "20 records and 5.0%" in sales("alert", "limits", "sales").out
    sales("alert", "limits", "sales", "--column-rows", "9")
    sales("alert", "limits", "sales", "Account", "--ignore")
    out = sales("alert", "limits", "sales").out
    assert "Account:\n" in out
    assert out.count("9 records and 5.0%") == 2
    assert "  ignored\n" in out


def test_the_address_of_the_console_is_set(sales: Terminal) -> None:
    assert "is not set" in sales("alert", "address").out
    assert "https://unlost.example." in sales("alert", "address", "https://unlost.example/").out
    assert "is not set" in sales("alert", "address", "").out


def test_a_restore_of_one_kind_of_change_by_one_user_is_planned(damaged: Terminal) -> None:
    words = ("restore", "plan", "sales", "--changed-between", "1", "2", "--table", "Account",
             "--column", "Phone", "--change", "overwritten", "--by", "U1",
             "--out", str(damaged.world.home.root.parent / "plan.json"))  # fmt: skip
    ended = damaged(*words)
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("sales: 30 records, planned ")
    assert "write user" in ended.out

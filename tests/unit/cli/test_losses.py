"""unlost losses: what stands in the inbox, and how it leaves."""

import re

import pytest

from homes import MemoryConnector
from scenes import Lead, scene
from terminals import Terminal
from unit.app.shop import CUSTOMER, WRITER, Shop
from unit.cli.typed import with_sales
from unlost.app.actions.orgs.write_access import set_writer
from unlost.cli.exits import ExitCode
from unlost.cli.verbs.records import losses
from unlost.model.losses import LossRule, LossRules
from unlost.model.source.schema import WireKind


def live(world):  # type: ignore[no-untyped-def]
    """A customer with contacts was deleted; another one was merged into a third one."""
    with_sales(world)
    shop = Shop(world)
    set_writer(shop.app, WRITER)
    shop.org.add_column("Account", "Master", WireKind.ID)
    shop.org.tables["Account"].merged_into = "Master"
    shop.night()
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.platform.merge("Account", "A40019", "A40018", by="U1")
    shop.night()


lived = scene(live)


@pytest.fixture
def lost(unlost: Terminal, lived: Lead) -> Terminal:
    """A terminal at that home."""
    lived(unlost.world)
    return unlost


def test_a_loss_is_one_line_with_the_command_that_restores_it(lost: Terminal) -> None:
    ended = lost("losses", "list", "sales")
    assert ended.code == ExitCode.FINDINGS
    first, second = ended.out.splitlines()
    assert re.fullmatch(
        r"sales \d+: Account Schoko Zürich and 2 records with it, deleted by Ada Admin on "
        r"2026-03-0\d \d\d:00 UTC\.",
        first,
    )
    assert re.search(
        r"Until 2026-03-\d\d \d\d:00 UTC a restore keeps the ids, then it creates new ids\. "
        r"Restore: unlost restore plan sales --loss \d+ --out plan\.json",
        second,
    )


def test_a_loss_of_a_system_that_keeps_ids_says_so(
    lost: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = LossRules({"Account": LossRule(keeps_id=True)})
    monkeypatch.setattr(MemoryConnector, "loss_rules", lambda *_: rules)
    ended = lost("losses", "list", "sales")
    assert "A restore keeps the ids. Restore: unlost restore plan" in ended.out
    assert "new ids" not in ended.out


def number(lost: Terminal) -> str:
    return str(lost("losses", "list", "--json").json["losses"][0]["loss"])


def test_its_records_are_listed_in_pages(lost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    every = lost("losses", "show", "sales", number(lost)).out
    assert f"  Account/{CUSTOMER} Schoko Zürich\n" in every
    assert " Ann\n" in every
    contacts = lost("losses", "show", "sales", number(lost), "--table", "Contact").out
    assert "Schoko Zürich\n" not in contacts
    assert lost("losses", "show", "sales", "99").code == ExitCode.FAILED


def test_it_is_dismissed_and_reopened(lost: Terminal) -> None:
    loss = number(lost)
    gone = lost("losses", "dismiss", "sales", loss, "--reason", "A test customer")
    assert re.search(r"Dismissed by \S+ on .*: A test customer\n", gone.out)
    empty = lost("losses", "list")
    assert (empty.code, empty.out) == (ExitCode.OK, "There are no open losses.\n")
    assert "A test customer" in lost("losses", "list", "--state", "dismissed").out
    assert "a restore keeps the ids" in lost("losses", "reopen", "sales", loss).out


def test_a_merge_names_the_survivor(lost: Terminal) -> None:
    out = lost("losses", "list", "--state", "folded").out
    assert "Account Cacao Lyon, merged into Account Praline Gent by Ada Admin on" in out
    assert "Not a loss: merged.\n" in out


def test_a_loss_is_planned_restored_and_leaves_the_inbox(lost: Terminal) -> None:
    lost.world.connector.writer("one").platform.purge_bin()
    out = str(lost.world.home.root / "plan.json")
    assert lost("restore", "plan", "sales", "--loss", number(lost), "--out", out).code == 0
    assert lost("restore", "run", out).code == ExitCode.OK
    assert lost("losses", "list").out == "There are no open losses.\n"
    assert "Restored; noticed on" in lost("losses", "list", "--state", "restored").out


def test_deletions_without_user_and_time_lie_between_two_backups(
    lost: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = lost.world
    platform = world.connector.writer("one").platform
    for record in list(world.org.tables["Paper"].records):
        platform.delete("Paper", record, by="U1")
    platform.purge_bin()
    world.clock.advance(days=1)
    lost("backup", "sales")
    monkeypatch.setattr(losses, "SHOWN", 1)
    first = lost("losses", "list").out
    assert "… 1 of 2. Next: unlost losses list --state open --start 1\n" in first
    out = lost("losses", "list", "--start", "1").out
    assert "deleted by an unknown user between " in out
    assert "A restore creates new ids. Restore:" in out

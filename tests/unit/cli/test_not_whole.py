"""unlost restore: what a restore leaves out is named, and ends with exit code 3."""

from dataclasses import replace
from pathlib import Path

import pytest

from scenes import Lead
from terminals import Terminal
from unit.cli.test_restore import CUSTOMER, platform, writable
from unlost.cli.exits import ExitCode
from unlost.cli.verbs.restores.restore import OTHERWISE
from unlost.engine.restore.running.passes.returning import CAME_ALONG
from unlost.engine.restore.running.readback import CREATED_APART
from unlost.model.source.writing import ID_NOT_KEPT, Birth, WriteCapability

__all__ = ["writable"]


@pytest.fixture
def shop(unlost: Terminal, writable: Lead) -> Terminal:
    """A customer with 25 contacts under a backup, lost for ever; and a writer."""
    writable(unlost.world)
    return unlost


def test_references_that_stay_empty_are_named_before_and_after_the_run(
    shop: Terminal, tmp_path: Path
) -> None:
    platform(shop).allow(WriteCapability("Account", reason="The user may not write to Account."))
    plan = str(tmp_path / "plan.json")
    words = ("restore", "plan", "sales", "--lost-between", "1", "2", "--out", plan)
    planned = shop(*words)
    assert planned.code == ExitCode.FINDINGS
    assert "25 references will stay empty:\n" in planned.out
    assert planned.out.count(f".Account should refer to Account/{CUSTOMER}\n") == 20
    assert "  … and 5 more\n" in planned.out
    ran = shop("restore", "run", plan)
    assert ran.code == ExitCode.FINDINGS
    assert "  25 references stayed empty:\n" in ran.out
    assert ran.out.count(f".Account should refer to Account/{CUSTOMER}\n") == 20
    assert "  … and 5 more\n" in ran.out
    result = shop("restore", "run", plan, "--json").json
    assert result["whole"] is False
    told = shop("runs", result["run"]).out
    assert f"    Account: link-lost, should refer to Account/{CUSTOMER}\n" in told


def test_a_live_record_is_overwritten_only_with_adopt(shop: Terminal, tmp_path: Path) -> None:
    held = platform(shop)
    held.unique.append(("Account", ("Number",)))
    newer = held.org.create("Account", {"Name": "Another firm", "Number": "0040017"})
    words = ("restore", "plan", "sales", "--record", f"Account/{CUSTOMER}", "--no-related")
    spared = shop(*words, "--out", str(tmp_path / "spared.json"))
    assert spared.code == ExitCode.FINDINGS
    assert "A live record has the unique value:\n" in spared.out
    assert f"  Account/{CUSTOMER}: Account/{newer}\n" in spared.out
    ran = shop("restore", "run", str(tmp_path / "spared.json"), "--json")
    assert (ran.code, ran.json["whole"]) == (ExitCode.FINDINGS, False)
    assert dict(held.live("Account"))[newer].cells["Name"] == "Another firm"
    asked = shop(*words, "--adopt", "--out", str(tmp_path / "asked.json"))
    assert asked.code == ExitCode.OK
    assert "will adopt a live record" in asked.out
    again = shop("restore", "retry", ran.json["run"], "--adopt")
    assert again.code == ExitCode.OK
    assert dict(held.live("Account"))[newer].cells["Name"] == "Schoko Zürich"


def test_records_that_the_org_did_not_create_are_explained(shop: Terminal, tmp_path: Path) -> None:
    """A plan said 98 created and 28 by the system, and its run ended with 100 and 26."""
    held = platform(shop)
    held.allow(replace(held.capability("Contact"), birth=Birth.BY_PRODUCT))
    plan = str(tmp_path / "plan.json")
    planned = shop("restore", "plan", "sales", "--record", f"Account/{CUSTOMER}", "--out", plan)
    assert "       25 will be created automatically by the org\n" in planned.out
    assert "Those that it does not create are written." in planned.out
    ran = shop("restore", "run", plan)
    assert ran.code == ExitCode.OK
    assert "       26 created, with new ids\n" in ran.out
    assert "25 of them were written, because the org did not create them" in ran.out


def test_records_of_a_table_that_is_gone_are_counted(shop: Terminal, tmp_path: Path) -> None:
    org = shop.world.org
    org.tables["Contact"].dropped = True
    plan = str(tmp_path / "plan.json")
    assert shop("restore", "plan", "sales", "--record", f"Account/{CUSTOMER}", "--out", plan)
    ran = shop("restore", "run", plan)
    assert ran.code == ExitCode.FINDINGS
    assert "  25 records of tables that the org no longer has: not restored\n" in ran.out


def test_each_reason_to_end_otherwise_has_words() -> None:
    assert OTHERWISE.keys() == {CREATED_APART, CAME_ALONG, ID_NOT_KEPT}


def test_records_that_are_created_again_with_their_ids_are_told_from_new_ones(
    shop: Terminal, tmp_path: Path
) -> None:
    platform(shop).keeps_ids = {"Account", "Contact"}
    plan = str(tmp_path / "plan.json")
    planned = shop("restore", "plan", "sales", "--record", f"Account/{CUSTOMER}", "--out", plan)
    assert "       26 will be created again, with their ids\n" in planned.out
    ran = shop("restore", "run", plan)
    assert ran.code == ExitCode.OK
    assert "       26 created again, with their ids\n" in ran.out


def test_an_id_that_the_org_did_not_keep_is_named_with_the_new_one(
    shop: Terminal, tmp_path: Path
) -> None:
    held = platform(shop)
    held.keeps_ids = held.ignores_ids = {"Account"}
    plan, before = str(tmp_path / "plan.json"), dict(held.live("Account"))
    shop("restore", "plan", "sales", "--record", f"Account/{CUSTOMER}", "--out", plan)
    ran = shop("restore", "run", plan)
    (live,) = dict(held.live("Account")).keys() - before.keys()
    assert "1 of them got new ids, because the org did not keep the old ones\n" in ran.out
    assert f"  ! Account/{CUSTOMER}: " in ran.out
    assert f"the new id {live} instead of {CUSTOMER}" in ran.out
    assert "Links from other systems keep the old id." in ran.out

"""Automation of an org during a restore: it acts without a bypass, and holds back with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import ADMIN, Program, with_writer
from unlost_simulators.process import SimulatorProcess

pytestmark = pytest.mark.network

SETTING = "Shop_Floor_Settings__c"
BOX = f"{SETTING}.Weekend_Shift__c"
DONE = {0, 3}
TASK = {"Subject": "Greet {Name}", "WhatId": "{Id}", "Status": "Not Started", "Priority": "Normal"}


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    served: SimulatorProcess, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """A home with a write user, and an org with a permission set that nobody has."""
    shop = with_writer(first_home, tmp_path_factory.mktemp("bypass"), served)
    served.admin.post("records/insert", object="PermissionSet",
                      rows=[{"Name": "Quiet", "Label": "Quiet"}])  # fmt: skip
    return shop


@pytest.fixture(scope="module")
def lost(shop: Program, served: SimulatorProcess) -> dict[str, str]:
    """The ids of lost customers by their names."""
    names = ("Bitter", "Dark", "Milk", "Nougat")
    added = [{"Name": name} for name in names]
    ids = served.admin.post("records/insert", object="Account", rows=added)["ids"]
    backup(shop, served)
    served.admin.post("records/delete", object="Account", ids=ids)
    served.admin.post("clock/advance", days=20)
    served.admin.post("records/purge")
    backup(shop, served)
    return dict(zip(names, ids, strict=True))


@pytest.fixture(autouse=True)
def rules(served: SimulatorProcess) -> Iterator[None]:
    """A test plants its own automation."""
    served.admin.post("rules/clear")
    yield
    served.admin.post("rules/clear")


def rows(served: SimulatorProcess, of: str) -> list[dict[str, Any]]:
    every = served.admin.get("export", object=of)["rows"]
    return [row for row in every if not row.get("IsDeleted")]


def is_live(served: SimulatorProcess, name: str) -> bool:
    return any(row["Name"] == name for row in rows(served, "Account"))


def backup(shop: Program, served: SimulatorProcess) -> None:
    served.admin.post("clock/advance", hours=3)
    assert shop("backup", "chocolate").code in DONE


def plant(served: SimulatorProcess, bypass: str) -> None:
    """A trigger makes a task for each new account, unless the bypass is on; a package does not ask.

    Inactive rules never act, and no plan lists them.
    """
    for kind, more in {
        "trigger": {"deed": "refuse"},
        "validation": {"message": "No.", "where": "Name != null"},
    }.items():
        served.admin.post(f"rules/{kind}", object="Account", name="Retired", active=False, **more)
    served.admin.post("rules/trigger", object="Account", deed="create", name="Greet",
                      values=TASK, bypass=bypass)  # fmt: skip
    served.admin.post("rules/trigger", object="Account", deed="set", name="Sync", package="acme",
                      tool="flow", values={"Description": "synced"})  # fmt: skip
    served.admin.post("rules/validation", object="Account", message="A phone, please.",
                      name="Phone", where="Phone = null", bypass=bypass)  # fmt: skip


def greetings(served: SimulatorProcess) -> list[str]:
    subjects = [str(row["Subject"]) for row in rows(served, "Task")]
    return sorted(subject for subject in subjects if subject.startswith("Greet "))


def assignments(served: SimulatorProcess) -> int:
    quiet = next(row["Id"] for row in rows(served, "PermissionSet") if row["Name"] == "Quiet")
    given = rows(served, "PermissionSetAssignment")
    return len([row for row in given if row["PermissionSetId"] == quiet])


def planned(shop: Program, file: Path, record: str) -> dict[str, Any]:
    words = ("--record", f"Account/{record}", "--out", str(file), "--json")
    plan: dict[str, Any] = shop("restore", "plan", "chocolate", *words).done
    return plan


def restored(shop: Program, file: Path, record: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Plan and result of the restore of a lost account."""
    plan = planned(shop, file, record)
    return plan, shop("restore", "run", str(file), "--json").done


def test_without_a_bypass_automation_acts_on_a_restore(
    shop: Program, served: SimulatorProcess, lost: dict[str, str], tmp_path: Path
) -> None:
    shop("org", "bypass", "chocolate", "--off")
    served.admin.post("rules/trigger", object="Account", deed="create", name="Greet",
                      values=TASK, bypass="Quiet")  # fmt: skip
    restored(shop, tmp_path / "plan.json", lost["Bitter"])
    assert "Greet Bitter" in greetings(served)


def test_a_plan_without_a_bypass_names_automation_and_a_locked_record(
    shop: Program, served: SimulatorProcess, lost: dict[str, str], tmp_path: Path
) -> None:
    shop("org", "bypass", "chocolate", "--off")
    # Without Modify All Data, a user edits only records that it owns.
    admin = next(user["Id"] for user in rows(served, "User") if user["Username"] == ADMIN)
    added = [{"Name": "Praline", "Phone": "1", "OwnerId": admin}]
    (live,) = served.admin.post("records/insert", object="Account", rows=added)["ids"]
    backup(shop, served)
    served.admin.post("records/update", object="Account", changes={live: {"Phone": "2"}})
    for name, tool in (("Mail owner", "workflow"), ("Old_Process", "process")):
        served.admin.post("rules/trigger", object="Account", deed="set", name=name, tool=tool,
                          values={"Site": "x"})  # fmt: skip
    served.admin.post("rules/approval", object="Account", ids=[live], name="Discount")
    right = {"username": ADMIN, "permission": "ModifyAllData"}
    file = tmp_path / "plan.json"
    served.admin.post("access/permission", **right, granted=False)
    try:
        notes = {
            note["code"]: note["sentence"] for note in planned(shop, file, live)["summary"]["notes"]
        }
        assert notes["automation-workflow"] == "Active workflow rules of Account (1): Mail owner."
        assert "Old_Process" in notes["automation-process"]
        assert "no bypass is set" in notes["bypass-none"]
        assert "Praline (Discount)" in notes["in-approval"]
        result = shop("restore", "run", str(file), "--json").json
    finally:
        served.admin.post("access/permission", **right, granted=True)
    assert "is locked in the org, for example by an approval process" in str(result)
    served.admin.post("rules/decide")


def test_with_a_permission_set_it_holds_back(
    shop: Program, served: SimulatorProcess, lost: dict[str, str], tmp_path: Path
) -> None:
    plant(served, "Quiet")
    before = greetings(served)
    answer = shop("org", "bypass", "chocolate", "permission-set", "Quiet", "--json").done
    assert answer["bypass"] == {"kind": "permission-set", "name": "Quiet"}
    plan, result = restored(shop, tmp_path / "plan.json", lost["Dark"])
    assert plan["summary"]["bypass"] == "permission-set Quiet"
    notes = {note["code"]: note["sentence"] for note in plan["summary"]["notes"]}
    assert "Greet" in notes["automation-trigger"]
    assert "Phone" in notes["automation-rule"]
    assert "acme__Sync" in notes["automation-managed"]
    assert "Retired" not in str(notes)
    assert result["whole"]
    assert greetings(served) == before
    assert assignments(served) == 0
    assert is_live(served, "Dark")


def test_with_a_custom_setting_it_holds_back(
    shop: Program, served: SimulatorProcess, lost: dict[str, str], tmp_path: Path
) -> None:
    plant(served, BOX)
    before, settings = greetings(served), rows(served, SETTING)
    shop("org", "bypass", "chocolate", "custom-setting", BOX, "--json")
    _, result = restored(shop, tmp_path / "plan.json", lost["Milk"])
    assert result["whole"]
    assert greetings(served) == before
    assert rows(served, SETTING) == settings


def test_a_user_who_may_not_assign_it_is_named_and_nothing_is_written(
    shop: Program, served: SimulatorProcess, lost: dict[str, str], tmp_path: Path
) -> None:
    shop("org", "bypass", "chocolate", "permission-set", "Quiet", "--json")
    right = {"username": ADMIN, "permission": "AssignPermissionSets"}
    file = tmp_path / "plan.json"
    served.admin.post("access/permission", **right, granted=False)
    try:
        plan = planned(shop, file, lost["Nougat"])
        assert "bypass-impossible" in {note["code"] for note in plan["summary"]["notes"]}
        run = ("restore", "run", str(file), "--json")
        setting = ("org", "bypass", "chocolate", "permission-set", "Quiet", "--json")
        for words in (run, setting):
            ended = shop(*words)
            assert ended.json["error"]["code"] == "bypass-refused", ended
    finally:
        served.admin.post("access/permission", **right, granted=True)
    assert not is_live(served, "Nougat")
    assert shop("restore", "run", str(file), "--json").done["whole"]
    assert assignments(served) == 0

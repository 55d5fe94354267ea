"""A lost customer is restored, and the restore undone: activated orders and contracts, too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, moved_in
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.deep, pytest.mark.network]

CUSTOMER = "0040017"
ADMIN = "lotte.devos@chocolate.example"
SECRET = "not-a-secret-writer"
DONE = {0, 3}


@pytest.fixture
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture
def shop(served: SimulatorProcess, first_home: Path, tmp_path: Path) -> Program:
    secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
    shop = moved_in(first_home, tmp_path / "home", served.url, environment=secret)
    served.admin.post("apps", consumer_key="writer-tests", consumer_secret=SECRET, run_as=ADMIN)
    shop("org", "writer", "chocolate", "--client-id", "writer-tests", "--json")
    return shop


def rows(served: SimulatorProcess, of: str) -> list[dict[str, Any]]:
    """The live rows of an object."""
    every = served.admin.get("export", object=of)["rows"]
    return [row for row in every if not row.get("IsDeleted")]


def statuses(served: SimulatorProcess, of: str, account: str) -> list[str]:
    """The statuses of what a customer has of an object."""
    return sorted(row["Status"] for row in rows(served, of) if row["AccountId"] == account)


def customer(served: SimulatorProcess) -> str:
    accounts = rows(served, "Account")
    return next((row["Id"] for row in accounts if row["Customer_Number__c"] == CUSTOMER), "")


def run(shop: Program, plan: Path) -> dict[str, Any]:
    ended = shop("restore", "run", str(plan), "--json")
    assert ended.code in DONE, ended
    result: dict[str, Any] = ended.done
    return result


def undone(shop: Program, folder: Path, name: str) -> tuple[Path, dict[tuple[str, str], int]]:
    """The plan of an undo, and its notes."""
    plan = folder / f"undo-{name}.json"
    planned = shop("undo", "chocolate", name, "--out", str(plan), "--json")
    assert planned.code in DONE, planned
    notes = planned.done["summary"]["notes"]
    return plan, {(note["code"], note["table"]): note["count"] for note in notes}


@pytest.mark.parametrize("permitted", [True, False])
def test_the_restore_of_a_customer_with_activated_orders_is_undone_and_redone(
    shop: Program, served: SimulatorProcess, tmp_path: Path, permitted: bool
) -> None:
    served.admin.post(
        "access/permission",
        username=ADMIN,
        permission="DeleteActivatedContract",
        granted=permitted,
    )
    lost = customer(served)
    before = {of: statuses(served, of, lost) for of in ("Order", "Contract")}
    assert "Activated" in before["Order"]
    assert "Activated" in before["Contract"]
    served.admin.post("story/delete-customer")
    served.admin.post("clock/advance", days=20)
    assert shop("backup", "chocolate").code in DONE
    plan = tmp_path / "plan.json"
    shop("restore", "plan", "chocolate", "--record", f"Account/{lost}", "--out", str(plan))
    restored = run(shop, plan)
    account = customer(served)
    assert {of: statuses(served, of, account) for of in before} == before

    undo, notes = undone(shop, tmp_path, restored["run"])
    assert notes["draft-first", "Order"] == before["Order"].count("Activated")
    assert (("locked", "Contract") in notes) is not permitted
    ended = run(shop, undo)
    assert [one for one in ended["records"] if one["ending"] == "failed"] == []
    assert {one["ending"] for one in ended["endings"]} <= {
        "deleted", "updated", "unchanged", *(() if permitted else ("skipped",)),
    }  # fmt: skip
    assert statuses(served, "Order", account) == []
    if not permitted:
        assert statuses(served, "Contract", account) == ["Activated"]
        assert customer(served) == account, "its contract needs it"
        return
    assert not customer(served)

    again, _ = undone(shop, tmp_path, ended["run"])
    run(shop, again)
    assert customer(served) == account
    assert {of: statuses(served, of, account) for of in before} == before

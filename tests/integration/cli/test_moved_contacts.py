"""Contacts that a colleague moved to another account: moved back, and the restore undone."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import ADMIN, Program, with_writer
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.deep, pytest.mark.network]

FROM, TO = "0040017", "0040016"


@pytest.fixture
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture
def shop(served: SimulatorProcess, first_home: Path, tmp_path: Path) -> Program:
    return with_writer(first_home, tmp_path / "moved", served)


def rows(served: SimulatorProcess, of: str) -> dict[str, dict[str, Any]]:
    return {row["Id"]: row for row in served.admin.get("export", object=of)["rows"]}


def relations(served: SimulatorProcess, contacts: list[str]) -> Counter[str]:
    """The accounts to which these contacts are related, directly or not."""
    pairs = rows(served, "AccountContactRelation").values()
    return Counter(pair["AccountId"] for pair in pairs if pair["ContactId"] in contacts)


def run(shop: Program, plan: Path) -> tuple[str, Counter[str]]:
    """Run a plan, which must end whole; its run, and the endings of its records."""
    result = shop("restore", "run", str(plan), "--json").done
    assert result["whole"], [record for record in result["records"] if record["code"]]
    assert shop("backup", "chocolate").code in {0, 3}
    return result["run"], Counter({each["ending"]: each["count"] for each in result["endings"]})


def test_contacts_that_move_back_with_their_direct_relations_end_whole(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    """Each relation ended as changed after the plan was made: the restore itself replaced it."""
    accounts = {row["Customer_Number__c"]: key for key, row in rows(served, "Account").items()}
    home, away = accounts[FROM], accounts[TO]
    contacts = [key for key, row in rows(served, "Contact").items() if row["AccountId"] == home]
    many = len(contacts)
    before = relations(served, contacts)
    assert before[home] == many > 5
    served.admin.post("clock/advance", hours=3)
    changes = {key: {"AccountId": away} for key in contacts}
    served.admin.post("records/update", **{"as": ADMIN}, object="Contact", changes=changes)
    served.admin.post("clock/advance", hours=3)
    assert shop("backup", "chocolate").code in {0, 3}

    ticked = [word for key in contacts for word in ("--record", f"Contact/{key}")]
    for number in range(2):  # with relations as they were, then with relations that moved along
        plan = tmp_path / f"plan-{number}.json"
        words = ("restore", "plan", "chocolate", *ticked, "--at", "1", "--out", str(plan))
        assert shop(*words, "--json").code in {0, 3}
        name, endings = run(shop, plan)
        assert endings["updated"] == endings["by-product"] == many
        assert relations(served, contacts) == before

        undo = tmp_path / f"undo-{number}.json"
        assert shop("undo", "chocolate", name, "--out", str(undo), "--json").code in {0, 3}
        assert {step["table"] for step in json.loads(undo.read_text())["steps"]} == {"Contact"}
        _, endings = run(shop, undo)
        assert endings == {"updated": many}
        assert relations(served, contacts)[away] >= many

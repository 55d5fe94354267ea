"""A record's story over the wire: deleted, back from the bin, and back under a new id."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import ADMIN, Program, with_writer
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

CUSTOMER = "0040017"


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    served: SimulatorProcess, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    return with_writer(first_home, tmp_path_factory.mktemp("story"), served)


def night(shop: Program, served: SimulatorProcess, **later: int) -> None:
    served.admin.post("clock/advance", **(later or {"days": 1}))
    assert shop("backup", "chocolate").code in {0, 3}


def customer(shop: Program) -> str:
    hits = shop("find", CUSTOMER, "--json").done["hits"]
    return str(next(hit["record"] for hit in hits if hit["table"] == "Account"))


def told(shop: Program, record: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = shop("history", "chocolate", record, "--json").done["entries"]
    return entries


def test_an_undelete_is_told_when_it_was_and_not_at_the_last_edit(
    shop: Program, served: SimulatorProcess
) -> None:
    record = served.admin.get("export", object="Lead", limit=1)["rows"][0]["Id"]
    by = {"as": ADMIN, "object": "Lead", "ids": [record]}
    served.admin.post("clock/advance", hours=3)
    served.admin.post("records/delete", **by)
    night(shop, served, hours=3)
    served.admin.post("clock/advance", hours=3)
    served.admin.post("records/undelete", **by)
    night(shop, served, hours=3)
    deleted, revived = told(shop, f"Lead/{record}")[-2:]
    assert (deleted["kind"], revived["kind"]) == ("deleted", "revived")
    assert deleted["after"] < deleted["at"] < deleted["until"]
    assert revived["after"] < revived["at"] < revived["until"]
    assert revived["by"] is None, "the system's stamp names nobody"


def test_a_customer_that_came_back_under_a_new_id_has_one_story(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    lost = customer(shop)
    served.admin.post("story/delete-customer")
    night(shop, served, days=20)
    plan = tmp_path / "plan.json"
    words = ("restore", "plan", "chocolate", "--record", f"Account/{lost}", "--out", str(plan))
    assert shop(*words, "--json").done["summary"]["records"] > 50
    run = shop("restore", "run", str(plan), "--json").done["run"]
    night(shop, served)
    shown = shop("history", "chocolate", f"Account/{lost}", "--json").done
    (back,) = shown["came_back_as"]
    entries = told(shop, f"Account/{back['record']}")
    assert entries == shown["entries"]
    kinds = [entry["kind"] for entry in entries]
    assert kinds[0] == "created"
    assert "deleted" in kinds
    at = kinds.index("restored")
    assert (entries[at]["record"], entries[at]["run"]) == (back["record"], run)
    assert {entry["record"] for entry in entries[:at]} == {lost}
    assert {entry["record"] for entry in entries[at:]} == {back["record"]}
    assert all(entry["after"] is None or entry["after"] <= entry["until"] for entry in entries)

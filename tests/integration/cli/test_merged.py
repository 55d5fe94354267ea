"""Two customers merged in the org: backed up, shown, found, and the lost one restored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import ADMIN, Program, with_writer
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.deep, pytest.mark.network]

KEPT, LOST = "0040016", "0040017"
PICKED = ("Phone", "Website")


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    served: SimulatorProcess, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    return with_writer(first_home, tmp_path_factory.mktemp("merged"), served)


def rows(served: SimulatorProcess, of: str) -> dict[str, dict[str, Any]]:
    return {row["Id"]: row for row in served.admin.get("export", object=of)["rows"]}


def binned(served: SimulatorProcess, key: str) -> bool:
    """Whether an account lies in the recycle bin."""
    held = served.admin.get("export", object="Account", deleted="true")["rows"]
    return next(row["IsDeleted"] for row in held if row["Id"] == key)


def account(served: SimulatorProcess, number: str) -> str:
    numbered = rows(served, "Account").items()
    return next(key for key, row in numbered if row["Customer_Number__c"] == number)


def values(row: dict[str, Any]) -> dict[str, Any]:
    """The values of an account that a person picks in a merge."""
    return {column: row[column] for column in PICKED}


def children(served: SimulatorProcess, parent: str) -> dict[str, set[str]]:
    """The records with this account, by object."""
    objects = ("Contact", "Opportunity", "Case", "Contract", "Order", "Asset")
    return {
        of: {key for key, row in rows(served, of).items() if row["AccountId"] == parent}
        for of in objects
    }


def relations(served: SimulatorProcess) -> dict[str, str]:
    """The account to which each contact is directly related."""
    pairs = rows(served, "AccountContactRelation").values()
    return {pair["ContactId"]: pair["AccountId"] for pair in pairs if pair["IsDirect"]}


def test_a_merged_customer_is_shown_found_and_restored(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    kept, lost = account(served, KEPT), account(served, LOST)
    before = {key: children(served, key) for key in (kept, lost)}
    assert sum(map(len, before[lost].values())) > 5
    accounts = rows(served, "Account")
    name, own = accounts[kept]["Name"], values(accounts[kept])
    served.admin.post("clock/advance", hours=3)
    picked = values(accounts[lost])
    assert all(picked[column] != own[column] for column in PICKED)
    merge = {"as": ADMIN, "object": "Account", "master": kept, "ids": [lost], "set": picked}
    assert served.admin.post("records/merge", **merge)["merged"] == [lost]
    served.admin.post("clock/advance", hours=3)
    assert shop("backup", "chocolate").code in {0, 3}

    assert shop("losses", "list", "chocolate").code == 0, "a merge is no loss"
    (merged,) = shop("losses", "list", "--state", "folded", "--json").done["losses"]
    assert (merged["record"], merged["folded"]) == (lost, "merged")
    assert (merged["merged_into"]["record"], merged["merged_into"]["name"]) == (kept, name)

    shown = shop("history", "chocolate", f"Account/{lost}", "--json").done
    deleted = next(entry for entry in shown["entries"] if entry["kind"] == "deleted")
    assert (deleted["merged_into"], deleted["merged_into_name"]) == (kept, name)
    assert deleted["at"] is not None
    assert deleted["by_name"] == "Lotte De Vos"
    told = shop("history", "chocolate", f"Account/{lost}").out
    assert f"Merged into {name} ({kept}) by Lotte De Vos" in told
    assert f"merged into {name} ({kept}) on " in shop("find", LOST).out
    contact = min(before[lost]["Contact"])
    moved = shop("history", "chocolate", f"Contact/{contact}").out
    assert f"({lost}) → {name} ({kept})" in moved

    assert {relations(served)[contact] for contact in before[lost]["Contact"]} == {kept}

    plan = tmp_path / "plan.json"
    words = ("restore", "plan", "chocolate", "--record", f"Account/{lost}", "--out", str(plan))
    planned = shop(*words, "--json").done["summary"]
    notes = {(note["code"], note["table"]): note["count"] for note in planned["notes"]}
    assert notes["was-merged", "Account"] == 1
    assert notes["values-back", "Account"] == 1
    assert ("merge-unclear", "Account") not in notes
    assert ("moved-since", "AccountContactRelation") not in notes
    assert notes["moved-since", "Note"] == 2
    for of, keys in before[lost].items():
        assert notes.get(("moves-back", of), 0) == len(keys), of
    ended = shop("restore", "run", str(plan), "--json")
    assert ended.code in {0, 3}, ended
    run = ended.done["run"]
    back = rows(served, "Account")[lost]
    assert back["MasterRecordId"] is None
    assert values(rows(served, "Account")[kept]) == own
    assert {key: children(served, key) for key in (kept, lost)} == before
    assert {relations(served)[contact] for contact in before[lost]["Contact"]} == {lost}

    served.admin.post("clock/advance", days=1)
    assert shop("backup", "chocolate").code in {0, 3}
    kinds = [
        (entry["kind"], entry["merged_into"])
        for entry in shop("history", "chocolate", f"Account/{lost}", "--json").done["entries"]
    ]
    assert kinds[-2:] == [("deleted", kept), ("revived", None)]
    undone(shop, run, tmp_path / "undo.json")
    assert values(rows(served, "Account")[kept]) == picked
    assert lost not in rows(served, "Account")
    assert binned(served, lost)
    assert children(served, lost) == {of: set() for of in before[lost]}


def undone(shop: Program, run: str, plan: Path) -> None:
    """Take a run back."""
    assert shop("undo", "chocolate", run, "--out", str(plan), "--json").code in {0, 3}
    assert shop("restore", "run", str(plan), "--json").code in {0, 3}

"""Teams and manual shares: they survive a new owner, and come back with a lost customer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, moved_in
from unlost_simulators.process import SimulatorProcess

pytestmark = pytest.mark.network

KEPT, LOST = "0040016", "T-LOST"
ADMIN = "lotte.devos@chocolate.example"
SECRET = "not-a-secret-writer"


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def users(served: SimulatorProcess) -> list[str]:
    return [row["Id"] for row in rows(served, "User") if row["IsActive"]][1:4]


@pytest.fixture(scope="module")
def shop(
    served: SimulatorProcess,
    users: list[str],
    first_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Program:
    """Two customers with a team and a manual share each, in a backup."""
    secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
    shop = moved_in(first_home, tmp_path_factory.mktemp("teams"), served.url, environment=secret)
    served.admin.post("apps", consumer_key="writer-tests", consumer_secret=SECRET, run_as=ADMIN)
    assert shop("org", "writer", "chocolate", "--client-id", "writer-tests", "--json").done[
        "tenant"
    ]
    add(served, "Account", Name="Praline & Co", Customer_Number__c=LOST)
    for number in (KEPT, LOST):
        add(served, "AccountTeamMember", AccountId=account(served, number), UserId=users[0],
            TeamMemberRole="Taster", AccountAccessLevel="Edit")  # fmt: skip
        add(served, "AccountShare", AccountId=account(served, number), UserOrGroupId=users[1],
            AccountAccessLevel="Edit", RowCause="Manual")  # fmt: skip
    backup(shop, served)
    return shop


def rows(served: SimulatorProcess, of: str) -> list[dict[str, Any]]:
    return list(served.admin.get("export", object=of)["rows"])


def add(served: SimulatorProcess, of: str, **cells: str) -> None:
    served.admin.post("records/insert", object=of, rows=[cells])


def backup(shop: Program, served: SimulatorProcess) -> None:
    served.admin.post("clock/advance", hours=3)
    assert shop("backup", "chocolate").code in {0, 3}


def account(served: SimulatorProcess, number: str) -> str:
    numbered = (row for row in rows(served, "Account") if row["Customer_Number__c"] == number)
    return str(next(numbered)["Id"])


def team(served: SimulatorProcess, parent: str) -> set[tuple[str, str, str]]:
    return {
        (row["UserId"], row["TeamMemberRole"], row["AccountAccessLevel"])
        for row in rows(served, "AccountTeamMember")
        if row["AccountId"] == parent
    }


def manual(served: SimulatorProcess, parent: str) -> set[tuple[str, str]]:
    return {
        (row["UserOrGroupId"], row["AccountAccessLevel"])
        for row in rows(served, "AccountShare")
        if row["AccountId"] == parent and row["RowCause"] == "Manual"
    }


def owner(served: SimulatorProcess, parent: str) -> str:
    return str(next(row["OwnerId"] for row in rows(served, "Account") if row["Id"] == parent))


def notes(planned: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(one["code"], one["table"]): one["count"] for one in planned["summary"]["notes"]}


def test_team_and_shares_survive_a_new_owner_and_its_undo(
    shop: Program, served: SimulatorProcess, users: list[str], tmp_path: Path
) -> None:
    kept = account(served, KEPT)
    before, other = owner(served, kept), users[2]
    assert before != other
    # In the console of Salesforce, a person keeps the team; the share of today is newer.
    served.admin.post("records/update", object="Account", changes={kept: {"OwnerId": other}})
    add(served, "AccountShare", AccountId=kept, UserOrGroupId=users[0],
        AccountAccessLevel="Read", RowCause="Manual")  # fmt: skip
    backup(shop, served)
    members, shares = team(served, kept), manual(served, kept)
    assert (len(members), len(shares)) == (1, 2)

    plan = tmp_path / "owner.json"
    words = ("--record", f"Account/{kept}", "--at", "2", "--no-related", "--out", str(plan))
    planned = shop("restore", "plan", "chocolate", *words, "--json").done
    counts = notes(planned)
    assert counts["rows-added-again", "AccountTeamMember"] == 1
    assert counts["rows-added-again", "AccountShare"] == 2
    result = shop("restore", "run", str(plan), "--json").done
    assert owner(served, kept) == before
    assert (team(served, kept), manual(served, kept)) == (members, shares)

    undo = tmp_path / "undo.json"
    shop("undo", "chocolate", result["run"], "--out", str(undo), "--json")
    assert shop("restore", "run", str(undo), "--json").code == 0
    assert owner(served, kept) == other
    assert (team(served, kept), manual(served, kept)) == (members, shares)


@pytest.mark.full
def test_a_lost_customer_is_visible_again(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    lost = account(served, LOST)
    members, shares = team(served, lost), manual(served, lost)
    assert members
    assert shares
    served.admin.post("records/delete", object="Account", ids=[lost])
    served.admin.post("clock/advance", days=20)
    served.admin.post("records/purge")
    assert shop("backup", "chocolate").code in {0, 3}

    plan = tmp_path / "lost.json"
    words = ("--record", f"Account/{lost}", "--out", str(plan))
    shop("restore", "plan", "chocolate", *words, "--json")
    result = shop("restore", "run", str(plan), "--json").done
    again = account(served, LOST)
    assert again != lost
    assert (team(served, again), manual(served, again)) == (members, shares)

    undo = tmp_path / "undone.json"
    planned = shop("undo", "chocolate", result["run"], "--out", str(undo), "--json").done
    assert not {note for note, _ in notes(planned)} & {"referred-since", "edited-since"}
    assert shop("restore", "run", str(undo), "--json").code == 0
    assert [row for row in rows(served, "Account") if row["Customer_Number__c"] == LOST] == []
    assert (team(served, again), manual(served, again)) == (set(), set())

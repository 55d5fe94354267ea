"""The chocolate maker loses campaigns, which the write user may not create again."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, moved_in
from unlost.cli.exits import ExitCode
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

ADMIN = "lotte.devos@chocolate.example"
SECRET = "not-a-secret-writer"


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    served: SimulatorProcess, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
    made = moved_in(
        first_home, tmp_path_factory.mktemp("campaigns"), served.url, environment=secret
    )
    served.admin.post("apps", consumer_key="writer", consumer_secret=SECRET, run_as=ADMIN)
    assert made("org", "writer", "chocolate", "--client-id", "writer").code in {0, 3}
    return made


def rows(served: SimulatorProcess, table: str) -> list[dict[str, Any]]:
    exported: list[dict[str, Any]] = served.admin.get("export", object=table)["rows"]
    return exported


def test_a_restore_without_its_campaigns_is_not_whole_and_names_each_deal(
    served: SimulatorProcess, shop: Program, tmp_path: Path
) -> None:
    deals = {row["Id"]: row["CampaignId"] for row in rows(served, "Opportunity")}
    busiest = [key for key, _ in Counter(filter(None, deals.values())).most_common(3)]
    hung = {f"Opportunity/{deal}": campaign for deal, campaign in deals.items()
            if campaign in busiest}  # fmt: skip
    assert len(hung) > 3
    served.admin.post("records/delete", object="Campaign", ids=busiest)
    served.admin.post("clock/advance", days=1)
    assert shop("backup", "chocolate").code in {0, 3}
    plan = str(tmp_path / "campaigns.json")
    words = ("--lost-between", "1", "2", "--out", plan)
    summary = shop("restore", "plan", "chocolate", *words, "--json").done["summary"]
    weights = {note["code"]: note["weight"] for note in summary["notes"]}
    assert weights["create-not-allowed"] == "block"
    assert weights["parent-missing"] == "warning"
    assert summary["empty_count"] >= len(hung)
    shown = shop("restore", "show", plan)
    assert shown.code == ExitCode.FINDINGS
    assert "should refer to Campaign/" in shown.out
    ended = shop("restore", "run", plan, "--json")
    assert ended.code == ExitCode.FINDINGS
    result = ended.json
    assert result["whole"] is False
    named = {
        f"{one['table']}/{one['record']}": difference["target"]
        for one in result["records"]
        for difference in one["differences"]
        if difference["column"] == "CampaignId"
    }
    assert {key: named.get(key) for key in hung} == {
        key: f"Campaign/{campaign}" for key, campaign in hung.items()
    }
    skipped = {one["record"] for one in result["records"] if one["ending"] == "skipped"}
    assert set(busiest) <= skipped
    live = {row["Id"]: row["CampaignId"] for row in rows(served, "Opportunity")}
    assert all(live[key.partition("/")[2]] is None for key in hung)
    again = shop("restore", "run", plan)
    assert "stayed empty:" in again.out
    assert "should refer to Campaign/" in again.out

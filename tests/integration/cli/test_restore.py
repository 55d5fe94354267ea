"""The way back with the real program: plan, look, run, and what can go wrong on the way."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, moved_in
from unlost_simulators.process import SimulatorProcess

pytestmark = pytest.mark.network

CUSTOMER = "0040017"
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
    """A home with two nights, between which a customer and many phone numbers were lost."""
    folder = tmp_path_factory.mktemp("restore")
    secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
    made = moved_in(first_home, folder, served.url, environment=secret)
    served.admin.post("story/delete-customer")
    served.admin.post("clock/advance", days=20)
    served.admin.post("story/overwrite-phones")
    assert made("backup", "chocolate").code in {0, 3}
    return made


def customer(shop: Program) -> str:
    hits = shop("find", CUSTOMER, "--json").done["hits"]
    return str(next(hit["record"] for hit in hits if hit["table"] == "Account"))


def live_accounts(served: SimulatorProcess) -> list[dict[str, object]]:
    rows = served.admin.get("export", object="Account")["rows"]
    return [row for row in rows if row["Customer_Number__c"] == CUSTOMER]


def written(planned: dict[str, Any]) -> int:
    """How many records a plan writes."""
    still = {"unchanged", "skip"}
    actions = planned["summary"]["actions"]
    return sum(one["count"] for one in actions if one["action"] not in still)


@pytest.fixture(scope="module")
def writable(shop: Program, served: SimulatorProcess) -> Program:
    """The same home, whose org has a write user."""
    served.admin.post("apps", consumer_key="writer-tests", consumer_secret=SECRET, run_as=ADMIN)
    added = shop("org", "writer", "chocolate", "--client-id", "writer-tests", "--json")
    assert added.done["tenant"]
    return shop


ENDED = {"create": "created", "by-product": "by-product", "undelete": "undeleted",
         "update": "updated", "unchanged": "unchanged", "adopt": "adopted", "skip": "skipped"}  # fmt: skip


def assert_numbers_agree(shop: Program, plan: Path, result: dict[str, Any]) -> None:
    """Each record ends as planned, or the result says why not: so the numbers agree."""
    steps = {(one["table"], one["record"]): one for one in json.loads(plan.read_bytes())["steps"]}
    records = shop("runs", result["run"], "--json").done["records"]
    counts = {one["ending"]: one["count"] for one in result["endings"]}
    assert counts == Counter(one["ending"] for one in records)
    others = [
        one
        for one in records
        if one["ending"] != ENDED[steps[one["table"], one["record"]]["action"]]
    ]
    assert all(one["code"] and one["sentence"] for one in others), others
    there = Counter(
        one["code"] for one in others if one["ending"] not in ("failed", "conflict", "skipped")
    )
    assert {one["code"]: one["count"] for one in result["otherwise"]} == there


def test_a_customer_comes_back_with_everything(
    writable: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    shop, lost = writable, customer(writable)
    plan = tmp_path / "plan.json"
    words = ("restore", "plan", "chocolate", "--record", f"Account/{lost}", "--out", str(plan))
    planned = shop(*words, "--json").done
    assert planned["summary"]["records"] > 50
    assert live_accounts(served) == []
    assert shop(*words).code == 2  # the file is there already
    shown = shop("restore", "show", str(plan)).out
    assert "Contact" in shown
    assert "will be created, with new ids" in shown
    result = shop("restore", "run", str(plan), "--json").done
    assert_numbers_agree(shop, plan, result)
    (account,) = live_accounts(served)
    assert account["Id"] != lost
    contacts = served.admin.get("export", object="Contact")["rows"]
    assert sum(row["AccountId"] == account["Id"] for row in contacts) > 3
    again = shop("restore", "run", str(plan), "--json").done
    assert again == result | {"repeated": True}
    assert len(live_accounts(served)) == 1
    listed = shop("runs", "--json").done["runs"]
    assert any(one["run"] == result["run"] and one["state"] == "done" for one in listed)
    detail = shop("runs", result["run"], "--json").done
    assert any(one["live"] == account["Id"] for one in detail["records"])
    assert shop("runs", result["run"]).code == 0


@pytest.mark.full
def test_overwritten_phone_numbers_are_put_back(writable: Program, tmp_path: Path) -> None:
    shop = writable
    plan = tmp_path / "phones.json"
    words = ("--changed-between", "1", "2", "--table", "Contact", "--column", "Phone")
    planned = shop("restore", "plan", "chocolate", *words, "--out", str(plan), "--json").done
    count = written(planned)
    assert count > 300
    result = shop("restore", "run", str(plan), "--json").done
    assert {"ending": "updated", "count": count} in result["endings"]
    again = tmp_path / "again.json"
    second = shop("restore", "plan", "chocolate", *words, "--out", str(again), "--json").done
    assert written(second) == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("nonsense", "plan-unreadable"),
        ("edited", "plan-edited"),
        ("newer", "plan-newer"),
        ("elsewhere", "plan-other-vault"),
    ],
)
def test_a_plan_that_was_tampered_with_is_refused(
    writable: Program, tmp_path: Path, change: str, code: str
) -> None:
    from unlost.engine.restore.values.plan_file import read_plan, sealed, write_plan

    shop, plan = writable, tmp_path / "plan.json"
    record = f"Account/{customer(shop)}"
    shop("restore", "plan", "chocolate", "--record", record, "--out", str(plan), "--no-related")
    told = json.loads(plan.read_bytes())
    if change == "nonsense":
        plan.write_text("not a restore plan", "utf-8")
    elif change == "edited":
        told["steps"] = []
        plan.write_text(json.dumps(told), "utf-8")
    elif change == "newer":
        told["format"] = 99
        plan.write_text(json.dumps(told), "utf-8")
    else:
        from dataclasses import replace

        other = replace(read_plan(plan.read_bytes()), org="0" * 32)
        plan.write_bytes(write_plan(sealed(other)))
    for verb in ("show", "run"):
        ended = shop("restore", verb, str(plan), "--json")
        assert ended.code != 0
        assert json.loads(ended.out or ended.err)["error"]["code"] == code


@pytest.mark.full
def test_what_is_asked_for_must_be_clear(writable: Program, tmp_path: Path) -> None:
    shop, out = writable, str(tmp_path / "plan.json")

    def refused(*words: str) -> int:
        return shop("restore", "plan", "chocolate", *words, "--out", out).code

    assert refused() == 2
    assert refused("--record", "Account") == 2
    assert refused("--record", "Account/001000000000001AAA", "--lost-between", "1", "2") == 2
    assert refused("--lost-between", "2", "2") != 0
    assert refused("--changed-between", "1", "2") == 2
    assert shop("restore", "show", str(tmp_path / "none.json")).code == 2
    assert shop("restore", "resume", "restore-none").code == 1
    assert shop("restore", "retry", "restore-none").code == 1
    assert shop("runs", "none").code == 1

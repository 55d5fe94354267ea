"""What belonged to somebody who left comes back for somebody else: with the real program."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, moved_in
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

CUSTOMER = "0040017"
ADMIN = "lotte.devos@chocolate.example"
LEFT = "sabine.vogt@chocolate.example"
HERE = "joerg.hauser@chocolate.example"
SECRET = "not-a-secret-writer"


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    served: SimulatorProcess, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """A customer was lost, and its owner left; who restores may not write for those who left."""
    folder = tmp_path_factory.mktemp("otherwise")
    secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
    made = moved_in(first_home, folder, served.url, environment=secret)
    served.admin.post("story/delete-customer")
    served.admin.post("clock/advance", days=20)
    left = user(served, LEFT)
    served.admin.post("records/update", object="User", changes={left: {"IsActive": False}})
    served.admin.post(
        "access/permission", username=ADMIN, permission="UpdateWithInactiveOwner", granted=False
    )
    assert made("backup", "chocolate").code in {0, 3}
    served.admin.post("apps", consumer_key="writer-tests", consumer_secret=SECRET, run_as=ADMIN)
    assert made("org", "writer", "chocolate", "--client-id", "writer-tests").code in {0, 3}
    return made


def user(served: SimulatorProcess, name: str) -> str:
    rows = served.admin.get("export", object="User")["rows"]
    return str(next(row["Id"] for row in rows if row["Username"] == name))


def rows(served: SimulatorProcess, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = served.admin.get("export", object=table)["rows"]
    return found


def customer(shop: Program) -> str:
    hits = shop("find", CUSTOMER, "--json").done["hits"]
    return str(next(hit["record"] for hit in hits if hit["table"] == "Account"))


def test_a_wrong_value_or_field_is_refused_before_anything_is_planned(
    shop: Program, tmp_path: Path
) -> None:
    record, out = f"Account/{customer(shop)}", tmp_path / "plan.json"
    words = ("restore", "plan", "chocolate", "--record", record, "--out", str(out), "--json")
    for value, code in (
        (f"{record}.AnnualRevenue=a lot", "edit-value-wrong"),
        (f"{record}.Nothing=x", "edit-column-unknown"),
        (f"{record}.SystemModstamp=2026-03-04", "edit-column-fixed"),
        (f"{record}.OwnerId=Nobody Known", "reference-unknown"),
        ("Account=x", "edit-unreadable"),
    ):
        ended = shop(*words, "--set", value)
        assert (ended.code, json.loads(ended.out)["error"]["code"]) == (2, code), ended
    assert not out.exists()


def test_rows_of_somebody_who_left_are_refused_and_come_back_for_another(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    record, out = f"Account/{customer(shop)}", tmp_path / "plan.json"
    left, here = user(served, LEFT), user(served, HERE)
    words = ("restore", "plan", "chocolate", "--record", record, "--out", str(out))
    planned = shop(*words, "--set", f"{record}.Description=Came back", "--json").done
    assert {one["record"] for one in planned["summary"]["holders"]} >= {left}
    assert planned["summary"]["edited"] == [
        {"table": "Account", "record": customer(shop), "columns": ["Description"]}
    ]
    shown = shop("restore", "show", str(out)).out
    assert "1 of them with edited values" in shown
    assert "Came back" not in shown
    first = shop("restore", "run", str(out), "--json").done
    failed = [one for one in first["records"] if one["ending"] == "failed"]
    assert any("inactive user" in one["sentence"] for one in failed)
    assert any("another owner" in one["next_step"] for one in failed)
    again = ("restore", "retry", first["run"], "--instead", f"User/{left[:15]}={here}", "--json")
    second = shop(*again).done
    # Without its lines an order is not activated, and a mail that was sent takes no file any more.
    left_over = [one for one in second["records"] if one["ending"] == "failed"]
    assert {one["table"] for one in left_over} <= {"ContentDocumentLink", "Order"}, left_over
    (account,) = [row for row in rows(served, "Account") if row["Customer_Number__c"] == CUSTOMER]
    assert (account["OwnerId"], account["Description"]) == (here, "Came back")
    contacts = [row for row in rows(served, "Contact") if row["AccountId"] == account["Id"]]
    assert contacts
    assert {row["OwnerId"] for row in contacts} == {here}


def test_a_field_is_set_for_all_that_failed(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    here = user(served, HERE)
    served.admin.post(
        "rules/validation", object="Contact", on=["insert"], name="Phones",
        where="Phone = '1'", message="Phones have more digits.",
    )  # fmt: skip
    some = [row["Id"] for row in rows(served, "Contact")][:2]
    served.admin.post("records/delete", object="Contact", ids=some)
    served.admin.post("records/empty-bin", object="Contact", ids=some)
    out = tmp_path / "plan.json"
    words = ["restore", "plan", "chocolate", "--out", str(out), "--no-related", "--json"]
    for one in some:
        words += ["--record", f"Contact/{one}", "--set", f"Contact/{one}.Phone=1"]
    assert shop(*words).done["summary"]["typed"] == 2
    first = shop("restore", "run", str(out), "--json").done
    failed = [one for one in first["records"] if one["ending"] == "failed"]
    assert len(failed) == 2
    code = failed[0]["code"]
    none = shop("restore", "retry", first["run"], "--code", "another", "--json")
    assert json.loads(none.out)["error"]["code"] == "run-whole"
    second = shop(
        "restore", "retry", first["run"], "--code", code, "--set-all", "Contact.Phone=0470 1",
        "--set-all", f"Contact.OwnerId={here}", "--empty", f"Contact/{some[0]}.Title", "--json",
    ).done  # fmt: skip
    assert second["whole"], second
    back = [row for row in rows(served, "Contact") if row["Phone"] == "0470 1"]
    assert len(back) == 2
    assert {row["OwnerId"] for row in back} == {here}
    assert any(not row["Title"] for row in back)

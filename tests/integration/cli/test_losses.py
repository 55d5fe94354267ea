"""The lost customer of the demo stands in the loss inbox as one entry, and comes back as one."""

from pathlib import Path

import pytest

from integration.cli.conftest import Program
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.long, pytest.mark.network]

CUSTOMER = "0040017"
ADMIN = "lotte.devos@chocolate.example"
SECRET = "not-a-secret-writer"
WITH_THE_CUSTOMER = {
    "Account": 1,
    "Asset": 2,
    "Attachment": 4,
    "Case": 5,
    "CaseComment": 9,
    "Contact": 7,
    "ContentDocument": 5,
    "Contract": 1,
    "EmailMessage": 5,
    "Event": 2,
    "Note": 2,
    "Opportunity": 3,
    "OpportunityLineItem": 5,
    "Order": 2,
    "OrderItem": 4,
    "Task": 7,
}


def test_a_deleted_customer_is_one_loss_with_all_that_went_with_it(
    simulator: SimulatorProcess, program: Program, tmp_path: Path
) -> None:
    customer = program("find", CUSTOMER, "--json").done["hits"][0]["record"]
    simulator.admin.post("story/ordinary-day")
    deleted = simulator.admin.post("story/delete-customer")["deleted"]
    simulator.admin.post("clock/advance", days=1)
    assert program("backup", "chocolate").code in {0, 3}
    (loss,) = program("losses", "list", "chocolate", "--json").done["losses"]
    assert (loss["table"], loss["record"], loss["roots"]) == ("Account", customer, 1)
    assert {line["table"]: line["count"] for line in loss["tables"]} == WITH_THE_CUSTOMER
    assert 1 + loss["more"] == sum(WITH_THE_CUSTOMER.values()) < deleted, "no history, no links"
    assert loss["by_name"] == "Lotte De Vos"

    app = ("writer-losses", SECRET)
    simulator.admin.post("apps", consumer_key=app[0], consumer_secret=app[1], run_as=ADMIN)
    writing = Program(program.home, {"UNLOST_WRITER_CLIENT_SECRET": SECRET})
    assert writing("org", "writer", "chocolate", "--client-id", app[0], "--json").code in {0, 3}
    plan = str(tmp_path / "plan.json")
    words = ("--loss", str(loss["loss"]), "--out", plan)
    planned = program("restore", "plan", "chocolate", *words, "--json").done
    # The links and versions of files that do not count come back too.
    actions = planned["summary"]["actions"]
    assert sum(line["count"] for line in actions if line["action"] != "skip") > sum(
        WITH_THE_CUSTOMER.values()
    )
    assert program("restore", "run", plan).code in {0, 3}
    assert program("losses", "list", "chocolate").code == 0
    (restored,) = program(*("losses", "list", "chocolate", "--state", "restored", "--json")).done[
        "losses"
    ]
    assert (restored["loss"], restored["back"]) == (loss["loss"], 1)

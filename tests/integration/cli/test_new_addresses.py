"""Links and images in texts lead to the new ids of a restored customer, as far as possible."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, with_writer
from unlost_simulators.process import SimulatorProcess

pytestmark = pytest.mark.network

CUSTOMER = "0040017"


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    served: SimulatorProcess, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    return with_writer(first_home, tmp_path_factory.mktemp("texts"), served)


def rows(served: SimulatorProcess, of: str) -> dict[str, dict[str, Any]]:
    return {row["Id"]: row for row in served.admin.get("export", object=of)["rows"]}


def customer(served: SimulatorProcess) -> str:
    numbered = rows(served, "Account").items()
    return next(key for key, row in numbered if row["Customer_Number__c"] == CUSTOMER)


def mails(served: SimulatorProcess, account: str) -> dict[str, dict[str, Any]]:
    """The mails of the customer's cases, by subject."""
    cases = {key for key, row in rows(served, "Case").items() if row["AccountId"] == account}
    return {
        row["Subject"]: row
        for row in rows(served, "EmailMessage").values()
        if row["ParentId"] in cases
    }


def file_of(served: SimulatorProcess, record: str) -> str:
    """The first version of a file of a record."""
    links = rows(served, "ContentDocumentLink").values()
    (document, *_) = (row["ContentDocumentId"] for row in links if row["LinkedEntityId"] == record)
    versions = rows(served, "ContentVersion").items()
    return next(key for key, row in versions if row["ContentDocumentId"] == document)


@pytest.mark.full
def test_texts_lead_to_the_new_records(
    shop: Program, served: SimulatorProcess, tmp_path: Path
) -> None:
    lost = customer(served)
    written = mails(served, lost)
    (image,) = [row for row in written.values() if "file=00P" in (row["HtmlBody"] or "")]
    subject = next(name for name, row in written.items() if row["Id"] != image["Id"])
    version = file_of(served, lost)
    body = (
        f'<a href="https://chocolate.example/lightning/r/Account/{lost}/view">them</a>'
        f'<img src="/sfc/servlet.shepherd/version/download/{version}"><a href="/{lost[:15]}">x</a>'
    )
    changes = {written[subject]["Id"]: {"HtmlBody": body}}
    served.admin.post("records/update", object="EmailMessage", changes=changes)
    page = {lost: {"Website": f"https://shop.example/{lost}"}}
    served.admin.post("records/update", object="Account", changes=page)
    served.admin.post("clock/advance", hours=3)
    assert shop("backup", "chocolate").code in {0, 3}
    served.admin.post("story/delete-customer")
    served.admin.post("clock/advance", days=20)
    assert shop("backup", "chocolate").code in {0, 3}

    plan = tmp_path / "plan.json"
    words = ("--record", f"Account/{lost}", "--out", str(plan), "--json")
    planned = shop("restore", "plan", "chocolate", *words).done["summary"]
    notes = {(one["code"], one["table"]): one["count"] for one in planned["notes"]}
    assert notes["late-addresses", "EmailMessage"] == 1
    result = shop("restore", "run", str(plan), "--json").done

    account = customer(served)
    now = mails(served, account)
    new_version = file_of(served, account)
    assert (account, new_version) != (lost, version)
    assert now[subject]["HtmlBody"] == body.replace(lost, account).replace(
        lost[:15], account[:15]
    ).replace(version, new_version)
    assert rows(served, "Account")[account]["Website"] == f"https://shop.example/{account}"
    # The image is an attachment of the mail, so its id is not known when the mail is created.
    assert now[image["Subject"]]["HtmlBody"] == image["HtmlBody"]
    named = {
        (one["record"], difference["column"])
        for one in result["records"]
        for difference in one["differences"]
        if difference["reason"] == "old-address"
    }
    assert named == {(image["Id"], "HtmlBody")}

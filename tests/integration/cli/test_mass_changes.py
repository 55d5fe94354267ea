"""Disasters of a simulated Salesforce org: each is reported in the backup that saw it.

Phones overwritten in the second backup, a column emptied, a doubled import, damage of three days, an
announced import, and what skipped the recycle bin.
"""

import json
from typing import Any

import pytest

from integration.cli.test_by_itself import ByItself, alone
from unlost.app.actions.alerts.mass_changes import ExpectRequest, expect
from unlost.app.home.cancellation import CancellationFlag

__all__ = ["alone"]

pytestmark = [pytest.mark.full, pytest.mark.long, pytest.mark.network]

ADDRESS = "https://unlost.example.com"


class Disasters:
    """An org whose contacts have phones, after its first backup."""

    def __init__(self, alone: ByItself) -> None:
        self.alone = alone
        self.admin: Any = alone.served.admin
        assert alone.program("alert", "address", ADDRESS).code == 0
        self.contacts = [row["Id"] for row in self.rows("Contact")]
        self.number_phones("555")
        alone.pass_time(hours=8)
        alone.look()

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.admin.get("export", object=table)["rows"]
        return rows

    def update(self, records: list[str], **cells: str | None) -> None:
        self.admin.post("records/update", object="Contact", changes=dict.fromkeys(records, cells))

    def number_phones(self, begin: str) -> None:
        changes = {r: {"Phone": f"{begin} {n}"} for n, r in enumerate(self.contacts)}
        self.admin.post("records/update", object="Contact", changes=changes)

    def night(self) -> list[dict[str, Any]]:
        """The mass changes that reach people after the next backup."""
        before = len(self.alone.hooks)
        self.alone.pass_time(hours=24)
        self.alone.look()
        told = self.alone.hooks[before:]
        assert "resolved" not in {one["event"] for one in told if one["rule"] == "mass-change"}
        return [one for one in told if one["rule"] == "mass-change"]

    def changes(self) -> list[dict[str, Any]]:
        number = str(self.alone.snapshots())
        listed = self.alone.program("alert", "changes", "chocolate", number, "--json")
        changes: list[dict[str, Any]] = listed.json["changes"]
        return changes


@pytest.fixture
def disasters(alone: ByItself) -> Disasters:
    return Disasters(alone)


def test_each_disaster_raises_its_alert_in_the_same_backup(disasters: Disasters) -> None:
    some = disasters.contacts[: len(disasters.contacts) * 9 // 10]
    disasters.update(some, Phone="000")
    (alert,) = disasters.night()
    assert f"Phone was overwritten with one value in {len(some):,} of" in alert["sentence"]
    assert alert["link"].startswith(f"{ADDRESS}/alerts/")
    assert any(alert["link"] in mail for mail in disasters.alone.mails.read)
    assert "--change overwritten" in alert["command"]
    assert disasters.night() == []

    disasters.update(disasters.contacts[:100], Phone=None)
    (alert,) = disasters.night()
    assert "Phone was emptied in 100 of" in alert["sentence"]

    for day in range(3):
        part = len(disasters.contacts) // 50
        disasters.update(disasters.contacts[200 + day * part : 200 + (day + 1) * part], Title="x")
        alerts = disasters.night()
        assert bool(alerts) is (day == 2), json.dumps(disasters.changes())
    assert "within 7 days" in alerts[0]["sentence"]

    count = len(disasters.contacts) // 4
    ids = [{"LastName": f"Doubled {n}", "AccountId": None} for n in range(count)]
    disasters.admin.post("records/insert", object="Contact", rows=ids)
    disasters.admin.post("records/hard-delete", object="Contact", ids=disasters.contacts[-1:])
    (alert,) = disasters.night()
    assert f"{count:,} records of Contact were created" in alert["sentence"], json.dumps(
        disasters.changes()
    )
    assert "In chocolate, 1 record of Contact skipped the recycle bin." in alert["sentence"]

    announced = ExpectRequest("Contact.Department", f"{disasters.alone.clock.now():%Y}-12-31")
    with disasters.alone.opened(CancellationFlag()) as app:
        expect(app, "chocolate", announced)
    disasters.update(disasters.contacts[:-1], Department="Sales")
    assert disasters.night() == []
    assert disasters.changes()

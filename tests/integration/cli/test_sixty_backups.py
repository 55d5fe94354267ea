"""Sixty ordinary backups of a simulated Salesforce org raise digests only; each disaster its alert.

The vault, the database and the org are real; clocks are moved by hand. Links of messages are
followed in the console, to the action that repairs.
"""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from integration.cli.conftest import Program, add_org
from integration.cli.test_by_itself import BEGAN, OPENED
from unit.web.conftest import BACKEND, signed_in_just_now
from unlost.app.actions.alerts.alerts import link_to, watch
from unlost.app.actions.alerts.mass_changes import ExpectRequest, expect
from unlost.app.actions.alerts.public_address import set_address
from unlost.app.actions.backups.backup import backup
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.alerts.digest_email import mass_lines
from unlost.app.compose import Application, open_application
from unlost.app.home.home import read_home_key
from unlost.catalog.alerts import list_alerts
from unlost.catalog.people.people import add_person, set_role
from unlost.model.access import Role
from unlost.model.alert import AlertRule
from unlost.testing.clock import VirtualClock
from unlost.web.serving import ReachedAddress, holding, set_up
from unlost_simulators.process import SimulatorProcess
from unlost_simulators.salesforce.scenarios.chocolate import story

pytestmark = [pytest.mark.deep, pytest.mark.long, pytest.mark.network]

ADDRESS = "https://unlost.example.com"
BACKUPS = 60  # each takes two CPU-seconds
TABLES = ("Account", "Contact", "Case")
NOTICED = {AlertRule.MASS_CHANGE, AlertRule.LOSS, AlertRule.UNUSUAL_LOSS}
CONTACTS_ELSEWHERE = {
    "Case": ("ContactId",),
    "Contact": ("ReportsToId",),
    "Order": ("BillToContactId", "CustomerAuthorizedById", "ShipToContactId"),
    "Contract": ("CustomerSignedId",),
    "Task": ("WhoId",),
}


class Company:
    """An org at work, after its first backup."""

    def __init__(self, app: Application, served: SimulatorProcess, clock: VirtualClock) -> None:
        self.app, self.admin, self.clock = app, served.admin, clock
        self.watcher, self.dice = Watcher(), random.Random(60)
        self.contacts, self.free = self._contacts()
        self.cases = self._ids("Case")
        accounts = self._rows("Account")
        self.accounts = [str(row["Id"]) for row in accounts]
        self.branches = self._without_family(accounts)
        self.night()

    def _rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.admin.get("export", object=table)["rows"]
        return rows

    def _ids(self, table: str) -> list[str]:
        return [str(row["Id"]) for row in self._rows(table)]

    def _contacts(self) -> tuple[list[str], list[str]]:
        """All contacts, and those to which no other record refers."""
        named = {
            row[column]
            for table, columns in CONTACTS_ELSEWHERE.items()
            for row in self._rows(table)
            for column in columns
        }
        rows = [row for row in self._rows("Contact") if not row.get("IsPersonAccount")]
        contacts = [str(row["Id"]) for row in rows]
        return contacts, [contact for contact in contacts if contact not in named]

    def _without_family(self, accounts: Sequence[dict[str, Any]]) -> list[str]:
        """Accounts that have neither a parent nor branches: any two of them can be merged."""
        parents = {row["ParentId"] for row in accounts}
        return [
            str(row["Id"])
            for row in accounts
            if not row["ParentId"] and row["Id"] not in parents and not row.get("IsPersonAccount")
            if row.get("Customer_Number__c") != story.CUSTOMER_NUMBER
        ]

    def night(self) -> set[str]:
        """Back up; the keys of the alerts that this backup opens about losses and changes."""
        self.clock.advance(hours=12)
        self.admin.post("clock/advance", hours=12)
        backup(self.app, "chocolate")
        self.clock.advance(hours=12)
        self.admin.post("clock/advance", hours=12)
        opened = watch(self.app, self.watcher).opened
        return {key for key in opened if key.partition("/")[0] in NOTICED}

    def backups(self) -> int:
        return self.app.vault.snapshots(self.oid)[-1].number

    @property
    def oid(self) -> str:
        return next(iter(self.app.names()))

    def digest(self) -> str:
        return "\n".join(mass_lines(self.watcher.seen.orgs[0]))

    def update(self, table: str, changes: dict[str, dict[str, Any]], by: str = "") -> None:
        who = {"as_": by} if by else {}
        self.admin.post("records/update", object=table, changes=changes, **who)

    def delete(self, table: str, records: Sequence[str]) -> None:
        self.admin.post("records/delete", object=table, ids=list(records))

    # --- ordinary days ------------------------------------------------------------------------

    def day(self, number: int) -> None:
        """Single deletions, a few new people, a fifth of the phones edited; now and then more."""
        self.delete("Contact", [self._leaver()])
        people = [{"LastName": f"New {number} {n}"} for n in range(2)]
        self.admin.post("records/insert", object="Contact", rows=people)
        some = self.dice.sample(self.contacts, len(self.contacts) // 5)
        self.update("Contact", {c: {"Phone": f"+32 {number} {n}"} for n, c in enumerate(some)})
        if number % 4 == 0:
            priorities = ("High", "Medium", "Low")
            cases = self.dice.sample(self.cases, len(self.cases) // 5)
            self.update("Case", {c: {"Priority": self.dice.choice(priorities)} for c in cases})
        if number % 10 == 5:
            self._merge("Contact", self._leaver(), self._leaver())
        if number in (12, 32):
            self._merge("Account", self.branches.pop(), self.branches.pop())
        if number == 20:
            self._transfer(self.accounts[: len(self.accounts) * 3 // 10])
        if number == 40:
            self._import()

    def _leaver(self) -> str:
        contact = self.free.pop()
        self.contacts.remove(contact)
        return contact

    def _merge(self, table: str, master: str, loser: str) -> None:
        merge = {"as_": story.ADMIN_USERNAME, "object": table, "master": master, "ids": [loser]}
        self.admin.post("records/merge", **merge)

    def _transfer(self, accounts: Sequence[str]) -> None:
        users = {row["Username"]: row["Id"] for row in self._rows("User")}
        owner = {"OwnerId": users[story.SALES_USERNAME]}
        self.update("Account", dict.fromkeys(accounts, owner), by=story.ADMIN_USERNAME)

    def _import(self) -> None:
        until = f"{self.clock.now():%Y}-12-31T18:00"
        for what in ("Contact.Department", "Contact"):
            expect(self.app, "chocolate", ExpectRequest(what, until, "Import of the fair"))
        department = {"Department": "Messe"}
        self.update("Contact", dict.fromkeys(self.contacts, department))
        rows = [{"LastName": f"Visitor {n}"} for n in range(len(self.contacts) // 2)]
        self.admin.post("records/insert", object="Contact", rows=rows)

    # --- disasters ----------------------------------------------------------------------------

    def overwrite_phones(self) -> None:
        self.admin.post("story/overwrite-phones")

    def empty_titles(self) -> None:
        self.update("Contact", {key: {"Title": None} for key in self.contacts[:300]})

    def delete_contacts(self) -> None:
        self.delete("Contact", [self._leaver() for _ in range(120)])

    def take_everything(self) -> None:
        self._transfer([str(row["Id"]) for row in self._rows("Account")])

    def lose_customer(self) -> None:
        self.admin.post("story/delete-customer")

    def double_import(self) -> None:
        rows = [{"LastName": f"Doubled {n}"} for n in range(len(self.contacts))]
        self.admin.post("records/insert", object="Contact", rows=rows)

    def skip_the_bin(self) -> None:
        self.admin.post("records/hard-delete", object="Contact", ids=[self._leaver()])

    def write_slowly(self) -> None:
        part, begin = len(self._rows("Contact")) // 50, 400  # 2 % each day, the threshold is 5 %
        for day in range(2):
            self._write(begin + day * part, part)
            assert self.night() == set(), "too few records for one day"
        self._write(begin + 2 * part, part)

    def _write(self, begin: int, count: int) -> None:
        some = self.contacts[begin : begin + count]
        self.update("Contact", {key: {"LastName": "x"} for key in some})


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    clock = VirtualClock(BEGAN)
    with SimulatorProcess(*OPENED) as served:
        program = Program(tmp_path / "home")
        assert program("init", str(program.home), "--recovery-out", str(tmp_path / "s")).code == 0
        tables = [word for table in TABLES for word in ("--include", table)]
        assert add_org(program, served.url, more=tables).code in {0, 3}
        with open_application(program.home, clock=clock) as app:
            set_address(app, ADDRESS)
            set_up(read_home_key(app.home), ReachedAddress())
            with holding(app):
                yield Company(app, served, clock)


@pytest.fixture
def ada(company: Company) -> str:
    """A person who may restore and answer."""
    add_person("ada", at=company.clock.now())
    set_role("ada", Role.ADMIN, org=None)
    return "ada"


def followed(person: str, key: str) -> str:
    """The page to which the link of an alert leads; the person signs in, as days have passed."""
    client, user = Client(SERVER_NAME="localhost"), get_user_model().objects.get(username=person)
    client.force_login(user, backend=BACKEND)
    signed_in_just_now(client, user.pk)
    alert = next(alert for alert in list_alerts() if alert.raised.key == key)
    link = link_to(alert)
    assert link.startswith(f"{ADDRESS}/alerts/")
    page = client.get(link.removeprefix(ADDRESS), follow=True)
    assert page.status_code == 200
    assert page.redirect_chain
    return page.content.decode()


def repairs(page: str) -> list[dict[str, str]]:
    """The hidden values of each form on a page that plans a restore."""
    forms = re.findall(
        r'<form[^>]*action="/orgs/chocolate/restores/">(.*?)</form>', page, re.DOTALL
    )
    return [dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)) for form in forms]


DISASTERS = {
    "empty_titles": ({"column": "Title", "change": "emptied"}, "Title was emptied in"),
    "delete_contacts": ({"what": "lost", "table": "Contact"}, "were deleted in chocolate"),
    "take_everything": ({"column": "OwnerId", "change": "transferred"}, "were transferred by"),
    "lose_customer": ({"what": "loss"}, "Open among them:"),
    "skip_the_bin": ({"what": "lost", "table": "Contact"}, "skipped the recycle bin"),
    "write_slowly": ({"column": "LastName", "change": "overwritten"}, "within 7 days"),
}


def test_ordinary_backups_raise_digests_and_each_disaster_its_alert(
    company: Company, ada: str
) -> None:
    company.overwrite_phones()
    expect_alert(company, ada, {"column": "Phone", "change": "overwritten"}, "overwritten")
    assert company.backups() == 2, "from the second backup on"

    digests = {}
    for number in range(BACKUPS):
        company.day(number)
        assert company.night() == set(), (number, company.digest())
        digests[number] = company.digest()
    assert all("Contact edited (Phone)" in lines for lines in digests.values())
    assert all("Contact deleted" in lines for lines in digests.values())
    assert "Account transferred (OwnerId)" in digests[20]
    assert "(Department) (expected)" in digests[40]

    for name, (repair, sentence) in DISASTERS.items():
        getattr(company, name)()
        expect_alert(company, ada, repair, sentence)
    company.double_import()
    (key,) = company.night()
    assert "See the new records" in followed(ada, key)


def expect_alert(company: Company, ada: str, repair: dict[str, str], sentence: str) -> None:
    """The next backup opens one alert, whose link leads to the repair."""
    (key,) = company.night()
    assert key.rpartition("/")[2] == str(company.backups()), "of the same backup"
    alert = next(alert for alert in list_alerts() if alert.raised.key == key)
    assert sentence in alert.raised.sentence
    assert alert.raised.command.startswith("unlost restore plan chocolate ")
    page = followed(ada, key)
    assert any(repair.items() <= form.items() for form in repairs(page)), (repair, repairs(page))

"""The connector keeps its promises against a served org, whichever way it reads and writes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from fakes.maker import BACKUP, SECRET, Maker
from unlost.connectors.salesforce import CONNECTOR, SalesforceConfig, SalesforceConnector
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.connectors.salesforce.writing.planning import SalesforcePlanning
from unlost.connectors.salesforce.writing.writer import SalesforceWriter
from unlost.model.ports.source import Source
from unlost.model.source.schema import Table
from unlost.testing.cells import AWKWARD
from unlost.testing.connecting import ConnectorContract
from unlost.testing.connectors import SourceContract
from unlost.testing.moving_orgs import MovingOrgContract, MovingRightsContract
from unlost.testing.system import memory_context
from unlost.testing.writers import FileSample, ReferrerSample, WriterContract, WriteSample

pytestmark = pytest.mark.network

TABLES = (
    "Account", "AccountHistory", "Attachment", "CaseStatus", "Contact", "ContentDocumentLink",
    "ContentVersion", "FeedItem", "IdeaComment", "OpportunityLineItem", "Task", "Vote",
)  # fmt: skip


class TestByRest(SourceContract):
    """As a small org is read."""

    samples = TABLES

    @pytest.fixture
    def source(self, maker) -> Iterator[Source]:
        with maker.source(include=self.samples) as source:
            yield source


class TestByBulk(SourceContract):
    """As a large org is read: jobs of several pages."""

    samples = ("Account", "Contact", "EmailMessage", "OpportunityLineItem")

    @pytest.fixture
    def source(self, maker) -> Iterator[Source]:
        with maker.source(include=self.samples, bulk_above=0, page_rows=200) as source:
            yield source


@pytest.mark.full
class TestAsNarrowUser(SourceContract):
    """As a user without View All Data and without Query All Files reads."""

    samples = ("Account", "Contact", "ContentDocument", "ContentDocumentLink", "ContentVersion")

    @pytest.fixture
    def source(self, maker) -> Iterator[Source]:
        with maker.source(client_id="chocolate-narrow", include=self.samples) as source:
            yield source


class TestConnecting(ConnectorContract):
    """Sign-ins with right and wrong credentials."""

    @pytest.fixture
    def connector(self) -> SalesforceConnector:
        return CONNECTOR

    @pytest.fixture
    def config(self, maker: Maker) -> SalesforceConfig:
        # Few tables: these tests describe the org often.
        return config_of(maker, "chocolate-backup")

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"client_secret": SECRET}

    @pytest.fixture(autouse=True)
    def orgs(self, maker: Maker) -> None:
        self.maker = maker

    def another_org(self, config: SalesforceConfig) -> SalesforceConfig:
        org = self.maker.admin.post("orgs", name="other", scenario="chocolate", seed=7)
        return replace(config, login_url=org["url"])


def config_of(maker: Maker, client: str) -> SalesforceConfig:
    return SalesforceConfig(
        login_url=maker.sim.url, client_id=client, include=("Account", "Contact")
    )


def table_of(maker: Maker, name: str) -> Table:
    with maker.source(include=(name,)) as source:
        found = source.discover().table(name)
    assert found is not None
    return found


class TestWriting(WriterContract):
    """Small calls with the administrator's credentials."""

    # Salesforce removes spaces at the ends of texts.
    awkward = tuple(text for text in AWKWARD if text == text.strip())
    # Calls that write: records, the recycle bin, and files.
    path = r"composite/sobjects|/services/Soap/u/|/sobjects/Attachment$"

    @pytest.fixture
    def writer(self, maker: Maker) -> Iterator[SalesforceWriter]:
        self.maker = maker
        context = memory_context({"client_secret": SECRET}, clock=maker.clock)
        with CONNECTOR.open_writer(config_of(maker, "chocolate-restore"), context) as writer:
            yield writer

    @pytest.fixture
    def planning(self, maker: Maker) -> Iterator[SalesforcePlanning]:
        context = memory_context({"client_secret": SECRET}, clock=maker.clock)
        with CONNECTOR.open_planning(config_of(maker, "chocolate-backup"), context) as planning:
            yield planning

    @pytest.fixture
    def source(self, maker: Maker) -> Iterator[Source]:
        with maker.source(include=("Account", "Attachment", "Contact")) as source:
            yield source

    @pytest.fixture
    def sample(self, maker: Maker) -> WriteSample:
        (parent,) = maker.insert("Account", {"Name": "Contract"})
        return WriteSample(
            table_of(maker, "Account"),
            key="Name",
            optional="Phone",
            text="+32 2 555 01 00",
            needed={"NumberOfEmployees": "7"},
            refused={"Name": None},
            referrer=ReferrerSample(table_of(maker, "Contact"), "AccountId", {"LastName": "Ant"}),
            file=FileSample(table_of(maker, "Attachment"), {"Name": "a.bin", "ParentId": parent}),
        )

    def create_as_another_user(self, sample: WriteSample) -> str:
        row = {sample.key: "Contract"}
        (record,) = self.maker.insert(sample.table.name, row, **{"as": BACKUP})
        return record

    @contextmanager
    def forbidden_writer(self, sample: WriteSample) -> Iterator[SalesforceWriter]:
        context = memory_context({"client_secret": SECRET}, clock=self.maker.clock)
        denied = {"username": BACKUP, "object": sample.table.name, "deed": "create"}
        self.maker.admin.post("access/deny", **denied)
        with CONNECTOR.open_writer(config_of(self.maker, "chocolate-backup"), context) as writer:
            yield writer
        self.maker.admin.post("access/allow", **denied)

    @contextmanager
    def lose_answer(self, writer: SalesforceWriter) -> Iterator[None]:
        self.maker.fault(kind="reply_lost", path=self.path)
        yield

    @contextmanager
    def garble_answer(self, writer: SalesforceWriter) -> Iterator[None]:
        self.maker.fault(kind="cut", path=self.path, place="half", framing="clean")
        yield


class Office:
    """The people who work in the served org, and its admin."""

    table = "Lead"

    def __init__(self, maker: Maker) -> None:
        self.maker = maker

    def create(self) -> str:
        (record,) = self.maker.insert(self.table, {"LastName": "Ant", "Company": "Ants"})
        return record

    def old_record(self) -> str:
        record = self.create()
        self.maker.advance(days=1)
        return record

    def change(self, record: str) -> None:
        changes = {record: {"Company": "Bees"}}
        self.maker.admin.post("records/update", object=self.table, changes=changes)

    def delete(self, record: str) -> None:
        self.maker.advance(hours=2)
        self.maker.admin.post("records/delete", object=self.table, ids=[record])

    def undelete(self, record: str) -> None:
        self.maker.admin.post("records/undelete", object=self.table, ids=[record])

    def forget_deletions(self) -> None:
        self.maker.advance(days=16)
        self.maker.admin.post("records/purge")

    @contextmanager
    def shorten_reads(self) -> Iterator[None]:
        self.maker.fault(kind="short_page", object=self.table, rows=1, times=0)
        yield
        # A census of few records uses no job. The lying proxy shortens these answers.
        self.maker.admin.post("faults/clear")

    def hide(self, record: str) -> None:
        """Reading goes on as a user with whom the record is not shared."""
        self._grant("ViewAllData", granted=False)

    def show(self, record: str) -> None:
        self._grant("ViewAllData", granted=True)

    def hide_column(self) -> str:
        self._access("hide-field", field="Website")
        return "Website"

    def hide_table(self) -> None:
        self._access("hide-object")

    def restore_rights(self) -> None:
        self._grant("ViewAllData", granted=True)
        self._access("show-field", field="Website")
        self._access("show-object")

    def _grant(self, permission: str, *, granted: bool) -> None:
        self.maker.admin.post(
            "access/permission", username=BACKUP, permission=permission, granted=granted
        )

    def _access(self, change: str, **field: str) -> None:
        self.maker.admin.post(f"access/{change}", username=BACKUP, object=self.table, **field)


class TestMovingOrg(MovingOrgContract, MovingRightsContract):
    """Backups of an org in which people work."""

    @pytest.fixture
    def people(self, maker: Maker) -> Office:
        return Office(maker)

    @pytest.fixture
    def admin(self, maker: Maker) -> Iterator[Office]:
        office = Office(maker)
        yield office
        office.restore_rights()

    @pytest.fixture
    def opened(self, maker: Maker) -> Callable[[], AbstractContextManager[SalesforceSource]]:
        return lambda: maker.source(include=(Office.table,), bulk_above=0)

"""The connector keeps its promises against a served instance."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from fakes.instance import BACKUP, NARROW, PASSWORD, ServedInstance, described
from unlost.connectors.servicenow import (
    CONNECTOR,
    ServiceNowAuth,
    ServiceNowConfig,
    ServiceNowConnector,
)
from unlost.model.ports.source import Source
from unlost.model.ports.writer import PlanningAccess, Writer
from unlost.testing.connecting import ConnectorContract
from unlost.testing.connectors import SourceContract
from unlost.testing.moving_orgs import MovingOrgContract, MovingRightsContract
from unlost.testing.writers import FileSample, ReferrerSample, WriterContract, WriteSample

pytestmark = pytest.mark.network


class TestReading(SourceContract):
    """As an admin reads, in pages of a size that no table fills exactly."""

    @pytest.fixture
    def source(self, served: ServedInstance) -> Iterator[Source]:
        with served.source(page_rows=70) as source:
            yield source


class TestReadingAsNarrowUser(SourceContract):
    """As a user reads who may neither see the access rules nor some tables."""

    samples = ("incident", "customer_account", "sys_user", "sys_attachment", "sys_journal_field")

    @pytest.fixture
    def source(self, served: ServedInstance) -> Iterator[Source]:
        with served.source(NARROW, include=self.samples) as source:
            yield source


class Connecting(ConnectorContract):
    """Sign-ins with right and wrong credentials."""

    @pytest.fixture
    def connector(self) -> ServiceNowConnector:
        return CONNECTOR

    @pytest.fixture(autouse=True)
    def instance(self, served: ServedInstance) -> None:
        self.served = served
        self.name_it("one")

    def name_it(self, name: str) -> None:
        self.served.insert("sys_properties", name="instance_id", value=name)

    def another_org(self, config: ServiceNowConfig) -> ServiceNowConfig:
        (row,) = self.served.rows("sys_properties", "name=instance_id")
        self.served.update("sys_properties", row["sys_id"], value="another")
        return config


class TestConnecting(Connecting):
    """By Basic authentication."""

    @pytest.fixture
    def config(self, served: ServedInstance) -> ServiceNowConfig:
        return served.config(include=("incident", "problem"))

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"password": PASSWORD}


class TestConnectingWithClientCredentials(Connecting):
    """By OAuth, as the user of the application."""

    @pytest.fixture
    def config(self, served: ServedInstance) -> ServiceNowConfig:
        served.admin.post("settings", client_credentials=True)
        return ServiceNowConfig(
            url=served.url,
            auth=ServiceNowAuth.CLIENT_CREDENTIALS,
            client_id="chocolate-client",
            include=("incident",),
        )

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"client_secret": PASSWORD}


class TestConnectingWithPasswordGrant(Connecting):
    """By OAuth, with the password of the user."""

    @pytest.fixture
    def config(self, served: ServedInstance) -> ServiceNowConfig:
        basic = served.config(include=("incident",))
        return replace(basic, auth=ServiceNowAuth.PASSWORD, client_id="chocolate-client")

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        return {"password": PASSWORD, "client_secret": PASSWORD}


TABLES = ("problem", "incident", "sys_attachment")


class TestWriting(WriterContract):
    """Batches with the credentials of an admin who may write."""

    # Calls that write: batches, and uploads.
    path = r"/v1/batch|/attachment/file"

    @pytest.fixture
    def writer(self, served: ServedInstance) -> Iterator[Writer]:
        self.served = served
        with served.writer() as writer:
            yield writer

    @pytest.fixture
    def planning(self, served: ServedInstance) -> Iterator[PlanningAccess]:
        with CONNECTOR.open_planning(served.config(), served.context()) as planning:
            yield planning

    @pytest.fixture
    def source(self, served: ServedInstance) -> Iterator[Source]:
        with served.source(include=TABLES) as source:
            yield source

    @pytest.fixture
    def sample(self, served: ServedInstance, source: Source) -> WriteSample:
        served.admin.post("rules/policy", table="problem", columns=["short_description"])
        parent = served.insert("problem", short_description="Contract")
        place = {"table_name": "problem", "table_sys_id": parent, "file_name": "a.bin"}
        return WriteSample(
            described(source, "problem"),
            key="short_description",
            optional="cause_notes",
            text="Too little coffee",
            needed={"priority": "2", "opened_at": "2026-07-01 08:00:00"},
            refused={"short_description": None},
            referrer=ReferrerSample(described(source, "incident"), "problem_id"),
            file=FileSample(described(source, "sys_attachment"), place),
        )

    def create_as_another_user(self, sample: WriteSample) -> str:
        row = {sample.key: "Contract"}
        answer = self.served.admin.post(
            "records/insert", as_=NARROW, table=sample.table.name, rows=[row]
        )
        return str(answer["sys_ids"][0])

    @contextmanager
    def forbidden_writer(self, sample: WriteSample) -> Iterator[Writer]:
        with self.served.writer(BACKUP) as writer:
            yield writer

    @contextmanager
    def lose_answer(self, writer: Writer) -> Iterator[None]:
        self.served.admin.fault("reply_lost", path=self.path)
        yield

    @contextmanager
    def garble_answer(self, writer: Writer) -> Iterator[None]:
        self.served.admin.fault("cut", path=self.path, place="half", framing="clean")
        yield


class Desk:
    """The agents who work in the served instance, and its admin."""

    table = "problem"

    def __init__(self, served: ServedInstance) -> None:
        self.served = served

    def create(self) -> str:
        return self.served.insert(self.table, short_description="No coffee", priority="4")

    def old_record(self) -> str:
        record = self.create()
        self.served.admin.post("clock/advance", days=1)
        return record

    def change(self, record: str) -> None:
        self.served.update(self.table, record, short_description="No tea")

    def delete(self, record: str) -> None:
        self.served.admin.post("clock/advance", hours=2)
        self.served.delete(self.table, record)

    def forget_deletions(self) -> None:
        """The trails are emptied, as admins do it."""
        for trail in ("sys_audit_delete", "sys_audit"):
            ids = [row["sys_id"] for row in self.served.rows(trail)]
            self.served.admin.post("records/clean", table=trail, query=f"sys_idIN{','.join(ids)}")
        self.served.admin.post("clock/advance", days=40)

    @contextmanager
    def shorten_reads(self) -> Iterator[None]:
        self.served.acl(self.table, condition="short_description!=No coffee", roles=[])
        yield
        self.served.admin.post("acls/clear")

    def hide(self, record: str) -> None:
        self.served.acl(self.table, roles=[], condition=f"sys_id!={record}")

    def show(self, record: str) -> None:
        del record
        self.served.admin.post("acls/clear")

    def hide_column(self) -> str:
        self.served.acl(self.table, column="short_description")
        return "short_description"

    def hide_table(self) -> None:
        self.served.acl(self.table)


class ClosedDesk(Desk):
    """An instance that shows a hidden cell as an empty one, and closes a table to REST."""

    def __init__(self, served: ServedInstance) -> None:
        super().__init__(served)
        served.admin.post("settings", hidden_column="empty")

    def hide_table(self) -> None:
        self.served.admin.post("schema/web-access", table=self.table, open=False)


class RuledDesk(Desk):
    """An instance whose before-query rules take rows away, also from counts."""

    def hide(self, record: str) -> None:
        self.served.admin.post("rules/query", table="task", condition=f"sys_id!={record}")

    def show(self, record: str) -> None:
        del record
        self.served.admin.post("rules/clear")


class Opened:
    """Opens the instance as each backup does."""

    @pytest.fixture
    def opened(self, served: ServedInstance) -> Callable[[], AbstractContextManager[Source]]:
        return lambda: served.source(include=(Desk.table,))


class TestMovingInstance(Opened, MovingOrgContract, MovingRightsContract):
    """Backups of an instance in which people work."""

    @pytest.fixture
    def people(self, served: ServedInstance) -> Desk:
        return Desk(served)

    @pytest.fixture
    def admin(self, served: ServedInstance) -> Desk:
        return Desk(served)


class TestMovingRightsOfClosedInstance(Opened, MovingRightsContract):
    """Rights are lost in a way that leaves no trace in the answers."""

    @pytest.fixture
    def admin(self, served: ServedInstance) -> Desk:
        return ClosedDesk(served)


class TestMovingRightsUnderRules(Opened, MovingRightsContract):
    """Rows are taken away by before-query rules."""

    @pytest.fixture
    def admin(self, served: ServedInstance) -> Desk:
        return RuledDesk(served)


def test_settings_of_another_system_open_nothing(served: ServedInstance) -> None:
    with pytest.raises(Exception, match="not the settings"):  # noqa: SIM117
        with CONNECTOR.open_source(object(), served.context()):
            pass


def test_the_backup_user_is_an_admin_who_only_reads(served: ServedInstance) -> None:
    (user,) = (user for user in served.admin.get("users") if user["name"] == BACKUP)
    assert user["roles"] == ["admin", "snc_read_only"]

"""The scenario inside a simulated org: it loads, answers, refuses, and lives through the story."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model.schema import COMPOUNDS, FieldType, ObjectDef
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org, SalesforceError
from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.bench import CONTACT_COLUMNS
from unlost_simulators.salesforce.scenarios.chocolate.objects import OBJECTS
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import story_id

# What a backup user who sees all data is refused without a condition, by error code.
REFUSED = {
    "ContentFolderItem": "MALFORMED_QUERY", "ContentFolderMember": "MALFORMED_QUERY",
    "DataStatistics": "MALFORMED_QUERY", "FieldDefinition": "MALFORMED_QUERY",
    "IdeaComment": "MALFORMED_QUERY", "OutgoingEmail": "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION",
    "Sensor_Log__b": "MALFORMED_QUERY", "UserRecordAccess": "MALFORMED_QUERY",
    "Vote": "MALFORMED_QUERY", "Web_Order__x": "EXTERNAL_OBJECT_EXCEPTION",
}  # fmt: skip


def opened(name: str) -> Org:
    made = scenario(name)
    clock = VirtualClock(made.opening)
    org = Org(made.objects(), made.users(), clock=clock, id18=made.org_id, settings=made.settings())
    made.load(org, scale=1, seed=1)
    return org


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    made = opened("chocolate")
    yield made
    made.close()


@pytest.fixture
def own_org() -> Iterator[Org]:
    """An org that the test may change."""
    made = opened("chocolate")
    yield made
    made.close()


def user(org: Org, name: str) -> SimUser:
    found = org.users.by_username(name)
    assert found is not None
    return found


def count(org: Org, by: SimUser, rest: str, *, all_rows: bool = False) -> int:
    return org.query(by, f"SELECT COUNT() FROM {rest}", all_rows=all_rows).total


def select_all(of: ObjectDef) -> str:
    left_out = {*COMPOUNDS, FieldType.BASE64}
    columns = [one.name for one in of.fields if one.type not in left_out]
    return f"SELECT {', '.join(columns)} FROM {of.name}"


@pytest.mark.parametrize("of", [one for one in OBJECTS if one.queryable], ids=lambda one: one.name)
def test_every_queryable_table_answers_or_refuses_as_declared(org: Org, of: ObjectDef) -> None:
    backup = user(org, story.BACKUP_USERNAME)
    if of.name in REFUSED:
        with pytest.raises(SalesforceError) as refusal:
            org.query(backup, select_all(of), all_rows=True)
        assert refusal.value.code == REFUSED[of.name]
        return
    result = org.query(backup, select_all(of), all_rows=True)
    if not of.empty_key:
        held = org.holds(of.name)
        assert result.total == held.live + held.deleted


@pytest.mark.parametrize(
    "name", ["CaseStatus", "TaskStatus", "AccountFeed", "CaseTeamMember", "RecentlyViewed"]
)
def test_some_tables_are_refused_by_bulk_alone(org: Org, name: str) -> None:
    with pytest.raises(SalesforceError) as refusal:
        org.bulk_sql(user(org, story.BACKUP_USERNAME), f"SELECT Id FROM {name}")
    assert refusal.value.code == "INVALIDENTITY"


def test_the_narrow_user_sees_less_of_everything(org: Org) -> None:
    backup, narrow = user(org, story.BACKUP_USERNAME), user(org, story.NARROW_USERNAME)
    assert count(org, narrow, "Account") == ChocolateSizes().businesses // 10
    for name in ("Account", "Contact", "Opportunity"):
        assert 0 < count(org, narrow, name) < count(org, backup, name)
    assert count(org, narrow, "Case") == 0
    assert count(org, narrow, "EmailMessage") < count(org, backup, "EmailMessage")
    assert count(org, narrow, "ContentDocument") == 1
    with pytest.raises(SalesforceError, match="No such column"):
        org.query(narrow, "SELECT Credit_Limit__c FROM Account", all_rows=False)


def test_computed_fields_have_values(org: Org) -> None:
    backup = user(org, story.BACKUP_USERNAME)
    found = org.query(
        backup,
        "SELECT Name, Score_Count__c, Account__r.Office_Code__c FROM Tasting__c "
        "WHERE Name = 'Herbstverkostung'",
        all_rows=False,
    ).records(0, 1)[0]
    assert int(found["Score_Count__c"]) == 3
    assert found["Account__r"]["Office_Code__c"] == "LEI"
    person = org.query(
        backup, f"SELECT Name FROM Contact WHERE Id = '{story_id('Contact', 'frieda')}'",
        all_rows=False,
    ).records(0, 1)[0]  # fmt: skip
    assert person["Name"] == "Frieda Sonnenschein"


def test_a_file_comes_back_with_its_checksum(org: Org) -> None:
    backup = user(org, story.BACKUP_USERNAME)
    for handle in ("prices-1", "shop-2", "protocol-1"):
        key = story_id("ContentVersion", handle)
        row = org.get(backup, "ContentVersion", key, ["Checksum", "ContentSize"])
        data = b"".join(org.blob(backup, "ContentVersion", key, "VersionData").chunks)
        assert hashlib.md5(data).hexdigest() == row["Checksum"]
        assert len(data) == row["ContentSize"]


def test_rows_in_the_bin_are_seen_by_query_all_only(org: Org) -> None:
    backup = user(org, story.BACKUP_USERNAME)
    assert count(org, backup, "Contact WHERE LastName = 'Gelöscht'") == 0
    assert count(org, backup, "Contact WHERE LastName = 'Gelöscht'", all_rows=True) == 1
    assert count(org, backup, "Task") < count(org, backup, "Task", all_rows=True) - 10


def test_the_colleague_deletes_the_customer_with_everything(own_org: Org) -> None:
    admin = user(own_org, story.ADMIN_USERNAME)
    for name, handles in story.DELETED_WITH_CUSTOMER:
        own_org.delete(admin, name, [story_id(name, one) for one in handles])
    backup = user(own_org, story.BACKUP_USERNAME)
    key = story_id("Account", story.CUSTOMER)
    for name in ("Contact", "Case", "Opportunity", "Order", "Contract", "Asset"):
        assert count(own_org, backup, f"{name} WHERE AccountId = '{key}'") == 0
        assert count(own_org, backup, f"{name} WHERE AccountId = '{key}'", all_rows=True) > 0
    case = story_id("Case", "melted")
    assert count(own_org, backup, f"EmailMessage WHERE ParentId = '{case}'") == 0
    files = story_id("ContentDocument", "prices")
    assert count(own_org, backup, f"ContentVersion WHERE ContentDocumentId = '{files}'") == 0
    branch = own_org.get(backup, "Account", story_id("Account", "cafe-dresden"), ["ParentId"])
    assert branch["ParentId"] is None


def test_a_case_stops_the_deletion_of_its_account(own_org: Org) -> None:
    with pytest.raises(SalesforceError) as refusal:
        own_org.delete(
            user(own_org, story.ADMIN_USERNAME),
            "Account",
            [story_id("Account", story.CUSTOMER)],
        )
    assert refusal.value.code == "DELETE_FAILED"


def test_one_condition_overwrites_the_numbers_of_a_region(own_org: Org) -> None:
    backup = user(own_org, story.BACKUP_USERNAME)
    before = count(own_org, backup, "ContactHistory")
    own_org.update_where(
        user(own_org, story.SALES_USERNAME),
        story.OVERWRITE_OBJECT,
        story.OVERWRITE_WHERE,
        {story.OVERWRITE_FIELD: story.OVERWRITE_VALUE},
    )
    changed = count(own_org, backup, f"Contact WHERE Phone = '{story.OVERWRITE_VALUE}'")
    assert changed >= story.OVERWRITE_AT_LEAST
    assert count(own_org, backup, "ContactHistory") >= before + story.OVERWRITE_AT_LEAST


@pytest.mark.parametrize(
    ("name", "table", "rows"),
    [("bench-contacts", "Contact", 1_000), ("bench-mails:300", "EmailMessage", 1_000)],
)
def test_orgs_for_measurements_load_and_read_by_bulk(name: str, table: str, rows: int) -> None:
    org = opened(name)
    backup = user(org, story.BACKUP_USERNAME)
    of = next(one for one in org.objects(backup) if one.name == table)
    chosen = org.bulk_sql(backup, select_all(of))
    if table == "Contact":
        assert sorted(chosen.headers) == sorted(CONTACT_COLUMNS)
    assert count(org, backup, table) == rows
    org.close()

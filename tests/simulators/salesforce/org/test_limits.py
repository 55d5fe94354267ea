"""Limits, storage accounting, record counts, allocations, the stop of inserts."""

from datetime import timedelta

import pyarrow as pa
import pytest

from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.allocations import API_CALLS, BULK_QUERY_JOBS
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.objects import build_object
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.storage import row_size_sql

MIB = 1024 * 1024


def fill(org: Org, count: int, name: str = "Account") -> None:
    org.store.load(name, pa.table({"Name": pa.array(["x"] * count)}))


def test_names_and_numbers(org: Org, backup: SimUser) -> None:
    found = org.limits(backup)
    for name in (
        "DailyApiRequests",
        "DailyBulkApiBatches",
        "DailyBulkV2QueryJobs",
        "DailyBulkV2QueryFileStorageMB",
        "DataStorageMB",
        "FileStorageMB",
        "MaxContentDocumentsLimit",
        "SingleEmail",
    ):
        assert set(found[name]) == {"Max", "Remaining"}
    assert found["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 10_000}


def test_storage_needs_manage_users(org: Org, backup: SimUser) -> None:
    org.set_permission(backup, Permission.MANAGE_USERS, granted=False)
    assert "DataStorageMB" not in org.limits(backup)
    assert "DailyApiRequests" in org.limits(backup)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Account", "2048"),
        ("Campaign", "8192"),
        ("CampaignMember", "1024"),
        ("Thing__c", "2048"),
        ("Product__kav", "4096"),
        ("OpportunityLineItem", None),
        ("Asset", None),
        ("AccountHistory", None),
        ("Thing__History", None),
        ("Thing__Share", None),
        ("User", None),
    ],
)
def test_size_of_rows(name: str, size: str | None) -> None:
    made = build_object(name, prefix="a99", flags="Q", fields=[])
    assert row_size_sql(made) == size


def test_declared_sizes_win(org: Org) -> None:
    made = build_object("A__c", prefix="a98", flags="Q", fields=[], storage_bytes=10)
    assert row_size_sql(made) == "10"
    none = build_object("B__c", prefix="a97", flags="Q", fields=[], storage_bytes=0)
    assert row_size_sql(none) is None
    sized = build_object(
        "C__c", prefix="a96", flags="Q", fields=[f.text("T__c")], storage_sql="strlen({T__c})"
    )
    assert row_size_sql(sized) == 'strlen("T__c")'


def test_mails_count_by_their_content(org: Org, backup: SimUser) -> None:
    mail = build_object(
        "EmailMessage",
        prefix="02s",
        flags="QCUDNRT",
        owned=False,
        fields=[
            f.text("Subject"),
            f.textarea("TextBody", 131072),
            f.textarea("HtmlBody", 131072),
        ],
    )
    org.add_object(mail)
    org.insert(backup, "EmailMessage", [{"Subject": "short"}])
    assert org.storage.data_bytes_of(mail) == 2048
    org.insert(backup, "EmailMessage", [{"TextBody": "é" * 50_000, "HtmlBody": "x" * 10}])
    assert org.storage.data_bytes_of(mail) == 2048 + 100_010


def test_the_bin_does_not_count(org: Org, backup: SimUser) -> None:
    fill(org, 1000)
    before = org.storage.data_bytes()
    assert before == 1000 * 2048
    org.delete(backup, "Account", org.ids_where("Account", None, limit=400))
    assert org.storage.data_bytes() == 600 * 2048
    assert org.limits(backup)["DataStorageMB"]["Remaining"] == 10_240 - 2


def test_every_version_of_a_file_counts(org: Org, backup: SimUser) -> None:
    org.insert(backup, "ContentVersion", [{"ContentSize": 3 * MIB}, {"ContentSize": 1}])
    assert org.storage.file_bytes() == 3 * MIB + 1
    assert org.limits(backup)["FileStorageMB"] == {"Max": 102_400, "Remaining": 102_400 - 4}


def test_inserts_stop_when_storage_is_full(org: Org, backup: SimUser) -> None:
    org.configure(data_storage_mb=1)
    fill(org, 520)
    found = org.limits(backup)["DataStorageMB"]
    assert found == {"Max": 1, "Remaining": -1}, "102 % of a megabyte are two begun ones"
    org.insert(backup, "Account", [{"Name": "still fits"}])
    fill(org, 20)
    with pytest.raises(SalesforceError) as caught:
        org.insert(backup, "Account", [{"Name": "no"}])
    assert (caught.value.status, caught.value.code) == (403, "STORAGE_LIMIT_EXCEEDED")
    assert caught.value.message == "storage limit exceeded"
    org.insert(backup, "OpportunityLineItem", [{"OpportunityId": "006Dn0000000001IAA"}])
    first = org.ids_where("Account", None, limit=100)
    org.update(backup, "Account", {first[0]: {"Name": "edits go on"}})
    org.delete(backup, "Account", first)
    org.insert(backup, "Account", [{"Name": "fits again"}])
    fill(org, 100)
    with pytest.raises(SalesforceError, match="STORAGE_LIMIT_EXCEEDED"):
        org.undelete(backup, "Account", first)
    org.configure(storage_stop_percent=200)
    org.undelete(backup, "Account", first)


def test_file_inserts_stop_when_file_storage_is_full(org: Org, backup: SimUser) -> None:
    org.configure(file_storage_mb=1)
    org.insert(backup, "ContentVersion", [{"ContentSize": 2 * MIB}])
    with pytest.raises(SalesforceError, match="STORAGE_LIMIT_EXCEEDED"):
        org.insert(backup, "ContentVersion", [{"ContentSize": 1}])


def test_storage_figures_lag(org: Org, backup: SimUser) -> None:
    org.configure(storage_delay=timedelta(hours=1))
    assert org.limits(backup)["DataStorageMB"]["Remaining"] == 10_240
    fill(org, 1000)
    assert org.limits(backup)["DataStorageMB"]["Remaining"] == 10_240
    org.clock.advance(timedelta(hours=1))
    assert org.limits(backup)["DataStorageMB"]["Remaining"] == 10_238


def test_storage_that_deletions_free_shows_late(org: Org, backup: SimUser) -> None:
    fill(org, 1024)
    org.configure(storage_delay=timedelta(hours=1))
    used = org.limits(backup)["DataStorageMB"]
    org.delete(backup, "Account", org.ids_where("Account", None))
    assert org.limits(backup)["DataStorageMB"] == used
    org.clock.advance(timedelta(hours=1))
    now = org.limits(backup)["DataStorageMB"]
    assert now["Remaining"] == used["Remaining"] + 2, "rows in the bin do not count"


def test_record_counts(org: Org, backup: SimUser, narrow: SimUser) -> None:
    fill(org, 3)
    assert org.record_count(backup, ["account", "Nope", "Case"]) == [
        {"count": 3, "name": "Account"}
    ]
    org.update_where(backup, "Account", None, {"Name": "tracked"})
    names = [one["name"] for one in org.record_count(backup)]
    assert names == ["Account", "User"], "no history, nothing without rows"
    with pytest.raises(SalesforceError, match="INSUFFICIENT_ACCESS"):
        org.record_count(narrow)


def test_record_counts_are_cached(org: Org, backup: SimUser) -> None:
    org.configure(record_count_delay=timedelta(hours=1))
    fill(org, 2)
    assert org.record_count(backup, ["Account"])[0]["count"] == 2
    org.delete(backup, "Account", org.ids_where("Account", None))
    assert org.record_count(backup, ["Account"])[0]["count"] == 2
    org.clock.advance(timedelta(hours=1))
    assert org.record_count(backup, ["Account"]) == []


def test_calls_are_counted_for_a_day(org: Org, backup: SimUser) -> None:
    org.configure(daily_api_requests=100)
    org.count_call(60)
    org.clock.advance(timedelta(hours=20))
    org.count_call()
    org.count_call(39)
    assert org.api_usage() == (100, 100)
    org.check_calls()
    org.count_call()
    with pytest.raises(SalesforceError) as caught:
        org.check_calls()
    assert caught.value.status == 403
    assert caught.value.body() == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    assert org.limits(backup)["DailyApiRequests"] == {"Max": 100, "Remaining": -1}
    org.clock.advance(timedelta(hours=4, minutes=2))
    assert org.api_usage() == (41, 100)
    org.check_calls()


def test_allocations_by_name(org: Org, backup: SimUser) -> None:
    assert org.allocations.count(BULK_QUERY_JOBS) == 1
    org.allocations.set(API_CALLS, 5)
    assert org.allocations.used(API_CALLS) == 5
    assert org.limits(backup)[BULK_QUERY_JOBS]["Remaining"] == 9_999

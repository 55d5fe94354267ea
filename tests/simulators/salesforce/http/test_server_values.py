"""Small values around the org: API meter, describe stamps, versions, subjects."""

from datetime import UTC, datetime

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.kit.http.conditional import http_date, unchanged
from unlost_simulators.salesforce.etags import DescribeStamps
from unlost_simulators.salesforce.http.reading.columns import column_metadata
from unlost_simulators.salesforce.http.reading.queries import repair_offsets
from unlost_simulators.salesforce.http.subjects import from_object
from unlost_simulators.salesforce.model import versions


def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


def test_describe_stamp_moves_with_content_even_if_the_clock_stands() -> None:
    now = clock()
    stamps = DescribeStamps(now.now)
    etag, first = stamps.stamp(("u", "account"), b"1")
    assert stamps.stamp(("u", "account"), b"1") == (etag, first)
    other, second = stamps.stamp(("u", "account"), b"2")
    assert other != etag
    assert second > first
    assert not unchanged(None, http_date(now.now()), etag=other, modified=second)


def test_versions_are_labelled_as_released() -> None:
    listing = versions.listing()
    assert listing[0] == {
        "label": "Summer '14",
        "url": "/services/data/v31.0",
        "version": "31.0",
    }
    labels = {each["version"]: each["label"] for each in listing}
    assert labels["42.0"] == "Spring ’18"
    assert labels["59.0"] == "Winter '24"
    assert labels["66.0"] == "Spring '26"
    assert labels["67.0"] == "Summer '26"
    assert labels["68.0"] == "Winter '27"
    assert [float(each["version"]) for each in listing] == sorted(map(float, labels))
    assert versions.parse("V66.0") == 66
    assert versions.parse("66.0") is None


def test_outermost_object_of_a_query() -> None:
    assert from_object("SELECT Id, (SELECT Id FROM Contacts) FROM Account a") == "Account"
    assert from_object("select id from Contact where A IN (select b from C)") == "Contact"
    assert from_object("nonsense") is None


def test_a_plus_sign_lost_in_the_address_comes_back() -> None:
    lost = "SELECT Id FROM A WHERE D > 2026-01-31T10:00:00 02:00 AND N = '10:00:00 02:00'"
    assert repair_offsets(lost) == (
        "SELECT Id FROM A WHERE D > 2026-01-31T10:00:00+02:00 AND N = '10:00:00 02:00'"
    )
    assert repair_offsets("D < 2026-01-31T10:00:00.000 0100") == "D < 2026-01-31T10:00:00.000+0100"


def test_column_metadata_of_a_query() -> None:
    found = column_metadata("SELECT Id, Owner.Name, (SELECT Id FROM Contacts), X__c FROM Account")
    assert [each["columnName"] for each in found["columnMetadata"]] == ["Id", "Owner", "X__c"]
    assert found["columnMetadata"][1]["joinColumns"][0]["columnName"] == "Name"
    assert (found["entityName"], found["idSelected"]) == ("Account", True)
    counted = column_metadata("SELECT COUNT(Id) n FROM Account GROUP BY Name")
    assert counted["columnMetadata"][0]["columnName"] == "n"
    assert counted["groupBy"] is True

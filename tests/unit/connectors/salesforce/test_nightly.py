"""Nights of tables that refuse to be asked for their changes: posts and file links."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from fakes.runs import ids, read_all, run
from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import error_answer
from unlost.connectors.salesforce.reading.nightly import whole_due
from unlost.model.finding import FindingKind, Severity
from unlost.model.source.reading import Cursor
from unlost.testing.clock import START

OLD = "2026-02-20T10:00:00.000+0000"
NEW = "2026-03-02T00:30:00.000+0000"
LINK = (
    *system_fields(),
    field("ContentDocumentId", "reference", referenceTo=["ContentDocument"]),
    field("LinkedEntityId", "reference", referenceTo=["Account"]),
)


def cursor(*, days: float) -> Cursor:
    """A night that began so many days before the clock's time."""
    return Cursor((START - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"))


def feed(**settings: Any) -> FakeSalesforce:
    """Ten old posts and two of tonight; the week began on the day before."""
    org = FakeSalesforce(**settings)
    org.describes["FeedItem"] = describe("FeedItem", *system_fields(), field("Body", "textarea"))
    org.rows["FeedItem"] = [row(id_of("0D5", n), at=OLD) for n in range(10)]
    org.rows["FeedItem"] += [row(id_of("0D5", n), at=NEW) for n in (10, 11)]
    return org


def test_a_night_of_posts_brings_new_ones_and_changed_ones_once() -> None:
    org = feed()
    org.updated = {"ids": [id_of("0D5", 3), id_of("0D5", 11)]}
    org.deleted = {"deletedRecords": [{"id": id_of("0D5", 99), "deletedDate": NEW}]}
    with org.source() as source:
        table = org.table(source, "FeedItem")
        pages = read_all(source, table, source.cursor_at(table, START - timedelta(hours=6)))
    assert ids(pages) == [id_of("0D5", n) for n in (99, 10, 11, 3)]
    asked = [str(call.url) for call in org.wire.made("GET", "queryAll")]
    assert not any("SystemModstamp+%3E" in url for url in asked), "it refuses that condition"


@pytest.mark.parametrize("bulk", [True, False])
def test_without_a_list_of_changed_posts_they_are_read_whole(bulk: bool) -> None:
    org = feed()
    org.wire.on("GET", "/updated/", error_answer("INVALID_REPLICATION_DATE", "no"))
    if not bulk:
        org.wire.on("POST", "jobs/query$", error_answer("INVALIDENTITY", "no"))
    with org.source() as source:
        table = org.table(source, "FeedItem")
        pages = read_all(source, table, source.cursor_at(table, START - timedelta(hours=6)))
    assert ids(pages) == [id_of("0D5", n) for n in range(12)]
    (finding,) = [one for page in pages for one in page.findings]
    assert (finding.kind, finding.severity) == (FindingKind.READ_OTHERWISE, Severity.NOTE)


def links(**settings: Any) -> FakeSalesforce:
    """Two hundred old documents and two that were changed tonight, each with two links."""
    org = FakeSalesforce(**settings)
    for name, fields in (("ContentDocument", system_fields()), ("ContentDocumentLink", LINK)):
        org.describes[name] = describe(name, *fields, replicateable=False)
    old = [row(id_of("069", n), at=OLD) for n in range(200)]
    org.rows["ContentDocument"] = old + [row(id_of("069", n), at=NEW) for n in (200, 201)]
    org.rows["ContentDocumentLink"] = [
        row(id_of("06A", n), at=OLD, ContentDocumentId=id_of("069", n // 2)) for n in range(404)
    ]
    return org


def test_a_night_of_links_brings_those_of_changed_documents_and_lists_all_ids() -> None:
    org = links()
    with org.source() as source:
        table = org.table(source, "ContentDocumentLink")
        since = source.cursor_at(table, START - timedelta(hours=6))
        read = ids(read_all(source, table, since))
        listed = [one for array in source.census(table) for one in array.to_pylist()]
    assert read == [id_of("06A", n) for n in (400, 401, 402, 403)]
    assert listed == [id_of("06A", n) for n in range(404)], "so that others are noticed too"


def test_a_list_of_links_that_is_refused_after_all_is_made_by_parents() -> None:
    org = links()
    needed = error_answer("MALFORMED_QUERY", "ContentDocumentLink requires a filter")
    org.wire.on("GET", r"q=SELECT\+Id,IsDeleted\+FROM\+ContentDocumentLink$", needed)
    with org.source() as source:
        table = org.table(source, "ContentDocumentLink")
        listed = [one for array in source.census(table) for one in array.to_pylist()]
    assert sorted(listed) == [id_of("06A", n) for n in range(404)]


@pytest.mark.parametrize("build", [feed, links])
def test_once_a_week_everything_is_read(build: Any) -> None:
    """In the first night that begins after Sunday, 0:00 UTC; 1 March 2026 is a Sunday."""
    org = build()
    name = next(reversed(org.describes))
    with org.source() as source:
        table = org.table(source, name)
        days = {
            days: [task.full for task in source.plan_reads(table, at, nightly=at)]
            for days in (0, 0.9, 1.1, 7)
            if (at := cursor(days=days))
        }
        tasks = source.plan_reads(table, cursor(days=1.1), nightly=cursor(days=1.1))
        read = [
            one for task in tasks for page in run(source, task) for one in page.rows.ids.to_pylist()
        ]
    assert not any(days[0])
    assert not any(days[0.9])
    assert days[1.1] == days[7] == [True]
    assert read == [one["Id"] for one in org.rows[name]]


@pytest.mark.parametrize("build", [feed, links])
def test_the_first_hour_of_a_week_read_posts_and_links_whole(build: Any) -> None:
    """It is the nightly backup's part, also if hours have moved the cursor into the new week."""
    org = build()
    name = next(reversed(org.describes))
    night, hour = cursor(days=1.1), cursor(days=0.9)
    with org.source() as source:
        table = org.table(source, name)
        hourly = source.plan_reads(table, night)
        nightly = [source.plan_reads(table, hour, nightly=at) for at in (night, hour)]
        ahead = source.plan_reads(table, night, nightly=cursor(days=-1))
    assert not any(task.full for task in hourly)
    assert [[task.full for task in tasks][-1] for tasks in nightly] == [True, False]
    assert ahead[0].full, "the clocks of the last night were wrong"


@pytest.mark.parametrize(
    ("since", "now", "due"),
    [
        ("2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z", True),
        ("2026-03-01T00:00:00Z", "2026-03-07T23:59:59Z", False),
        ("2026-03-07T02:00:00Z", "2026-03-08T02:00:00Z", True),
        ("2026-02-01T02:00:00Z", "2026-03-03T02:00:00Z", True),
    ],
)
def test_a_week_ends_once(since: str, now: str, due: bool) -> None:
    at = {"since": datetime.fromisoformat(since), "now": datetime.fromisoformat(now)}
    assert whole_due("FeedItem", **at) == due
    assert not whole_due("Account", **at)

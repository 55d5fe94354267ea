"""Reading an org end to end over a scripted network: by REST, by Bulk, by parents, with deletes."""

from datetime import timedelta
from typing import Any

import httpx
import pyarrow as pa
import pytest

from fakes.runs import cells, ids, read_all, run
from fakes.salesforce import (
    BASE,
    HOST,
    ORG_ID,
    STAMP,
    USER_ID,
    FakeSalesforce,
    describe,
    field,
    id_of,
    row,
    system_fields,
)
from fakes.wire import error_answer, json_answer
from unlost.kit.json_to_arrow import MalformedAnswer
from unlost.model.errors import IntegrityError, LimitReached, SourceRefused, TransientError
from unlost.model.finding import FindingKind, Severity
from unlost.model.org import OrgKind
from unlost.model.source.reading import Cursor, Wait
from unlost.model.source.schema import TableTrait
from unlost.testing.clock import START


def an_org(contacts: int = 5, **settings: Any) -> FakeSalesforce:
    org = FakeSalesforce(**settings)
    org.describes["Contact"] = describe(
        "Contact", *system_fields(), field("Name", nameField=True), field("Amount__c", "double")
    )
    org.rows["Contact"] = [
        row(id_of("003", number), Name=f"Name {number}", Amount__c=number * 1.5)
        for number in range(contacts)
    ]
    return org


def test_the_identity_is_the_orgs_own_record() -> None:
    org = an_org()
    with org.source() as source:
        found = source.identity()
    assert (found.connector, found.tenant) == ("salesforce", ORG_ID)
    assert (found.kind, found.label, found.zone) == (OrgKind.PRODUCTION, "Acme", "Europe/Berlin")


@pytest.mark.parametrize(
    ("more", "kind"),
    [({"IsSandbox": True}, OrgKind.SANDBOX), ({"TrialExpirationDate": STAMP}, OrgKind.TRIAL)],
)
def test_sandboxes_and_trials_are_told_apart(more: dict[str, Any], kind: OrgKind) -> None:
    org = an_org()
    org.rows["Organization"] = [{"Id": ORG_ID[:15], "Name": "A"} | more]
    with org.source() as source:
        assert source.identity().kind is kind
        assert source.identity().tenant == ORG_ID


def test_an_identity_that_may_not_be_read_comes_from_the_sign_in() -> None:
    org = an_org()
    org.wire.on("GET", "FROM\\+Organization", error_answer("INVALID_TYPE", "no"))
    with org.source() as source:
        assert source.identity().tenant == ORG_ID


def test_the_servers_clock_is_its_date_header_and_needs_no_session() -> None:
    org = an_org()
    org.context.clock.advance(days=3)  # type: ignore[attr-defined]
    with org.source() as source:
        assert source.server_time() == START + timedelta(days=3)
    assert "authorization" not in org.wire.made("GET", "/services/data/$")[0].headers


def test_a_small_table_is_read_by_rest_in_two_calls() -> None:
    org = an_org()
    with org.source() as source:
        table = org.table(source, "Contact")
        before = len(org.wire.calls)
        pages = read_all(source, table)
    assert ids(pages) == [id_of("003", n) for n in range(5)]
    assert cells(pages, "Amount__c") == ["0.0", "1.5", "3.0", "4.5", "6.0"]
    assert [(page.proof.announced, page.proof.parsed) for page in pages] == [(5, 5)]
    assert pages[0].rows.ops.to_pylist() == ["U"] * 5
    assert pages[0].rows.modified_by.to_pylist() == [USER_ID] * 5
    assert pages[0].rows.modified_at[0].as_py().isoformat() == "2026-03-01T10:00:00+00:00"
    assert pages[0].rows.observed_at == START
    assert len(org.wire.calls) - before == 2
    assert not org.jobs


def test_a_large_table_is_read_by_bulk_and_the_job_is_deleted_at_the_end() -> None:
    org = an_org(25, bulk_above=10, page_rows=10)
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
        assert not org.wire.made("DELETE", "jobs/query")
    assert ids(pages) == [id_of("003", n) for n in range(25)]
    assert [(page.proof.announced, page.proof.parsed) for page in pages] == [
        (10, 10),
        (10, 10),
        (5, 5),
    ]
    assert sum(page.proof.bytes for page in pages) > 25 * 90
    assert len(org.wire.made("DELETE", "jobs/query")) == 1
    assert org.wire.made("GET", "results")[0].url.query == b"maxRecords=10"


def test_rest_and_bulk_give_the_same_columns_in_the_same_order() -> None:
    one, other = an_org(), an_org(bulk_above=0)
    with one.source() as source:
        rest = read_all(source, one.table(source, "Contact"))
    with other.source() as source:
        bulk = read_all(source, other.table(source, "Contact"))
    assert rest[0].rows.cells.schema.names == bulk[0].rows.cells.schema.names
    assert rest[0].rows.ids.equals(bulk[0].rows.ids)
    assert rest[0].rows.modified_at.equals(bulk[0].rows.modified_at)


def test_an_empty_table_takes_one_call_and_gives_nothing() -> None:
    org = an_org(0, bulk_above=0)
    with org.source() as source:
        table = org.table(source, "Contact")
        before = len(org.wire.calls)
        assert read_all(source, table) == []
    assert len(org.wire.calls) - before == 1


def test_deleted_rows_come_with_their_last_state() -> None:
    org = an_org(2)
    org.rows["Contact"].append(row(id_of("003", 9), deleted=True, Name="Gone"))
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
        table = org.table(source, "Contact")
        assert source.count(table) == 2
        live = [one for array in source.census(table) for one in array.to_pylist()]
    assert pages[0].rows.ops.to_pylist() == ["U", "U", "D"]
    assert live == [id_of("003", 0), id_of("003", 1)]


def test_a_night_reads_what_changed_less_the_overlap_after_the_deletes() -> None:
    org = an_org(3)
    org.rows["Contact"][0]["SystemModstamp"] = "2026-03-01T22:59:59.000+0000"
    org.rows["Contact"][1]["SystemModstamp"] = "2026-03-01T23:00:00.000+0000"
    org.rows["Contact"][2]["SystemModstamp"] = "2026-03-02T00:30:00.000+0000"
    gone = id_of("003", 77)
    org.deleted = {
        "deletedRecords": [{"id": gone, "deletedDate": "2026-03-01T23:30:00.000+0000"}],
        "earliestDateAvailable": "2026-02-20T00:00:00.000+0000",
    }
    with org.source() as source:
        table = org.table(source, "Contact")
        cursor = source.cursor_at(table, START - timedelta(hours=1))
        tasks = source.plan_reads(table, cursor)
        pages = read_all(source, table, cursor)
    assert [task.kind for task in tasks] == ["deletes", "choose"]
    assert not any(task.full for task in tasks)
    assert ids(pages) == [gone, id_of("003", 1), id_of("003", 2)]
    assert pages[0].rows.ops.to_pylist() == ["P"]
    assert pages[0].rows.cells is None
    assert pages[0].rows.modified_at[0].as_py().isoformat() == "2026-03-01T23:30:00+00:00"
    assert not any(page.wants_census for page in pages)
    asked = org.wire.made("GET", "/deleted/")[0].url.query.decode()
    assert asked == "start=2026-03-01T23:00:00%2B00:00&end=2026-03-02T01:00:00%2B00:00"


def test_a_full_read_says_so_and_asks_for_no_deletes() -> None:
    org = an_org()
    with org.source() as source:
        tasks = source.plan_reads(org.table(source, "Contact"), None)
    assert [(task.kind, task.full) for task in tasks] == [("choose", True)]


@pytest.mark.parametrize(
    "answer",
    [
        {"deletedRecords": [], "earliestDateAvailable": "2026-03-02T00:59:00.000+0000"},
        error_answer("INVALID_REPLICATION_DATE", "startDate before org replication enabled date"),
        error_answer("EXCEEDED_ID_LIMIT", "too many"),
    ],
)
def test_a_gap_in_the_list_of_deletes_asks_for_a_census(answer: Any) -> None:
    org = an_org(1)
    scripted = json_answer(answer) if isinstance(answer, dict) else answer
    org.wire.on("GET", "/deleted/", scripted)
    with org.source() as source:
        table = org.table(source, "Contact")
        pages = read_all(source, table, source.cursor_at(table, START - timedelta(days=1)))
    assert [page.wants_census for page in pages] == [True, False]
    assert len(pages[0].rows) == 0
    assert pages[0].findings[0].kind is FindingKind.READ_OTHERWISE
    assert pages[0].findings[0].severity is Severity.NOTE


def test_a_backup_older_than_the_list_of_deletes_asks_for_a_census() -> None:
    org = an_org(1)
    org.deleted = {"deletedRecords": [{"id": id_of("003", 5)[:15]}], "earliestDateAvailable": None}
    with org.source() as source:
        table = org.table(source, "Contact")
        pages = read_all(source, table, source.cursor_at(table, START - timedelta(days=30)))
    assert pages[0].rows.ids.to_pylist() == [id_of("003", 5)]
    assert pages[1].wants_census


def test_bulk_that_is_refused_becomes_rest_and_the_certificate_hears_of_it() -> None:
    org = an_org(3, bulk_above=0)
    org.wire.on(
        "POST",
        "jobs/query$",
        error_answer("INVALIDENTITY", "Entity 'Contact' is not supported by the Bulk API."),
    )
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    assert ids(pages) == [id_of("003", n) for n in range(3)]
    assert "not supported by the Bulk API" in pages[0].findings[0].sentence
    assert pages[0].findings[0].kind is FindingKind.READ_OTHERWISE


def test_a_job_under_way_is_a_task_that_another_process_takes_up() -> None:
    org = an_org(3, bulk_above=0)
    working = [json_answer({"state": "UploadComplete"}), json_answer({"state": "InProgress"})]
    done = json_answer({"state": "JobComplete", "numberRecordsProcessed": "3"})
    org.wire.on("GET", r"jobs/query/\w+$", *working, done)
    with org.source() as source:
        table = org.table(source, "Contact")
        started = source.prepare(source.plan_reads(table, None)[0])
        assert isinstance(started, Wait)
        assert started.task.full
        later = source.prepare(started.task)
        assert isinstance(later, Wait)
        assert later.until - START > started.until - START
    with org.source() as other:
        assert ids(run(other, later.task)) == [id_of("003", n) for n in range(3)]
    assert len(org.jobs) == 1


def test_a_job_that_fails_is_tried_once_more_and_then_read_by_rest() -> None:
    org = an_org(3, bulk_above=0)
    org.wire.on("GET", r"jobs/query/\w+$", json_answer({"state": "Failed"}))
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    assert len(org.jobs) == 2
    assert ids(pages) == [id_of("003", n) for n in range(3)]
    assert "ended as Failed" in pages[0].findings[0].sentence


def test_a_job_in_an_unknown_state_is_not_waited_for() -> None:
    org = an_org(3, bulk_above=0)
    org.wire.on("GET", r"jobs/query/\w+$", json_answer({"state": "Thinking"}))
    with org.source() as source, pytest.raises(MalformedAnswer, match="Thinking") as caught:
        read_all(source, org.table(source, "Contact"))
    assert "GET /jobs/query/" in caught.value.sentence


def test_a_job_that_vanished_while_it_ran_is_started_again() -> None:
    org = an_org(3, bulk_above=0)
    with org.source() as source:
        started = source.prepare(source.plan_reads(org.table(source, "Contact"), None)[0])
        assert isinstance(started, Wait)
        org.jobs.clear()
        assert ids(run(source, started.task)) == [id_of("003", n) for n in range(3)]


def test_a_job_that_expired_before_it_was_read_is_run_again() -> None:
    org = an_org(3, bulk_above=0)
    with org.source() as source:
        started = source.prepare(source.plan_reads(org.table(source, "Contact"), None)[0])
        assert isinstance(started, Wait)
        ready = source.prepare(started.task)
        org.jobs.clear()
        pages = [page for task in ready.tasks for page in source.read(task)]  # type: ignore[union-attr]
    assert ids(pages) == [id_of("003", n) for n in range(3)]


def test_a_job_that_is_lost_twice_breaks_the_table_off() -> None:
    org = an_org(3, bulk_above=0)
    with org.source() as source:
        started = source.prepare(source.plan_reads(org.table(source, "Contact"), None)[0])
        ready = source.prepare(started.task)  # type: ignore[union-attr]
        org.wire.on("GET", "/results", error_answer("NOT_FOUND", "gone", 404))
        org.wire.on("GET", r"jobs/query/\w+$", json_answer({"state": "Aborted"}))
        with pytest.raises(TransientError) as caught:
            list(source.read(ready.tasks[0]))  # type: ignore[union-attr]
    assert caught.value.code == "bulk-job-lost"


def test_a_job_without_rows_is_deleted_at_once() -> None:
    org = an_org(3, bulk_above=0)
    org.wire.on(
        "GET",
        r"jobs/query/\w+$",
        json_answer({"state": "JobComplete", "numberRecordsProcessed": 0}),
    )
    with org.source() as source:
        assert read_all(source, org.table(source, "Contact")) == []
        assert len(org.wire.made("DELETE", "jobs/query")) == 1
    assert not org.wire.made("GET", "results")


def test_a_very_large_table_is_read_in_parallel_pages_and_added_up() -> None:
    org = an_org(23, bulk_above=0, parallel_pages_above=10)
    org.bulk_pages = 3
    with org.source() as source:
        table = org.table(source, "Contact")
        started = source.prepare(source.plan_reads(table, None)[0])
        ready = source.prepare(started.task)  # type: ignore[union-attr]
        tasks = ready.tasks  # type: ignore[union-attr]
        assert len(tasks) == 8
        pages = [page for task in reversed(tasks) for page in source.read(task)]
    assert sorted(ids(pages)) == [id_of("003", n) for n in range(23)]
    assert len(org.wire.made("GET", "resultPages")) == 2
    assert len(org.wire.made("DELETE", "jobs/query")) == 1


def test_a_page_that_the_list_of_pages_leaves_out_is_noticed() -> None:
    org = an_org(23, bulk_above=0, parallel_pages_above=10)
    org.bulk_pages = 12
    job = "750000000000000AAA"
    one = {"resultUrl": f"{BASE}/jobs/query/{job}/results?locator=0"}
    org.wire.on("GET", "resultPages", json_answer({"resultPages": [one], "done": True}))
    with org.source() as source:
        table = org.table(source, "Contact")
        with pytest.raises(TransientError, match="12 rows instead of the announced 23"):
            read_all(source, table)


def test_a_long_query_goes_as_a_composite_call() -> None:
    org = an_org(2)
    wide = [field(f"Column_{number:04d}__c") for number in range(900)]
    org.describes["Contact"]["fields"] += wide
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    assert len(ids(pages)) == 2
    assert len(org.wire.made("POST", "/composite$")) == 1


def test_an_error_inside_a_composite_call_is_the_tables_own() -> None:
    org = an_org(2)
    org.describes["Contact"]["fields"] += [field(f"C_{number:05d}__c") for number in range(900)]
    body = [{"errorCode": "INVALID_FIELD", "message": "\n^\nNo such column 'X'"}]
    answer = {"compositeResponse": [{"body": body, "httpStatusCode": 400}]}
    org.wire.on("POST", "/composite$", json_answer(answer))
    with org.source() as source:
        table = org.table(source, "Contact")
        with pytest.raises(SourceRefused, match="No such column 'X'"):
            read_all(source, table)


def test_pages_of_rest_are_followed_as_given_and_added_up() -> None:
    org = an_org(25)
    org.page_rows = 10
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    assert len(ids(pages)) == 25
    assert [page.proof.announced for page in pages] == [None, None, 5]
    assert len(org.wire.made("GET", "/query/0r8xx-")) == 2


def test_a_result_that_says_it_goes_on_but_not_where_is_an_error() -> None:
    org = an_org(1)
    page = {"totalSize": 9, "done": False, "records": []}
    org.wire.on("GET", "queryAll.*LastModifiedById", json_answer(page))
    with org.source() as source:
        table = org.table(source, "Contact")
        with pytest.raises(IntegrityError):
            read_all(source, table)


def test_a_lost_locator_begins_the_query_again_and_delivers_each_row_once() -> None:
    org = an_org(25)
    org.page_rows = 10
    lost = error_answer("INVALID_QUERY_LOCATOR", "Invalid query locator", 404)
    org.wire.on("GET", "/query/0r8xx-20", lost, org._more)
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    assert ids(pages) == [id_of("003", n) for n in range(25)]
    assert pages[-1].proof.announced == pages[-1].proof.parsed


def test_a_result_with_fewer_rows_than_its_total_is_asked_for_again() -> None:
    org = an_org(3)
    short = {"totalSize": 3, "done": True, "records": [org.rows["Contact"][0]]}
    org.wire.on("GET", "queryAll.*LastModifiedById", json_answer(short), org._query)
    with org.source() as source:
        assert len(ids(read_all(source, org.table(source, "Contact")))) == 3


def test_a_record_that_came_twice_with_different_values_is_delivered_again() -> None:
    org = an_org(25)
    org.page_rows = 10
    rows = org.rows["Contact"]
    first = json_answer(
        {
            "totalSize": 25,
            "done": False,
            "nextRecordsUrl": f"{BASE}/query/0r8xx-10",
            "records": [rows[0], rows[0] | {"Name": "Other"}, *rows[2:10]],
        }
    )

    def wrong(request: httpx.Request) -> httpx.Response:
        org._query(request)  # for the pages that follow
        return first

    org.wire.on("GET", "queryAll.*LastModifiedById", wrong, org._query)
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    last = dict(zip(ids(pages), cells(pages, "Name"), strict=True))
    assert last == {id_of("003", number): f"Name {number}" for number in range(25)}


@pytest.mark.parametrize("foreign", [0, 1, 2])
def test_a_page_with_records_of_another_table_is_asked_for_again(foreign: int) -> None:
    org = an_org(25)
    org.page_rows = 10
    asked: list[str] = []

    def swapped(request: httpx.Request) -> httpx.Response:
        first = "q=" in str(request.url)
        answer = org._query(request) if first else org._more(request)
        asked.append(str(request.url))
        if len(asked) != foreign + 1:
            return answer
        content = answer.json()
        others = [one | {"Id": "001" + one["Id"][3:]} for one in content["records"]]
        return json_answer(content | {"records": others})

    org.wire.on("GET", "queryAll.*LastModifiedById|query/0r8xx", swapped)
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    assert ids(pages) == [id_of("003", number) for number in range(25)]
    assert len([url for url in asked if "q=" in url]) == 2


def test_a_table_whose_ids_begin_differently_is_read_twice_and_whole() -> None:
    org = an_org(0)
    org.page_rows = 10
    org.rows["Contact"] = [row(id_of(prefix, n)) for n in range(15) for prefix in ("003", "00v")]
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    assert ids(pages) == [one["Id"] for one in org.rows["Contact"]]


def test_a_slow_query_is_cut_into_windows_that_lose_nothing() -> None:
    org = an_org(0)
    org.rows["Contact"] = [
        row(id_of("003", n), at=f"20{n:02d}-06-01T00:00:00.000+0000") for n in range(10, 26)
    ]
    slow = org._query

    def query(request: Any) -> Any:
        _, _, found = org.select(_soql(request), all_rows=True)
        if len(found) > 3 and "COUNT" not in _soql(request):
            return error_answer("QUERY_TIMEOUT", "Your query request was running for too long.")
        return slow(request)

    org.wire.on("GET", r"/queryAll/\?q=", query)
    with org.source() as source:
        pages = read_all(source, org.table(source, "Contact"))
    assert sorted(ids(pages)) == [id_of("003", n) for n in range(10, 26)]
    last = [_soql(call) for call in org.wire.made("GET", "queryAll") if "<" not in _soql(call)]
    assert last, "the last window must stay open"


def _soql(request: Any) -> str:
    from urllib.parse import unquote_plus

    return unquote_plus(request.url.query.decode()).removeprefix("q=")


def test_a_query_that_is_slow_in_any_window_is_a_refusal_with_a_next_step() -> None:
    org = an_org(3)
    slow = error_answer("QUERY_TIMEOUT", "Your query request was running for too long.")
    org.wire.on("GET", "queryAll.*LastModifiedById", slow)
    with org.source() as source:
        table = org.table(source, "Contact")
        with pytest.raises(SourceRefused) as caught:
            read_all(source, table)
    assert caught.value.code == "query-too-slow"


def test_rows_by_id_come_from_the_bin_too_in_bounded_queries() -> None:
    org = an_org(450)
    org.rows["Contact"][0]["IsDeleted"] = True
    wanted = [id_of("003", n) for n in range(450)] + [id_of("003", 9999)]
    with org.source() as source:
        table = org.table(source, "Contact")
        pages = list(source.read_ids(table, wanted))
    assert ids(pages) == wanted[:450]
    assert pages[0].rows.ops[0].as_py() == "D"
    asked = [call for call in org.wire.made("POST", "/composite$") if b"003" in call.content]
    assert [call.content.count(b"%27003") for call in asked] == [451]


def test_a_large_census_goes_by_bulk() -> None:
    org = an_org(10_050)
    with org.source() as source:
        table = org.table(source, "Contact")
        arrays = list(source.census(table))
    assert sum(len(array) for array in arrays) == 10_050
    assert all(isinstance(array, pa.Array) for array in arrays)
    assert len(org.wire.made("DELETE", "jobs/query")) == 1


def test_a_large_census_that_bulk_refuses_goes_by_rest() -> None:
    org = an_org(10_050)
    org.wire.on("POST", "jobs/query$", error_answer("INVALIDENTITY", "no"))
    with org.source() as source:
        table = org.table(source, "Contact")
        assert sum(len(array) for array in source.census(table)) == 10_050


def test_a_census_that_breaks_off_raises() -> None:
    org = an_org(10_050)
    states = [json_answer({"state": "InProgress"}), json_answer({"state": "Failed"})]
    org.wire.on("GET", r"jobs/query/\w+$", *states)
    with org.source() as source:
        table = org.table(source, "Contact")
        with pytest.raises(TransientError) as caught:
            list(source.census(table))
    assert caught.value.code == "census-broken-off"


def test_a_table_that_will_not_be_counted_has_no_count() -> None:
    org = an_org()
    org.wire.on("GET", r"COUNT", error_answer("MALFORMED_QUERY", "no"))
    with org.source() as source:
        table = org.table(source, "Contact")
        assert source.count(table) is None
        assert len(ids(read_all(source, table))) == 5


def test_rows_without_ids_of_their_own_are_no_records() -> None:
    org = an_org(0)
    org.rows["Contact"] = [row("000000000000000AAA"), row("000000000000000AAA")]
    with org.source() as source:
        table = org.table(source, "Contact")
        with pytest.raises(SourceRefused, match="no unique ids"):
            read_all(source, table)


def test_quotas_are_in_bytes_and_calls_and_may_be_over() -> None:
    org = an_org()
    limits = {
        "DataStorageMB": {"Max": 5, "Remaining": -1}, "DailyApiRequests": {"Max": "15000", "Remaining": "14000"},
        "DailyBulkV2QueryFileStorageMB": {"Max": 9, "Remaining": 9},
        "SomethingNew": {"Max": 1, "Remaining": 1},
    }  # fmt: skip
    org.wire.on("GET", "/limits$", json_answer(limits))
    with org.source() as source:
        storage, calls, transfer = source.quotas()
    assert (storage.used, storage.limit, storage.unit) == (6 << 20, 5 << 20, "bytes")
    assert storage.share == pytest.approx(1.2)
    assert (storage.storage, calls.storage, transfer.storage) == (True, False, False)
    assert (calls.used, calls.limit) == (1000, 15000)


def test_quotas_that_may_not_be_read_are_none() -> None:
    org = an_org()
    org.wire.on("GET", "/limits$", error_answer("INSUFFICIENT_ACCESS", "no", 403))
    with org.source() as source:
        assert source.quotas() == []


def test_usage_is_reported_to_the_budget() -> None:
    org = an_org()
    answer = json_answer({}, Sforce_Limit_Info="api-usage=18/15000, per-app-api-usage=1/2")
    org.wire.on("GET", "/limits$", answer)
    with org.source() as source:
        source.quotas()
    assert (org.context.budget.used, org.context.budget.limit) == (18, 15000)  # type: ignore[attr-defined]


def test_a_spent_allowance_parks_the_run() -> None:
    org = an_org()
    org.wire.on(
        "GET",
        "queryAll",
        error_answer("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403),
    )
    with org.source() as source:
        table = org.table(source, "Contact")
        with pytest.raises(LimitReached, match="TotalRequests Limit exceeded") as caught:
            read_all(source, table)
    assert caught.value.resume_at == START + timedelta(hours=1)


def test_a_session_that_expires_between_two_pages_is_renewed_and_nothing_is_lost() -> None:
    org = an_org(25, bulk_above=0, page_rows=10)
    expired = error_answer("INVALID_SESSION_ID", "Session expired or invalid", 401)
    org.wire.on("GET", "locator=10", expired, org._results)
    with org.source() as source:
        assert len(ids(read_all(source, org.table(source, "Contact")))) == 25
    assert len(org.wire.made("POST", "oauth2/token")) == 2


def test_tables_without_deletes_or_stamps_are_read_whole() -> None:
    org = FakeSalesforce()
    org.describes["Odd"] = describe("Odd", field("Id", "id"), replicateable=False)
    org.rows["Odd"] = [{"Id": id_of("a00", 1)}]
    with org.source() as source:
        table = org.table(source, "Odd")
        assert not table.has(TableTrait.INCREMENTAL)
        assert not table.has(TableTrait.REPORTS_DELETES)
        assert source.cursor_at(table, START) is None
        pages = read_all(source, table, Cursor("2026-03-01T00:00:00Z"))
        assert source.count(table) == 1
    assert pages[0].rows.modified_at.to_pylist() == [None]
    assert pages[0].rows.ops.to_pylist() == ["U"]


def test_the_host_of_the_sign_in_is_used_and_must_be_https() -> None:
    org = an_org()
    org.wire.on(
        "POST", "token", json_answer({"access_token": "x", "instance_url": "http://evil.example"})
    )
    with org.source() as source, pytest.raises(Exception, match="no https address"):
        source.discover()
    assert all(str(call.url).startswith(HOST) for call in org.wire.calls)

"""Everything that goes wrong on the way: no row is lost, none is doubled, and people are told."""

from typing import Any

import pytest

from fakes.maker import Maker
from fakes.runs import ids, read_all, run
from unlost.model.errors import (
    IntegrityError,
    LimitReached,
    SourceRefused,
    TransientError,
    UnlostError,
)
from unlost.model.source.reading import Wait

pytestmark = pytest.mark.network

RESULTS = "/results"
PASSING: list[dict[str, Any]] = [
    {"kind": "unavailable_html", "path": RESULTS, "times": 2},
    {"kind": "empty_500", "path": RESULTS},
    {"kind": "edge_420", "path": RESULTS},
    {"kind": "edge_406", "path": "jobs/query"},
    {"kind": "throttled_429", "path": RESULTS},
    {"kind": "expired_session", "path": RESULTS, "skip": 1},
    {"kind": "cut", "path": RESULTS, "place": "half"},
    {"kind": "cut", "path": RESULTS, "place": "half", "framing": "chunked"},
    {"kind": "cut", "path": RESULTS, "place": "last_cell", "framing": "clean"},
    {"kind": "cut", "path": RESULTS, "place": "last_row", "framing": "clean"},
    {"kind": "cut", "path": RESULTS, "after_bytes": 10, "framing": "chunked"},
    {"kind": "short_page", "path": RESULTS, "skip": 1},
    {"kind": "empty_page", "path": RESULTS},
    {"kind": "no_content_page", "path": RESULTS, "skip": 1},
    {"kind": "missing_locator", "path": RESULTS},
    {"kind": "job_failed", "object": "Contact"},
]


def name_of(fault: dict[str, Any]) -> str:
    return "-".join(str(value).strip("/") for value in fault.values())


# Each fault meets one of the two encodings in full, and both in deep.
IN_TURNS = [
    pytest.param(
        fault,
        compress,
        id=f"{name_of(fault)}-{'gzip' if compress else 'identity'}",
        marks=pytest.mark.full if compress is bool(at % 2) else pytest.mark.deep,
    )
    for at, fault in enumerate(PASSING)
    for compress in (True, False)
]


@pytest.mark.parametrize(("fault", "compress"), IN_TURNS)
def test_passing_trouble_in_a_bulk_read_loses_and_doubles_nothing(
    maker: Maker, fault: dict[str, Any], compress: bool
) -> None:
    maker.fault(**fault)
    pages = maker.read("Contact", bulk_above=0, page_rows=400, compress=compress)
    found = ids(pages)
    assert len(found) == len(set(found))
    assert len(found) == sum(maker.admin.get("holds", object="Contact")["Contact"].values())
    assert sum(page.proof.parsed for page in pages) == len(found)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "unavailable_html", "path": "queryAll"},
        {"kind": "cut", "path": "queryAll", "place": "half"},
        {"kind": "expired_session", "path": "queryAll", "skip": 1},
        {"kind": "drip", "path": "queryAll", "chunk": 100_000, "seconds": 0.01},
    ],
    ids=name_of,
)
def test_passing_trouble_in_a_rest_read_loses_and_doubles_nothing(
    maker: Maker, fault: dict[str, Any]
) -> None:
    maker.fault(**fault)
    found = ids(maker.read("Account", bulk_above=100_000))
    assert len(found) == len(set(found))
    assert len(found) == sum(maker.admin.get("holds", object="Account")["Account"].values())


def test_a_locator_that_expires_between_two_pages_begins_the_query_again(maker: Maker) -> None:
    maker.admin.post("settings", largest_page=200)
    try:
        maker.admin.fault("expired_locator", path="/query/0r8", skip=1)
        found = ids(maker.read("Contact", bulk_above=100_000))
    finally:
        maker.admin.post("settings", largest_page=2000)
    assert len(found) == len(set(found))
    assert len(found) == sum(maker.admin.get("holds", object="Contact")["Contact"].values())


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "short_page", "path": RESULTS, "times": 0},
        {"kind": "cut", "path": RESULTS, "place": "last_cell", "framing": "clean", "times": 0},
        {"kind": "empty_page", "path": RESULTS, "times": 0},
        {"kind": "no_content_page", "path": RESULTS, "times": 0},
    ],
    ids=name_of,
)
def test_lasting_trouble_never_looks_like_a_complete_table(
    maker: Maker, fault: dict[str, Any]
) -> None:
    maker.fault(**fault)
    with pytest.raises(TransientError):
        maker.read("Contact", bulk_above=0, page_rows=400)


def test_an_object_that_lists_queryable_and_refuses_is_a_refusal(maker: Maker) -> None:
    refusal = {"status": 400, "code": "INVALID_TYPE_FOR_OPERATION", "message": "entity type Idea does not support query"}  # fmt: skip
    maker.admin.fault("refuse", path="queryAll", object="Idea", times=0, **refusal)
    maker.admin.fault("refuse", method="POST", path="jobs/query", **refusal)
    with pytest.raises(SourceRefused, match="does not support query"):
        maker.read("Idea")


def test_a_table_that_bulk_refuses_is_read_by_rest(maker: Maker) -> None:
    refusal = {"status": 400, "code": "INVALIDENTITY", "message": "Entity 'Contact' is not supported by the Bulk API."}  # fmt: skip
    maker.admin.fault("refuse", method="POST", path="jobs/query", **refusal)
    pages = maker.read("Contact", bulk_above=0)
    assert len(ids(pages)) == sum(maker.admin.get("holds", object="Contact")["Contact"].values())
    assert "not supported by the Bulk API" in pages[0].findings[0].sentence


def test_a_query_that_times_out_is_cut_into_windows(maker: Maker) -> None:
    maker.admin.post("settings", query_windows={"Case": 200})
    try:
        found = ids(maker.read("Case", bulk_above=100_000))
    finally:
        maker.admin.post("settings", query_windows={})
    assert len(set(found)) == sum(maker.admin.get("holds", object="Case")["Case"].values())


def test_a_spent_allowance_parks_the_run_and_takes_no_further_call(maker: Maker) -> None:
    maker.admin.fault("request_limit", path="queryAll", skip=1)
    with pytest.raises(LimitReached) as caught:
        maker.read("Contact")
    assert caught.value.resume_at is not None


def test_a_job_is_taken_up_by_another_process_while_it_works(maker: Maker) -> None:
    maker.admin.post("bulk", timing={"run_polls": 3})
    try:
        with maker.source(include=("Contact",), bulk_above=0) as source:
            table = source.discover().tables[0]
            started = source.prepare(source.plan_reads(table, None)[0])
            assert isinstance(started, Wait)
        with maker.source(include=("Contact",), bulk_above=0) as other:
            found = ids(run(other, started.task))
    finally:
        maker.admin.post("bulk", timing={"run_polls": 0})
    assert len(found) == sum(maker.admin.get("holds", object="Contact")["Contact"].values())


def test_a_very_large_job_is_read_in_parallel_pages(maker: Maker) -> None:
    before = maker.admin.get("bulk")["pages"]
    small = {"rows": 150}
    maker.admin.post("bulk", pages=small)
    try:
        pages = maker.read("Contact", bulk_above=0, parallel_pages_above=300)
    finally:
        maker.admin.post("bulk", pages=before)
    assert len(ids(pages)) == sum(maker.admin.get("holds", object="Contact")["Contact"].values())
    assert len(pages) > 5


def test_jobs_that_were_read_are_gone_afterwards(maker: Maker) -> None:
    before = {job["id"] for job in maker.admin.get("bulk")["jobs"]}
    maker.read("Contact", bulk_above=0)
    assert {job["id"] for job in maker.admin.get("bulk")["jobs"]} <= before


def test_a_file_that_is_cut_is_fetched_again(maker: Maker) -> None:
    with maker.source(include=("ContentVersion",)) as source:
        table = source.discover().tables[0]
        rows = read_all(source, table)[0].rows
        ref = max(source.files_in(table, rows), key=lambda one: one.size or 0)
        maker.admin.fault("cut", path="VersionData", place="after_bytes", after_bytes=ref.size // 2)
        with source.open_file(ref) as stream:
            assert len(stream.read()) == ref.size


def test_a_file_that_is_cut_cleanly_is_noticed(maker: Maker) -> None:
    with maker.source(include=("ContentVersion",)) as source:
        table = source.discover().tables[0]
        ref = source.files_in(table, read_all(source, table)[0].rows)[0]
        maker.admin.fault("cut", path="VersionData", after_bytes=10, framing="clean")
        with source.open_file(ref) as stream, pytest.raises(IntegrityError):
            stream.read()


def test_the_clock_of_the_server_is_reported_even_where_it_is_wrong(maker: Maker) -> None:
    with maker.source() as source:
        right = source.server_time()
        maker.admin.fault("date_skew", path="/services/data/?$", seconds=3600.0)
        assert (source.server_time() - right).total_seconds() == pytest.approx(3600, abs=5)


def test_an_org_that_is_not_there_is_told(maker: Maker) -> None:
    url = maker.sim.url
    maker.sim.url = "http://127.0.0.1:9"
    try:
        with (
            maker.source() as source,
            pytest.raises(UnlostError, match="does not answer") as caught,
        ):
            source.identity()
    finally:
        maker.sim.url = url
    assert caught.value.code == "source-unreachable"

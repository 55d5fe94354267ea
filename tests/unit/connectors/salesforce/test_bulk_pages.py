"""Every proof of a Bulk result page, and what is read again where one fails."""

from typing import Any

import httpx
import pytest

from fakes.runs import ids, read_all
from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields, written
from fakes.wire import Chunks, csv_answer, error_answer
from unlost.kit.csv_to_arrow import BLOCK_BYTES
from unlost.model.errors import SourceRefused, TransientError
from unlost.model.source.reading import Page

ROWS = 20


def an_org(
    rows: int = ROWS, text: str = 'text, with "quotes"\nand lines', **settings: Any
) -> FakeSalesforce:
    org = FakeSalesforce(bulk_above=0, **({"page_rows": 10} | settings))
    org.describes["Case"] = describe("Case", *system_fields(), field("Text__c"))
    org.rows["Case"] = [row(id_of("500", n), Text__c=f"{n} {text}") for n in range(rows)]
    return org


def read(org: FakeSalesforce) -> list[Page]:
    with org.source() as source:
        return read_all(source, org.table(source, "Case"))


def second_page(org: FakeSalesforce, *, rows: int = 10, start: int = 10) -> str:
    columns = ["Id", *(f["name"] for f in org.describes["Case"]["fields"] if f["name"] != "Id")]
    return written(columns, org.rows["Case"][start : start + rows])


def broken(org: FakeSalesforce) -> dict[str, httpx.Response]:
    body = second_page(org).encode()
    return {
        "cut in the middle, length announced": httpx.Response(
            200, headers={"Content-Length": str(len(body)), "Sforce-NumberOfRecords": "10"},
            stream=Chunks(body[:500]),
        ),
        "connection broken": httpx.Response(
            200, headers={"Sforce-NumberOfRecords": "10", "Sforce-Locator": "null"},
            stream=Chunks(body[:700], httpx.ReadError("reset")),
        ),
        "cut inside the last cell, transport content": csv_answer(body[:-10], rows=10),
        "cut before the last quote": csv_answer(body[:-2], rows=10),
        "cut before the last line end": csv_answer(body[:-1], rows=10),
        "a row short of its header": csv_answer(second_page(org, rows=9), rows=10),
        "an empty body": csv_answer("", rows=10),
        "an empty body that announces nothing": csv_answer("", rows=0),
        "no content": httpx.Response(204),
        "a header without rows": csv_answer(second_page(org, rows=0), rows=0),
        "the end by locator, with rows missing": csv_answer(second_page(org, rows=5), rows=5),
        "no locator, with rows missing": csv_answer(second_page(org, rows=5), rows=5, locator=None),
        "no locator and no count": csv_answer(second_page(org, rows=5), rows=None, locator=None),
        "the requested columns": csv_answer('"Id","Other"\n"5","x"\n', rows=1),
        "html": httpx.Response(503, content=b"<html>", headers={"Content-Type": "text/html"}),
        "throttled": httpx.Response(429),
    }  # fmt: skip


@pytest.mark.parametrize("fault", list(broken(an_org())))
def test_a_broken_page_is_asked_for_again_and_no_row_is_lost_or_doubled(fault: str) -> None:
    org = an_org()
    org.wire.on("GET", "locator=10", broken(org)[fault], org._results)
    pages = read(org)
    assert ids(pages) == [id_of("500", n) for n in range(ROWS)]
    assert len(org.wire.made("GET", "locator=10")) == 2
    assert sum(page.proof.parsed for page in pages) == ROWS
    assert len(org.context.clock.slept) >= 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", list(broken(an_org())))
def test_a_page_that_stays_broken_never_ends_the_read_well(fault: str) -> None:
    org = an_org()
    org.wire.on("GET", "locator=10", broken(org)[fault])
    with pytest.raises(TransientError):
        read(org)
    assert not org.wire.made("DELETE", "jobs/query"), "what was not read must stay readable"


def test_a_page_with_some_records_of_another_table_is_asked_for_again() -> None:
    org = an_org()
    mixed = second_page(org).replace(id_of("500", 14), id_of("001", 14))
    org.wire.on("GET", "locator=10", csv_answer(mixed, rows=10, locator=None), org._results)
    assert ids(read(org)) == [id_of("500", n) for n in range(ROWS)]
    assert len(org.wire.made("GET", "locator=10")) == 2


def test_what_was_delivered_before_a_cut_is_not_delivered_again() -> None:
    org = an_org(600, text="z" * 60_000, page_rows=1000)
    columns = ["Id", *(f["name"] for f in org.describes["Case"]["fields"] if f["name"] != "Id")]
    body = written(columns, org.rows["Case"]).encode()
    assert len(body) > 4 * BLOCK_BYTES
    pieces = [body[at : at + 65536] for at in range(0, len(body) * 3 // 4, 65536)]
    cut = httpx.Response(
        200, headers={"Sforce-NumberOfRecords": "600"}, stream=Chunks(*pieces, httpx.ReadError("x"))
    )
    org.wire.on("GET", "/results", cut, org._results)
    pages = read(org)
    assert ids(pages) == [id_of("500", n) for n in range(600)]
    assert len(pages) > 4
    assert pages[-1].proof.announced == pages[-1].proof.parsed
    assert max(page.rows.cells.nbytes for page in pages) < 2 * BLOCK_BYTES


def test_a_row_larger_than_a_parser_block_is_read_with_a_larger_one() -> None:
    org = an_org(3, text="y" * (BLOCK_BYTES + 100))
    pages = read(org)
    assert ids(pages) == [id_of("500", n) for n in range(3)]
    assert pages[0].rows.cells["Text__c"][0].as_py().endswith("y" * 100)
    assert org.context.clock.slept == []  # type: ignore[attr-defined]


def test_only_the_first_page_with_a_row_too_large_is_read_twice() -> None:
    org = an_org(30, page_rows=10)
    for late in (15, 25):
        org.rows["Case"][late]["Text__c"] = "y" * (2 * BLOCK_BYTES + 100)
    assert ids(read(org)) == [id_of("500", n) for n in range(30)]
    assert len(org.wire.made("GET", "locator=10")) == 2
    assert len(org.wire.made("GET", "locator=20")) == 1


def test_columns_are_read_by_name_whatever_their_order() -> None:
    org = an_org(2)
    columns = ["Text__c", "SystemModstamp", "LastModifiedById", "LastModifiedDate", "CreatedDate", "IsDeleted", "Id"]  # fmt: skip
    org.wire.on("GET", "/results", csv_answer(written(columns, org.rows["Case"]), rows=2))
    pages = read(org)
    assert ids(pages) == [id_of("500", 0), id_of("500", 1)]
    assert pages[0].rows.cells.schema.names[0] == "Id"
    assert pages[0].rows.cells["Text__c"][1].as_py().startswith("1 text")


@pytest.mark.parametrize("locator", ["null", None, ""])
def test_all_rows_without_a_locator_are_the_end(locator: str | None) -> None:
    org = an_org()
    org.wire.on("GET", "locator=10", csv_answer(second_page(org), rows=10, locator=locator))
    assert len(ids(read(org))) == ROWS


def test_a_page_without_a_count_is_proved_by_the_job() -> None:
    org = an_org()
    org.wire.on("GET", "locator=10", csv_answer(second_page(org), rows=None))
    assert len(ids(read(org))) == ROWS


def test_locators_are_opaque_and_encoded() -> None:
    org = an_org()
    first = csv_answer(second_page(org, start=0), rows=10, locator="MDow+R2/=")
    org.wire.on("GET", r"maxRecords=10$", first)
    org.wire.on("GET", r"locator=MDow%2BR2%2F%3D", csv_answer(second_page(org), rows=10))
    assert len(ids(read(org))) == ROWS


def test_a_page_that_comes_twice_instead_of_the_next_one_is_read_again() -> None:
    """The sum of the rows was right, and ten cases were missing without an error."""
    org = an_org()
    again = csv_answer(second_page(org, start=0), rows=10)
    org.bulk_pages = 10
    org.wire.on("GET", "locator=10", again, org._results)
    assert sorted(ids(read(org))) == [id_of("500", n) for n in range(ROWS)]
    assert len(org.wire.made("GET", "locator=10")) == 2


def test_a_parallel_page_that_comes_twice_is_read_again() -> None:
    org = an_org(parallel_pages_above=1)
    org.bulk_pages = 10
    again = csv_answer(second_page(org, start=0), rows=10)
    org.wire.on("GET", "locator=10", again, org._results)
    assert sorted(ids(read(org))) == [id_of("500", n) for n in range(ROWS)]


def test_a_row_that_comes_twice_instead_of_another_is_noticed() -> None:
    org = an_org()
    columns = ["Id", *(f["name"] for f in org.describes["Case"]["fields"] if f["name"] != "Id")]
    cases = org.rows["Case"]
    repeated = csv_answer(written(columns, [*cases[: ROWS - 1], cases[0]]), rows=ROWS)
    org.wire.on("GET", "/results", repeated, org._results)
    assert sorted(set(ids(read(org)))) == [id_of("500", n) for n in range(ROWS)]


def test_an_empty_page_among_parallel_ones_is_an_error() -> None:
    org = an_org(parallel_pages_above=1)
    org.bulk_pages = 10
    org.wire.on("GET", "locator=10", httpx.Response(204), org._results)
    assert sorted(ids(read(org))) == [id_of("500", n) for n in range(ROWS)]
    assert len(org.wire.made("GET", "locator=10")) == 2


def test_a_parallel_page_that_is_read_twice_counts_once() -> None:
    org = an_org(parallel_pages_above=1)
    org.bulk_pages = 10
    with org.source() as source:
        started = source.prepare(source.plan_reads(org.table(source, "Case"), None)[0])
        ready = source.prepare(started.task)  # type: ignore[union-attr]
        first, second = ready.tasks  # type: ignore[union-attr]
        for task in (first, first, second):
            assert len(ids(list(source.read(task)))) == 10


def test_results_that_are_refused_are_not_repeated() -> None:
    org = an_org()
    org.wire.on("GET", "/results", error_answer("INVALIDJOBSTATE", "not yet"))
    with pytest.raises(SourceRefused, match="INVALIDJOBSTATE"):
        read(org)
    assert len(org.wire.made("GET", "/results")) == 1


def test_jobs_that_cannot_be_deleted_expire_by_themselves() -> None:
    org = an_org()
    org.wire.on("DELETE", "jobs/query", error_answer("API_ERROR", "not terminated"))
    assert len(ids(read(org))) == ROWS

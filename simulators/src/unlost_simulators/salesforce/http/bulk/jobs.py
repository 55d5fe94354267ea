"""Bulk API 2.0 query jobs over HTTP: create, list, look, abort, delete, results."""

from __future__ import annotations

from typing import Any

from unlost_simulators.kit.faults import (
    Subject,
)
from unlost_simulators.kit.http.calls import (
    Answer,
    FileSlice,
    json_answer,
    no_content,
)
from unlost_simulators.salesforce.bulk import pages
from unlost_simulators.salesforce.bulk.jobs import JobOrder, JobState, QueryJob
from unlost_simulators.salesforce.bulk.pages import Page
from unlost_simulators.salesforce.bulk.render import CsvForm, Delimiter, LineEnding, Rendered
from unlost_simulators.salesforce.bulk.results import ResultKey
from unlost_simulators.salesforce.faults import (
    SalesforceFault,
)
from unlost_simulators.salesforce.http.bulk.pages import PageAnswer, PageFacts
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import json_object
from unlost_simulators.salesforce.http.rest.records import rest_time
from unlost_simulators.salesforce.model.allocations import BULK_QUERY_JOBS, BULK_QUERY_MB
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.org import Org

JOB_PREFIX = "750"
# The limit is 976,562.5 MB; messages tell it in kilobytes.
USUAL_MB = 976_562
USUAL_KB = 1_000_000_000
OLDEST_VERSION = 47
OLDEST_RESULT_PAGES = 58
LIST_PAGE = 1000
PAGES_PER_LIST = 5
DOOM = frozenset({SalesforceFault.JOB_FAILED})


def create(context: Context) -> Answer:
    """Answer ``POST jobs/query``."""
    if context.version < OLDEST_VERSION:
        raise not_found()
    wanted = json_object(context.call)
    operation, soql = wanted.get("operation"), wanted.get("query")
    if operation not in ("query", "queryAll"):
        raise _invalid_job(f"InvalidJob : invalid operation: {operation}")
    if not isinstance(soql, str) or not soql.strip():
        raise _invalid_job("InvalidJob : query is required")
    form = _form(wanted)
    check_allowance(context.sim.org)
    job = _start(context, operation, soql, form)
    return json_answer(_short(job, with_form=True))


def _start(context: Context, operation: str, soql: str, form: CsvForm) -> QueryJob:
    sim, user, all_rows = context.sim, context.user, operation == "queryAll"
    select = sim.org.bulk_sql(user, soql, all_rows=all_rows)
    version = f"{context.version}.0"
    order = JobOrder(operation, soql, select.object, user.id, version, form)

    def render() -> Rendered:
        now = sim.org.bulk_sql(user, soql, all_rows=all_rows)
        key = ResultKey(now.sql, now.headers, form, sim.revision())
        return sim.results.get(key, sim.org.store.cursor)

    subject = Subject("POST", context.call.target, select.object)
    doom = sim.faults.draw(DOOM, subject)
    sim.org.allocations.count(BULK_QUERY_JOBS)
    return sim.jobs.create(sim.ids.make(JOB_PREFIX), order, render=render, doom=doom)


def check_allowance(org: Org) -> None:
    """Refuse a further job when the org used up its jobs or result bytes of 24 hours."""
    most = org.settings.daily_bulk_query_jobs
    if org.allocations.used(BULK_QUERY_JOBS) >= most:
        text = f"Max bulk v2 query jobs ({most}) per 24 hrs has been reached"
        raise SalesforceError(400, "LIMIT_EXCEEDED", text)
    allowed_mb = org.settings.daily_bulk_query_file_mb
    if org.allocations.used(BULK_QUERY_MB) > allowed_mb:
        kilobytes = USUAL_KB if allowed_mb == USUAL_MB else allowed_mb * 1024
        text = f"Max bulk v2 query result size stored ({kilobytes}) kb per 24 hrs has been exceeded"
        raise SalesforceError(400, "LIMIT_EXCEEDED", text)


def listing(context: Context) -> Answer:
    """Answer ``GET jobs/query``: up to 1,000 jobs a page, in no promised order."""
    jobs = [job for job in context.sim.jobs.all() if _may_see(context, job)]
    start = _list_offset(context)
    shown = jobs[start : start + LIST_PAGE]
    end = start + len(shown)
    document: dict[str, Any] = {
        "done": end >= len(jobs),
        "records": [_short(job, with_form=False) | {"jobType": "V2Query"} for job in shown],
        "nextRecordsUrl": None,
    }
    if end < len(jobs):
        document["nextRecordsUrl"] = f"{context.base}/jobs/query?queryLocator=01g{end:015d}"
    return json_answer(document)


def info(context: Context) -> Answer:
    """Answer ``GET jobs/query/ID``: a poll."""
    _owned(context)
    job = context.sim.jobs.poll(context.params["id"])
    return json_answer(_long(job))


def change(context: Context) -> Answer:
    """Answer ``PATCH jobs/query/ID``: a job can only be aborted."""
    _owned(context)
    if json_object(context.call).get("state") != JobState.ABORTED:
        raise _invalid_job("InvalidJob : only the state Aborted can be set")
    job = context.sim.jobs.abort(context.params["id"])
    return json_answer(_short(job, with_form=False))


def delete(context: Context) -> Answer:
    """Answer ``DELETE jobs/query/ID``."""
    _owned(context)
    context.sim.jobs.delete(context.params["id"])
    return no_content()


def results(context: Context) -> Answer:
    """Answer ``GET jobs/query/ID/results``: one page of CSV."""
    job, result = _finished(context)
    start = _start_row(context, job)
    page = pages.cut(
        result, start, limit=_max_records(context), sizes=context.sim.settings.page_sizes
    )
    answer = PageAnswer(
        200, result.header, "text/csv; charset=UTF-8", page=_facts(context, result, page)
    )
    answer.file = _slice(result, page.start, page.end)
    answer.headers["Sforce-NumberOfRecords"] = str(page.rows)
    answer.headers["Sforce-Locator"] = "null" if page.last else pages.locator(job.id, page.end)
    return answer


def result_pages(context: Context) -> Answer:
    """Answer ``GET jobs/query/ID/resultPages``: addresses of up to five pages."""
    if context.version < OLDEST_RESULT_PAGES:
        raise not_found()
    job, result = _finished(context)
    base = f"{context.base}/jobs/query/{job.id}"
    sizes = context.sim.settings.page_sizes
    start = _start_row(context, job)
    rows, end = pages.starts(result, start, sizes=sizes, count=PAGES_PER_LIST)
    urls = [{"resultUrl": f"{base}/results?locator={pages.locator(job.id, row)}"} for row in rows]
    document: dict[str, Any] = {"resultPages": urls, "done": end >= result.rows}
    if end < result.rows:
        document["nextRecordsUrl"] = f"{base}/resultpages?locator={pages.locator(job.id, end)}"
    return json_answer(document)


def _form(wanted: dict[str, Any]) -> CsvForm:
    if wanted.get("contentType") not in (None, "CSV"):
        raise _invalid_job("InvalidJob : Only CSV is supported as contentType")
    try:
        return CsvForm(
            Delimiter(wanted.get("columnDelimiter") or "COMMA"),
            LineEnding(wanted.get("lineEnding") or "LF"),
        )
    except ValueError as error:
        raise _invalid_job(f"InvalidJob : {error}") from None


def _invalid_job(text: str) -> SalesforceError:
    return SalesforceError(400, "INVALIDJOB", text)


def _may_see(context: Context, job: QueryJob) -> bool:
    is_owner = job.order.user_id == context.user.id
    return is_owner or context.user.may(Permission.MANAGE_DATA_INTEGRATIONS)


def _owned(context: Context) -> QueryJob:
    job = context.sim.jobs.get(context.params["id"])
    if not _may_see(context, job):
        raise SalesforceError(400, "INVALIDUSER", "The job belongs to another user")
    return job


def _finished(context: Context) -> tuple[QueryJob, Rendered]:
    _owned(context)
    job = context.sim.jobs.peek(context.params["id"])
    if job.order.version != f"{context.version}.0":
        text = f"The job was created with API version {job.order.version}"
        raise SalesforceError(409, "INVALID_API_VERSION", text)
    if job.state is not JobState.COMPLETE or job.result is None:
        text = f"The job is in state {job.state}; results need JobComplete"
        raise SalesforceError(400, "INVALIDJOBSTATE", text)
    return job, job.result


def _start_row(context: Context, job: QueryJob) -> int:
    text = context.call.query.get("locator")
    return 0 if not text else pages.row_of(job.id, text)


def _max_records(context: Context) -> int | None:
    text = context.call.query.get("maxRecords")
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise SalesforceError(400, "API_ERROR", f"maxRecords is invalid: {text}")
    return int(text)


def _slice(result: Rendered, start: int, end: int) -> FileSlice:
    first = int(result.offsets[start])
    return FileSlice(result.data, first, int(result.offsets[end]) - first)


def _facts(context: Context, result: Rendered, page: Page) -> PageFacts:
    return PageFacts(
        gzip=lambda: context.sim.gzip_pages.file(result, page),
        without=lambda rows: _slice(result, page.start, max(page.start, page.end - rows)),
    )


def _list_offset(context: Context) -> int:
    text = context.call.query.get("queryLocator", "")
    return int(text[3:]) if text.startswith("01g") and text[3:].isdecimal() else 0


def _short(job: QueryJob, *, with_form: bool) -> dict[str, Any]:
    order = job.order
    document: dict[str, Any] = {
        "id": job.id,
        "operation": order.operation,
        "object": order.object,
        "createdById": order.user_id,
        "createdDate": rest_time(job.created),
        "systemModstamp": rest_time(job.modified),
        "state": JobState.UPLOAD_COMPLETE if with_form else job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(order.version),
    }
    if with_form:
        document |= _form_names(job)
    return document


def _form_names(job: QueryJob) -> dict[str, str]:
    form = job.order.form
    return {"lineEnding": form.line_ending, "columnDelimiter": form.delimiter}


def _long(job: QueryJob) -> dict[str, Any]:
    document = _short(job, with_form=False)
    document |= {"jobType": "V2Query", **_form_names(job)}
    document |= {
        "numberRecordsProcessed": job.records,
        "retries": 0,
        "totalProcessingTime": job.milliseconds,
        "isPkChunkingSupported": True,
    }
    if job.error is not None:
        document["errorMessage"] = job.error
    return document

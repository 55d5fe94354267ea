"""Bulk API 2.0 ingest jobs over HTTP: create, upload, close, abort, look, delete, results."""

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
from unlost_simulators.salesforce.bulk import ingest_results
from unlost_simulators.salesforce.bulk.ingest_habits import EmptyResults
from unlost_simulators.salesforce.bulk.ingest_jobs import IngestJob, IngestState, wrong_state
from unlost_simulators.salesforce.bulk.ingest_results import Results
from unlost_simulators.salesforce.bulk.ingest_run import IngestOrder, Operation
from unlost_simulators.salesforce.bulk.render import CsvForm, Delimiter, LineEnding
from unlost_simulators.salesforce.faults import (
    SalesforceFault,
)
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import json_object
from unlost_simulators.salesforce.http.rest import parts
from unlost_simulators.salesforce.http.rest.records import rest_time
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import Permission

JOB_PREFIX = "750"
OLDEST_VERSION = 41
ASSIGNMENT_RULES_FROM = 49
LIST_PAGE = 1000
# Bulk API 2.0 guide: characters of the data of a job that is created in one multipart call.
MAX_MULTIPART = 100_000
# Answers up to this size are compressed where the client takes it; larger ones come from the file.
IN_MEMORY = 4 << 20
DOOM = frozenset({SalesforceFault.JOB_FAILED})
CSV_TYPE = "text/csv; charset=UTF-8"


def create(context: Context) -> Answer:
    """Answer ``POST jobs/ingest``, also in its multipart form, which uploads and closes."""
    if context.version < OLDEST_VERSION:
        raise not_found()
    kind = context.call.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        job = _open(context, json_object(context.call))
        return json_answer(_created(context, job))
    wanted, data = _multipart(context, kind)
    job = _open(context, wanted)
    context.sim.loads.put(job.id, data)
    context.sim.loads.close(job.id)
    return json_answer(_short(job))


def _multipart(context: Context, kind: str) -> tuple[dict[str, Any], bytes]:
    by_name = {part.name: part for part in parts.read(context.call.body, kind)}
    if "job" not in by_name or "content" not in by_name:
        raise _client_error("The multipart request needs the parts job and content")
    data = by_name["content"].body
    if len(data.decode("utf-8", "replace")) > MAX_MULTIPART:
        raise _client_error(f"Failed to read request. Exceeded max size limit of {MAX_MULTIPART}")
    return parts.json_object(by_name["job"]), data


def _open(context: Context, wanted: dict[str, Any]) -> IngestJob:
    sim = context.sim
    order = _order(context, wanted)
    subject = Subject("POST", context.call.target, order.object)
    doom = sim.faults.draw(DOOM, subject)
    return sim.loads.create(sim.ids.make(JOB_PREFIX), order, doom=doom)


def _order(context: Context, wanted: dict[str, Any]) -> IngestOrder:
    operation = _choice(Operation, wanted, "operation")
    of = _object(context, str(wanted.get("object") or ""))
    if operation is Operation.HARD_DELETE and not context.user.may(Permission.BULK_HARD_DELETE):
        text = (
            "hardDelete operation requires special user profile permission, "
            "please contact your system administrator"
        )
        raise SalesforceError(400, "FEATURENOTENABLED", text)
    if wanted.get("contentType") not in (None, "CSV"):
        raise _invalid_value(wanted, "contentType")
    form = CsvForm(
        _choice(Delimiter, wanted, "columnDelimiter", Delimiter.COMMA),
        _choice(LineEnding, wanted, "lineEnding", LineEnding.LF),
    )
    rule = wanted.get("assignmentRuleId") if context.version >= ASSIGNMENT_RULES_FROM else None
    return IngestOrder(
        operation, of.name, context.user.id, f"{context.version}.0", form,
        external_id=_external_id(context, of, operation, wanted.get("externalIdFieldName")),
        assignment_rule=None if rule is None else str(rule),
    )  # fmt: skip


def _object(context: Context, name: str) -> ObjectDef:
    try:
        of = context.sim.org.object(context.user, name)
    except SalesforceError:
        raise _invalid_job(f"Unable to find object: {name}") from None
    if not of.bulk:
        text = f"Entity '{of.name}' is not supported by the Bulk API."
        raise SalesforceError(400, "INVALIDENTITY", text)
    return of


def _external_id(context: Context, of: ObjectDef, operation: Operation, name: object) -> str | None:
    if operation is not Operation.UPSERT:
        return None
    if name is None:
        text = f"External ID was blank for {of.name}. An External ID must be specified for upsert."
        raise _invalid_job(text)
    field = of.field(str(name))
    visible = field is not None and context.user.sees(of.name, field.name)
    if field is None or not visible or not (field.external_id or field.id_lookup):
        text = f"Field name provided, {name} does not match an External ID for {of.name}"
        raise _invalid_job(text)
    return field.name


def upload(context: Context) -> Answer:
    """Answer ``PUT jobs/ingest/ID/batches``: the whole data of a job, in one call."""
    _owned(context)
    data, loads = context.call.body, context.sim.loads
    encoded = -(-len(data) // 3) * 4
    if encoded > loads.habits.max_upload:
        text = f"Failed to read request. Exceeded max size limit of {loads.habits.max_upload}"
        raise _client_error(text)
    loads.put(context.params["id"], data)
    return Answer(201, content_type=None)


def change(context: Context) -> Answer:
    """Answer ``PATCH jobs/ingest/ID``: data is complete, or the job is aborted."""
    _owned(context)
    wanted = json_object(context.call)
    loads, job_id = context.sim.loads, context.params["id"]
    match wanted.get("state"):
        case IngestState.UPLOAD_COMPLETE:
            return json_answer(_short(loads.close(job_id)))
        case IngestState.ABORTED:
            return json_answer(_short(loads.abort(job_id)))
        case _:
            raise _invalid_value(wanted, "state")


def info(context: Context) -> Answer:
    """Answer ``GET jobs/ingest/ID``: a poll."""
    _owned(context)
    return json_answer(_long(context, context.sim.loads.poll(context.params["id"])))


def delete(context: Context) -> Answer:
    """Answer ``DELETE jobs/ingest/ID``."""
    _owned(context)
    context.sim.loads.delete(context.params["id"])
    return no_content()


def listing(context: Context) -> Answer:
    """Answer ``GET jobs/ingest``: up to 1,000 jobs a page, in no promised order."""
    jobs = [job for job in context.sim.loads.all() if _may_see(context, job)]
    mark = context.call.query.get("queryLocator", "")
    start = int(mark[3:]) if mark.startswith("01g") and mark[3:].isdecimal() else 0
    end = start + LIST_PAGE
    document: dict[str, Any] = {
        "done": end >= len(jobs),
        "records": [_short(job) | {"jobType": "V2Ingest"} for job in jobs[start:end]],
        "nextRecordsUrl": None,
    }
    if end < len(jobs):
        document["nextRecordsUrl"] = f"{context.base}/jobs/ingest?queryLocator=01g{end:015d}"
    return json_answer(document)


def successful(context: Context) -> Answer:
    """Answer ``GET jobs/ingest/ID/successfulResults``."""
    return _results(context, Results.SUCCESSFUL)


def failed(context: Context) -> Answer:
    """Answer ``GET jobs/ingest/ID/failedResults``."""
    return _results(context, Results.FAILED)


def unprocessed(context: Context) -> Answer:
    """Answer ``GET jobs/ingest/ID/unprocessedrecords``."""
    return _results(context, Results.UNPROCESSED)


def _results(context: Context, kind: Results) -> Answer:
    _owned(context)
    job = context.sim.loads.peek(context.params["id"])
    if not job.state.terminal:
        raise wrong_state(f"The job is in state {job.state}; results need an ended job")
    path, rows = ingest_results.write(job, kind)
    if rows == 0 and job.load.habits.empty_results is EmptyResults.NO_CONTENT:
        return no_content()
    size = path.stat().st_size
    answer = Answer(200, content_type=CSV_TYPE)
    if size <= IN_MEMORY:
        answer.body = path.read_bytes()
    else:
        answer.file = FileSlice(path, 0, size)
    return answer


def _may_see(context: Context, job: IngestJob) -> bool:
    is_owner = job.order.user_id == context.user.id
    return is_owner or context.user.may(Permission.MANAGE_DATA_INTEGRATIONS)


def _owned(context: Context) -> IngestJob:
    job = context.sim.loads.get(context.params["id"])
    if not _may_see(context, job):
        raise SalesforceError(400, "INVALIDUSER", "The job belongs to another user")
    return job


def _choice[Kind: (Operation, Delimiter, LineEnding)](
    kind: type[Kind], wanted: dict[str, Any], name: str, default: Kind | None = None
) -> Kind:
    given = wanted.get(name)
    if given is None and default is not None:
        return default
    try:
        return kind(str(given))
    except ValueError:
        raise _invalid_value(wanted, name) from None


def _invalid_value(wanted: dict[str, Any], name: str) -> SalesforceError:
    given = wanted.get(name)
    text = f"Invalid value: '{'' if given is None else given}' supplied for property: '{name}'"
    return SalesforceError(400, "API_ERROR", text)


def _invalid_job(text: str) -> SalesforceError:
    return SalesforceError(400, "INVALIDJOB", f"InvalidJob : {text}")


def _client_error(text: str) -> SalesforceError:
    return SalesforceError(400, "CLIENTINPUTERROR", f"ClientInputError : {text}")


def _short(job: IngestJob) -> dict[str, Any]:
    order = job.order
    document: dict[str, Any] = {
        "id": job.id,
        "operation": order.operation,
        "object": order.object,
        "createdById": order.user_id,
        "createdDate": rest_time(job.created),
        "systemModstamp": rest_time(job.modified),
        "state": job.state,
    }
    if order.external_id is not None:
        document["externalIdFieldName"] = order.external_id
    document |= {
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(order.version),
    }
    if order.assignment_rule is not None:
        document["assignmentRuleId"] = order.assignment_rule
    return document


def _created(context: Context, job: IngestJob) -> dict[str, Any]:
    return _short(job) | _content(context, job) | _form(job)


def _content(context: Context, job: IngestJob) -> dict[str, str]:
    # Relative and without a leading slash, as the service gives it.
    return {"contentUrl": f"{context.base.lstrip('/')}/jobs/ingest/{job.id}/batches"}


def _form(job: IngestJob) -> dict[str, str]:
    form = job.order.form
    return {"lineEnding": form.line_ending, "columnDelimiter": form.delimiter}


def _long(context: Context, job: IngestJob) -> dict[str, Any]:
    document = _short(job) | {"jobType": "V2Ingest"}
    if job.state is IngestState.OPEN:
        document |= _content(context, job)
    document |= _form(job)
    document |= {
        "numberRecordsProcessed": job.load.processed,
        "numberRecordsFailed": job.load.failed,
        "retries": 0,
        "totalProcessingTime": job.milliseconds,
        "apiActiveProcessingTime": job.milliseconds,
        "apexProcessingTime": 0,
    }
    if job.error is not None:
        document["errorMessage"] = job.error
    return document

"""Operations whose responses are bytes: streamed, and saved by browsers rather than shown."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import msgspec

from unlost.app.actions.people.audit import export
from unlost.app.actions.records.file import file_result, open_stored
from unlost.app.actions.records.list_download import (
    ListForm,
    SavedList,
    list_json,
    open_list_zip,
)
from unlost.app.actions.records.record_list import list_csv
from unlost.app.actions.restores.kept_plan import plan_file
from unlost.app.actions.retention.privacy import PersonRequest, open_person
from unlost.app.backups.moments import LATEST
from unlost.app.compose import Application
from unlost.app.operations import LINES, RESULT, ZIP, ApiOperation
from unlost.app.records.lists.downloads import USUAL, ListFile, ListView
from unlost.app.records.lists.queries import ListQuery
from unlost.web.parts.audit_lines import json_lines
from unlost.web.parts.list_files import list_response
from unlost.web.parts.streaming import StreamedResponse, pieces, saved

type Sent = Callable[..., StreamedResponse]


def sent(app: Application, operation: ApiOperation, given: Mapping[str, Any]) -> StreamedResponse:
    """Return the response of an operation that returns bytes; raises as the action does."""
    return SENT[operation.action](app, **given)


def _file(
    app: Application,
    org: str,
    record: str,
    table: str | None = None,
    image: str | None = None,
    at: str = LATEST,
) -> StreamedResponse:
    stack = ExitStack()
    stored, body = open_stored(app, org, record, table=table, image=image, at=at, stack=stack)
    answer = saved(pieces(stack, body), name=stored.name or record)
    answer["Content-Length"] = str(stored.size)
    header = msgspec.json.encode(file_result(org, stored))
    answer[RESULT] = quote(header)
    return answer


def _plan(app: Application, org: str, plan: str) -> StreamedResponse:
    content = plan_file(app, org, plan)
    answer = saved(iter([content]), name=f"{plan}.json")
    answer["Content-Length"] = str(len(content))
    return answer


def _audit(app: Application) -> StreamedResponse:
    lines = json_lines(export(app))
    return saved(lines, name=f"unlost-audit-{app.clock.now():%Y-%m-%d}.jsonl", media=LINES)


def _person(app: Application, org: str, person_request: PersonRequest) -> StreamedResponse:
    person_data, body = open_person(app, org, person_request)
    answer = saved(body, name=f"{org}-person-{app.clock.now():%Y-%m-%d}.zip", media=ZIP)
    answer[RESULT] = quote(msgspec.json.encode(person_data))
    return answer


def _list_csv(
    app: Application, org: str, record_query: ListQuery, view: ListView = USUAL
) -> StreamedResponse:
    return _list(app, org, list_csv(app, org, record_query, view), form=ListForm.CSV)


def _list_json(
    app: Application, org: str, record_query: ListQuery, view: ListView = USUAL
) -> StreamedResponse:
    return _list(app, org, list_json(app, org, record_query, view), form=ListForm.JSON)


def _list_zip(
    app: Application, org: str, record_query: ListQuery, view: ListView = USUAL
) -> StreamedResponse:
    return _list(app, org, open_list_zip(app, org, record_query, view), form=ListForm.ZIP)


def _list(
    app: Application, org: str, opened: tuple[ListFile, Iterator[bytes]], *, form: ListForm
) -> StreamedResponse:
    file, _ = opened
    answer = list_response(app, org, opened, form=form)
    header = SavedList(org, file.table, file.table_label, file.records, form, out="")
    answer[RESULT] = quote(msgspec.json.encode(header))
    return answer


SENT: Mapping[str, Sent] = {
    "file.open": _file,
    "restore.file": _plan,
    "audit.export": _audit,
    "privacy.download": _person,
    "record.list-csv": _list_csv,
    "record.list-json": _list_json,
    "record.list-zip": _list_zip,
}

"""The Attachment API: list, one, bytes, upload by body or by form, rename, delete.

A restored attachment gets a new sys_id. No list has a header Link. X-Total-Count is not documented,
but PySNC 1.2.1, the client of ServiceNow, fails without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import quote

from unlost_simulators.kit import blobs
from unlost_simulators.kit.http import multipart
from unlost_simulators.kit.http.calls import Answer, json_answer, no_content
from unlost_simulators.kit.sqlite import Row
from unlost_simulators.servicenow.access.acls import Operation
from unlost_simulators.servicenow.http.bodies import read_object
from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.http.paging import ATTACHMENTS_LIMIT, Window
from unlost_simulators.servicenow.http.tables import search
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import ID
from unlost_simulators.servicenow.model.errors import ServiceNowError, no_record, refused_by_acl
from unlost_simulators.servicenow.model.platform import ATTACHMENT

CHUNK_BYTES = 734_003
OPTIONAL = ("hash", "chunk_size_bytes")
"""Columns that only some releases show."""


def list_files(context: Context) -> Answer:
    """Answer ``GET attachment``."""
    window = Window.of(context, default=ATTACHMENTS_LIMIT)
    reader, wanted = context.reader(), search(context, ATTACHMENT)
    page = reader.page(wanted, limit=window.limit, offset=window.offset)
    documents = [_document(context, row) for row in _of_readable_rows(context, page.rows)]
    answer = json_answer({"result": documents})
    answer.headers["X-Total-Count"] = str(reader.count(wanted))
    return answer


def get_file(context: Context) -> Answer:
    """Answer ``GET attachment/{sys_id}``."""
    return json_answer({"result": _document(context, _row(context))})


def get_bytes(context: Context) -> Answer:
    """Answer ``GET attachment/{sys_id}/file``."""
    row = _row(context)
    recipe, stored = context.instance.store.content(row[ID])
    headers = {
        "Content-Disposition": f"attachment;filename*=UTF-8''{quote(row['file_name'], safe='')}",
        "X-Attachment-Metadata": json.dumps(_document(context, row)),
    }
    answer = Answer(content_type=row["content_type"] or "application/octet-stream", headers=headers)
    if recipe:
        kind, seed, size = blobs.parse(recipe)
        answer.stream = blobs.BlobRecipe(kind, int(seed), size).chunks()
    else:
        answer.body = stored
    return answer


def upload_body(context: Context) -> Answer:
    """Answer ``POST attachment/file``: the body is the file; Content-Type is mandatory."""
    kind = context.call.headers.get("content-type", "")
    if not kind:
        raise ServiceNowError(400, "Content-Type header is required")
    return _store(context, context.call.query, kind, context.call.body)


def upload_form(context: Context) -> Answer:
    """Answer ``POST attachment/upload``: a form with the parts table_name, table_sys_id and file."""
    try:
        parts = multipart.read(context.call.body, context.call.headers.get("content-type", ""))
    except multipart.NotMultipart as error:
        raise ServiceNowError(400, "Failed to create the attachment", str(error)) from None
    values = {
        part.name: part.body.decode("utf-8", "replace") for part in parts if not part.filename
    }
    file = next((part for part in parts if part.filename), None)
    if file is None:
        raise ServiceNowError(400, "Failed to create the attachment", "File part missing")
    values["file_name"] = file.filename or ""
    return _store(context, values, file.content_type, file.body)


def rename(context: Context) -> Answer:
    """Answer ``PATCH attachment/{sys_id}``, which changes the file name alone."""
    name = str(read_object(context.call).get("file_name", ""))
    _writable_owner(context, _row(context))
    if name:
        context.writer().update(ATTACHMENT, context.param("sys_id"), {"file_name": name})
    return no_content()


def delete(context: Context) -> Answer:
    """Answer ``DELETE attachment/{sys_id}``."""
    _writable_owner(context, _row(context))
    context.writer().delete(ATTACHMENT, context.param("sys_id"))
    return no_content()


def _store(context: Context, values: Mapping[str, str], kind: str, content: bytes) -> Answer:
    instance = context.instance
    table, owner = values.get("table_name", ""), values.get("table_sys_id", "")
    if len(content) > instance.settings.attachment_bytes:
        raise ServiceNowError(400, "Failed to create the attachment", "File is too large")
    row = _record(context, instance.open_table(table.removeprefix("ZZ_YY")).name, owner)
    if not context.reader().permitted(table, [row], Operation.WRITE):
        raise refused_by_acl("Insert")
    cells = {
        "file_name": values.get("file_name", ""),
        "content_type": kind,
        "table_name": table,
        "table_sys_id": owner,
        "size_bytes": str(len(content)),
        "size_compressed": str(len(content)),
        "compressed": "true",
        "chunk_size_bytes": str(CHUNK_BYTES),
        "hash": hashlib.sha256(content).hexdigest(),
        "encryption_context": values.get("encryption_context", ""),
    }
    with instance.store.database.writing():
        sys_id = context.writer().insert(ATTACHMENT, {**cells, ID: ids.fresh()})
        instance.store.keep_bytes(sys_id, content=content)
        if when := values.get("creation_time"):
            # Whether the stamp follows is an inference.
            instance.store.update(ATTACHMENT, sys_id, {"sys_created_on": when})
    stored = instance.store.get(ATTACHMENT, sys_id)
    assert stored is not None
    answer = json_answer({"result": _document(context, stored)}, 201)
    answer.headers["Location"] = context.address("attachment", sys_id)
    return answer


def _row(context: Context) -> Row:
    row = context.reader().row(ATTACHMENT, context.param("sys_id"))
    if not _of_readable_rows(context, [row]):
        raise no_record()
    return row


def _of_readable_rows(context: Context, files: list[Row]) -> list[Row]:
    """Give the files whose record the caller may read."""
    return [file for file in files if _owner(context, file) is not None]


def _owner(context: Context, file: Row) -> Row | None:
    table = file["table_name"].removeprefix("ZZ_YY")
    if context.instance.schema.get(table) is None:
        return file
    try:
        return _record(context, table, file["table_sys_id"])
    except ServiceNowError:
        return None


def _record(context: Context, table: str, sys_id: str) -> Row:
    no_domain = context.switch("sysparm_query_no_domain")
    return context.reader().row(table, sys_id, no_domain=no_domain)


def _writable_owner(context: Context, file: Row) -> None:
    owner = _owner(context, file)
    table = file["table_name"].removeprefix("ZZ_YY")
    if owner is None or not context.reader().permitted(table, [owner], Operation.WRITE):
        raise refused_by_acl("Update")


def _document(context: Context, row: Row) -> dict[str, str]:
    hashes = context.instance.settings.attachment_hashes
    shown = {name: value for name, value in row.items() if hashes or name not in OPTIONAL}
    return {**shown, "download_link": context.address("attachment", row[ID], "file")}

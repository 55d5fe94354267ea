"""Attachments: uploaded as a stream, and proved by hash.

Source: ServiceNow docs, "Attachment API". A file gets a new id. Not every release returns a hash;
without one, the bytes are read back.
"""

import hashlib
from typing import BinaryIO
from urllib.parse import quote, urlencode

import msgspec

from unlost.connectors.servicenow.http.api import JSON, ServiceNowApi
from unlost.connectors.servicenow.http.errors import PageCancelled, ServiceNowRefusal
from unlost.connectors.servicenow.writing.calls import BatchItem, ItemAnswer, send_batch
from unlost.kit.files import pieces_of
from unlost.kit.http import AnswerLost, HttpCall
from unlost.kit.json_to_arrow import read_as
from unlost.kit.outcomes import done, failed, unknown
from unlost.model.source.writing import RowOutcome, WriteRow

ANY_KIND = "application/octet-stream"
PLACE = ("table_name", "table_sys_id", "file_name")


class Attached(msgspec.Struct):
    """The record of a new attachment."""

    sys_id: str
    hash: str = ""


class AttachedAnswer(msgspec.Struct):
    """The answer to an upload."""

    result: Attached


def upload_file(api: ServiceNowApi, row: WriteRow, body: BinaryIO) -> RowOutcome:
    """Create an attachment. One that the instance stored otherwise is removed, and has failed."""
    sent = hashlib.sha256()
    place = {name: row.cells.get(name) or "" for name in PLACE}
    url = f"{api.root}/attachment/file?{urlencode(place, quote_via=quote)}"
    headers = {**JSON, "Content-Type": row.cells.get("content_type") or ANY_KIND}
    try:
        call = HttpCall("POST", url, headers, pieces_of(body, sent.update), accept=frozenset({201}))
        created = api.client.send_for(call, read_as(AttachedAnswer)).result
    except (AnswerLost, PageCancelled):
        return unknown(row.key)
    except ServiceNowRefusal as refusal:
        return ItemAnswer(403, reason=refusal.sentence).refused(row.key, None)
    if (created.hash or _stored_hash(api, created.sys_id)) == sent.hexdigest():
        return done(row.key, created.sys_id)
    send_batch(api, [BatchItem(row.key, "DELETE", f"attachment/{created.sys_id}")])
    return failed(
        row.key,
        "ServiceNow stored other bytes than it received, so the attachment was removed.",
        next_step="Check the encryption and the virus scan of attachments.",
    )


def _stored_hash(api: ServiceNowApi, record: str) -> str:
    stored = hashlib.sha256()
    with api.file(record) as stream:
        for piece in stream.chunks():
            stored.update(piece)
    return stored.hexdigest()

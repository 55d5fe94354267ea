"""Calls that write: many rows in one batch, each with an outcome.

A batch is no transaction, and answers 200 even if rows failed (ServiceNow docs, "Batch API"). A row
that is listed as unserviced was not written. A row without an answer may have been.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import msgspec

from unlost.connectors.servicenow.http.api import JSON, ServiceNowApi
from unlost.connectors.servicenow.http.errors import Envelope, PageCancelled, text_of_error
from unlost.kit.http import AnswerLost, HttpCall
from unlost.kit.json_to_arrow import read_as
from unlost.kit.outcomes import failed
from unlost.model.decoders import decoder_for
from unlost.model.source.writing import RowOutcome

SEND = {**JSON, "Content-Type": "application/json"}
RULE = "was aborted by Business Rule"
ACL = "ACL Exception"
UNSERVICED, TOO_MANY = 0, 429
NEXT_STEPS = {
    RULE: "Ask the owner of the business rule, or let the rule spare the write user.",
    ACL: "Give the write user a role that may write these records and columns.",
    "Data Policy": "Enter values for the columns that the data policy demands.",
}


class WrittenRow(Envelope):
    """The answer about a written row; empty if the user may not read it."""

    result: dict[str, str] = msgspec.field(default_factory=dict)


class ServicedItem(msgspec.Struct):
    """The answer to an item of a batch; ``body`` is base64."""

    id: str
    status_code: int
    body: str = ""
    headers: list[dict[str, str]] = []


class WrittenBatch(msgspec.Struct):
    """The answer of a batch; rows that were not done are listed by their ids."""

    serviced_requests: list[ServicedItem]
    unserviced_requests: list[str] = []


@dataclass(frozen=True, slots=True)
class BatchItem:
    """A call about one row. ``key`` is that of the row; ``path`` follows ``/api/now/``."""

    key: str
    method: str
    path: str
    cells: Mapping[str, str | None] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    def built(self, number: int) -> dict[str, object]:
        """The item as the API expects it. An empty text clears a cell."""
        cells = None if self.cells is None else {n: v or "" for n, v in self.cells.items()}
        body = b"" if cells is None else msgspec.json.encode(cells)
        return {
            "id": str(number),
            "method": self.method,
            "url": f"/api/now/{self.path}?{urlencode(self.parameters, quote_via=quote)}",
            "headers": [{"name": name, "value": value} for name, value in SEND.items()],
            "body": base64.b64encode(body).decode(),
        }


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """The answer about a row: ``cells`` as the instance has them now, ``reason`` of a refusal."""

    status: int
    cells: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    reason: str = ""

    @property
    def is_done(self) -> bool:
        """True if the row was written."""
        return 200 <= self.status < 300

    def refused(self, key: str, record: str | None) -> RowOutcome:
        """The outcome of a row that was not written."""
        steps = (step for text, step in NEXT_STEPS.items() if text in self.reason)
        text = self.reason or "no reason given"
        unserviced = self.status == UNSERVICED
        return failed(
            key,
            "ServiceNow did not get to it." if unserviced else f"ServiceNow refused it: {text}",
            record=record,
            native="unserviced" if unserviced else str(self.status),
            next_step=next(steps, ""),
            retry=self.status in (UNSERVICED, TOO_MANY),
        )


def send_batch(
    api: ServiceNowApi, items: Sequence[BatchItem], *, harmless: bool = False
) -> dict[str, ItemAnswer]:
    """Make the calls in one batch: the answers by key. An item that is missing may have effect.

    ``harmless``: the items only read.
    """
    if not items:
        return {}
    built = [item.built(number) for number, item in enumerate(items)]
    body = msgspec.json.encode({"batch_request_id": "unlost", "rest_requests": built})
    call = HttpCall("POST", f"{api.root}/v1/batch", SEND, body, harmless=harmless)
    try:
        batch = api.client.send_for(call, read_as(WrittenBatch))
    except (AnswerLost, PageCancelled):  # cancelled in the middle of the batch
        return {}
    answers = {item.id: _answer(item) for item in batch.serviced_requests}
    answers |= {each: ItemAnswer(UNSERVICED) for each in batch.unserviced_requests}
    keyed = ((item.key, answers.get(str(number))) for number, item in enumerate(items))
    return {key: answer for key, answer in keyed if answer is not None and answer.status < 500}


def _answer(item: ServicedItem) -> ItemAnswer | None:
    """The answer of an item; None if it is not of the documented form."""
    try:
        body = base64.b64decode(item.body, validate=True)
        row = decoder_for(WrittenRow).decode(body) if body else WrittenRow()
    except (binascii.Error, msgspec.DecodeError, RecursionError):
        return None
    if row.error is not None and item.status_code < 300:
        return None
    headers = {each.get("name", "").lower(): each.get("value", "") for each in item.headers}
    return ItemAnswer(
        item.status_code, row.result, headers.get("location", ""), text_of_error(row.error)
    )

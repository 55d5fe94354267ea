"""Conditional requests: 304 for what the client has already, 412 for what has changed meanwhile.

Source: REST guide, conditional request headers; RFC 9110 (13.1) for their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from unlost_simulators.kit.http import conditional
from unlost_simulators.kit.http.calls import (
    Answer,
    Call,
    json_answer,
)
from unlost_simulators.kit.http.conditional import http_date
from unlost_simulators.salesforce import etags
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.model.errors import SalesforceError

CONDITIONS = ("if-match", "if-none-match", "if-unmodified-since")
"""Headers by which a change of a record can be made conditional."""


@dataclass(frozen=True, slots=True)
class Validators:
    """Facts that tell one state of a resource from another.

    ``etag`` has its double quotes; ``modified`` is None where no clock recorded a change.
    """

    etag: str
    modified: datetime | None

    def stale(self, call: Call) -> bool:
        """Return true if the resource is no longer what the call assumes.

        Raises a 400 for dates that are none.
        """
        wanted = call.headers.get("if-match")
        if wanted is not None:
            return not conditional.matches(wanted, self.etag)
        since = call.headers.get("if-unmodified-since")
        if since is None or self.modified is None:
            return False
        limit = conditional.http_instant(since)
        if limit is None:
            text = f"Invalid value for header If-Unmodified-Since: {since}"
            raise SalesforceError(400, "INVALID_HEADER", text)
        return self.modified > limit

    def known(self, call: Call) -> bool:
        """Return true if the client has the resource in this state already."""
        tags, since = call.headers.get("if-none-match"), call.headers.get("if-modified-since")
        return conditional.unchanged(tags, since, etag=self.etag, modified=self.modified)


def answer(call: Call, document: object, validators: Validators) -> Answer:
    """Give a document, or 304 if the client has it, with the headers that name its state."""
    if validators.stale(call):
        raise _changed()
    unchanged = validators.known(call)
    reply = Answer(304, content_type=None) if unchanged else json_answer(document)
    reply.headers["ETag"] = validators.etag
    if validators.modified is not None:
        reply.headers["Last-Modified"] = http_date(validators.modified)
    return reply


def of_record(context: Context, name: str, record_id: str) -> Validators:
    """Give the validators of a record as the caller sees it; raises what reading it raises.

    The entity tag covers all fields that the caller sees, whichever of them are asked for.
    """
    org, user = context.sim.org, context.user
    record = org.get(user, name, record_id, version=context.release)
    return Validators(etags.of_record(record), org.modified(name, record_id))


def check_change(context: Context, name: str, record_id: str) -> None:
    """Refuse a change with 412 if the record is not in the state that the headers ask for."""
    call = context.call
    if not any(header in call.headers for header in CONDITIONS):
        return
    validators = of_record(context, name, record_id)
    has_tag = "if-none-match" in call.headers
    if validators.stale(call) or (has_tag and validators.known(call)):
        raise _changed()


def _changed() -> SalesforceError:
    text = "record has been modified since you retrieved it"
    return SalesforceError(412, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE_CHECK", text)

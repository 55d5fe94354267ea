"""The last touches of every answer: text, compression, and the headers that the service adds."""

from __future__ import annotations

import secrets
from datetime import datetime

from unlost_simulators.kit.http import encoding
from unlost_simulators.kit.http.calls import Answer, Call, FileSlice
from unlost_simulators.kit.http.conditional import http_date
from unlost_simulators.salesforce.http.bulk.pages import PageAnswer
from unlost_simulators.salesforce.model.numbers import write_json

NO_CACHE = "no-cache,must-revalidate,max-age=0,no-store,private"
COOKIES = (
    "BrowserId=Y2hvY29sYXRlLTE; path=/; expires=Wed, 24-Nov-2027 15:00:00 GMT; Max-Age=31536000",
    "CookieConsentPolicy=0:1; path=/; expires=Wed, 24-Nov-2027 15:00:00 GMT; Max-Age=31536000",
    "LSKey-c$CookieConsentPolicy=0:1; path=/; Max-Age=31536000",
)


def write_body(answer: Answer, call: Call) -> Answer:
    """Turn a document into text; HEAD and bodiless statuses lose theirs."""
    if answer.document is not None:
        pretty = call.headers.get("x-prettyprint") == "1"
        answer.body = write_json(answer.document, pretty=pretty)
        answer.document = None
    return answer


def encode(answer: Answer, call: Call) -> Answer:
    """Compress what the client takes compressed; a whole page is compressed already."""
    if isinstance(answer, PageAnswer) and not answer.spoiled and call.accepts_gzip():
        packed = answer.page.gzip()
        answer.body, answer.file = b"", FileSlice(packed, 0, packed.stat().st_size)
        answer.headers["Content-Encoding"] = "gzip"
    else:
        encoding.encode(answer, call)
    etag = answer.headers.get("ETag")
    if etag is not None and "Content-Encoding" in answer.headers:
        answer.headers["ETag"] = f'{etag[:-1]}--gzip"'
    return answer


def add_headers(answer: Answer, *, now: datetime, data: bool, usage: str | None) -> Answer:
    """Add the headers of every response, and the headers of data responses.

    ``now`` becomes ``Date``: it is the org's virtual clock. ``usage`` is the text of
    ``Sforce-Limit-Info``, absent on 204 as in life.
    """
    headers = answer.headers
    headers["Date"] = http_date(now)
    headers["Server"] = "sfdcedge"
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    if data:
        request_id = secrets.token_hex(16)
        headers["X-SFDC-Request-Id"] = request_id
        headers["X-Request-Id"] = request_id
        headers.setdefault("Cache-Control", NO_CACHE)
        headers["Vary"] = "Accept-Encoding"
        if usage is not None and answer.status != 204:
            headers["Sforce-Limit-Info"] = usage
    return answer

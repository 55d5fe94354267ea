"""Undelete from the recycle bin, which only SOAP offers.

Source: SOAP guide, undelete(): at most 200 ids a call, one result an id, in order.
"""

from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from unlost.connectors.salesforce.http.errors import LONGEST_CODE, first_line
from unlost.connectors.salesforce.writing.answers import failed
from unlost.connectors.salesforce.writing.calls import WriteClient, answer_lost
from unlost.kit.http import AnswerLimits, AnswerLost, HttpAnswer, HttpCall
from unlost.kit.outcomes import done, unknown
from unlost.model.errors import AuthExpired, TransientError
from unlost.model.source.writing import NOT_IN_BIN, RowOutcome, WriteRow

MOST = 200
PARTNER = "urn:partner.soap.sforce.com"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
# 200 results with the longest texts have less. As Python values, XML takes up to 30 times its size.
LIMITS = AnswerLimits(4 << 20)
STUCK = frozenset({"UNDELETE_FAILED"})
AS_NEW = "Restore it as a new record: `unlost restore retry RUN`"
HEADERS = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""', "Accept": "text/xml"}


class RecycleBin:
    """Undeletes records, which keep their ids."""

    def __init__(self, client: WriteClient) -> None:
        self._client = client

    def undelete(self, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        """Undelete records; one outcome a row, in order."""
        outcomes: list[RowOutcome] = []
        for at in range(0, len(rows), MOST):
            outcomes += self._call(rows[at : at + MOST])
        return outcomes

    def _call(self, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        try:
            results = _results(self._send(rows, renewed=False), len(rows))
        except AnswerLost:
            return [unknown(row.key) for row in rows]
        return [_outcome(row, result) for row, result in zip(rows, results, strict=True)]

    def _send(self, rows: Sequence[WriteRow], *, renewed: bool) -> HttpAnswer:
        version = self._client.api.version.removeprefix("v")
        url = self._client.api.url(f"/services/Soap/u/{version}")
        token = self._client.access_token()
        body = _envelope(token, [str(row.id) for row in rows])
        accept = frozenset({200, 500})
        answer = self._client.send(
            HttpCall("POST", url, HEADERS, body, accept=accept, signed=False, limits=LIMITS)
        )
        if answer.status == 200:
            return answer
        code, message = _fault(answer)
        if code != "INVALID_SESSION_ID":
            raise TransientError(
                "salesforce-soap-fault",
                "Salesforce refused: {message} ({reason}).",
                message=first_line(message),
                reason=code[:LONGEST_CODE],
            )
        if renewed:
            raise AuthExpired("salesforce-session", "Salesforce ended the session again.")
        self._client.renew(token)
        return self._send(rows, renewed=True)


def _envelope(token: str, ids: Sequence[str]) -> bytes:
    listed = "".join(f"<ids>{escape(record_id)}</ids>" for record_id in ids)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}"><soapenv:Header>'
        f'<SessionHeader xmlns="{PARTNER}"><sessionId>{escape(token)}</sessionId></SessionHeader>'
        f'</soapenv:Header><soapenv:Body><undelete xmlns="{PARTNER}">{listed}</undelete>'
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


def _parsed(answer: HttpAnswer) -> ET.Element:
    # The parser loads no external entities, and refuses those that grow (libexpat 2.4 and newer).
    try:
        return ET.fromstring(answer.body)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as error:  # also encodings that are none
        raise answer_lost("its response is not complete XML", call=answer.call) from error


def _results(answer: HttpAnswer, count: int) -> list[ET.Element]:
    elements = _parsed(answer).findall(f".//{{{PARTNER}}}result")
    if len(elements) != count:
        reason = f"its response lists {len(elements)} records instead of {count}"
        raise answer_lost(reason, call=answer.call)
    return elements


def _text(element: ET.Element, name: str) -> str:
    child = element.find(f"{{{PARTNER}}}{name}")
    return (child.text or "") if child is not None else ""


def _outcome(row: WriteRow, result: ET.Element) -> RowOutcome:
    if _text(result, "success") == "true":
        return done(row.key, _text(result, "id") or str(row.id))
    error = result.find(f"{{{PARTNER}}}errors")
    if error is None:
        return failed(row.key, row.id, "UNKNOWN_EXCEPTION", "no reason given")
    fields = [element.text or "" for element in error.findall(f"{{{PARTNER}}}fields")]
    code, message = _text(error, "statusCode"), _text(error, "message")
    outcome = failed(row.key, row.id, code, message, fields)
    # Only the code is compared: the message is in the user's language.
    return replace(outcome, code=NOT_IN_BIN, next_step=AS_NEW) if code in STUCK else outcome


def _fault(answer: HttpAnswer) -> tuple[str, str]:
    fault = _parsed(answer)
    code = next((element.text or "" for element in fault.iter("faultcode")), "")
    message = next((element.text or "" for element in fault.iter("faultstring")), "")
    return code.rpartition(":")[2], message

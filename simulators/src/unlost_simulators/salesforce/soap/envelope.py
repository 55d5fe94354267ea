"""SOAP envelopes: a request read, an answer or a fault written. Knows no org and no server.

Sources: partner WSDL (element names and their order), recorded answers and faults.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from unlost_simulators.salesforce.writing.request import RowError, RowResult

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER = "urn:partner.soap.sforce.com"
FAULT = "urn:fault.partner.soap.sforce.com"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


class NoEnvelope(Exception):
    """The body of a call is no SOAP envelope; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Request:
    """The content of a call: its operation, the ids it names, and its header.

    ``call`` is the element of the operation, for those that take more than ids.
    """

    operation: str
    ids: tuple[str, ...]
    session: str
    all_or_none: str
    allow_save: str
    call: ET.Element


def read(body: bytes) -> Request:
    """Read an envelope; raises ``NoEnvelope``."""
    if b"<!DOCTYPE" in body:
        raise NoEnvelope("DTD is not supported inside SOAP message")
    try:
        root = ET.fromstring(body)  # noqa: S314 - declarations are refused above
    except ET.ParseError as error:
        raise NoEnvelope(f"XML document structures must be valid: {error}") from None
    content = root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or content is None or len(content) == 0:
        raise NoEnvelope("Envelope and Body are missing")
    call = content[0]
    header = root.find(f"{{{SOAP}}}Header")
    return Request(
        operation=local(call.tag),
        ids=tuple((each.text or "").strip() for each in call if local(each.tag) == "ids"),
        session=_header(header, "SessionHeader", "sessionId"),
        all_or_none=_header(header, "AllOrNoneHeader", "allOrNone"),
        allow_save=_header(header, "DuplicateRuleHeader", "allowSave"),
        call=call,
    )


def local(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rpartition("}")[2]


def _header(header: ET.Element | None, name: str, member: str) -> str:
    for block in () if header is None else header:
        if local(block.tag) == name:
            return next((each.text or "" for each in block if local(each.tag) == member), "")
    return ""


def answer(operation: str, results: Sequence[RowResult], *, used: int, most: int) -> bytes:
    """Write the answer of an operation on rows, with the use of the API in its header."""
    return enclosed(operation, "".join(map(_result, results)), used=used, most=most)


def enclosed(operation: str, results: str, *, used: int, most: int) -> bytes:
    """Write the answer around results that are written already."""
    usage = (
        "<LimitInfoHeader><limitInfo>"
        f"<current>{used}</current><limit>{most}</limit><type>API REQUESTS</type>"
        "</limitInfo></LimitInfoHeader>"
    )
    return (
        f'{HEAD}<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns="{PARTNER}" '
        f'xmlns:xsi="{INSTANCE}"><soapenv:Header>{usage}</soapenv:Header><soapenv:Body>'
        f"<{operation}Response>{results}</{operation}Response></soapenv:Body></soapenv:Envelope>"
    ).encode()


def _result(row: RowResult) -> str:
    errors = "".join(map(error, row.errors))
    key = '<id xsi:nil="true"/>' if row.id is None else f"<id>{escape(row.id)}</id>"
    return f"<result>{errors}{key}<success>{str(row.success).lower()}</success></result>"


def error(refusal: RowError) -> str:
    """Write one reason for a refused row."""
    fields = "".join(f"<fields>{escape(each)}</fields>" for each in refusal.fields)
    return (
        f"<errors>{fields}<message>{escape(refusal.message)}</message>"
        f"<statusCode>{escape(refusal.code)}</statusCode></errors>"
    )


def fault(code: str, message: str) -> bytes:
    """Write a fault of the service, with its detail."""
    named = (("exceptionCode", code), ("exceptionMessage", message))
    detail = "".join(f"<sf:{name}>{escape(text)}</sf:{name}>" for name, text in named)
    kind = "sf:UnexpectedErrorFault"
    return _fault(
        f"sf:{code}",
        f"{code}: {message}",
        [f'<detail><{kind} xsi:type="{kind}">{detail}</{kind}></detail>'],
    )


def client_fault(text: str) -> bytes:
    """Write the fault of a call that is no proper SOAP."""
    return _fault("soapenv:Client", text, ())


def _fault(code: str, text: str, more: Iterable[str]) -> bytes:
    return (
        f'{HEAD}<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:sf="{FAULT}" '
        f'xmlns:xsi="{INSTANCE}"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>{escape(code)}</faultcode><faultstring>{escape(text)}</faultstring>"
        f"{''.join(more)}</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    ).encode()

"""Partner SOAP calls, written by hand, and the envelopes that answer them, word for word."""

from typing import Any

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
SPACES = 'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def call(
    client, operation: str, *ids: str, token: str | None = None, header: str = "", **rest: Any
):
    """Call the endpoint as jsforce does: no Authorization, the session in the envelope."""
    session = client.token if token is None else token
    named = "".join(f"<ids>{each}</ids>" for each in ids)
    body = (
        f"{HEAD}<soapenv:Envelope {SPACES} {XSI}><soapenv:Header>"
        f'<SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>{session}</sessionId>'
        f"</SessionHeader>{header}</soapenv:Header><soapenv:Body>"
        f'<{operation} xmlns="urn:partner.soap.sforce.com">{named}</{operation}>'
        "</soapenv:Body></soapenv:Envelope>"
    )
    return raw(client, body, **rest)


def raw(client, body: str, version: str = "66.0", action: str | None = '""', method: str = "POST"):
    headers = {"Content-Type": "text/xml"}
    if action is not None:
        headers["SOAPAction"] = action
    return client.http.request(
        method, f"/services/Soap/u/{version}", content=body.encode(), headers=headers
    )


def answer(operation: str, *results: str, used: int, most: int = 1_000_000) -> str:
    usage = (
        f"<LimitInfoHeader><limitInfo><current>{used}</current><limit>{most}</limit>"
        "<type>API REQUESTS</type></limitInfo></LimitInfoHeader>"
    )
    return (
        f'{HEAD}<soapenv:Envelope {SPACES} xmlns="urn:partner.soap.sforce.com" {XSI}>'
        f"<soapenv:Header>{usage}</soapenv:Header><soapenv:Body><{operation}Response>"
        f"{''.join(results)}</{operation}Response></soapenv:Body></soapenv:Envelope>"
    )


def good(key: str) -> str:
    return f"<result><id>{key}</id><success>true</success></result>"


def bad(key: str, code: str, message: str) -> str:
    return (
        f"<result><errors><message>{message}</message><statusCode>{code}</statusCode></errors>"
        f"<id>{key}</id><success>false</success></result>"
    )


def fault(code: str, message: str) -> str:
    return (
        f'{HEAD}<soapenv:Envelope {SPACES} xmlns:sf="urn:fault.partner.soap.sforce.com" {XSI}>'
        f"<soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode>"
        f"<faultstring>{code}: {message}</faultstring><detail>"
        '<sf:UnexpectedErrorFault xsi:type="sf:UnexpectedErrorFault">'
        f"<sf:exceptionCode>{code}</sf:exceptionCode>"
        f"<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:UnexpectedErrorFault>"
        "</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )


def client_fault(text: str) -> str:
    return (
        f'{HEAD}<soapenv:Envelope {SPACES} xmlns:sf="urn:fault.partner.soap.sforce.com" {XSI}>'
        "<soapenv:Body><soapenv:Fault><faultcode>soapenv:Client</faultcode>"
        f"<faultstring>{text}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )

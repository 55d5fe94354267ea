"""``/services/Soap/u/NN.0`` as calls come in: versions, sessions, faults in their own form."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from unlost_simulators.kit.http.calls import Answer, Call
from unlost_simulators.salesforce.model import versions
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.simulator import Simulator
from unlost_simulators.salesforce.soap import bin as recycling
from unlost_simulators.salesforce.soap import envelope, merging
from unlost_simulators.salesforce.soap.envelope import NoEnvelope, Request
from unlost_simulators.salesforce.writing.merges.merging import MOST_REQUESTS
from unlost_simulators.salesforce.writing.request import AllOrNone, DuplicateHeader

XML = "text/xml; charset=UTF-8"
ROOT = ["services", "soap", "u"]

type Caller = Callable[[str], SimUser]
"""Gives the user of a session; refuses it as the data API does."""


def speaks(call: Call) -> bool:
    """Return true if a call is for this endpoint."""
    return [part.lower() for part in call.segments[:3]] == ROOT


def session_of(call: Call) -> str:
    """Give the session of a call's envelope, or nothing."""
    try:
        return envelope.read(call.body).session
    except NoEnvelope:
        return ""


def serve(sim: Simulator, call: Call, caller: Caller) -> Answer:
    """Answer a call; every refusal is a fault with status 500."""
    if call.method != "POST":
        return Answer(405, b"", "text/plain", {"Allow": "POST"})
    # Without the header the service cannot tell that the call is SOAP; its value does not matter.
    if "soapaction" not in call.headers:
        return _fault(envelope.client_fault("SOAPAction HTTP header missing"))
    try:
        _check_version(call)
        request = envelope.read(call.body)
        return _operate(sim, request, _user(request, caller, sim))
    except NoEnvelope as error:
        return _fault(envelope.client_fault(str(error)))
    except SalesforceError as error:
        return _fault(envelope.fault(error.code, error.message))


def as_fault(answer: Answer) -> Answer:
    """Give an error answer of the data API in the form of this endpoint."""
    if not isinstance(answer.document, list):
        return answer
    error = answer.document[0]
    return _fault(envelope.fault(str(error["errorCode"]), str(error["message"])))


def _operate(sim: Simulator, request: Request, user: SimUser) -> Answer:
    if request.operation == merging.OPERATION:
        return _merge(sim, request, user)
    verb = recycling.OPERATIONS.get(request.operation)
    if verb is None:
        text = (
            f"No operation available for request {{{envelope.PARTNER}}}{request.operation}, "
            "please check the WSDL for the service."
        )
        return _fault(envelope.client_fault(text))
    _check_amount(len(request.ids), recycling.MAX_IDS)
    together = AllOrNone.ALL if _is_true(request.all_or_none) else AllOrNone.EACH
    results = recycling.carry_out(sim.org, user, verb, request.ids, together)
    used, most = sim.org.api_usage()
    return Answer(200, envelope.answer(request.operation, results, used=used, most=most), XML)


def _merge(sim: Simulator, request: Request, user: SimUser) -> Answer:
    merges = merging.read(request.call)
    _check_amount(len(merges), MOST_REQUESTS)
    duplicates = DuplicateHeader(allow_save=_is_true(request.allow_save))
    results = merging.results(sim.org.merge(user, merges, duplicates))
    used, most = sim.org.api_usage()
    return Answer(200, envelope.enclosed(request.operation, results, used=used, most=most), XML)


def _check_amount(amount: int, most: int) -> None:
    if amount > most:
        text = f"record limit reached. cannot submit more than {most} records into this call"
        raise SalesforceError(500, "EXCEEDED_ID_LIMIT", text)


def _is_true(text: str) -> bool:
    return text.strip() in ("true", "1")


def _user(request: Request, caller: Caller, sim: Simulator) -> SimUser:
    try:
        user = caller(request.session)
    except SalesforceError as error:
        if error.code != "INVALID_SESSION_ID":
            raise
        digest = base64.b64encode(hashlib.sha256(request.session.encode()).digest()).decode()
        text = (
            "Invalid Session ID found in SessionHeader: Illegal Session. Session not found, "
            f"missing session hash: {digest}\n"
            "This error usually occurs after a session expires or a user logs out. "
        )
        raise SalesforceError(500, error.code, text) from None
    sim.org.count_call()
    sim.org.check_calls()
    return user


def _check_version(call: Call) -> None:
    text = call.segments[3] if len(call.segments) > 3 else ""
    version = versions.parse(f"v{text}")
    if version is None or not versions.OLDEST <= version <= versions.NEWEST:
        text = "Invalid Api version specified on URL"
        raise SalesforceError(500, "UNSUPPORTED_API_VERSION", text)


def _fault(body: bytes) -> Answer:
    return Answer(500, body, XML)

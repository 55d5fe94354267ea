"""Every documented error: what is done about it, and what people read."""

import httpx
import pytest

from fakes.salesforce import FakeSalesforce, describe, system_fields
from fakes.wire import error_answer, json_answer
from unlost.connectors.salesforce.http.errors import TABLE, first_line, read_error, understand
from unlost.kit.http import AnswerHandling, CallFailure, HttpAnswer
from unlost.model.errors import (
    AuthExpired,
    LimitReached,
    NotAllowed,
    SourceRefused,
    TransientError,
    UnlostError,
)


@pytest.mark.parametrize(
    ("failure", "action"),
    [
        (CallFailure(401, "INVALID_SESSION_ID", "Session expired or invalid"), AnswerHandling.REAUTH),
        (CallFailure(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"), AnswerHandling.FAIL),
        (CallFailure(401, "X", "Connected app is not attached to Agent"), AnswerHandling.FAIL),
        (CallFailure(400, "InvalidSessionId", "Invalid session id"), AnswerHandling.REAUTH),
        (CallFailure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), AnswerHandling.LIMIT),
        (CallFailure(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), AnswerHandling.RETRY),
        (CallFailure(400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached"), AnswerHandling.LIMIT),
        (CallFailure(400, "X", "Max bulk v2 query result size stored (1) kb"), AnswerHandling.LIMIT),
        (CallFailure(403, "API_DISABLED_FOR_ORG", "API is not enabled"), AnswerHandling.FAIL),
        (CallFailure(503, "SERVER_UNAVAILABLE"), AnswerHandling.RETRY),
        (CallFailure(500), AnswerHandling.RETRY),
        (CallFailure(500, "UNKNOWN_EXCEPTION"), AnswerHandling.RETRY),
        (CallFailure(420), AnswerHandling.RETRY),
        (CallFailure(406), AnswerHandling.RETRY),
        (CallFailure(429), AnswerHandling.RETRY),
        (CallFailure(400, "UNABLE_TO_LOCK_ROW"), AnswerHandling.RETRY),
        (CallFailure(400, "TXN_SECURITY_METERING_ERROR"), AnswerHandling.RETRY),
        (CallFailure(410, "GONE"), AnswerHandling.FAIL),
        (CallFailure(400, "UNSUPPORTED_API_VERSION"), AnswerHandling.FAIL),
        (CallFailure(400, "MALFORMED_QUERY"), AnswerHandling.REFUSE),
        (CallFailure(403, "INSUFFICIENT_ACCESS"), AnswerHandling.REFUSE),
        (CallFailure(413, ""), AnswerHandling.REFUSE),
        (CallFailure(404, "NOT_FOUND"), AnswerHandling.REFUSE),
        (CallFailure(409, "CONFLICT"), AnswerHandling.REFUSE),
        (CallFailure(0, "ReadTimeout", "timed out"), AnswerHandling.RETRY),
        (CallFailure(0, "ConnectError", "certificate: expired"), AnswerHandling.FAIL),
        (CallFailure(0, "UnsupportedProtocol", "ftp"), AnswerHandling.FAIL),
        (CallFailure(402), AnswerHandling.FAIL),
    ],
)  # fmt: skip
def test_the_table(failure: CallFailure, action: AnswerHandling) -> None:
    assert TABLE.decide(failure) is action


def an_org() -> FakeSalesforce:
    org = FakeSalesforce()
    org.describes["Account"] = describe("Account", *system_fields())
    return org


@pytest.mark.parametrize(
    ("answer", "error", "code", "step"),
    [
        (error_answer("API_DISABLED_FOR_ORG", "x", 403), NotAllowed, "salesforce-api-disabled", "'API Enabled'"),
        (error_answer("GONE", "x", 410), NotAllowed, "salesforce-api-version", "API version"),
        (error_answer("INVALID_SESSION_ID", "This session is not valid for use with the REST API", 401),
         NotAllowed, "salesforce-session-refused", "scope"),
        (error_answer("INVALID_SESSION_ID", "Session expired or invalid", 401), AuthExpired, "salesforce-session", "login history"),
        (error_answer("REQUEST_LIMIT_EXCEEDED", "", 403), LimitReached, "salesforce-limit", "resumes automatically"),
        (httpx.Response(503, content=b"<html>", headers={"Content-Type": "text/html"}), TransientError, "source-error", "Try again"),
        (error_answer("UNKNOWN_EXCEPTION", "An unexpected error occurred.", 500), TransientError, "source-error", "Try again"),
        (httpx.ConnectError("no route to host"), TransientError, "source-unreachable", "network"),
        (error_answer("NOT_FOUND", "", 404), NotAllowed, "salesforce-api-version", "API version"),
        (error_answer("UNSUPPORTED_API_VERSION", "x"), NotAllowed, "salesforce-api-version", "API version"),
        (error_answer("INSUFFICIENT_ACCESS", "", 403), SourceRefused, "salesforce-refused", "Connect Salesforce"),
        (httpx.Response(200, content=b"<html>", headers={"Content-Type": "text/html"}), SourceRefused, "salesforce-refused", ""),
    ],
)  # fmt: skip
def test_people_read_what_happened_and_what_to_do(
    answer: httpx.Response | Exception, error: type[UnlostError], code: str, step: str
) -> None:
    org = an_org()
    org.wire.on("GET", "/sobjects$", answer)
    with org.source() as source, pytest.raises(error) as caught:
        source.discover()
    assert caught.value.code == code
    assert step in caught.value.next_step
    assert caught.value.sentence.endswith(".")


def test_a_sign_in_that_is_refused_says_why_before_anything_is_read() -> None:
    org = an_org()
    refusal = {"error": "invalid_client", "error_description": "invalid client credentials"}
    org.wire.on("POST", "token", json_answer(refusal, 400))
    with org.source() as source, pytest.raises(NotAllowed) as caught:
        source.identity()
    assert caught.value.code == "salesforce-client-secret"
    assert len(org.wire.calls) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"errorCode": "A", "message": "m"}, {"errorCode": "B"}], ("A", "m")),
        ({"exceptionCode": "InvalidBatch", "exceptionMessage": "e"}, ("InvalidBatch", "e")),
        ([{"statusCode": "S", "message": None}], ("S", "")),
        ([], ("", "")),
        ("text", ("", "")),
    ],
)
def test_errors_of_all_shapes_are_read(value: object, expected: tuple[str, str]) -> None:
    assert read_error(value) == expected


def test_half_an_error_is_still_an_error() -> None:
    answer = HttpAnswer(500, {"content-type": "application/json"}, b'[{"errorC')
    assert understand(answer) == ("", "")


def test_a_query_error_is_told_by_its_last_line() -> None:
    text = "\nSELECT Foo FROM X\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'X'."
    assert first_line(text) == "No such column 'Foo' on entity 'X'."
    assert first_line("  \n ") == ""

"""Every documented error: what is done about it, and what people read."""

import httpx
import pytest

from fakes.salesforce import FakeSalesforce, describe, system_fields
from fakes.wire import error_answer, json_answer
from unlost.connectors.salesforce.errors import TABLE, first_line, read_error, understand
from unlost.kit.http import Action, Answer, Failure
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
        (Failure(401, "INVALID_SESSION_ID", "Session expired or invalid"), Action.REAUTH),
        (Failure(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"), Action.FAIL),
        (Failure(401, "X", "Connected app is not attached to Agent"), Action.FAIL),
        (Failure(400, "InvalidSessionId", "Invalid session id"), Action.REAUTH),
        (Failure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), Action.LIMIT),
        (Failure(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), Action.RETRY),
        (Failure(400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached"), Action.LIMIT),
        (Failure(400, "X", "Max bulk v2 query result size stored (1) kb"), Action.LIMIT),
        (Failure(403, "API_DISABLED_FOR_ORG", "API is not enabled"), Action.FAIL),
        (Failure(503, "SERVER_UNAVAILABLE"), Action.RETRY),
        (Failure(500), Action.RETRY),
        (Failure(500, "UNKNOWN_EXCEPTION"), Action.RETRY),
        (Failure(420), Action.RETRY),
        (Failure(406), Action.RETRY),
        (Failure(429), Action.RETRY),
        (Failure(400, "UNABLE_TO_LOCK_ROW"), Action.RETRY),
        (Failure(400, "TXN_SECURITY_METERING_ERROR"), Action.RETRY),
        (Failure(410, "GONE"), Action.FAIL),
        (Failure(400, "UNSUPPORTED_API_VERSION"), Action.FAIL),
        (Failure(400, "MALFORMED_QUERY"), Action.REFUSE),
        (Failure(403, "INSUFFICIENT_ACCESS"), Action.REFUSE),
        (Failure(404, "NOT_FOUND"), Action.REFUSE),
        (Failure(409, "CONFLICT"), Action.REFUSE),
        (Failure(0, "ReadTimeout", "timed out"), Action.RETRY),
        (Failure(0, "ConnectError", "certificate: expired"), Action.FAIL),
        (Failure(0, "UnsupportedProtocol", "ftp"), Action.FAIL),
        (Failure(402), Action.FAIL),
    ],
)  # fmt: skip
def test_the_table(failure: Failure, action: Action) -> None:
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
        (error_answer("REQUEST_LIMIT_EXCEEDED", "", 403), LimitReached, "salesforce-limit", "goes on by itself"),
        (httpx.Response(503, content=b"<html>", headers={"Content-Type": "text/html"}), TransientError, "source-error", "Try again"),
        (error_answer("UNKNOWN_EXCEPTION", "An unexpected error occurred.", 500), TransientError, "source-error", "Try again"),
        (httpx.ConnectError("no route to host"), TransientError, "source-unreachable", "network"),
        (error_answer("NOT_FOUND", "", 404), NotAllowed, "salesforce-api-version", "API version"),
        (error_answer("UNSUPPORTED_API_VERSION", "x"), NotAllowed, "salesforce-api-version", "API version"),
        (error_answer("INSUFFICIENT_ACCESS", "", 403), SourceRefused, "salesforce-refused", "connect-salesforce"),
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
    answer = Answer(500, {"content-type": "application/json"}, b'[{"errorC')
    assert understand(answer) == ("", "")


def test_a_query_error_is_told_by_its_last_line() -> None:
    text = "\nSELECT Foo FROM X\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'X'."
    assert first_line(text) == "No such column 'Foo' on entity 'X'."
    assert first_line("  \n ") == ""

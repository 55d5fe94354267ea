"""Errors of ServiceNow: which are repeated, which are gaps, and what they say."""

import httpx
import pytest

from fakes.table_api import ScriptedApi, count_answer, error_answer, rows_answer
from unlost.connectors.servicenow.http.api import PageCall
from unlost.connectors.servicenow.http.errors import judge, text_of_error
from unlost.kit.http import HttpAnswer
from unlost.kit.json_to_arrow import MalformedAnswer
from unlost.model.errors import AuthExpired, LimitReached, NotAllowed, UnlostError

CALL = PageCall("incident", "ORDERBYsys_id", ("sys_id",), 10)


def failure(*answers: httpx.Response) -> UnlostError:
    """The error of a page for which these answers come, the last one again and again."""
    waiting = list(answers)
    script = ScriptedApi(lambda *_: waiting.pop(0) if len(waiting) > 1 else waiting[0])
    with pytest.raises(UnlostError) as caught:
        script.api().page(CALL)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error_answer(400, "Invalid table x"), "servicenow-refused"),
        (error_answer(403, "Operation Failed", "User Not Authorized"), "servicenow-refused"),
        (error_answer(404, "No Record found"), "servicenow-refused"),
        (error_answer(406, "Not acceptable"), "servicenow-refused"),
        (
            error_answer(403, "Operation Failed", "Failed API level ACL Validation"),
            "servicenow-closed",
        ),
        (error_answer(500, "An unexpected error"), "servicenow-busy"),
        (error_answer(503, "Semaphores"), "servicenow-busy"),
        (error_answer(429, "Rate limit exceeded"), "servicenow-busy"),
        (error_answer(418, "Teapot"), "servicenow-not-allowed"),
        (httpx.Response(400, text="<html>"), "servicenow-refused"),
        (httpx.Response(302, headers={"Location": "https://elsewhere"}), "source-redirects"),
        (error_answer(200, "Transaction cancelled"), "servicenow-cancelled"),
        (httpx.Response(200, text='{"result":[{"sys_id":"0"},\nTransaction'), "servicenow-cancelled"),
        (httpx.Response(200, json={"error": "text", "result": []}), "servicenow-cancelled"),
    ],
)  # fmt: skip
def test_a_failure_has_a_code_and_a_next_step(answer: httpx.Response, code: str) -> None:
    error = failure(answer)
    assert error.code == code
    assert error.message.next_step


def test_a_password_that_is_refused_twice_is_named() -> None:
    error = failure(error_answer(401, "User Not Authenticated"))
    assert isinstance(error, NotAllowed | AuthExpired)
    assert error.code == "secret-refused"


def test_a_long_pause_parks_the_run() -> None:
    error = failure(error_answer(429, "Rate limit exceeded", **{"Retry-After": "1200"}))
    assert isinstance(error, LimitReached)


def test_a_short_pause_is_waited_for() -> None:
    answers = [error_answer(429, "Busy", **{"Retry-After": "3"}), rows_answer([{"sys_id": "1"}])]
    script = ScriptedApi(lambda *_: answers.pop(0))
    assert len(script.api().page(CALL)) == 1
    assert answers == []


def test_texts_of_errors_are_read_in_each_form() -> None:
    assert judge(HttpAnswer(200, {}, b"")) is None
    assert judge(HttpAnswer(200, {}, b'{"result": []}')) is None
    assert text_of_error(None) == ""
    assert text_of_error("plain") == "plain"


@pytest.mark.parametrize("count", ["", "many", None])
def test_an_answer_without_a_count_is_malformed(count: str | None) -> None:
    script = ScriptedApi(lambda *_: count_answer(count))
    with pytest.raises(MalformedAnswer):
        script.api().count("incident", "")


def test_long_lists_of_columns_are_left_out_of_the_address() -> None:
    script = ScriptedApi(lambda *_: rows_answer([]))
    columns = ("sys_id", *(f"u_column_with_a_long_name_{n}" for n in range(300)))
    script.api().page(PageCall("incident", "", columns, 10))
    assert "sysparm_fields" not in script.calls[0][1]

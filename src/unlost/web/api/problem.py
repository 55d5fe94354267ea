"""Errors in API responses: the same object as with ``--json`` on the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from django.http import HttpRequest, HttpResponse

from unlost.model.errors import NotFound, UnlostError, UsageError

API = "/api/"  # authenticates with tokens, and always responds with JSON
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error: a stable code, a sentence, the next step, and the page that explains it."""

    code: str
    sentence: str
    next_step: str
    page: str


@dataclass(frozen=True, slots=True)
class Problem:
    """The body of an error response."""

    error: ErrorBody


def problem_of(error: UnlostError) -> Problem:
    """Return the body for an error."""
    return Problem(ErrorBody(error.code, error.sentence, error.next_step, error.page))


def answer(error: UnlostError, status: HTTPStatus) -> HttpResponse:
    """Return the response for an error."""
    return HttpResponse(msgspec.json.encode(problem_of(error)), status=status, content_type=JSON)


class InJson:
    """Middleware that replaces Django's error pages by JSON in the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replace an error page by an error object."""
        given = self._answer(request)
        page = not given.headers.get("Content-Type", "").startswith(JSON)
        if not (
            page and given.status_code >= HTTPStatus.BAD_REQUEST and request.path.startswith(API)
        ):
            return given
        response = answer(_without_page(given.status_code), HTTPStatus(given.status_code))
        # Required with 405 (RFC 9110, section 15.5.6).
        if "Allow" in given.headers:
            response["Allow"] = given["Allow"]
        return response


def _without_page(status: int) -> UnlostError:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnlostError(
            "internal",
            "Unlost failed with an internal error.",
            next_step="Check the log, and report this error.",
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(
            "operation-unknown",
            "The API has no such operation.",
            next_step="See /api/v1/openapi.json.",
        )
    return UsageError(
        "request-refused",
        "The request does not match the address.",
        next_step="Check its method in /api/v1/openapi.json, and check the host name.",
    )

"""An error as the API tells it: the same object as ``--json`` of the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from django.http import HttpRequest, HttpResponse

from unlost.model.errors import NotFound, UnlostError, UsageError

API = "/api/"  # signs in by tokens, and answers with JSON whatever happens
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What went wrong: a stable code, a sentence, what to do next, and the page that explains it."""

    code: str
    sentence: str
    next_step: str
    page: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An error."""

    error: ErrorBody


def problem_of(error: UnlostError) -> Problem:
    """An error of ours."""
    return Problem(ErrorBody(error.code, error.sentence, error.next_step, error.page))


def answer(error: UnlostError, status: HTTPStatus) -> HttpResponse:
    """An error of ours as an answer."""
    return HttpResponse(msgspec.json.encode(problem_of(error)), status=status, content_type=JSON)


class InJson:
    """Answers of the API that Django gives by itself are told as all others: pages are for people."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Put an error's object in the place of its page."""
        given = self._answer(request)
        page = not given.headers.get("Content-Type", "").startswith(JSON)
        if not (
            page and given.status_code >= HTTPStatus.BAD_REQUEST and request.path.startswith(API)
        ):
            return given
        response = answer(_without_page(given.status_code), HTTPStatus(given.status_code))
        if "Allow" in given.headers:
            response["Allow"] = given["Allow"]
        return response


def _without_page(status: int) -> UnlostError:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnlostError(
            "internal",
            "Something went wrong in Unlost.",
            next_step="Look into its log, and report it.",
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(
            "operation-unknown",
            "The API has no such operation.",
            next_step="Look at /api/v1/openapi.json.",
        )
    return UsageError(
        "request-refused",
        "The request does not fit the address.",
        next_step="Look at /api/v1/openapi.json for its method, and whether the host's name is right.",
    )

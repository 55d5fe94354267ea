"""Error pages: what happened, the next step, and a link to the documentation."""

import sys
from http import HTTPStatus
from pathlib import Path
from traceback import extract_tb

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from unlost.app.service.log import ServiceLog
from unlost.model.errors import (
    AuthExpired,
    Conflict,
    IntegrityError,
    LimitReached,
    NotAllowed,
    NotFound,
    SourceRefused,
    StoreError,
    TransientError,
    UnlostError,
    UsageError,
)
from unlost.web.served_home import application

FRAMES = 8  # innermost stack frames in the log

STATUS: dict[type[UnlostError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    UsageError: HTTPStatus.BAD_REQUEST,
    Conflict: HTTPStatus.CONFLICT,
    LimitReached: HTTPStatus.TOO_MANY_REQUESTS,
    TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
    SourceRefused: HTTPStatus.BAD_GATEWAY,
    AuthExpired: HTTPStatus.BAD_GATEWAY,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    IntegrityError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: UnlostError) -> HTTPStatus:
    """Return the HTTP status for an error."""
    return next(
        (status for kind, status in STATUS.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def failed(request: HttpRequest, error: UnlostError) -> HttpResponse:
    """Render an error as a page."""
    return render(request, "failed.html", {"error": error}, status=status_of(error))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Render the page for an unknown address."""
    error = NotFound(
        "page-unknown",
        "Page not found.",
        next_step="Start from the home page, or search for a record.",
    )
    return failed(request, error)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Render the page for a form with an invalid or expired CSRF token."""
    error = NotAllowed(
        "form-expired",
        "This form has expired, or is not from this console.",
        next_step="Reload the page and send the form again.",
    )
    return failed(request, error)


def broken(request: HttpRequest) -> HttpResponse:
    """Render the page for a bug; the log gets the code location, but no data of the request."""
    app, error = application(), sys.exception()
    match = request.resolver_match
    # Only code locations: the message and the variables may contain values of records.
    where = extract_tb(error.__traceback__)[-FRAMES:] if error is not None else ()
    ServiceLog(sys.stderr, clock=app.clock).event(
        "page-broke",
        page=match.view_name if match is not None else "",
        error=type(error).__name__,
        where=" < ".join(
            f"{Path(summary.filename).name}:{summary.lineno}" for summary in reversed(where)
        ),
    )
    return render(request, "broken.html", status=HTTPStatus.INTERNAL_SERVER_ERROR)


def too_many(request: HttpRequest) -> HttpResponse:
    """Render the page for too many attempts; allauth sets the limits."""
    return failed(request, too_many_tries())


def too_many_tries() -> LimitReached:
    """Return the error for too many attempts."""
    return LimitReached(
        "too-many-tries",
        "Too many attempts in a short time.",
        next_step="Wait a minute and try again.",
    )

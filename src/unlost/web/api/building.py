"""Build the REST API from the table of operations, with the types of the actions.

Each row of ``app.operations`` becomes a view whose signature is that of the action, so django-ninja
parses requests and generates the OpenAPI description from the same types:

    action(app, org: str, schedule_change: ScheduleChange)    PUT /orgs/{org}/schedule
      app                request.unlost, from the token
      org                path parameter
      schedule_change    JSON body

The first line of an action's docstring, up to a semicolon, is the operation's summary; the whole
docstring is its description. See docs/adr/0015.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, make_dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.params import functions as params
from ninja.utils import contribute_operation_callback

from unlost.app.actions.restores.restore_plan import SentPlan
from unlost.app.operations import OPERATIONS, ApiOperation, hints
from unlost.model.errors import NotAllowed, UnlostError, UsageError
from unlost.web.api.describing import DescribedAPI, of_bytes
from unlost.web.api.problem import Problem, answer
from unlost.web.api.sending import sent
from unlost.web.api.signin import TokenSignIn
from unlost.web.api.surplus import refuse_surplus
from unlost.web.failing import status_of

VERSION = "1"
BODY = "body"  # wraps a single body parameter that is not a record itself
PARAMETER = re.compile(r"\{(\w+)\}")
REFUSED = frozenset({400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503})
DESCRIPTION = (
    "Everything that the console does. Sign in with a token: Authorization: Bearer unl_…. "
    "An error is an object with a stable code, a sentence, a next step and a page. In a path, `~` is "
    "written `~7E` and `/` is written `~2F`."
)


def build() -> NinjaAPI:
    """Return the API with all operations."""
    api = DescribedAPI(
        title="Unlost",
        version=VERSION,
        description=DESCRIPTION,
        auth=TokenSignIn(),
        docs_url=None,
        urls_namespace="api",
    )
    api.exception_handler(UnlostError)(_refused)
    api.exception_handler(HttpError)(_unreadable)
    api.exception_handler(ValidationError)(_misunderstood)
    api.exception_handler(AuthenticationError)(_unknown)
    for operation in OPERATIONS:
        api.api_operation(
            [operation.method.value],
            PARAMETER.sub(r"{name:\1}", operation.path),
            operation_id=operation.action,
            summary=_summary(operation.call),
            tags=[operation.action.partition(".")[0]],
            response={} if operation.gives else {200: operation.returns},
            openapi_extra=of_bytes(operation),
        )(_with_problems(view(operation)))
    return api


class _ProblemAnswer(Schema):
    """The model of all refusals. django-ninja would build one for each operation and status."""

    response: Problem


def _with_problems[V: Callable[..., HttpResponseBase]](endpoint: V) -> V:
    """The endpoint, whose operation is also described with its refusals."""
    contribute_operation_callback(
        endpoint,
        lambda operation: operation.response_models.update(dict.fromkeys(REFUSED, _ProblemAnswer)),
    )
    return endpoint


def view(operation: ApiOperation) -> Callable[..., HttpResponseBase]:
    """Return a view with the signature of the action, for the API to inspect."""

    def answered(request: HttpRequest, **given: Any) -> HttpResponseBase:
        # django-ninja ignores unknown names.
        refuse_surplus(request, operation)
        app = request.unlost  # type: ignore[attr-defined]
        unwrapped = _unwrapped(given)
        if operation.gives:
            return sent(app, operation, unwrapped)
        if operation.takes:
            unwrapped[operation.takes] = SentPlan(request)
        result = operation.call(app, **unwrapped)
        # msgspec, as for --json: written names apply, and large results are encoded fast.
        return HttpResponse(msgspec.json.encode(result), content_type="application/json")

    answered.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD), *_taken(operation)]
    )
    answered.__name__ = operation.action.replace(".", "_").replace("-", "_")
    answered.__doc__ = inspect.getdoc(operation.call)
    return answered


def _taken(operation: ApiOperation) -> Iterator[inspect.Parameter]:
    """Yield the API's parameters; a lone body parameter is wrapped in an object unless a record."""
    lone = not operation.has_query and len(operation.free_parameters) == 1 and not operation.alone
    for name in operation.parameters:
        if not (lone and name in operation.free_parameters):
            yield _parameter(operation, name)
    if lone:
        yield inspect.Parameter(
            BODY,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=_object_of(operation),
            default=params.Body(...),
        )


def _object_of(operation: ApiOperation) -> type:
    """Return a dataclass with the only parameter in the body as its field."""
    [name] = operation.free_parameters
    known = operation.parameters[name]
    words = operation.action.replace(".", " ").replace("-", " ").title().replace(" ", "")
    if known.default is inspect.Parameter.empty:
        return make_dataclass(f"{words}Body", [(name, operation.kind)])
    return make_dataclass(f"{words}Body", [(name, operation.kind, known.default)])


def _unwrapped(given: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {name: value for name, value in given.items() if name != BODY}
    if BODY in given:
        arguments |= {field.name: getattr(given[BODY], field.name) for field in fields(given[BODY])}
    return arguments


def _parameter(operation: ApiOperation, name: str) -> inspect.Parameter:
    known = operation.parameters[name]
    default = ... if known.default is inspect.Parameter.empty else known.default
    if operation.in_path(name):
        place: Any = params.Path(...)
    elif operation.has_query:
        place = params.Query(default)
    else:
        place = params.Body(default)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=hints(operation.call)[name],
        default=place,
    )


def _summary(call: Callable[..., Any]) -> str:
    return (inspect.getdoc(call) or "").partition("\n")[0].partition(";")[0].rstrip(".")


def _refused(_request: HttpRequest, error: UnlostError) -> HttpResponse:
    return answer(error, status_of(error))


def _unreadable(_request: HttpRequest, _error: HttpError) -> HttpResponse:
    problem = UsageError(
        "request-unreadable",
        "The body of the request is not JSON.",
        next_step="Send a JSON object in UTF-8, as described in /api/v1/openapi.json.",
    )
    return answer(problem, HTTPStatus.BAD_REQUEST)


def _misunderstood(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    place = ".".join(str(place_part) for place_part in first.get("loc", ())[1:])
    why = f"{place}: {first.get('msg', 'it is invalid')}".lstrip(": ")
    problem = UsageError(
        "request-invalid",
        "The request is invalid: {why}.",
        next_step="See the operation in /api/v1/openapi.json.",
        why=why,
    )
    return answer(problem, HTTPStatus.UNPROCESSABLE_ENTITY)


def _unknown(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    problem = NotAllowed(
        "token-invalid-now",
        "The request has no valid token.",
        next_step="Send Authorization: Bearer TOKEN. Create a token in the console or with "
        "`unlost token add NAME --owner PERSON`.",
    )
    response = answer(problem, HTTPStatus.UNAUTHORIZED)
    response["WWW-Authenticate"] = 'Bearer realm="unlost"'
    return response

"""Views of a SAML sign-in: start it, receive and check the response, and show our metadata."""

from http import HTTPStatus
from typing import Any

from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.internal.statekit import unstash_state
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.utils import respond_to_login_on_get
from allauth.socialaccount.sessions import LoginSession
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from unlost.catalog.people.sso import SsoProtocol
from unlost.web.needs import open_to_all
from unlost.web.signin.leaving import sends_away
from unlost.web.signin.saml.answer import read, refused
from unlost.web.signin.saml.parties import console_metadata
from unlost.web.signin.saml.provider import Saml

LONGEST = 256 << 10  # characters of a response; those of large companies have about 20 Ki
LIFETIME_SECONDS = 300  # seconds until a stored response expires
COOKIE = "saml-answer"
SENT = "answer"


@open_to_all
@sends_away
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest, name: str) -> HttpResponse:
    """Show a confirmation page, whose form redirects to the provider."""
    provider = _provider(request, name)
    page: HttpResponse | None = respond_to_login_on_get(request, provider)
    there: HttpResponse = page or provider.redirect_from_request(request)
    return there


@open_to_all
@csrf_exempt  # sent by the provider's page; ``finish`` checks it
@require_POST
def arrive(request: HttpRequest, name: str) -> HttpResponse:
    """Store the response: browsers send our session cookie only in requests from our own site."""
    _provider(request, name)
    text = request.POST.get("SAMLResponse", "")
    if not 0 < len(text) <= LONGEST:
        raise refused("there is none, or it is far too long")
    answer = redirect("saml_finish", name=name)
    # 303 makes the browser continue with GET, without sending the response again.
    answer.status_code = HTTPStatus.SEE_OTHER
    pending = _login_session(request)
    pending.store.set_expiry(LIFETIME_SECONDS)
    pending.store[SENT] = text
    pending.save(answer)
    answer.cookies[COOKIE]["httponly"] = True
    return answer


@open_to_all
@require_GET
def finish(request: HttpRequest, name: str) -> HttpResponse:
    """Sign in the person that the response proves; raises NotAllowed (``saml-refused``)."""
    provider, pending = _provider(request, name), _login_session(request)
    text = pending.store.get(SENT, "")
    pending.delete()
    if not text:
        raise refused("it was already used")
    answer = read(request, name, provider.app.settings, text)
    request_state = _request_answered(request, name, answer.get_in_response_to())
    answer.prove(request, name)
    person = provider.sociallogin_from_response(request, answer)
    person.state = request_state
    let_in: HttpResponse = complete_social_login(request, person)
    return let_in


@open_to_all
@require_GET
def metadata(request: HttpRequest, name: str) -> HttpResponse:
    """Show this console's metadata, also for a provider that is not added yet."""
    return HttpResponse(
        console_metadata(request, name), content_type="application/samlmetadata+xml"
    )


def _request_answered(request: HttpRequest, name: str, request_id: str | None) -> dict[str, Any]:
    """Return and forget the request of this browser, so that a second response does not count."""
    request_state: dict[str, Any] | None = (
        unstash_state(request, state_id=request_id, provider_id=name) if request_id else None
    )
    if request_state is None:
        raise refused("this browser did not request it, or requested it too long ago")
    return request_state


def _login_session(request: HttpRequest) -> LoginSession:
    return LoginSession(request, "saml_answer", COOKIE)


def _provider(request: HttpRequest, name: str) -> Saml:
    social_app = SocialApp.objects.filter(provider=SsoProtocol.SAML.value, provider_id=name).first()
    if social_app is None:
        raise Http404
    return Saml(request, app=social_app)

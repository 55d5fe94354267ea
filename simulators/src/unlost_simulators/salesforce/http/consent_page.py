"""The pages on which a user logs in and allows an app: ``/services/oauth2/authorize``.

The request of the app stays in the address from page to page, so that the app's answer can only go
where the request said.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from unlost_simulators.kit.http.calls import Answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.routes import method_not_allowed
from unlost_simulators.salesforce.oauth.consent import WRONG_LOGIN, AuthorizationRequest
from unlost_simulators.salesforce.oauth.errors import OAuthError

HTML = "text/html; charset=UTF-8"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>{title}</title></head><body><main><h1>{title}</h1>
{body}</main></body></html>"""
LOGIN = """{problem}<form method="post">
<p><label>Username <input name="un" value="{name}" autocomplete="off" required></label></p>
<p><label>Password <input name="pw" type="password" autocomplete="off" required></label></p>
<p><button type="submit">Log In</button></p></form>"""
ALLOW = """<p>{app} is asking to:</p>
<ul><li>Manage user data via APIs</li><li>Perform requests at any time</li></ul>
<form method="post"><input type="hidden" name="ticket" value="{ticket}">
<p><button type="submit" name="answer" value="allow">Allow</button>
<button type="submit" name="answer" value="deny">Deny</button></p></form>
<p>Logged in as {person}.</p>"""


def authorize(context: Context) -> Answer:
    """Answer a page of the authorization: the login, the consent, or the redirect to the app."""
    if context.call.method not in ("GET", "POST"):
        raise method_not_allowed(context.call.method, ["GET", "POST"])
    try:
        request = context.sim.consent.read(context.call.query)
    except OAuthError as error:
        text = f"<p>error={escape(error.error)}&amp;error_description={escape(str(error.description))}</p>"
        return _page("OAuth Error", text, status=HTTPStatus.BAD_REQUEST)
    if request.refusal:
        return redirect(request, request.back(error=request.refusal))
    return _login(request) if context.call.method == "GET" else _posted(context, request)


def redirect(request: AuthorizationRequest, parameters: Mapping[str, str]) -> Answer:
    """Answer with the redirect to the app."""
    joint = "&" if urlsplit(request.redirect_uri).query else "?"
    location = f"{request.redirect_uri}{joint}{urlencode(parameters)}"
    return Answer(302, content_type=None, headers={"Location": location})


def _posted(context: Context, request: AuthorizationRequest) -> Answer:
    form, consent = context.call.form(), context.sim.consent
    if "answer" in form:
        allowed = form["answer"] == "allow"
        parameters = consent.answer(request, form.get("ticket", ""), allowed=allowed)
        return _login(request) if parameters is None else redirect(request, parameters)
    ticket = consent.log_in(form.get("un", ""), form.get("pw", ""))
    if ticket is None:
        return _login(request, name=form.get("un", ""), problem=WRONG_LOGIN)
    return _consent(context, request, ticket)


def _login(request: AuthorizationRequest, *, name: str | None = None, problem: str = "") -> Answer:
    text = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    shown = request.login_hint if name is None else name
    return _page("Login | Salesforce", LOGIN.format(problem=text, name=escape(shown)))


def _consent(context: Context, request: AuthorizationRequest, ticket: str) -> Answer:
    person = context.sim.consent.person_of(ticket)
    return _page(
        "Allow Access?",
        ALLOW.format(
            app=escape(request.app.consumer_key),
            ticket=escape(ticket),
            person=escape(person.username if person else ""),
        ),
    )


def _page(title: str, body: str, *, status: int = HTTPStatus.OK) -> Answer:
    text = PAGE.format(title=escape(title), body=body)
    return Answer(status, text.encode(), HTML, {"Cache-Control": "no-cache, no-store"})

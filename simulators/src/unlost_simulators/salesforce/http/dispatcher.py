"""The way of every call: faults, version, session, allowance, handler, and the finished answer.

One call at a time per thread; nothing here waits for the network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

from unlost_simulators.kit.http.calls import Answer, Call
from unlost_simulators.kit.http.delivery import Parcel
from unlost_simulators.kit.http.visit import Visit
from unlost_simulators.salesforce.faults import (
    INSTEAD,
    PAGES_ONLY,
    SalesforceFault,
    SalesforceRule,
)
from unlost_simulators.salesforce.http import finish, open_paths, soap, spoil
from unlost_simulators.salesforce.http.bulk.pages import PageAnswer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import error_answer
from unlost_simulators.salesforce.http.resources import table
from unlost_simulators.salesforce.http.routes import RouteTable
from unlost_simulators.salesforce.http.subjects import object_of, window_fits
from unlost_simulators.salesforce.model import versions
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.simulator import Simulator

# Help article 000386264: bytes of the address, and of address and headers together.
MAX_HEAD = 16_384
SCHEMES = ("bearer", "oauth")


@dataclass(slots=True)
class _Visit(Visit[SalesforceRule]):
    """A call of Salesforce's API: ``data`` is true below ``/services/data``."""

    data: bool = False


class Dispatcher:
    """Answers calls on behalf of one simulator."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self._routes: RouteTable = table(self.dispatch)

    def serve(self, call: Call) -> Parcel:
        """Return the finished response of a call, with its fault if a rule matches, and log it."""
        visit = _Visit(call, self.sim.faults, object_of(call, self.sim))
        answer = self._answer(visit)
        parcel = self._finish(visit, answer)
        visit.note(self.sim.log, answer.status)
        return parcel

    def dispatch(self, context: Context) -> Answer:
        """Answer a data call whose caller is known; the composite resources come here as well."""
        segments = context.call.segments
        version = served_version(segments)
        handler, params = self._routes.find(context.call.method, segments[3:])
        return handler(replace(context, params=params, version=version))

    def _answer(self, visit: _Visit) -> Answer:
        refused = too_long(visit.call)
        if refused is not None:
            return refused
        rule = self._instead(visit)
        if rule is not None:
            return self._spoiled(visit.call, rule)
        try:
            return self._route(visit)
        except SalesforceError as error:
            return error_answer(error)

    def _spoiled(self, call: Call, rule: SalesforceRule) -> Answer:
        by_soap = soap.speaks(call)
        if rule.kind is SalesforceFault.EXPIRED_SESSION:
            self.sim.sessions.end(soap.session_of(call) if by_soap else token_of(call))
        answer = spoil.answer_instead(rule)
        return soap.as_fault(answer) if by_soap else answer

    def _instead(self, visit: _Visit) -> SalesforceRule | None:
        rule = visit.draw(INSTEAD)
        if rule is None:
            return None
        if rule.kind is SalesforceFault.QUERY_TIMEOUT and window_fits(visit.call, rule, self.sim):
            # A query with a short time window succeeds, as in life; the hit must not count.
            visit.undo(rule)
            return None
        return rule

    def _route(self, visit: _Visit) -> Answer:
        call = visit.call
        opened = open_paths.find(call)
        if opened is not None:
            return opened(Context(self.sim, call, {}))
        if soap.speaks(call):
            return self._soap(visit)
        segments = call.segments
        if [part.lower() for part in segments[:2]] != ["services", "data"]:
            raise not_found()
        served_version(segments)
        visit.data = True
        token = token_of(call)
        caller = self._named_caller(visit, token)
        # Counted first: the check compares the number of calls including this one.
        self.sim.org.count_call()
        self.sim.org.check_calls()
        return self.dispatch(Context(self.sim, call, {}, caller=caller, token=token))

    def _soap(self, visit: _Visit) -> Answer:
        def caller(token: str) -> SimUser:
            return self._named_caller(visit, token)

        return soap.serve(self.sim, visit.call, caller)

    def _named_caller(self, visit: _Visit, token: str) -> SimUser:
        user = self._caller(token)
        visit.username = user.username
        return user

    def _caller(self, token: str) -> SimUser:
        user_id = self.sim.sessions.user_of(token)
        user = None if user_id is None else self.sim.org.users.by_id(user_id)
        if user is None or not user.active:
            raise SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if not user.may(Permission.API_ENABLED):
            text = "API is not enabled for this Organization or Partner"
            raise SalesforceError(403, "API_DISABLED_FOR_ORG", text)
        return user

    def _finish(self, visit: _Visit, answer: Answer) -> Parcel:
        call = visit.call
        answer = finish.write_body(visit.after_effect(answer), call)
        if isinstance(answer, PageAnswer) and answer.status == HTTPStatus.OK:
            rule = visit.draw(PAGES_ONLY)
            answer = spoil.spoil_page(answer, rule) if rule else answer
        answer, wire = visit.onto_wire(answer, lambda each: finish.encode(each, call))
        now = self.sim.org.clock.now() + visit.skew()
        usage = self._usage() if visit.data else None
        finish.add_headers(answer, now=now, data=visit.data, usage=usage)
        cookies = finish.COOKIES if visit.data else ()
        return Parcel(answer, wire, cookies, head_only=call.method == "HEAD")

    def _usage(self) -> str:
        used, most = self.sim.org.api_usage()
        return f"api-usage={used}/{most}"


def served_version(segments: list[str]) -> int:
    """Give the version number of a data path; retired ones are gone, unknown ones not found."""
    version = versions.parse(segments[2]) if len(segments) > 2 else None
    if version is None or version > versions.NEWEST:
        raise not_found()
    if versions.FIRST_EVER <= version < versions.OLDEST:
        raise SalesforceError(410, "GONE", "The requested API version is retired")
    if version < versions.FIRST_EVER:
        raise not_found()
    return version


def too_long(call: Call) -> Answer | None:
    """Refuse an address (414) or an address with headers (431) beyond what the edge reads."""
    address = len(call.target)
    total = address + sum(len(name) + len(value) for name, value in call.headers.items())
    if address > MAX_HEAD:
        return Answer(414, b"<h1>414 Request-URI Too Long</h1>", "text/html")
    if total > MAX_HEAD:
        return Answer(431, b"<h1>431 Request Header Fields Too Large</h1>", "text/html")
    return None


def token_of(call: Call) -> str:
    """Give the access token of a call: ``Bearer``, ``OAuth``, or ``X-SFDC-Session``."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() in SCHEMES:
        return token.strip()
    return call.headers.get("x-sfdc-session", "")

"""The way of every call: faults, version, session, allowance, handler, and the finished answer.

One call at a time per thread; nothing here waits for the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus

from unlost_simulators.salesforce import versions
from unlost_simulators.salesforce.errors import SalesforceError, not_found
from unlost_simulators.salesforce.faults import (
    AFTER_EFFECT,
    INSTEAD,
    PAGES_ONLY,
    FaultKind,
    FaultRule,
    Subject,
)
from unlost_simulators.salesforce.http import finish, open_paths, soap, spoil
from unlost_simulators.salesforce.http.calls import Answer, Call, error_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.delivery import Parcel
from unlost_simulators.salesforce.http.resources import table
from unlost_simulators.salesforce.http.routes import RouteTable
from unlost_simulators.salesforce.http.subjects import object_of, window_fits
from unlost_simulators.salesforce.simulator import Simulator
from unlost_simulators.salesforce.users import Permission, SimUser

WIRE_KINDS = frozenset({FaultKind.CUT, FaultKind.DRIP})
SKEW_KINDS = frozenset({FaultKind.DATE_SKEW})
# Help article 000386264: bytes of the address, and of address and headers together.
MAX_HEAD = 16_384
SCHEMES = ("bearer", "oauth")


@dataclass(slots=True)
class _Visit:
    """Facts that are found out about a call while it is handled."""

    call: Call
    object: str | None
    user: SimUser | None = None
    data: bool = False
    fired: list[str] = field(default_factory=list)

    @property
    def subject(self) -> Subject:
        return Subject(self.call.method, self.call.target, self.object)


class Dispatcher:
    """Answers calls on behalf of one simulator."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self._routes: RouteTable = table(self.dispatch)

    def serve(self, call: Call) -> Parcel:
        """Return the finished response of a call, with its fault if a rule matches, and log it."""
        visit = _Visit(call, object_of(call, self.sim))
        answer = self._answer(visit)
        parcel = self._finish(visit, answer)
        self.sim.log.add(
            call.method,
            call.target,
            status=answer.status,
            object_name=visit.object,
            user=visit.user.username if visit.user else None,
            faults=tuple(visit.fired),
        )
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

    def _spoiled(self, call: Call, rule: FaultRule) -> Answer:
        by_soap = soap.speaks(call)
        if rule.kind is FaultKind.EXPIRED_SESSION:
            self.sim.sessions.end(soap.session_of(call) if by_soap else token_of(call))
        answer = spoil.answer_instead(rule)
        return soap.as_fault(answer) if by_soap else answer

    def _instead(self, visit: _Visit) -> FaultRule | None:
        rule = self.sim.faults.draw(INSTEAD, visit.subject)
        if rule is None:
            return None
        if rule.kind is FaultKind.QUERY_TIMEOUT and window_fits(visit.call, rule, self.sim):
            # A query with a short time window succeeds, as in life; the hit must not count.
            self.sim.faults.undo(rule)
            return None
        visit.fired.append(rule.id)
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
        visit.user = self._caller(token)
        # Counted first: the check compares the number of calls including this one.
        self.sim.org.count_call()
        self.sim.org.check_calls()
        return self.dispatch(Context(self.sim, call, {}, caller=visit.user, token=token))

    def _soap(self, visit: _Visit) -> Answer:
        def caller(token: str) -> SimUser:
            visit.user = self._caller(token)
            return visit.user

        return soap.serve(self.sim, visit.call, caller)

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
        lost = False
        # The effect has happened by now; only the reply is lost or replaced.
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            rule = self._draw(visit, AFTER_EFFECT)
            if rule is not None and rule.kind is FaultKind.UNAVAILABLE_AFTER:
                answer = spoil.unavailable()
            lost = rule is not None and rule.kind is FaultKind.REPLY_LOST
        answer = finish.write_body(answer, call)
        if answer.page is not None and answer.status == HTTPStatus.OK:
            rule = self._draw(visit, PAGES_ONLY)
            answer = spoil.spoil_page(answer, rule) if rule else answer
        wire_rule = self._draw(visit, WIRE_KINDS) if answer.length != 0 else None
        plain_length = answer.length
        if wire_rule is not None and spoil.wants_plain(wire_rule):
            answer = spoil.cut_plain(answer, wire_rule)
        # Cuts inside cells are made before the compression, other cuts on the wire.
        answer = finish.encode(answer, call)
        now = self.sim.org.clock.now() + spoil.date_skew(self._draw(visit, SKEW_KINDS))
        usage = self._usage() if visit.data else None
        finish.add_headers(answer, now=now, data=visit.data, usage=usage)
        wire = spoil.wire_for(answer, wire_rule, plain_length=plain_length)
        wire = spoil.LOST if lost else wire
        cookies = finish.COOKIES if visit.data else ()
        return Parcel(answer, wire, cookies, head_only=call.method == "HEAD")

    def _usage(self) -> str:
        used, most = self.sim.org.api_usage()
        return f"api-usage={used}/{most}"

    def _draw(self, visit: _Visit, kinds: frozenset[FaultKind]) -> FaultRule | None:
        rule = self.sim.faults.draw(kinds, visit.subject)
        if rule is not None:
            visit.fired.append(rule.id)
        return rule


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

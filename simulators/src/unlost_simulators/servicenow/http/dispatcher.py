"""The way of every call: faults, sign-in, rate rules, handler, and the finished answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from unlost_simulators.kit.http import encoding, spoil
from unlost_simulators.kit.http.calls import Answer, Call, json_answer
from unlost_simulators.kit.http.conditional import http_date
from unlost_simulators.kit.http.delivery import Parcel
from unlost_simulators.kit.http.routes import RouteTable
from unlost_simulators.kit.http.visit import Visit
from unlost_simulators.servicenow.faults import INSTEAD, ServiceNowFault, ServiceNowRule
from unlost_simulators.servicenow.http import attachments, imports, stats, tables
from unlost_simulators.servicenow.http.batches import batch
from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.limits import Usage
from unlost_simulators.servicenow.model.errors import (
    ServiceNowError,
    error_answer,
    method_not_allowed,
    no_resource,
    not_signed_in,
)
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.oauth import grants
from unlost_simulators.servicenow.simulator import Simulator

VERSIONS = ("v1", "v2")
TOKENS = "oauth_token.do"
CANCELLED_TEXT = "Transaction cancelled: maximum execution time exceeded"
OBJECTS = ("table", "stats", "import")

type Handler = Callable[[Context], Answer]


@dataclass(slots=True)
class _Visit(Visit[ServiceNowRule]):
    """A call of an instance; ``headers`` are those of the rate rule."""

    headers: dict[str, str] = field(default_factory=dict)


class Dispatcher:
    """Answers calls on behalf of one simulator."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self._routes: RouteTable[Handler] = RouteTable(no_resource, method_not_allowed)
        self._fill()

    def serve(self, call: Call) -> Parcel:
        """Return the finished response of a call, with its fault if a rule matches, and log it."""
        visit = _Visit(_overridden(call), self.sim.faults, _table_of(call))
        answer = visit.after_effect(self._answer(visit))
        answer, wire = visit.onto_wire(
            encoding.write_body(answer), lambda each: encoding.encode(each, call)
        )
        answer.headers["Date"] = http_date(self.sim.instance.clock.now() + visit.skew())
        answer.headers |= visit.headers
        if answer.content_type is not None:
            answer.headers["Content-Type"] = answer.content_type
        visit.note(self.sim.log, answer.status)
        return Parcel(answer, wire, head_only=call.method == "HEAD")

    def serve_item(self, context: Context) -> Answer:
        """Answer an item of a batch: it has its own faults and entry in the log of requests.

        That rate rules count the batch, and not its items, is an inference.
        """
        visit = _Visit(context.call, self.sim.faults, _table_of(context.call), context.user.name)
        rule = visit.draw(INSTEAD)
        answer = self._spoiled(visit.call, rule) if rule else self._handled(context)
        visit.note(self.sim.log, answer.status)
        return answer

    def _handled(self, context: Context) -> Answer:
        try:
            return self._dispatch(context)
        except ServiceNowError as error:
            return error_answer(error)
        except (sqlite3.Error, UnicodeError) as error:
            # Values that the database cannot take, such as half of a surrogate pair.
            return error_answer(ServiceNowError(500, "Transaction failed", str(error)))

    def _dispatch(self, context: Context) -> Answer:
        segments = context.call.segments
        if [part.lower() for part in segments[:2]] != ["api", "now"]:
            raise no_resource()
        rest = segments[2:]
        version = rest.pop(0).lower() if rest and rest[0].lower() in VERSIONS else ""
        handler, params = self._routes.find(context.call.method, rest)
        return handler(replace(context, params=params, version=version))

    def _fill(self) -> None:
        add = self._routes.add
        add("table/{table}", GET=tables.list_rows, POST=tables.create_row)
        add(
            "table/{table}/{sys_id}", GET=tables.get_row, PUT=tables.change_row,
            PATCH=tables.change_row, DELETE=tables.delete_row,
        )  # fmt: skip
        add("stats/{table}", GET=stats.statistics)
        add("attachment", GET=attachments.list_files)
        add("attachment/file", POST=attachments.upload_body)
        add("attachment/upload", POST=attachments.upload_form)
        add(
            "attachment/{sys_id}", GET=attachments.get_file, PATCH=attachments.rename,
            DELETE=attachments.delete,
        )  # fmt: skip
        add("attachment/{sys_id}/file", GET=attachments.get_bytes)
        add("import/{table}", POST=imports.import_row)
        add("import/{table}/insertmultiple", POST=imports.import_rows)
        add("batch", POST=lambda context: batch(context, self.serve_item))

    def _answer(self, visit: _Visit) -> Answer:
        rule = visit.draw(INSTEAD)
        if rule is not None:
            return self._spoiled(visit.call, rule)
        if visit.call.segments == [TOKENS]:
            return grants.token(self.sim.instance, self.sim.sessions, visit.call)
        try:
            return self._route(visit)
        except ServiceNowError as error:
            return error_answer(error)

    def _route(self, visit: _Visit) -> Answer:
        call = visit.call
        user = self._caller(call)
        visit.username = user.name
        usage = self.sim.rates.count(user, self.sim.instance.clock.now())
        if usage is not None:
            visit.headers |= usage.headers()
            if usage.over:
                return _too_many(usage)
        if not _accepts_json(call):
            raise ServiceNowError(406, "Not acceptable", call.headers.get("accept"))
        return self._handled(Context(self.sim, call, user))

    def _caller(self, call: Call) -> ApiUser:
        pair = grants.basic(call)
        users = self.sim.instance.users
        if pair is not None:
            user = users.with_password(*pair)
        else:
            name = self.sim.sessions.user_of(_bearer(call))
            user = users.get(name) if name else None
        if user is None or not user.active:
            raise not_signed_in()
        return user

    def _spoiled(self, call: Call, rule: ServiceNowRule) -> Answer:
        match rule.kind:
            case ServiceNowFault.CANCELLED_TEXT:
                text = '{"result":[{"sys_id":"0"},\n' + CANCELLED_TEXT
                return Answer(200, text.encode())
            case ServiceNowFault.CANCELLED_KEY:
                error = {"message": CANCELLED_TEXT, "detail": "Check logs for error trace"}
                return json_answer({"result": [], "error": error, "status": "failure"})
            case ServiceNowFault.EXPIRED_TOKEN:
                self.sim.sessions.end(_bearer(call))
                return error_answer(not_signed_in())
            case _:
                refusal = ServiceNowError(rule.status, rule.message, rule.code)
                return spoil.answer_instead(rule) or error_answer(refusal)


def _too_many(usage: Usage) -> Answer:
    text = f"Rate limit of {usage.rule.limit} requests per hour for Table API exceeded"
    answer = error_answer(ServiceNowError(429, "Rate limit exceeded", text))
    answer.headers["Retry-After"] = str(usage.wait)
    return answer


def _overridden(call: Call) -> Call:
    method = call.headers.get("x-http-method-override", "")
    return replace(call, method=method.upper()) if method and call.method == "POST" else call


def _accepts_json(call: Call) -> bool:
    accepted = call.headers.get("accept", "*/*").lower()
    wildcard = "*/*" in accepted or "application/*" in accepted
    return wildcard or "json" in accepted or call.segments[-1:] == ["file"]


def _bearer(call: Call) -> str:
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _table_of(call: Call) -> str | None:
    """Give the table that a call is about, by which faults find it."""
    parts = [part for part in call.segments[2:] if part.lower() not in VERSIONS]
    return parts[1] if len(parts) > 1 and parts[0].lower() in OBJECTS else None

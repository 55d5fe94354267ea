"""The smallest system that stands on the kit: a bakery that counts loaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp

from unlost_simulators.kit.admin.actions import ClockActions, FaultActions, LogActions
from unlost_simulators.kit.admin.orgs import OrgActions
from unlost_simulators.kit.admin.server import AdminServer
from unlost_simulators.kit.allowances import Allowances
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.kit.faults import INSTEAD, FaultPlan, FaultRule
from unlost_simulators.kit.http import encoding, spoil
from unlost_simulators.kit.http.app import SimulatorApp
from unlost_simulators.kit.http.calls import Answer, Call, json_answer
from unlost_simulators.kit.http.conditional import http_date
from unlost_simulators.kit.http.delivery import Parcel
from unlost_simulators.kit.http.visit import Visit
from unlost_simulators.kit.latency import Latency
from unlost_simulators.kit.orgs import OrgOptions, OrgRegistry
from unlost_simulators.kit.request_log import RequestLog

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Refused(Exception):
    """The bakery does not sell that."""


class Bakery:
    """One org: loaves on a shelf."""

    def __init__(self, wanted: OrgOptions, base_url: str = "http://bakery") -> None:
        self.name, self.base_url = wanted.name, base_url
        self.loaves = wanted.scale
        self.clock = VirtualClock(wanted.opens or NOON)
        self.faults: FaultPlan[FaultRule] = FaultPlan()
        self.log = RequestLog(self.clock.now)
        self.latency = Latency()
        self.allowances = Allowances(self.clock)
        self.closed = False

    def facts(self) -> Mapping[str, Any]:
        return {"now": self.clock.now().isoformat(), "loaves": self.loaves}

    def close(self) -> None:
        self.closed = True

    def serve(self, call: Call) -> Parcel:
        visit = Visit(call, self.faults, object=call.segments[0] if call.segments else None)
        answer = visit.after_effect(self._answer(visit))
        answer = encoding.write_body(answer)
        answer, wire = visit.onto_wire(answer, lambda each: encoding.encode(each, call))
        answer.headers["Date"] = http_date(self.clock.now() + visit.skew())
        if answer.content_type is not None:
            answer.headers["Content-Type"] = answer.content_type
        visit.note(self.log, answer.status)
        return Parcel(answer, wire, head_only=call.method == "HEAD")

    def _answer(self, visit: Visit[FaultRule]) -> Answer:
        rule = visit.draw(INSTEAD)
        if rule is not None:
            refusal = json_answer({"oops": rule.message}, rule.status)
            return spoil.answer_instead(rule) or refusal
        self.allowances.count("calls")
        if visit.call.method == "POST":
            self.loaves += 1
        return json_answer({"loaves": self.loaves, "smell": "x" * 1_000})

    def sell(self, wanted: Mapping[str, Any]) -> Any:
        """Sell ``loaves``."""
        if int(wanted["loaves"]) > self.loaves:
            raise Refused("so many there are not")
        self.loaves -= int(wanted["loaves"])
        return {"loaves": self.loaves}


@dataclass(frozen=True, slots=True)
class Bakeries:
    """The system, as the kit opens its orgs."""

    def build(self, wanted: OrgOptions, base_url: str) -> Bakery:
        if wanted.scenario == "broken":
            raise ValueError("no scenario 'broken'")
        return Bakery(wanted, base_url)

    def app(self, sim: Bakery, registry: OrgRegistry[OrgOptions, Bakery]) -> ASGIApp:
        return app(sim, registry)


def app(sim: Bakery, registry: OrgRegistry[OrgOptions, Bakery] | None = None) -> SimulatorApp:
    """The ASGI application of a bakery."""
    routes = {
        **ClockActions(sim.clock).routes(),
        **FaultActions(sim.faults, FaultRule).routes(),
        **LogActions(sim.log, further=lambda: {"used": sim.allowances.used("calls")}).routes(),
        **(OrgActions(registry).routes() if registry else {}),
        "POST sell": sim.sell,
    }
    admin = AdminServer(routes, Refused, lambda error: json_answer({"refused": str(error)}, 409))
    return SimulatorApp(sim, serve=sim.serve, admin=admin.serve)

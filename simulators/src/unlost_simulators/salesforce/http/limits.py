"""Allowances of the org and cached record counts."""

from __future__ import annotations

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context


def limits(context: Context) -> Answer:
    """Answer ``GET limits``."""
    return json_answer(context.sim.org.limits(context.user))


def record_count(context: Context) -> Answer:
    """Answer ``GET limits/recordCount``."""
    text = context.call.query.get("sObjects")
    names = None if text is None else [name.strip() for name in text.split(",") if name.strip()]
    return json_answer({"sObjects": list(context.sim.org.record_count(context.user, names))})

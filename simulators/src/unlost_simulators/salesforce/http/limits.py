"""Allowances of the org and cached record counts."""

from __future__ import annotations

from unlost_simulators.salesforce.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context


def limits(context: Context) -> Answer:
    """Answer ``GET limits``: storage by the org, calls and jobs by what was really used."""
    sim = context.sim
    document = dict(sim.org.limits(context.user))
    jobs, kilobytes = sim.jobs.used()
    document["DailyApiRequests"] = sim.meter.limit()
    document["DailyBulkV2QueryJobs"] = _left(sim.jobs.max_jobs, jobs)
    most = sim.jobs.max_result_kb // 1024
    document["DailyBulkV2QueryFileStorageMB"] = _left(most, kilobytes // 1024)
    return json_answer(dict(sorted(document.items())))


def record_count(context: Context) -> Answer:
    """Answer ``GET limits/recordCount``."""
    text = context.call.query.get("sObjects")
    names = None if text is None else [name.strip() for name in text.split(",") if name.strip()]
    return json_answer({"sObjects": context.sim.org.record_count(context.user, names)})


def _left(maximum: int, used: int) -> dict[str, int]:
    return {"Max": maximum, "Remaining": maximum - used}

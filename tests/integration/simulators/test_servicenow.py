"""The command ``unlost-sim servicenow``, as a process."""

import json
import urllib.request
from pathlib import Path

import pytest

from unlost_simulators.kit.process import open_url
from unlost_simulators.servicenow.process import ServiceNowProcess, SimulatedInstance

pytestmark = pytest.mark.network
BACKUP = "backup@chocolate.example"


def count(org: SimulatedInstance, table: str) -> str:
    request = urllib.request.Request(
        f"{org.url}/api/now/stats/{table}?sysparm_count=true",
        headers={"Authorization": f"Bearer {org.token('chocolate-client', BACKUP)}"},
    )
    with open_url(request, org.ca) as answer:
        return json.loads(answer.read())["result"]["stats"]["count"]


def test_a_process_serves_an_instance(tmp_path: Path) -> None:
    rows = tmp_path / "rows.db"
    with ServiceNowProcess("--db", rows, "--opens", "2026-11-02T18:00:00") as sim:
        assert sim.ready["now"] == "2026-11-02T18:00:00+00:00"
        assert count(sim.first, "incident") == "403"
        further = sim.open_org("second", scale=2)
        assert count(further, "incident") == "803"
        assert sim.admin.post("story/delete-incidents") == {"deleted": 2}
    with ServiceNowProcess("--db", rows, "--opens", "2026-11-02T18:00:00") as again:
        assert count(again.first, "incident") == "401"

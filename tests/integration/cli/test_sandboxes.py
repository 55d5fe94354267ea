"""Production and two sandboxes under one service; one sandbox is refreshed behind its address."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from integration.cli.conftest import Program, add_org
from integration.cli.test_by_itself import BEGAN, OPENED
from unlost.app.actions.orgs.follow import follow
from unlost.app.compose import Application, open_application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.service.service import Service
from unlost.testing.clock import VirtualClock
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.deep, pytest.mark.long, pytest.mark.network]

ORGS = ("live", "full", "dev")
TABLES = [word for table in ("Account", "Contact") for word in ("--include", table)]
PLANS = ("live=chocolate", "full=chocolate,sandbox", "dev=chocolate,sandbox")


class Company:
    """A home with three orgs, on a clock that is moved by hand."""

    def __init__(self, program: Program, served: SimulatorProcess) -> None:
        self.program, self.served = program, served
        self.clock = VirtualClock(BEGAN)
        for name in ORGS:
            added = add_org(program, served.orgs[name].url, name=name, more=TABLES)
            assert added.code in {0, 3}, added
        with self.opened(CancellationFlag()) as app:
            from unlost.app.actions.backups.schedule import ScheduleChange, change

            for name in ORGS:
                change(app, name, ScheduleChange(at="01:30", window=0))

    def opened(self, cancel_flag: CancellationFlag) -> Application:
        return open_application(self.program.home, clock=self.clock, cancel_flag=cancel_flag)

    def night(self) -> dict[str, int]:
        """A day passes, and the service looks; backups by org."""
        self.clock.advance(days=1)
        for org in self.served.orgs.values():
            if org.name != "dev":
                org.admin.post("clock/advance", days=1)
        Service(self.opened, CancellationFlag()).run(once=True)
        return self.backups()

    def backups(self) -> dict[str, int]:
        return {line["name"]: line["snapshots"] for line in self.orgs()}

    def orgs(self) -> list[dict[str, str]]:
        return list(self.program("org", "list", "--json").json["orgs"])

    def rules(self, org: str) -> set[str]:
        told = self.program("alert", "list", "--json").json["alerts"]
        return {one["alarm"]["rule"] for one in told if one["alarm"]["org"] == org}


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    options = [word for plan in PLANS for word in ("--org", plan)]
    with SimulatorProcess(*OPENED, *options) as served:
        program = Program(tmp_path / "home")
        assert program("init", str(program.home), "--recovery-out", str(tmp_path / "s")).code == 0
        yield Company(program, served)


def test_a_refreshed_sandbox_is_noticed_and_its_name_follows(company: Company) -> None:
    assert company.night() == {"live": 1, "full": 1, "dev": 1}
    kinds = {line["name"]: line["kind"] for line in company.orgs()}
    assert kinds == {"live": "production", "full": "sandbox", "dev": "sandbox"}

    old = company.served.orgs["dev"]
    port = urlsplit(old.url).port
    company.served.admin.post("orgs/close", name="dev")
    company.served.admin.post(
        "orgs", name="refreshed", scenario="chocolate", sandbox=True, port=port
    )
    assert company.night() == {"live": 2, "full": 2, "dev": 1}, "the two never mix"
    assert "org-replaced" in company.rules("dev")

    with company.opened(CancellationFlag()) as app:
        followed = follow(app, "dev")
    assert (followed.name, followed.backups) == ("dev", 1)
    assert followed.tenant != old.ready["organization_id"]
    held = company.night()
    assert held == {"live": 3, "full": 3, "dev": 1, followed.kept_as: 1}
    assert "org-replaced" not in company.rules("dev")
    assert company.rules(followed.kept_as) == set()
    found = company.program("find", "0040017", "--org", followed.kept_as, "--json").json["hits"]
    assert found[0]["table"] == "Account", "what the old sandbox held is found as before"

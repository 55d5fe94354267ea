"""How all orgs stand: told truly, and with as few questions for many orgs as for one."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from homes import SECRET, World, fill
from unlost.app.actions.alerts.overview import Overview, overview
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run
from unlost.model.message import Message
from unlost.model.source.quota import Quota
from unlost.model.status import OrgStatus
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.org import MemoryOrg

MOST = 8


def counted(world: World) -> tuple[Overview, int]:
    with CaptureQueriesContext(connection) as asked:
        found = overview(world.app)
    return found, len(asked)


def test_many_orgs_take_no_more_questions_than_one(sales: World) -> None:
    backup(sales.app, "sales")
    _, one = counted(sales)
    for number in range(12):
        address = f"at-{number}"
        org = sales.connector.orgs[address] = MemoryOrg(sales.clock, tenant=f"T-x{number}")
        fill(org)
        new = NewOrg("memory", f"org-{number}", {"address": address}, {"password": SECRET})
        add_org(sales.app, new)
        backup(sales.app, new.name)
    found, many = counted(sales)
    assert len(found.orgs) == 13
    assert {org.status for org in found.orgs} == {OrgStatus.PROTECTED}
    assert many == one <= MOST


def test_the_newest_runs_and_samples_of_each_org_are_told(sales: World) -> None:
    for used in (10.0, 20.0):
        sales.connector.source("one").quota = (Quota("data storage", used, 100.0, "bytes"),)
        backup(sales.app, "sales")
        sales.clock.advance(days=1)
    now = sales.clock.now()
    begin_run("r-failed", org="sales", kind=CommitKind.BACKUP, full=False, at=now)
    end_run("r-failed", RunEnd(RunState.FAILED, now, error=Message("", "The org was away.")))
    (org,) = overview(sales.app).orgs
    (gauge,) = org.gauges
    assert gauge.share == 0.2
    assert org.failed is not None
    assert str(org.failed.error) == "The org was away."
    sales.clock.advance(hours=1)
    begin_run("r-next", org="sales", kind=CommitKind.BACKUP, full=False, at=sales.clock.now())
    (org,) = overview(sales.app).orgs
    assert [going.id for going in org.going] == ["r-next"]
    assert org.failed is None
    assert org.status is OrgStatus.FAILED, "nothing has succeeded since"


def test_a_night_that_is_too_old_and_none_at_all(sales: World) -> None:
    assert overview(sales.app).orgs[0].status is OrgStatus.NO_BACKUP
    backup(sales.app, "sales")
    assert overview(sales.app).orgs[0].status is OrgStatus.PROTECTED
    sales.clock.advance(hours=37)
    assert overview(sales.app).orgs[0].status is OrgStatus.AT_RISK

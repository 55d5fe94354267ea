"""The calendar of an org's backups, for who may look; comparisons for who may read."""

import re
from collections.abc import Iterator

import pytest

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on, live
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.retention.forget import forget, plan
from unlost.app.actions.retention.keeping import RetentionChange, change
from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run
from unlost.model.access import Role
from unlost.model.message import message
from unlost.model.vault.snapshot import CommitKind

PAGE = "/orgs/sales/backups/"


def with_days(world: World) -> None:
    """Four backups on three days after the first one; then nothing for two days."""
    live(world)
    for number in range(3):
        world.clock.advance(days=1)
        world.org.update("User", "U1", {"Name": f"Ada {number}"})
        backup(world.app, "sales")
    world.clock.advance(hours=1)
    world.org.update("User", "U1", {"Name": "Ada again"})
    backup(world.app, "sales")
    world.clock.advance(days=2)


several_days = scene(with_days)


@pytest.fixture
def nights(world: World, several_days: Lead) -> Iterator[World]:
    """Four backups on three days after the first one; then nothing for two days."""
    with goes_on(world, several_days):
        yield world


def text_of(answer: object) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())  # type: ignore[attr-defined]


def test_each_backup_leads_to_its_certificate_and_to_what_changed(
    nights: World, sign_in: SignIn
) -> None:
    told = text_of(sign_in().get(PAGE))
    for number in range(1, 6):
        assert told.count(f'href="/orgs/sales/certificate/{number}/"') == 1
    for older, newer in ((1, 2), (2, 3), (3, 4), (4, 5)):
        link = f'href="/orgs/sales/compare/?a={older}&amp;b={newer}"'
        assert re.search(rf"{re.escape(link)}>1 change<span", told)
    assert "4 days have a backup." in told
    assert "1 day has no backup." in told
    assert told.count('<th scope="col">') == 7


def test_the_org_leads_to_its_calendar(world: World, sign_in: SignIn) -> None:
    assert f'href="{PAGE}"' in text_of(sign_in(Role.VIEWER).get("/orgs/sales/"))


def test_who_may_not_read_records_sees_numbers_and_no_comparison(
    nights: World, sign_in: SignIn
) -> None:
    told = text_of(sign_in(Role.AUDITOR).get(PAGE))
    assert "/compare/?" not in told
    assert "1 change" in told


def test_months_are_linked_and_chosen(nights: World, sign_in: SignIn) -> None:
    client = sign_in()
    nights.clock.advance(days=35)
    backup(nights.app, "sales")
    told = text_of(client.get(PAGE))
    before = re.search(r'rel="prev" href="\?month=(\d{4}-\d\d)"', told)
    assert before is not None
    assert 'rel="next"' not in told
    told = text_of(client.get(PAGE, {"month": before[1]}))
    assert 'rel="next"' in told
    assert f'value="{before[1]}"' in told


def test_a_month_that_is_none_is_refused(world: World, sign_in: SignIn) -> None:
    assert sign_in().get(PAGE, {"month": "2026-99"}).status_code == 400


def test_a_failed_backup_stands_on_its_day_with_its_run(world: World, sign_in: SignIn) -> None:
    world.clock.advance(days=1)
    now = world.clock.now()
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=now)
    why = message("x", "The org did not answer.")
    end_run("backup-x", RunEnd(RunState.FAILED, now, error=why))
    told = text_of(sign_in().get(PAGE))
    assert "On 1 day the backup failed." in told
    assert '<span class="pill failed">failed</span> <a href="/runs/backup-x/"' in told
    assert "The org did not answer." in told


def test_forgotten_backups_have_no_certificate(nights: World, sign_in: SignIn) -> None:
    change(nights.app, "sales", RetentionChange(daily=1))
    forget(nights.app, "sales", plan=plan(nights.app, "sales", RetentionChange()).digest)
    told = text_of(sign_in().get(PAGE))
    assert told.count("/certificate/") == 1
    assert told.count('<span class="pill">forgotten</span>') == 4
    assert "The backups of 3 days were forgotten by the retention rules." in told

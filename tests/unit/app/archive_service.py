"""A service that archives by saved policies after nightly backups, in one process, for tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from homes import World
from scenes import with_sales
from unit.app.shop import WRITER
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.archive.archive_night import do_archive
from unlost.app.actions.archive.archives import list_archives
from unlost.app.actions.archive.policies import preview_archive
from unlost.app.actions.archive.saved_policies import (
    PolicyRequest,
    SavedPolicyView,
    save_policy,
)
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.night import do_night
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.archive.due_archives import enqueue_archives
from unlost.app.compose import Application
from unlost.catalog.alerts import AlertRecord, list_alerts
from unlost.catalog.orgs.archive_policies import saved_policies
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.people import actor_of, add_person, set_role
from unlost.catalog.runs.archive_nights import archive_nights_of
from unlost.model.access import Role
from unlost.model.alert import AlertRule
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.errors import Conflict, NotAllowed, UsageError
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.saved_policy import WEEK, ArchiveNight, ArchiveNightState
from unlost.model.source.schema import DeleteRule, Reference, WireKind

CLOSED = ArchivePolicy("closed", "Case", (Condition("Closed", Comparison.IS, ("true",)),))
CASES, SHUT = 12, 5
QUARTER = timedelta(minutes=15)
S = ArchiveNightState


class Service:
    """Does each job once, at once; the clock moves by quarters of an hour, each with a tick."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app: Application = world.app
        self.oid = get_org("sales").oid
        self.known: set[str] = set()
        self.holds_back: set[JobKind] = set()

    def delete_failed(self, ids: Iterable[str]) -> None:
        """Nothing breaks off here."""

    def enqueue(self, job: Job) -> None:
        if job.id in self.known or job.kind in self.holds_back:
            return
        self.known.add(job.id)
        if job.kind is JobKind.NIGHT:
            do_night(self.app, job.org, job.subject)
        elif job.kind is JobKind.ARCHIVE:
            do_archive(self.app, int(job.subject))
        elif job.kind is JobKind.RESTORE:
            do_restore(self.app, job.subject)

    def tick(self, *, times: int = 1) -> None:
        for _ in range(times):
            self.world.clock.advance(seconds=QUARTER.total_seconds())
            self.enqueue_due()

    def enqueue_due(self) -> None:
        enqueue_due_jobs(self.app, self)
        enqueue_archives(self.app, self)

    def until(self, moment: str) -> None:
        """Let the time pass until a moment, with a tick at each quarter of an hour."""
        end = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        while self.app.clock.now() < end:
            self.tick()

    def night(self) -> None:
        """Let the time pass until the next backup at three, and an hour more."""
        now = self.app.clock.now()
        three = now.replace(hour=3, minute=0, second=0, microsecond=0)
        wait = three - now if three > now else three - now + timedelta(days=1)
        self.world.clock.advance(seconds=(wait - QUARTER).total_seconds())
        self.tick(times=4)

    # --- what became of it ---------------------------------------------------------------------

    def live(self, table: str = "Case") -> set[str]:
        return {key for key, _ in self.world.connector.writer("one").platform.live(table)}

    def cases(self, closed: str) -> list[str]:
        platform = self.world.connector.writer("one").platform
        return [key for key, row in platform.live("Case") if row.cells["Closed"] == closed]

    def nights(self) -> list[ArchiveNight]:
        """The newest first."""
        (saved,) = saved_policies("sales")
        return list(archive_nights_of(saved.id, most=50))

    def states(self) -> list[ArchiveNightState]:
        return [night.state for night in self.nights()]

    def alerts(self) -> list[AlertRecord]:
        watch(self.app, Watcher())
        rule = AlertRule.ARCHIVE_SCHEDULE
        return [a for a in list_alerts() if a.raised.rule is rule and a.resolved_at is None]

    def runs(self) -> int:
        return len(list_archives(self.app, "sales").runs)


def filled(world: World) -> None:
    """Cases, of which some are closed, with a note each; a schedule at three; a write user."""
    with_sales(world)
    org = world.org
    org.add_table("Case", {"Name": WireKind.TEXT, "Closed": WireKind.TEXT})
    org.add_table(
        "Note",
        {"Case": WireKind.REFERENCE},
        references={"Case": Reference(("Case",), DeleteRule.CASCADE)},
    )
    for number in range(CASES):
        closed = "true" if number < SHUT else "false"
        case = org.create("Case", {"Name": f"Case {number}", "Closed": closed})
        org.create("Note", {"Case": case})
    change(world.app, "sales", ScheduleChange(at="03:00", window=0))
    set_writer(world.app, WRITER)
    backup(world.app, "sales")


def save(app: Application, policy: ArchivePolicy = CLOSED, **more: Any) -> SavedPolicyView:
    return save_policy(app, "sales", PolicyRequest(policy, **more))


def switched_on(app: Application, policy: ArchivePolicy = CLOSED, **more: Any) -> SavedPolicyView:
    """Save a policy, preview it, and switch its schedule on."""
    save(app, policy)
    preview_archive(app, "sales", policy)
    return save(app, policy, **{"on": True, "days": WEEK} | more)


def person(service: Service, name: str, role: Role = Role.RESTORER) -> Application:
    add_person(name, at=service.app.clock.now())
    actor = actor_of(set_role(name, role, org=None).user)
    assert actor is not None
    return service.app.acting(actor)


def refused(code: str, app: Application, policy: ArchivePolicy = CLOSED, **more: Any) -> str:
    with pytest.raises((UsageError, NotAllowed, Conflict)) as caught:
        save(app, policy, **more)
    assert caught.value.code == code
    return caught.value.sentence

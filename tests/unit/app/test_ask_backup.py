"""Back up now: the service is asked, and refuses in plain words what cannot be."""

from collections.abc import Iterator

import pytest

from homes import World
from unit.app.test_restore import refused
from unlost.app.actions.backups.night import do_night
from unlost.app.actions.runs import ask_backup as module
from unlost.app.actions.runs.ask_backup import ask_backup
from unlost.app.actions.runs.due_jobs import enqueue_due_jobs
from unlost.catalog.orgs.orgs import get_org, retire_org
from unlost.catalog.people.audit import newest
from unlost.catalog.runs.nights import NightEnd, end_try, hold_night, open_nights, start_try
from unlost.catalog.runs.runs import RunState, find_run
from unlost.jobs.slots import take_slot
from unlost.model.access import SERVICE, Actor, ActorKind, Grant, Role
from unlost.model.errors import Conflict, NotAllowed, StoreError
from unlost.model.message import Message
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.jobs import PAUSED, Job
from unlost.model.runs.night import NightState


@pytest.fixture
def served(sales: World) -> Iterator[World]:
    """A service runs: it holds its slot."""
    slot = take_slot(sales.app.locks, alone=not sales.home.database)
    yield sales
    slot.lock.release()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    found: list[Job] = []
    monkeypatch.setattr(module, "enqueue_from_outside", lambda _place, job: found.append(job))
    return found


def test_the_service_is_asked_and_does_it(served: World, asked: list[Job]) -> None:
    run = ask_backup(served.app, "sales").run
    (job,) = asked
    assert job.id == f"night:{get_org('sales').oid}:{job.subject}:1"
    (night,) = open_nights()
    assert (night.name, night.run, night.state) == (job.subject, run, NightState.WAITING)
    do_night(served.app, job.org, job.subject)
    ended = find_run(run)
    assert ended is not None
    assert ended.state is RunState.DONE
    assert open_nights() == []
    noted = [one.deed for one in reversed(newest(most=999)) if one.deed.act == "backup.ask"]
    assert [(deed.org, deed.outcome, deed.detail) for deed in noted] == [
        ("sales", "done", {"run": run})
    ]


def test_asked_for_twice_it_is_one(served: World, asked: list[Job]) -> None:
    first = ask_backup(served.app, "sales")
    served.clock.advance(seconds=90)
    assert ask_backup(served.app, "sales") == first
    assert len({job.id for job in asked}) == 1
    assert len(open_nights()) == 1


def test_a_minute_that_had_its_night_already_gets_another_one(
    served: World, asked: list[Job]
) -> None:
    """Else the service would be asked for what is over, and nothing would happen."""
    first = ask_backup(served.app, "sales")
    do_night(served.app, asked[0].org, asked[0].subject)
    second = ask_backup(served.app, "sales")
    assert second.run != first.run
    do_night(served.app, asked[1].org, asked[1].subject)
    ended = find_run(second.run)
    assert ended is not None
    assert ended.state is RunState.DONE


def test_where_the_queue_is_away_the_next_look_of_the_service_asks(
    served: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreError("queue-unreadable", "The file cannot be used.")

    monkeypatch.setattr(module, "enqueue_from_outside", away)
    ask_backup(served.app, "sales")
    found: list[str] = []

    class Queue:
        def enqueue(self, job: Job) -> None:
            found.append(job.kind.value)

        def delete_failed(self, ids: object) -> None:
            pass

    enqueue_due_jobs(served.app.acting(SERVICE), Queue())
    assert "night" in found


def test_without_a_service_it_is_refused(sales: World, asked: list[Job]) -> None:
    error = refused(Conflict, "service-missing", ask_backup, sales.app, "sales")
    assert "unlost up" in error.next_step
    assert (asked, open_nights()) == ([], [])


def test_while_one_is_under_way_it_is_refused(served: World, asked: list[Job]) -> None:
    oid = get_org("sales").oid
    with served.opened() as other, other.lease.hold(oid, kind=RunKind.BACKUP, run="by-hand"):
        refused(Conflict, "backup-under-way", ask_backup, served.app, "sales")
    ask_backup(served.app, "sales")
    start_try(oid, open_nights()[0].name)
    refused(Conflict, "backup-under-way", ask_backup, served.app, "sales")


def test_a_night_that_waits_for_its_next_try_is_tried_now(served: World, asked: list[Job]) -> None:
    run = ask_backup(served.app, "sales").run
    oid, now = get_org("sales").oid, served.clock.now()
    (night,) = open_nights()
    start_try(oid, night.name)
    later = now.replace(year=now.year + 1)
    end_try(oid, night.name, NightEnd(NightState.WAITING, now, later, failed=True), number=1)
    assert ask_backup(served.app, "sales").run == run
    assert asked[-1].id.endswith(":2")
    assert open_nights()[0].next_at == now


def test_one_that_is_paused_is_let_go_on_instead(served: World, asked: list[Job]) -> None:
    run = ask_backup(served.app, "sales").run
    hold_night(run, why=Message(PAUSED, "Paused."))
    refused(Conflict, "backup-paused", ask_backup, served.app, "sales")


def test_a_retired_org_is_not_backed_up(served: World, asked: list[Job]) -> None:
    retire_org("sales", kept_as="old")
    refused(Conflict, "org-retired", ask_backup, served.app, "old")


def test_who_only_looks_may_not(served: World, asked: list[Job]) -> None:
    viewer = Actor(ActorKind.PERSON, "vera", (Grant(Role.VIEWER),))
    refused(NotAllowed, "not-permitted", ask_backup, served.app.acting(viewer), "sales")
    assert asked == []

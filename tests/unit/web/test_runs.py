"""The list of jobs, the page of one, what people do with it, and backups on demand."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.test import Client

from homes import World
from unit.app.shop import Shop
from unit.web.conftest import SignIn
from unit.web.losses import (
    MOST_QUERIES,
    choose,
    plan_at_once,
    queries,
    serve,
    start,
)
from unlost.app.actions.backups.night import do_night
from unlost.app.actions.runs import ask_backup
from unlost.catalog.models import Org, Run
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.nights import (
    NightEnd,
    add_night,
    end_try,
    hold_night,
    open_nights,
    start_try,
)
from unlost.catalog.runs.observer import SqlObserver
from unlost.catalog.runs.queued_restores import start_restore
from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run, find_run
from unlost.jobs.slots import take_slot
from unlost.model.access import Role
from unlost.model.errors import LimitReached
from unlost.model.message import Message
from unlost.model.runs.night import NightState
from unlost.model.runs.progress import Phase, Progress
from unlost.model.vault.snapshot import CommitKind

HTMX = {"HX-Request": "true"}


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    plan_at_once(monkeypatch)
    return shop


@pytest.fixture
def client(shop: Shop, sign_in: SignIn) -> Client:
    return sign_in(Role.RESTORER)


@pytest.fixture
def served(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A service runs."""
    monkeypatch.setattr(ask_backup, "enqueue_from_outside", lambda _place, _job: None)
    slot = take_slot(world.app.locks, alone=not world.home.database)
    yield world
    slot.lock.release()


def restoring(client: Client) -> str:
    return start(client, choose(client, what="lost", a="2", b="3"))


def told(client: Client, place: str, **asked: str) -> str:
    answer = client.get(place, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_plans_that_wait_are_listed_for_whoever_may_run_them(
    shop: Shop, sign_in: SignIn, client: Client
) -> None:
    choose(client, what="lost", a="2", b="3")
    here = sign_in(Role.RESTORER, org="sales")
    assert "Plans not run yet" in told(here, "/runs/", org="sales")
    assert "Plans not run yet" in told(here, "/runs/")
    viewer = sign_in(Role.VIEWER)
    assert "Plans not run yet" not in told(viewer, "/runs/", org="sales")
    assert "Plans not run yet" not in told(viewer, "/runs/")


# --- the list -------------------------------------------------------------------------------------


def test_jobs_are_listed_and_filtered(shop: Shop, client: Client) -> None:
    run = restoring(client)
    assert run in told(client, "/runs/")
    assert run not in told(client, "/runs/", kind="backup")
    assert run in told(client, "/runs/", org="sales", state="open")
    done = told(client, "/runs/", state="done")
    assert run not in done
    assert done.count(">backup-") == 3
    assert "No run matches" in told(client, "/runs/", state="failed")
    assert told(client, "/runs/", state="odd", kind="odd", before="odd")
    assert client.get("/runs/", {"org": "nowhere"}).status_code == 404


def test_the_list_looks_again_while_something_is_under_way(shop: Shop, client: Client) -> None:
    run = restoring(client)
    assert 'hx-trigger="every 2s"' in told(client, "/runs/")
    piece = client.get("/runs/", headers=HTMX)
    assert (piece.status_code, b"<html" in piece.content) == (200, False)
    serve(shop, run)
    assert client.get("/runs/", headers=HTMX).status_code == 286


def test_a_failed_job_says_why(shop: Shop, client: Client) -> None:
    shop.world.clock.advance(seconds=60)
    now = shop.world.clock.now()
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=now)
    end_run("backup-x", RunEnd(RunState.FAILED, now, error=Message("odd", "It broke.")))
    assert "It broke." in told(client, "/runs/", state="failed")
    assert "It broke." in told(client, "/runs/backup-x/")
    assert "/runs/backup-x/" in told(client, "/"), "the home page leads there"


def stopped(shop: Shop, client: Client) -> str:
    """A restore that waits for tomorrow's calls after it created the account."""
    run = restoring(client)
    shop.writer.faults.plant("write", LimitReached("calls-spent", "No calls."), table="Contact")
    serve(shop, run)
    shop.writer.faults.clear()
    assert find_run(run).state is RunState.PARKED  # type: ignore[union-attr]
    return run


@pytest.mark.parametrize("state", [RunState.PARKED, RunState.FAILED, RunState.ABANDONED])
def test_a_stopped_restore_had_no_button_to_undo_it(
    shop: Shop, client: Client, sign_in: SignIn, state: RunState
) -> None:
    run = stopped(shop, client)
    Run.objects.filter(id=run).update(state=state.value)
    page = told(client, f"/runs/{run}/")
    assert "Undo this restore" in page
    assert f'name="run" value="{run}"' in page
    plan = choose(client, what="undo", run=run)
    assert "Undo in 1 record of sales" in told(client, plan)
    assert "Undo this restore" not in told(sign_in(Role.AUDITOR), f"/runs/{run}/")


def test_a_restore_that_wrote_nothing_has_no_button_to_undo_it(shop: Shop, client: Client) -> None:
    run = restoring(client)
    shop.writer.faults.plant("write", LimitReached("calls-spent", "No calls."))
    Run.objects.filter(id=run).update(state=RunState.PARKED.value)
    assert "Undo this restore" not in told(client, f"/runs/{run}/")


def test_a_restore_that_was_undone_says_so_and_cannot_be_resumed(
    shop: Shop, client: Client
) -> None:
    run = stopped(shop, client)
    undo = start(client, choose(client, what="undo", run=run))
    page = told(client, f"/runs/{run}/")
    assert "ended by its undo" in page
    assert undo in page
    assert 'id="resume"' not in page
    assert "ended by its undo" in told(client, "/runs/")


def test_who_may_not_see_an_org_sees_none_of_its_jobs(
    shop: Shop, client: Client, sign_in: SignIn
) -> None:
    run = restoring(client)
    auditor = sign_in(Role.AUDITOR)
    assert run in told(auditor, "/runs/")
    assert "to sales" not in told(auditor, "/runs/"), "plans are for who restores"
    assert client.get("/runs/restore-nobody/").status_code == 404
    assert client.get("/runs/restore-nobody/", headers=HTMX).status_code == 404


# --- one job --------------------------------------------------------------------------------------


def test_a_backup_says_how_many_of_its_tables_are_read(shop: Shop, client: Client) -> None:
    shop.world.clock.advance(seconds=60)
    clock = shop.world.clock
    begin_run("backup-x", org="sales", kind=CommitKind.BACKUP, full=False, at=clock.now())
    assert "tables read" not in told(client, "/runs/backup-x/"), "they are not planned yet"
    observer = SqlObserver("backup-x", clock=clock)
    for table in ("Account", "Contact", "Paper"):
        observer.progress(Progress(Phase.DISCOVER, table))
    observer.progress(Progress(Phase.READ, "Account", rows=2, done=True))
    observer.progress(Progress(Phase.READ, "Paper", done=True))
    observer.flush()
    page = told(client, "/runs/backup-x/")
    assert "2 of 3 tables read" in page
    assert '<progress max="3" value="2"' in page
    tables = page[page.index('id="tables"') :]
    assert "Account" in tables
    assert "Paper" not in tables, "nothing was read of it"
    piece = client.get("/runs/backup-x/", headers=HTMX).content.decode()
    assert "60 % of the tables read" in piece
    home = told(client, "/")
    assert "2 of 3 tables read" in home
    assert '<progress max="3" value="2"' in home


def test_progress_is_shown_until_the_end(shop: Shop, client: Client) -> None:
    run = restoring(client)
    page = told(client, f"/runs/{run}/")
    assert "0 of 4 records written" in page
    assert '<progress max="4" value="0"' in page
    assert "Refresh" in page
    piece = client.get(f"/runs/{run}/", headers=HTMX)
    assert piece.status_code == 200
    assert "innerHTML:#live" in piece.content.decode(), "it is read aloud"
    serve(shop, run)
    end = client.get(f"/runs/{run}/", headers=HTMX)
    assert end.status_code == 286
    assert "Result" in end.content.decode()
    assert "every 2s" not in end.content.decode()
    assert "innerHTML:#live" not in told(client, f"/runs/{run}/")


def test_it_is_paused_and_goes_on(shop: Shop, client: Client) -> None:
    run = restoring(client)
    paused = client.post(f"/runs/{run}/pause/", follow=True).content.decode()
    assert "Nothing is lost" in paused
    assert 'id="resume">Resume' in paused
    assert "Pause" not in paused
    serve(shop, run)
    assert shop.live("Contact") == {}
    again = client.post(f"/runs/{run}/resume/", follow=True).content.decode()
    assert "Pause" in again
    assert serve(shop, run) is RunState.DONE
    over = told(client, f"/runs/{run}/")
    assert "Pause" not in over
    assert 'id="resume">Resume' not in over


def test_it_is_cancelled(shop: Shop, client: Client) -> None:
    run = restoring(client)
    page = client.post(f"/runs/{run}/cancel/", follow=True).content.decode()
    assert "given up" in page
    assert "Pause" not in page
    known = find_run(run)
    assert known is not None
    assert known.state is RunState.ABANDONED
    assert client.post(f"/runs/{run}/cancel/").status_code == 409


def test_one_that_waits_for_an_allowance_can_be_let_go_on(shop: Shop, client: Client) -> None:
    run = restoring(client)
    shop.writer.faults.plant("write", LimitReached("full", "The storage is full."), table="Contact")
    assert serve(shop, run) is RunState.PARKED
    page = told(client, f"/runs/{run}/")
    assert "The storage is full." in page
    assert 'id="resume">Resume' in page
    client.post(f"/runs/{run}/resume/")
    assert serve(shop, run) is RunState.DONE


def test_what_cannot_be_done_with_a_job_is_refused(
    shop: Shop, client: Client, sign_in: SignIn
) -> None:
    run = restoring(client)
    assert client.post(f"/runs/{run}/explode/").status_code == 404
    assert client.get(f"/runs/{run}/pause/").status_code == 405
    viewer = sign_in(Role.VIEWER)
    for act in ("pause", "resume", "cancel", "retry"):
        assert viewer.post(f"/runs/{run}/{act}/").status_code == 403
    page = told(viewer, f"/runs/{run}/")
    assert "Pause" not in page
    assert "the plan" not in page
    start_restore(run, now=shop.world.clock.now())
    assert serve(shop, run) is RunState.DONE


def test_after_the_end_each_sees_what_they_may(shop: Shop, client: Client, sign_in: SignIn) -> None:
    run = restoring(client)
    serve(shop, run)
    assert "Schoko Zürich" in told(sign_in(Role.VIEWER), f"/runs/{run}/")
    page = told(sign_in(Role.AUDITOR), f"/runs/{run}/")
    assert "Schoko Zürich" not in page
    assert "Only people who may read records" in page


def test_beside_what_was_wanted_leads_to_a_comparison(shop: Shop, client: Client) -> None:
    run = restoring(client)
    serve(shop, run)
    page = told(client, f"/runs/{run}/")
    assert "/orgs/sales/compare/?a=2&amp;b=live" in page
    assert "ModifiedBy" in page
    assert "the org replaced it" in page


def test_a_backup_tells_its_tables_and_what_it_proved(shop: Shop, client: Client) -> None:
    run = shop.app.vault.at(shop.oid, 2).info.run
    page = told(client, f"/runs/{run}/")
    assert "Backup of sales" in page
    assert "Certificate" in page
    assert "Contact" in page
    assert "every 2s" not in page


def test_nothing_failed_and_is_tried_again(shop: Shop, client: Client) -> None:
    run = restoring(client)
    serve(shop, run)
    answer = client.post(f"/runs/{run}/retry/")
    assert f"No records failed in {run}." in told(client, answer["Location"])


# --- back up now ----------------------------------------------------------------------------------


def test_a_backup_is_asked_for_and_made(served: World, sign_in: SignIn) -> None:
    client = sign_in(Role.OPERATOR)
    assert "Back up sales now" in told(client, "/")
    answer = client.post("/orgs/sales/backup/", follow=True).content.decode()
    assert "is starting…" in answer
    assert "A backup of sales is waiting for its turn." in answer
    (night,) = open_nights()
    do_night(served.app, night.oid, night.name)
    page = told(client, "/runs/", org="sales")
    assert night.run in page
    assert "waiting for" not in page


def test_without_a_service_it_says_so(world: World, sign_in: SignIn) -> None:
    answer = sign_in(Role.OPERATOR).post("/orgs/sales/backup/", follow=True).content.decode()
    assert "The service that runs backups is not running." in answer
    assert "unlost up" in answer
    assert open_nights() == []


def test_who_may_not_operate_gets_no_button(served: World, sign_in: SignIn) -> None:
    viewer = sign_in(Role.VIEWER)
    assert "Back up sales now" not in told(viewer, "/")
    assert viewer.post("/orgs/sales/backup/").status_code == 403
    assert viewer.get("/orgs/sales/backup/").status_code == 405
    assert viewer.post("/orgs/nowhere/backup/").status_code == 404
    assert open_nights() == []


@pytest.mark.parametrize("state", ["waiting", "done"])
def test_the_pages_ask_the_database_little(shop: Shop, client: Client, state: str) -> None:
    run = restoring(client)
    if state == "done":
        serve(shop, run)
    noted = 2 if state == "done" else 0  # records are told then, which the audit notes
    for place in ("/runs/", f"/runs/{run}/"):
        found = queries(client, place)
        assert len(found) <= MOST_QUERIES + noted, found


def test_a_backup_that_failed_was_waiting_for_the_service_in_utc(
    served: World, sign_in: SignIn
) -> None:
    Org.objects.update(zone="Europe/Brussels")
    client, oid = sign_in(Role.OPERATOR), get_org("sales").oid
    night = add_night(oid, "2026-03-02T01:00", at=served.clock.now())
    assert start_try(oid, night.name) is not None
    again = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    why = Message("memory-sign-in", "The password is wrong.")
    end = NightEnd(NightState.WAITING, served.clock.now(), failed=True, next_at=again, error=why)
    end_try(oid, night.name, end, number=1)
    page = told(client, "/runs/")
    assert "A backup of sales is waiting for its next attempt:" in page
    assert ">2026-03-02 04:30</time>" in page, "in the zone of the org"
    assert "The password is wrong." in page
    assert hold_night(night.run, why=why)
    assert "A backup of sales is paused." in told(client, "/runs/")


def test_without_a_service_a_backup_waits_for_it(world: World, sign_in: SignIn) -> None:
    add_night(get_org("sales").oid, "2026-03-02T01:00", at=world.clock.now())
    page = told(sign_in(Role.OPERATOR), "/runs/")
    assert "is waiting for the service, which is not running." in page

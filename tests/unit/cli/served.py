"""A console without a socket, and a service that works while commands wait for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx
import pytest
from django.test import Client

from homes import World
from unlost.app.actions.backups.night import do_night
from unlost.app.actions.people.people import add
from unlost.app.actions.people.tokens import make
from unlost.app.actions.restores.queued_restore import do_restore, restore_jobs
from unlost.app.home.home import read_home_key
from unlost.catalog.runs.nights import open_nights
from unlost.jobs.slots import take_slot
from unlost.model.access import SERVICE, Role
from unlost.model.runs.night import NightState
from unlost.web.serving import ReachedAddress, holding, set_up

URL = "https://unlost.acme.example"


class ByClient(httpx.BaseTransport):
    """Answers as the console does, without a socket."""

    def __init__(self) -> None:
        self.client = Client(SERVER_NAME="localhost")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.client.generic(
            request.method,
            request.url.raw_path.decode(),
            data=request.read(),
            content_type=request.headers.get("Content-Type", ""),
            headers={"Authorization": request.headers["Authorization"]},
        )
        content = b"".join(answer) if answer.streaming else answer.content
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


class WorkingClock:
    """The clock of who waits: meanwhile a service does what it was asked for (port ``Clock``)."""

    def __init__(self, world: World, *, work: Callable[[], None] | None = None) -> None:
        self.world, self.work, self.slept = world, work or self.serve, 0

    def now(self) -> datetime:
        return self.world.clock.now()

    def monotonic(self) -> float:
        return self.world.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.world.clock.advance(seconds=seconds)
        self.work()

    def serve(self) -> None:
        """Nights and restores whose turn has come."""
        app = self.world.app.acting(SERVICE)
        for night in open_nights():
            if night.state is NightState.WAITING:
                do_night(app, night.oid, night.name)
        for job in restore_jobs(app):
            do_restore(app, job.subject)


@contextmanager
def from_afar(
    world: World, monkeypatch: pytest.MonkeyPatch, *, role: Role = Role.ADMIN
) -> Iterator[WorkingClock]:
    """Commands go to the served home, with a token of somebody with this role."""
    owner = f"lena-{role.value}"
    add(world.app, owner, role=role)
    token = make(world.app, "terminal", role=Role.ADMIN, owner=owner).text
    set_up(read_home_key(world.app.home), ReachedAddress())
    monkeypatch.delenv("UNLOST_HOME", raising=False)
    monkeypatch.setenv("UNLOST_URL", URL)
    monkeypatch.setenv("UNLOST_TOKEN", token)
    real, clock = httpx.Client, WorkingClock(world)

    def without_socket(**options: object) -> httpx.Client:
        return real(transport=ByClient(), **options)  # type: ignore[arg-type]

    monkeypatch.setattr("unlost.cli.remote.httpx.Client", without_socket)
    monkeypatch.setattr("unlost.cli.remote.SystemClock", lambda: clock)
    with holding(world.app):
        yield clock


@contextmanager
def service(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service holds its slot; what it is asked for waits until somebody sleeps."""
    for module in ("runs.ask_backup", "restores.queued_restore"):
        monkeypatch.setattr(
            f"unlost.app.actions.{module}.enqueue_from_outside", lambda _place, _job: None
        )
    slot = take_slot(world.app.locks, alone=not world.home.database)
    try:
        yield
    finally:
        slot.lock.release()

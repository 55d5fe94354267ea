"""A shop whose records are lost between two nights, seen through the console."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from homes import World
from scenes import Lead, reached, with_a_night
from unit.app.shop import WRITER, Shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.catalog.orgs.orgs import find_org
from unlost.catalog.runs.runs import RunState
from unlost.web.parts import background
from unlost.web.served_home import serving

MOST_QUERIES = 12
OF_SIGN_IN = ("django_session", "usersessions_", "catalog_user", "BEGIN", "COMMIT", "SAVEPOINT")


def queries(client: Client, place: str) -> list[str]:
    """What a page asks the database, beside finding out who signed in."""
    client.get(place)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(place).status_code == 200
    told = [str(one["sql"]) for one in asked.captured_queries]
    return [sql for sql in told if not any(part in sql for part in OF_SIGN_IN)]


def live(world: World) -> None:
    """Add an org named "sales", and back it up; in a home of a server that was done before."""
    if find_org("sales") is None:
        reached(world, with_a_night)


def lost_shop(world: World) -> Shop:
    """A customer with two contacts and a file, lost for ever; the second last night has them all."""
    return reached(world, _lost)


def _lost(world: World) -> Shop:
    live(world)
    shop = Shop(world)
    set_writer(world.app, WRITER)
    shop.lose()
    shop.night()
    return shop


@contextmanager
def goes_on(world: World, lead: Lead) -> Iterator[Any]:
    """Bring a world that is served to where a scene leads; gives what the scene gives."""
    made = lead(world)
    _ = world.app.whole_vault, world.app.locks, world.app.steps
    with serving(world.app):
        yield made


def plan_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are made before the answer, and not in a thread beside."""
    monkeypatch.setattr(background, "begin", lambda work: work())


def serve(shop: Shop, run: str) -> RunState | None:
    """What the service does with a restore that was handed over."""
    return do_restore(shop.app, run)


def choose(client: Client, **asked: object) -> str:
    """Choose what to bring back; the address of the plan."""
    answer = client.post("/orgs/sales/restores/", asked)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def start(client: Client, plan: str, **asked: object) -> str:
    """Run a plan; the name of its run."""
    answer = client.post(f"{plan}run/", asked)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"]).strip("/").rpartition("/")[2]

from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import World, fill
from scenes import Lead, scene, with_sales
from unit.app.archive_service import Service, filled
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.restores import queued_restore

NIGHTS = 10


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A home without orgs; the org at address "one" is ready to be added."""
    made = World(tmp_path / "home")
    fill(made.org)
    yield made
    made.close()


with_org = scene(with_sales)


@pytest.fixture
def sales(with_org: Lead, world: World) -> World:
    """The same as ``world``, with that org added under the name "sales"."""
    with_org(world)
    return world


def live(world: World) -> None:
    """Ten nights. A40017 changes in each, A40018 is lost in the fifth, "short" lives for one night."""
    with_sales(world)
    for number in range(1, NIGHTS + 1):
        _day(world, number)
        backup(world.app, "sales")


def _day(world: World, number: int) -> None:
    world.clock.advance(days=1)
    world.org.update("Account", "A40017", {"Phone": f"+41 {number}"})
    world.org.update("User", "U1", {"Name": f"Ada {number}"})
    if number == 3:
        world.org.create("User", {"Name": "Short"}, record="SHORT")
    if number == 4:
        world.org.delete("User", "SHORT")
    if number == 5:
        world.org.delete("Account", "A40018")


lived_year = scene(live)


@pytest.fixture
def year(lived_year: Lead, world: World) -> World:
    """A home with the ten nights of ``live``."""
    lived_year(world)
    return world


living = scene(filled)


@pytest.fixture
def service(world: World, living: Lead, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service that archives by saved policies after nightly backups."""
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)
    living(world)
    return Service(world)

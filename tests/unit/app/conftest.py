from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import SECRET, SERVERS, World, fill
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.home.database import disconnect

NIGHTS = 10


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A home without orgs; the org at address "one" is ready to be added."""
    made = World(tmp_path / "home")
    fill(made.org)
    yield made
    made.close()


@pytest.fixture
def sales(world: World) -> World:
    """The same, with that org added under the name "sales"."""
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    return world


@pytest.fixture(scope="session")
def lived_year(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The ten nights of ``year``, once for all tests."""
    made = World(tmp_path_factory.mktemp("year") / "home")
    fill(made.org)
    live(made)
    made.close()
    disconnect()
    return made


@pytest.fixture
def year(lived_year: World, world: World) -> World:
    """Ten nights. A40017 changes in each, A40018 is lost in the fifth, "short" lives for one night."""
    if SERVERS:  # a database of a server is not copied in an instant
        live(world)
    else:
        world.continue_from(lived_year)
    return world


def live(world: World) -> None:
    """Add the org and let the ten nights pass."""
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
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

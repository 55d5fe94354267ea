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


@pytest.fixture(scope="session")
def with_org(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A home with that org under the name "sales", to be copied."""
    made = World(tmp_path_factory.mktemp("org") / "home")
    fill(made.org)
    _add(made)
    made.close()
    disconnect()
    return made


@pytest.fixture
def sales(with_org: World, world: World) -> World:
    """The same as ``world``, with that org added under the name "sales"."""
    if SERVERS:  # a database of a server is not copied in an instant
        _add(world)
    else:
        world.continue_from(with_org)
    return world


def _add(world: World) -> None:
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))


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
    if SERVERS:
        live(world)
    else:
        world.continue_from(lived_year)
    return world


def live(world: World) -> None:
    """Add the org and let the ten nights pass."""
    _add(world)
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

from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import SECRET, World, fill
from unlost.app.actions.backup import backup
from unlost.app.actions.orgs import NewOrg, add_org

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


@pytest.fixture
def year(world: World) -> World:
    """Ten nights. A40017 changes in each, A40018 is lost in the fifth, "short" lives for one night."""
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    for number in range(1, NIGHTS + 1):
        _day(world, number)
        backup(world.app, "sales")
    return world


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

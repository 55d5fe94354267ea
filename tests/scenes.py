"""Scenes: what a home has come to after some nights. Each is lived once and copied for its tests."""

from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, cast

import pytest

from diskhome import put_on_disk
from homes import SECRET, SERVERS, World, fill
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.home.database import disconnect

type Lead = Callable[[World], Any]

_LIVED: dict[object, tuple[World, object]] = {}


def scene(live: Callable[[World], object]) -> Any:
    """A fixture: a function that brings a new world to where ``live`` leads, and gives what it gives.

    ``live`` runs before any fixture of a test, once a session, for all modules that name it; with
    homes in a server, which are not copied in an instant, for each test.
    """

    @pytest.fixture(scope="session")
    def lived(tmp_path_factory: pytest.TempPathFactory) -> Callable[[World], object]:
        if SERVERS:
            return live
        earlier, given = _lived(live, tmp_path_factory.mktemp("scene"))
        return lambda world: world.continue_from(earlier, given)

    return lived


def reached[T](world: World, live: Callable[[World], T]) -> T:
    """Bring a new, filled world to where ``live`` leads, for scenes that begin alike.

    They share one life, as the tests of a scene do.
    """
    if SERVERS:
        return live(world)
    earlier, given = _lived(live, Path(mkdtemp(prefix="unlost-test-")))
    return world.continue_from(earlier, cast("T", given))


def _lived(live: Callable[[World], object], folder: Path) -> tuple[World, object]:
    """The world in which ``live`` led, in a new folder unless it did so before, and what it gave."""
    if live not in _LIVED:
        made = World(folder / "home")
        fill(made.org)
        given = live(made)
        made.close()
        disconnect()
        _LIVED[live] = made, given
    return _LIVED[live]


def with_sales(world: World) -> None:
    """The org at address "one" is added under the name "sales"."""
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))


def with_a_night(world: World) -> None:
    """That org, and one backup of it."""
    with_sales(world)
    backup(world.app, "sales")


def with_a_night_on_disk(world: World) -> None:
    """The same, in a vault that lies on the disk."""
    put_on_disk(world)
    with_a_night(world)

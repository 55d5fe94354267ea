from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import SECRET, World, fill
from unlost.app.actions.orgs import NewOrg, add_org


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

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from homes import SECRET, SERVERS, World, fill
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.people.people import add
from unlost.app.home.database import disconnect
from unlost.app.home.home import read_home_key
from unlost.model.access import Role
from unlost.web.serving import ReachedAddress, holding, set_up

BACKEND = "django.contrib.auth.backends.ModelBackend"

type SignIn = Callable[..., Client]


def live(world: World) -> None:
    """Add an org named "sales", and back it up."""
    fill(world.org)
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    backup(world.app, "sales")


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A home with an org that has a backup, to be copied."""
    made = World(tmp_path_factory.mktemp("lived") / "home")
    live(made)
    made.close()
    disconnect()
    return made


@contextmanager
def served_home(place: Path, lived: World) -> Iterator[World]:
    """A copy of that home, served to test clients."""
    made = World(place)
    if SERVERS:  # a database of a server is not copied in an instant
        live(made)
    else:
        made.continue_from(lived)
    set_up(read_home_key(made.app.home), ReachedAddress())
    with holding(made.app):
        yield made
    made.close()


@pytest.fixture
def world(lived: World, tmp_path: Path) -> Iterator[World]:
    """Such a home for one test."""
    with served_home(tmp_path / "home", lived) as made:
        yield made


@pytest.fixture
def sign_in(world: World) -> SignIn:
    """A client that is signed in as somebody with this role, in one org or in all."""

    def signed(role: Role = Role.ADMIN, *, org: str | None = None) -> Client:
        name = f"{role.value}-{org or 'all'}"
        person = add(world.app, name, role=role, org=org)
        client = Client(SERVER_NAME="localhost")
        client.force_login(get_user_model().objects.get(pk=person.user), backend=BACKEND)
        return client

    return signed

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth import get_user_model
from django.test import Client

from homes import World, fill
from scenes import Lead, scene
from unit.app.shop import Shop
from unit.web.losses import goes_on, live, lost_shop
from unlost.app.home.home import read_home_key
from unlost.catalog.people.people import add_person, set_role
from unlost.model.access import Role
from unlost.web.serving import ReachedAddress, holding, set_up

# where allauth keeps how and when a person signed in
METHODS, METHODS_OF = (
    AUTHENTICATION_METHODS_SESSION_KEY,
    f"{AUTHENTICATION_METHODS_SESSION_KEY}_user",
)
BACKEND = "django.contrib.auth.backends.ModelBackend"

type SignIn = Callable[..., Client]


lived = scene(live)
after_loss = scene(lost_shop)


def signed_in_just_now(client: Client, user: int, *, ago: float = 0.0) -> None:
    """The session knows when its person signed in, as after a form; ``ago`` in seconds."""
    session = client.session
    session[METHODS] = [{"method": "password", "at": time.time() - ago}]
    session[METHODS_OF] = str(user)
    session.save()


@contextmanager
def served_home(place: Path, lived: Lead) -> Iterator[World]:
    """A home with an org that has a backup, served to test clients."""
    made = World(place)
    fill(made.org)
    lived(made)
    set_up(read_home_key(made.app.home), ReachedAddress())
    with holding(made.app):
        yield made
    made.close()


@pytest.fixture
def world(lived: Lead, tmp_path: Path) -> Iterator[World]:
    """Such a home for one test."""
    with served_home(tmp_path / "home", lived) as made:
        yield made


@pytest.fixture
def sign_in(world: World) -> SignIn:
    """A client that is signed in as somebody with this role, in one org or in all."""

    def signed(role: Role = Role.ADMIN, *, org: str | None = None) -> Client:
        name = f"{role.value}-{org or 'all'}"
        # The action would also copy the home into the vault, once for each of hundreds of tests.
        add_person(name, at=world.app.clock.now())
        person = set_role(name, role, org=org)
        client = Client(SERVER_NAME="localhost")
        client.force_login(get_user_model().objects.get(pk=person.user), backend=BACKEND)
        signed_in_just_now(client, person.user)
        return client

    return signed


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Iterator[Shop]:
    """The home is that of a shop which lost a customer, with all that belongs to it."""
    with goes_on(world, after_loss) as made:
        yield made

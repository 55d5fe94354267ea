"""A small instance with three users, two of them without the role admin, and a client of each."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from simulators.servicenow.clients import BASE, PASSWORD, Client
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.servicenow.access.defaults import DEFAULTS
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model.users import ApiUser, OAuthClient
from unlost_simulators.servicenow.scenarios.chocolate.declared import (
    CONTEXT,
    TABLES,
    with_domains,
)
from unlost_simulators.servicenow.scenarios.chocolate.setup import TRANSFORMS
from unlost_simulators.servicenow.simulator import Simulator

START = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)
ADMIN = ApiUser("a" * 32, "admin", PASSWORD, frozenset({"admin"}))
AGENT = ApiUser(
    "b" * 32,
    "agent",
    PASSWORD,
    frozenset({"itil"}),
    zone="Asia/Tokyo",
    contexts=frozenset({CONTEXT}),
)
GUEST = ApiUser("c" * 32, "guest", PASSWORD)
CLIENTS = (OAuthClient("client", "not-a-secret", application_user="agent"),)


def make(*, separated: bool = False) -> Instance:
    made = Instance(
        with_domains(TABLES) if separated else TABLES,
        (ADMIN, AGENT, GUEST),
        CLIENTS,
        clock=VirtualClock(START),
        transforms=TRANSFORMS,
    )
    made.settings.domains = separated
    for rule in DEFAULTS:
        made.add_acl(rule)
    return made


@pytest.fixture
def instance() -> Iterator[Instance]:
    made = make()
    yield made
    made.close()


@pytest.fixture
def client(instance: Instance) -> Client:
    return Client(Simulator(instance, base_url=BASE))


@pytest.fixture
def agent(client: Client) -> Client:
    return client.as_("agent")


@pytest.fixture
def guest(client: Client) -> Client:
    return client.as_("guest")


@pytest.fixture
def separated() -> Iterator[Client]:
    made = make(separated=True)
    yield Client(Simulator(made, base_url=BASE))
    made.close()


@pytest.fixture
def incidents(client: Client) -> list[str]:
    """The sys_ids of five incidents, in the order of their priorities 1 to 5."""
    return [
        client.create("incident", short_description=f"Incident {n}", priority=str(n))["sys_id"]
        for n in range(1, 6)
    ]

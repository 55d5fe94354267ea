"""The rows of each scenario are pinned: taking the company's facts apart must not change one."""

from __future__ import annotations

import hashlib

import pytest

from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.scenarios.chocolate.objects import OBJECTS
from unlost_simulators.salesforce.scenarios.chocolate.users import USERS

PINS = {
    ("chocolate", 1, 1): "d62685d636ce48b465f966111838322949f2bee1396ebaeed0e102f4b4af9518",
    ("chocolate", 3, 7): "a591a48e67386667bbf65a1d6967b0d82a6b29071486bfd466ce231987c6ca2d",
    ("bench-contacts", 1, 7): "b0da74eb09ddf319a4439841a442cbffda6efd5870882dda9f284785abd00ae9",
    ("bench-mails:50", 1, 7): "1d545fe34c06cfe9d00d393f6a63dc3fee0c65d1b4f7e8ae918a35b1794d8114",
    ("bench-graph", 1, 7): "5ee66046061fadaf34153ed968cd6d231645033e3b315b8853ada4128bb669af",
}
OBJECTS_PIN = "4f5b0ba232775334b2d751761e8c8f27499f63d9ee4924d9311d5463ce116bd8"
USERS_PIN = "f09cdb68b99d8824e52358f1dcda2b19f9561f4327d27c272adfb033504796dc"


def dump_hash(name: str, *, scale: int, seed: int) -> str:
    """The SHA-256 of all rows in the order in which they load, with their columns and types."""
    whole = hashlib.sha256()
    for object_name, table in scenario(name).tables(scale=scale, seed=seed):
        columns = [(column.name, str(column.type)) for column in table.schema]
        whole.update(repr((object_name, columns, table.to_pydict())).encode())
    return whole.hexdigest()


@pytest.mark.parametrize(("name", "scale", "seed"), PINS)
def test_the_dump_is_the_pinned_one(name: str, scale: int, seed: int) -> None:
    assert dump_hash(name, scale=scale, seed=seed) == PINS[name, scale, seed]


def test_objects_and_users_are_the_pinned_ones() -> None:
    users = [
        (user.id, user.username, user.name, user.email, user.active, user.profile_id,
         sorted(user.permissions), sorted(user.hidden_fields), sorted(user.group_ids),
         user.consumer_key, user.consumer_secret)
        for user in USERS
    ]  # fmt: skip
    assert hashlib.sha256(repr(OBJECTS).encode()).hexdigest() == OBJECTS_PIN
    assert hashlib.sha256(repr(users).encode()).hexdigest() == USERS_PIN

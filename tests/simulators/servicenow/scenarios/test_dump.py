"""The rows of the chocolate maker's instance are pinned."""

import hashlib

import pytest

from unlost_simulators.servicenow.scenarios import scenario, scenario_names

PINS = {
    ("chocolate", 1, 1): "41c0975e80e7f89a06a90c7bb86caea7db784d8e41ae77fa58317a0f4ca75664",
    ("chocolate", 3, 7): "6ed05a818f4931434dd6dfd709cbec42aced614900109e6de42833345d81f41a",
    ("chocolate:domains", 1, 1): "cf271243c6a0f3e18c0790ad7c8f5b106dd0d8711f2722b87fbf20043d541643",
}
TABLES_PIN = "eb01a2db64794955e4aaab5948d794358f0ad45bb419ba7b4a8c9512aa60009a"


def dump_hash(name: str, *, scale: int, seed: int) -> str:
    """The SHA-256 of all rows in the order in which they load, with their columns and types."""
    whole = hashlib.sha256()
    for table_name, table in scenario(name).tables(scale=scale, seed=seed):
        columns = [(column.name, str(column.type)) for column in table.schema]
        whole.update(repr((table_name, columns, table.to_pydict())).encode())
    return whole.hexdigest()


@pytest.mark.parametrize(("name", "scale", "seed"), PINS)
def test_the_dump_is_the_pinned_one(name: str, scale: int, seed: int) -> None:
    assert dump_hash(name, scale=scale, seed=seed) == PINS[name, scale, seed]


def test_the_tables_are_the_pinned_ones() -> None:
    declared = repr(scenario("chocolate").declared())
    assert hashlib.sha256(declared.encode()).hexdigest() == TABLES_PIN


def test_scenarios_are_found_by_name() -> None:
    assert scenario_names() == ("chocolate", "bench-incidents", "bench-tables")
    with pytest.raises(ValueError, match="no scenario"):
        scenario("vanilla")
    with pytest.raises(ValueError, match="domains"):
        scenario("chocolate:nuts")

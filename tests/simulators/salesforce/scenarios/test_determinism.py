"""Equal scale and seed give equal rows, in batches of any size; another seed gives others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

import pyarrow as pa
import pytest

from unlost_simulators.company.draws import Rows
from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.scenarios.chocolate.objects import KEYS
from unlost_simulators.salesforce.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.sources import SOURCES, Source
from unlost_simulators.salesforce.scenarios.chocolate.world import World
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import OWNERS

Tables = Mapping[str, pa.Table]


def digest(name: str, *, scale: int, seed: int) -> str:
    found = hashlib.sha256()
    for object_name, table in scenario(name).tables(scale=scale, seed=seed):
        found.update(object_name.encode())
        found.update(repr(table.to_pydict()).encode())
    return found.hexdigest()


@pytest.mark.parametrize("name", ["chocolate", "bench-contacts", "bench-mails:50"])
def test_same_seed_gives_the_same_rows_and_another_seed_does_not(name: str) -> None:
    first = digest(name, scale=1, seed=7)
    assert digest(name, scale=1, seed=7) == first
    assert digest(name, scale=1, seed=8) != first


def test_written_out_rows_are_the_same_at_every_seed_and_scale() -> None:
    def fixed(scale: int, seed: int) -> Tables:
        bare = replace(ChocolateScenario(), sources=())
        return dict(bare.tables(scale=scale, seed=seed))

    assert fixed(1, 1) == fixed(9, 5)


@pytest.mark.parametrize("source", SOURCES, ids=lambda one: f"{one.label}-{one.object}")
def test_a_batch_gives_the_rows_that_the_whole_run_gives(source: Source) -> None:
    world = World(3, ChocolateSizes(), KEYS, OWNERS)
    count = source.count(world.sizes)
    whole = pa.table(source.rows(world, Rows.run(3, source.label, first=0, count=count)))
    middle = Rows.run(3, source.label, first=count // 3, count=count // 2)
    assert pa.table(source.rows(world, middle)).equals(whole.slice(count // 3, count // 2))


def test_ids_of_generated_rows_depend_on_their_number_alone(rows_of: Callable[..., Tables]) -> None:
    one, other = rows_of(scale=1, seed=1), rows_of(scale=2, seed=9)
    assert set(one["Case"]["Id"].to_pylist()) < set(other["Case"]["Id"].to_pylist())


def test_draws_are_spread_evenly() -> None:
    rows = Rows.run(1, "Spread", first=0, count=100_000)
    drawn = rows.below("x", 10)
    counts = [int((drawn == one).sum()) for one in range(10)]
    assert min(counts) > 9_600
    assert max(counts) < 10_400
    assert 4_800 < int(rows.chance("y", 5).sum()) < 5_200
    weighted = rows.weighted("z", (1, 3))
    assert 24_000 < int((weighted == 0).sum()) < 26_000

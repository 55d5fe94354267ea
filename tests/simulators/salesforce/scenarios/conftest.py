"""The rows of scenarios, collected as they would be loaded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pyarrow as pa
import pytest

from unlost_simulators.salesforce.scenarios import scenario

type Tables = dict[str, pa.Table]


@cache
def collected(name: str, scale: int, seed: int) -> Tables:
    """All rows by object; a column that one batch lacks is null in its rows."""
    found: dict[str, list[pa.Table]] = {}
    for object_name, table in scenario(name).tables(scale=scale, seed=seed):
        found.setdefault(object_name, []).append(table)
    return {
        one: pa.concat_tables(parts, promote_options="permissive") for one, parts in found.items()
    }


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., Tables]:
    """Give rows_of(name="chocolate", scale=1, seed=1)."""

    def get(name: str = "chocolate", *, scale: int = 1, seed: int = 1) -> Tables:
        return collected(name, scale, seed)

    return get


@pytest.fixture(scope="session")
def chocolate(rows_of: Callable[..., Tables]) -> Tables:
    return rows_of()

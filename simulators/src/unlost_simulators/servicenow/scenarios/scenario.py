"""Scenarios: the tables, the users and the rows of one fictitious instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from unlost_simulators.kit.moving import moved
from unlost_simulators.servicenow.access.acls import Acl
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model.columns import TableDef
from unlost_simulators.servicenow.model.platform import ATTACHMENT
from unlost_simulators.servicenow.model.transforms import TransformMap
from unlost_simulators.servicenow.model.users import ApiUser, OAuthClient
from unlost_simulators.servicenow.simulator import Act

RECIPE = "recipe"
"""The column of attachments that makes their bytes; it is no column of the instance."""


class Scenario(Protocol):
    """A made-up instance, found by its name in the registry."""

    @property
    def name(self) -> str:
        """The name by which ``--scenario`` asks for it."""

    @property
    def opening(self) -> datetime:
        """The time for which the rows are written; no row is younger."""

    def switches(self) -> Mapping[str, object]:
        """Switches of the instance that are on from the start."""

    def declared(self) -> Sequence[TableDef]:
        """All tables, ancestors first."""

    def users(self) -> Sequence[ApiUser]:
        """Users who may call the API."""

    def clients(self) -> Sequence[OAuthClient]:
        """OAuth clients."""

    def acls(self) -> Sequence[Acl]:
        """ACLs beside those that every instance has."""

    def transforms(self) -> Sequence[TransformMap]:
        """Transform maps of staging tables."""

    def acts(self) -> Mapping[str, Act]:
        """Acts that can be requested, by name; the admin API plays them."""

    def tables(self, *, scale: int, seed: int) -> Iterator[tuple[str, pa.Table]]:
        """(class, rows) in batches of bounded memory; equal for equal scale and seed."""


def load(scenario: Scenario, instance: Instance, *, opens: datetime, scale: int, seed: int) -> None:
    """Load all rows of a scenario into an instance that opens at ``opens``."""
    with instance.store.database.writing():
        for name, rows in scenario.tables(scale=scale, seed=seed):
            table = moved(rows, scenario.opening, opens)
            if name == ATTACHMENT and RECIPE in table.column_names:
                ids, recipes = table["sys_id"].to_pylist(), table[RECIPE].to_pylist()
                instance.store.load_recipes(dict(zip(ids, recipes, strict=True)))
                table = table.drop_columns([RECIPE])
            instance.store.load(name, table)

"""Scenarios: the objects, the users and the rows of one fictitious org."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.model.users import SimUser

if TYPE_CHECKING:
    from unlost_simulators.salesforce.org import Org

type Act = Callable[[Org], Mapping[str, Any]]
"""Something that people do in the org; says what it changed."""


class RowStore(Protocol):
    """Takes the rows of one object after the other; the store of an org does."""

    def load(self, object_name: str, table: pa.Table) -> object:
        """Append rows; the Arrow types are listed in `schema`."""


class LoadableOrg(Protocol):
    """An org to load into."""

    @property
    def store(self) -> RowStore:
        """Destination of rows."""


class Scenario(Protocol):
    """A made-up org, found by its name in the registry."""

    @property
    def name(self) -> str:
        """The name by which `--scenario` asks for it."""

    @property
    def org_id(self) -> str:
        """The id of the org (18 characters)."""

    @property
    def opening(self) -> datetime:
        """The time for which the rows are written; no row is younger.

        An org may open at another time: ``moving`` moves the rows along.
        """

    def settings(self) -> OrgSettings:
        """The org's name and allocations."""

    def objects(self) -> Sequence[ObjectDef]:
        """All objects, including objects that refuse to be queried."""

    def users(self) -> Sequence[SimUser]:
        """Users who may call the API."""

    def acts(self) -> Mapping[str, Act]:
        """Acts that can be requested, by name; the admin API plays them."""

    def tables(self, *, scale: int, seed: int) -> Iterator[tuple[str, pa.Table]]:
        """(object name, rows) in batches of bounded memory; equal for equal scale and seed."""

    def load(self, org: LoadableOrg, *, scale: int, seed: int) -> None:
        """Load all rows into an org that has this scenario's objects and users."""

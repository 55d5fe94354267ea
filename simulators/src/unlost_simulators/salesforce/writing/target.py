"""The org as writes see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from unlost_simulators.salesforce.limits import Limits
from unlost_simulators.salesforce.model.schema import ObjectDef, Schema
from unlost_simulators.salesforce.model.users import SimUser, Users
from unlost_simulators.salesforce.store.store import Store
from unlost_simulators.salesforce.writing.mishaps import Mishaps
from unlost_simulators.salesforce.writing.request import Row, RowResult, Verb, WriteOptions
from unlost_simulators.salesforce.writing.rules import Planted


class TargetOrg(Protocol):
    """An org that rows are written to: what checks and effects read of it."""

    store: Store
    users: Users
    figures: Limits
    planted: Planted
    mishaps: Mishaps
    id18: str

    @property
    def schema(self) -> Schema:
        """The objects at this moment."""
        ...

    def object(self, user: SimUser, name: str) -> ObjectDef:
        """The object of that name in any case; raises NOT_FOUND when the user does not see it."""
        ...

    def write(
        self,
        user: SimUser,
        verb: Verb,
        name: str,
        rows: Sequence[Row],
        options: WriteOptions | None = None,
    ) -> list[RowResult]:
        """Carry out a write of one object; one result a row, in the same order."""
        ...

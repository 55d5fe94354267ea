"""Side effects by object: automatic changes of the platform before and after a write.

A module of effects defines classes derived from ``Effects`` and lists them in ``registry``. The
module ``execution`` calls them with all rows of one request together, inside the transaction of
the write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.request import RowResult, Verb, WriteOptions
from unlost_simulators.salesforce.writing.target import TargetOrg


class WriteContext(Protocol):
    """The abilities of an effect. It sees the writes of the open transaction so far."""

    @property
    def org(self) -> TargetOrg:
        """The org."""
        ...

    @property
    def user(self) -> SimUser:
        """The user who writes."""
        ...

    @property
    def of(self) -> ObjectDef:
        """The object that is written."""
        ...

    @property
    def verb(self) -> Verb:
        """The operation of the request."""
        ...

    @property
    def options(self) -> WriteOptions:
        """The options of the request."""
        ...

    @property
    def stamp(self) -> datetime:
        """Naive UTC: the time that the rows are stamped with."""
        ...

    @property
    def by_platform(self) -> bool:
        """True if the platform itself writes: an effect of another write."""
        ...

    def select(
        self, name: str, fields: Sequence[str], where: str, values: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Live rows of an object.

        ``where`` is a SQL condition over the columns (double-quoted); in it ``{values}`` stands
        for the list of ``values``: ``'"Id" IN {values}'``. An object that the org lacks has no
        rows.
        """
        ...

    def create(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[RowResult]:
        """Insert rows in the name of the platform: read-only fields may be given."""
        ...

    def update(self, name: str, changes: Mapping[str, Mapping[str, Any]]) -> list[RowResult]:
        """Change rows by id in the name of the platform."""
        ...

    def amend(self, name: str, changes: Mapping[str, Mapping[str, Any]]) -> list[RowResult]:
        """Change rows by id as part of the save itself: who changed them last, and when, stays."""
        ...

    def delete(self, name: str, record_ids: Sequence[str]) -> list[RowResult]:
        """Delete rows in the name of the platform."""
        ...


class Effects:
    """Does nothing; derive from it and override what an object needs.

    ``rows`` are sound drafts. ``before_*`` may change ``cells`` or refuse a row (``Draft.fail``);
    ``after_*`` run when the rows are written (``Draft.id`` is set) and may still refuse one,
    which takes it back.
    """

    reads: tuple[str, ...] = ()
    """Fields that ``Draft.before`` shall hold, besides those that the rows set."""
    extras: Mapping[str, str] = MappingProxyType({})
    """Members of rows that are no fields (``ToIds``), by name in lower case: they become
    ``Draft.extras``."""

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """New rows, before they are checked against the org."""

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """New rows, written."""

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Changed rows, before they are checked against the org."""

    def after_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Changed rows, written."""

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Rows to be deleted; ``before`` holds them."""

    def after_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Rows that are deleted."""

    def after_undelete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Rows that are back."""

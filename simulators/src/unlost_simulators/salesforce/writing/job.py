"""One request under way: who writes what, and what effects may ask of the org."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.store import database, tables
from unlost_simulators.salesforce.store.store import Store
from unlost_simulators.salesforce.store.writes import Author, live
from unlost_simulators.salesforce.writing.mishaps import WriteSubject
from unlost_simulators.salesforce.writing.request import Row, RowResult, Verb, WriteOptions
from unlost_simulators.salesforce.writing.target import TargetOrg

_LAST_CHANGE = ("LastModifiedDate", "LastModifiedById")


class Authority(StrEnum):
    """In whose name rows are written."""

    USER = "user"
    PLATFORM = "platform"
    """Rights and read-only fields do not count, values come as the store keeps them."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request for one object; it is the ``WriteContext`` that effects see."""

    org: TargetOrg
    user: SimUser
    of: ObjectDef
    verb: Verb
    options: WriteOptions
    author: Author
    carry_out: Callable[[Job, Sequence[Row]], list[RowResult]]
    """Carries out a further job inside this one's transaction."""
    authority: Authority = Authority.USER

    @property
    def store(self) -> Store:
        """The org's rows."""
        return self.org.store

    @property
    def subject(self) -> WriteSubject:
        """The write as mishaps look at it."""
        return WriteSubject(self.of.name, self.verb, self.options.channel)

    @property
    def stamp(self) -> datetime:
        """Naive UTC: the time that the rows are stamped with."""
        return self.author.stamp

    @property
    def by_platform(self) -> bool:
        """True if the platform writes and not a user."""
        return self.authority is Authority.PLATFORM

    def select(
        self, name: str, fields: Sequence[str], where: str, values: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Live rows of an object; see ``effects.WriteContext``."""
        of = self.store.schema.get(name)
        if of is None:
            return []
        cursor = self.store.cursor()
        columns = ", ".join(f"t.{tables.name(field)}" for field in fields)
        with database.listing(cursor, sorted(set(values)), tables.text) as listed:
            condition = where.replace("{values}", listed)
            records = cursor.execute(
                f"SELECT {columns} FROM {tables.name(of.name)} t "
                f"WHERE {live(of, 't')} AND ({condition}) ORDER BY t.{tables.ORDER}"
            ).fetchall()
        return [dict(zip(fields, row, strict=True)) for row in records]

    def create(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[RowResult]:
        """Insert rows in the name of the platform."""
        return self._write_as_platform(Verb.CREATE, name, rows)

    def update(self, name: str, changes: Mapping[str, Mapping[str, Any]]) -> list[RowResult]:
        """Change rows by id in the name of the platform."""
        return self._write_as_platform(
            Verb.UPDATE, name, [{**row, "Id": key} for key, row in changes.items()]
        )

    def amend(self, name: str, changes: Mapping[str, Mapping[str, Any]]) -> list[RowResult]:
        """Change rows by id as part of the save itself; see ``effects.WriteContext``."""
        of = self.store.schema.get(name)
        stamps = [column for column in _LAST_CHANGE if of is not None and of.field(column)]
        if not stamps:
            return self.update(name, changes)
        stored = self.select(name, ["Id", *stamps], '"Id" IN {values}', [*changes])
        return self.update(name, {row["Id"]: {**row, **changes[row["Id"]]} for row in stored})

    def delete(self, name: str, record_ids: Sequence[str]) -> list[RowResult]:
        """Delete rows in the name of the platform."""
        return self._write_as_platform(
            Verb.DELETE, name, [{"Id": record_id} for record_id in record_ids]
        )

    def _write_as_platform(self, verb: Verb, name: str, rows: Sequence[Row]) -> list[RowResult]:
        of = self.store.schema.get(name)
        if of is None or not rows:
            return []
        options = WriteOptions(channel=self.options.channel)
        job = replace(self, of=of, verb=verb, options=options, authority=Authority.PLATFORM)
        return self.carry_out(job, rows)

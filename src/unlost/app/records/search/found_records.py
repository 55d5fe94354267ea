"""Search hits described for people: labels of tables and columns, deletion, replacement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unlost.app.compose import Application
from unlost.app.records.ids import system_label
from unlost.app.records.record_facts import (
    MergeWinners,
    RecordDeletion,
    RecordNames,
    UserNames,
    deletion_of,
)
from unlost.app.records.record_names import record_names
from unlost.app.records.restored_as import replacements
from unlost.app.records.search.namesakes import distinguishing_values
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.search import SearchResult
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import SearchHit
from unlost.model.written import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unlost.model.ports.vault import Snapshot


@written(restored_as="came_back_as")
@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record that matched by the value of a column; ``gone`` is None while it is alive.

    ``restored_as`` is the record that a restore created for it in its org; empty if none did.
    ``zone`` is the org's, for times. ``exact``: the whole value or the id matches, not only its
    start. ``former``: ``value`` is an earlier one; the record has another by now. ``differs``: its
    values that others of the same name on the page do not have. ``system``: the name of the org's
    connector, with its ``system_label`` for people.
    """

    org: str
    table: str
    table_label: str
    record: str
    name: str
    column: str
    column_label: str
    value: str
    exact: bool
    alive: bool
    gone: RecordDeletion | None
    zone: str
    restored_as: str
    former: bool = False
    differs: str = ""
    system: str = ""
    system_label: str = ""

    @property
    def is_archived(self) -> bool:
        """True if an archive took it out of the org."""
        return self.gone is not None and self.gone.how is Op.ARCHIVED


@dataclass(slots=True)
class HitDescriber:
    """Describes the hits of one org."""

    app: Application
    org: ProtectedOrg
    head: Snapshot
    names: RecordNames = field(init=False)
    people: UserNames = field(init=False)
    winners: MergeWinners = field(init=False)

    def __post_init__(self) -> None:
        self.names = record_names(self.app, self.org, self.head)
        self.people = UserNames(self.head)
        self.winners = MergeWinners(self.head)

    def describe(self, search_result: SearchResult) -> FoundRecord:
        """Return the record of a hit as people see it."""
        hit = search_result.hit
        table = self.head.schema().table(hit.table)
        column = table.column(hit.column) if table else None
        gone = None if hit.alive else self._gone(hit)
        # A hit by its deletion has the id of the user.
        is_user = bool(gone and table and hit.column == table.modified_by_column and gone.by)
        return FoundRecord(
            org=self.org.name,
            table=hit.table,
            table_label=(table.label if table else "") or hit.table,
            record=hit.record,
            name=self._name(hit),
            column=hit.column,
            column_label=(column.label if column else "") or hit.column,
            value=(gone.by_name if gone and is_user else "") or hit.value,
            exact=search_result.exact,
            alive=hit.alive,
            gone=gone,
            zone=self.org.identity.zone,
            restored_as="" if hit.alive else self._replacement(hit),
            former=hit.former,
            system=self.org.identity.connector,
            system_label=system_label(self.app, self.org.identity.connector),
        )

    def distinguished(self, records: Sequence[FoundRecord]) -> Mapping[tuple[str, str], str]:
        """Return the values that distinguish records of the same table and name, by their key."""
        same: dict[tuple[str, str], list[str]] = {}
        for hit in records:
            same.setdefault((hit.table, hit.name), []).append(hit.record)
        texts: dict[tuple[str, str], str] = {}
        for (name, _), ids in same.items():
            table = self.head.schema().table(name)
            if len(ids) > 1 and table is not None:
                values = distinguishing_values(self.head, self.names, table, ids)
                texts |= {(name, record): text for record, text in values.items()}
        return texts

    def _name(self, hit: SearchHit) -> str:
        """Return the name of a hit: a search labels records without a name with their id."""
        if hit.label not in ("", hit.record):
            return hit.label
        return self.names.of([hit.table], [hit.record]).get(hit.record, hit.label)

    def _replacement(self, hit: SearchHit) -> str:
        return replacements(self.app, self.org, hit.table, [hit.record]).get(hit.record, "")

    def _gone(self, hit: SearchHit) -> RecordDeletion | None:
        vault = self.app.vault
        versions = vault.history(self.org.oid, hit.table, hit.record)
        return deletion_of(
            versions, vault.snapshots(self.org.oid), people=self.people, winners=self.winners
        )

"""The judge's own memory of an org: it watches the org itself, and never asks the code under test."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stateful.restore.town import COUNT, LATEST, LINKS, UNSET, Cells, Picture, Seen, Town
from unlost.model.plan import RecordKey

SECOND = 1  # stamps are cut to seconds: what people do in the same second looks alike


@dataclass(frozen=True)
class Gone:
    """A record that is not live: its last values and change, and who deleted it.

    ``latest``: it was the newest edition of its document.
    """

    seen: Seen
    by: str
    modified: datetime
    latest: bool = False


class Ledger:
    """What became of each record that ever lived.

    ``deleted``, ``created``: by run, what its user deleted and created. ``emptied``: by run, the former values of references
    that its deletions emptied. ``unnamed``: by run, those that a trigger's deletions emptied.
    ``triggered``: what a trigger deleted, in the name of that user.
    ``archived``: records that some archive deleted, even if they came back. ``protected``: those on
    hold. ``broken`` names records on hold that were deleted. ``pointed``: by run, what it added to the
    numbers of firms.
    """

    def __init__(self, town: Town) -> None:
        self.town = town
        self.gone: dict[RecordKey, Gone] = {}
        self.deleted: dict[str, set[RecordKey]] = defaultdict(set)
        self.created: dict[str, set[RecordKey]] = defaultdict(set)
        self.emptied: dict[str, dict[RecordKey, Cells]] = defaultdict(lambda: defaultdict(dict))
        self.unnamed: dict[str, dict[RecordKey, Cells]] = defaultdict(lambda: defaultdict(dict))
        self.triggered: set[RecordKey] = set()
        self.archived: set[RecordKey] = set()
        self.protected: set[RecordKey] = set()
        self.broken: set[RecordKey] = set()
        self.pointed: dict[str, Counter[str]] = defaultdict(Counter)
        self.running = ""
        self.is_trigger = False
        org: Any = town.org
        self._create, self._update = org.create, org.update
        self._delete, self._undelete = org.delete, org.undelete
        org.create, org.update = self.create, self.update
        org.delete, org.undelete = self.delete, self.undelete

    # --- questions ---------------------------------------------------------------------------------

    def is_ours(self, user: str) -> bool:
        return bool(user == self.town.writer.user)

    def formers(self, key: RecordKey) -> Cells:
        """The values of a record's references before a run, or a trigger during it, emptied them."""
        emptied = [*self.emptied.values(), *self.unnamed.values()]
        return {column: value for run in emptied for column, value in run.get(key, {}).items()}

    def before(self, run: str, archived: set[RecordKey]) -> Picture:
        """The org as it would be without what a run did."""
        live = dict(self.town.picture())
        # Their copies were verified before a trigger emptied references of theirs.
        lost = {
            key: self._without(run, key, self.gone[key].seen) for key in archived & self.gone.keys()
        }
        return {
            key: Seen({**seen.cells, **self.emptied[run].get(key, {})}, seen.body)
            for key, seen in {**live, **lost}.items()
            if key not in self.created[run]
        }

    def _without(self, run: str, key: RecordKey, seen: Seen) -> Seen:
        """A record as it was before a trigger of a run emptied its references."""
        return Seen({**seen.cells, **self.unnamed[run].get(key, {})}, seen.body)

    # --- the org's own calls -----------------------------------------------------------------------

    def create(self, table: str, cells: Cells, *, by: str = "U1", **more: Any) -> str:
        self._pass_time(by)
        record = str(self._create(table, cells, by=by, **more))
        self.gone.pop(RecordKey(table, record), None)  # it may be back with its id
        if self.running and self.is_ours(by) and not self.is_trigger:
            self.created[self.running].add(RecordKey(table, record))
        return record

    def update(self, table: str, record: str, cells: Cells, *, by: str = "U1", **more: Any) -> None:
        self._pass_time(by)
        key = RecordKey(table, record)
        before = self.town.org.tables[table].records[record].cells
        for column in cells.keys() & LINKS[table].keys():
            for emptied in (*self.emptied.values(), *self.unnamed.values()):
                emptied.get(key, {}).pop(column, None)
            if self.running and self.is_ours(by) and cells[column] is None and before.get(column):
                emptied = self.unnamed if self.is_trigger else self.emptied
                emptied[self.running][key][column] = before[column]
        if self.running and self.is_ours(by) and COUNT in cells:
            added = int(cells[COUNT] or 0) - int(before.get(COUNT) or 0)
            self.pointed[self.running][record] += added
        self._update(table, record, cells, by=by, **more)

    def delete(self, table: str, record: str, *, by: str = "U1") -> None:
        self._pass_time(by)
        key, memory_table = RecordKey(table, record), self.town.org.tables[table]
        cells = memory_table.records[record].cells
        values = {column: value for column, value in cells.items() if column not in UNSET}
        seen = Seen(values, memory_table.files.get(record))
        modified, latest = memory_table.records[record].modified, cells.get(LATEST) == "true"
        self.gone[key] = Gone(seen, by, modified, latest)
        if self.running and self.is_ours(by):
            self.deleted[self.running].add(key)
            self.archived.add(key)
            self.broken |= self._on_hold(key, cells) if not self.is_trigger else set()
        self.triggered.discard(key)
        if self.is_trigger:
            self.triggered.add(key)
        self._delete(table, record, by=by)

    def _on_hold(self, key: RecordKey, cells: Cells) -> set[RecordKey]:
        """The records on hold of which the deletion takes the record itself, or a file."""
        holder = cells.get("Holder") if key.table == "Link" else None
        return {
            other
            for other in self.protected
            if other == key or (other.record == holder and other.table != "Member")
        }

    def undelete(self, table: str, record: str, *, by: str = "U1") -> None:
        self._pass_time(by)
        self.gone.pop(RecordKey(table, record), None)
        self._undelete(table, record, by=by)

    def _pass_time(self, user: str) -> None:
        if not self.is_ours(user):
            self.town.clock.advance(seconds=SECOND)

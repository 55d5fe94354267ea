"""What must be true after each night, judged from the org alone: the engine's words play no part."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from unit.engine.scene import Scene
from unlost.engine.records.history import Event, EventKind, history
from unlost.engine.sameness import canonical
from unlost.model.source.schema import ColumnTrait, WireKind

type Key = tuple[str, str]
type Cells = dict[str, str | None]


@dataclass
class Oracle:
    """Remembers what the reading user saw, night by night."""

    scene: Scene
    seen: dict[Key, Cells] = field(default_factory=dict)
    values: dict[tuple[str, str, str], list[str | None]] = field(default_factory=dict)
    dead: set[Key] = field(default_factory=set)
    hidden: set[Key] = field(default_factory=set)
    rights: str = ""
    rights_of: dict[int, str] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)
    restless: set[tuple[str, str]] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    shared: set[Key] = field(default_factory=set)
    unseen: set[tuple[str, str, str]] = field(default_factory=set)
    glimpsed: dict[Key, list[Cells]] = field(default_factory=dict)

    def night(
        self,
        *,
        failed: frozenset[str],
        unproved: frozenset[str],
        only: frozenset[str] | None = None,
    ) -> None:
        """Check the newest snapshot, then remember what it saw; ``only`` of the tables of an hour.

        What was shared since the last night is seen when all ids are listed: that is the night's.
        """
        org = self.scene.org
        self.rights_of[self.scene.head.info.number] = org.fingerprint
        read = org.tables if only is None else {name: org.tables[name] for name in only}
        if only is None:
            self.shared.clear()
        for name, table in read.items():
            if table.dropped or table.refused or name in failed:
                self.unsettled.add(name)
                self.loose.add(name)
                self._glimpse(name)
                continue
            self._check(name, settled=name not in unproved)
            if name not in unproved:
                self.unsettled.discard(name)
            else:
                self.unsettled.add(name)
        self.rights = org.fingerprint

    def _glimpse(self, name: str) -> None:
        """A read that broke off may have brought any of the rows that were visible."""
        table = self.scene.org.tables[name]
        if table.dropped or table.refused:
            return
        for key, record in self.scene.org.visible(name).items():
            self.glimpsed.setdefault((name, key), []).append(dict(record.cells))

    def _check(self, name: str, *, settled: bool) -> None:
        live = {k: r for k, r in self.scene.org.visible(name).items() if not r.deleted}
        late = {key for owner, key in self.shared if owner == name}
        columns = self._columns(name)
        held = rows_of(self.scene, name, columns)
        live = {key: row for key, row in live.items() if key in held or key not in late}
        dead = self.scene.dead(name)
        hidden, hidden_columns = self.scene.hidden(name)
        assert not set(live) - set(held), f"{name}: visible and not held"
        assert not set(held) & set(dead)
        assert not hidden & set(live), f"{name}: visible and marked as hidden"
        blind = {c for owner, c in self.scene.org.hidden_columns if owner == name}
        for key, record in live.items():
            for column in columns:
                expected = record.cells.get(column)
                if column in blind:
                    assert column in hidden_columns or held[key][column] is None
                    if name in self.loose:
                        continue  # a read that broke off may have seen more than this did
                    expected = self.seen.get((name, key), {}).get(column)
                self._same(name, key, column, held[key][column], expected)
        self._check_absent(name, held, live, dead, hidden, settled=settled)
        seen = self.scene.org.visible(name)
        last = {key: seen[key] for key, op in dead.items() if op == "D" and key in seen}
        fresh = {key: held for key, held in last.items() if (name, key) not in self.dead}
        self._remember(name, {**live, **fresh}, columns, blind, dead)

    def _check_absent(
        self,
        name: str,
        held: dict[str, Cells],
        live: dict[str, Any],
        dead: dict[str, str],
        hidden: set[str],
        *,
        settled: bool,
    ) -> None:
        records = self.scene.org.tables[name].records
        for key in set(held) - set(live):
            glances = self._glances(name, key)
            assert glances, f"{name} {key}: held, and no night could see it"
            for column in held[key].keys() - self._forgotten(name, key):
                values = [cells.get(column) for cells in glances]
                alike = [self._alike(name, column, held[key][column], one) for one in values]
                assert any(alike), (name, key, column, held[key][column], values)
            in_bin = key in records and records[key].deleted
            seen_in_bin = in_bin and key in self.scene.org.visible(name)
            reports = "reports-deletes" in self.scene.org.tables[name].traits
            assert not (seen_in_bin and reports), f"{name} {key}: deleted and held alive"
            if settled:
                assert key in hidden, f"{name} {key}: not visible, not marked"
                known = (name, key) not in self.hidden or self._would_be_seen(name, key)
                gone_for_good = key not in records and known
                calm = self.scene.org.fingerprint == self.rights and name not in self.unsettled
                assert not (gone_for_good and calm), f"{name} {key}: purged and held alive"
        for key in dead:
            alive = key in records and not records[key].deleted
            assert not alive or (name, key) in self.dead, f"{name} {key}: hidden became a tombstone"
        self.hidden -= {k for k in self.hidden if k[0] == name}
        self.hidden |= {(name, key) for key in hidden}

    def _would_be_seen(self, name: str, key: str) -> bool:
        """The user has the rights under which the vault read the row as it knows it."""
        (number,) = self.scene.head.get(name, [key], columns=[])["_u_snap"].to_pylist()
        return self.rights_of[number] == self.scene.org.fingerprint

    def _remember(
        self, name: str, live: dict[str, Any], columns: list[str], blind: set[str], dead: Any
    ) -> None:
        """``live``: what was seen alive, and the last rows of what was seen deleted."""
        for key, record in live.items():
            kept = self.seen.setdefault((name, key), {})
            self.glimpsed.pop((name, key), None)
            for column in columns:
                if column in blind:
                    if column not in kept:
                        self.unseen.add((name, key, column))
                    continue
                value = record.cells.get(column)
                fresh = column not in kept
                kept[column] = value
                told = self.values.setdefault((name, key, column), [])
                if fresh or not told or not self._alike(name, column, told[-1], value):
                    told.append(value)
        self.dead -= {k for k in self.dead if k[0] == name}
        self.dead |= {(name, key) for key in dead}

    def histories(self) -> None:
        """Each change of a cell that the nights saw is told once, in order."""
        records: dict[Key, Sequence[Event]] = {}
        for (table, key, column), values in self.values.items():
            if (table, column) in self.restless or self.scene.org.tables[table].dropped:
                continue
            if (table, key) not in records:
                records[table, key] = history(self.scene.vault, self.scene.oid, table, key)
            events = records[table, key]
            told = [
                (change.old, change.new)
                for event in events
                for change in event.fields
                if change.column == column
            ]
            self._told_once(table, column, told, values, (table, key, column, told, values))
            noted = self._noted(table, key, column)
            for pair, count in noted.items():
                assert told.count(pair) == count, (table, key, column, told, noted)
            deaths = [e.kind for e in events if e.kind in (EventKind.DELETED, EventKind.REVIVED)]
            assert all(one is not two for one, two in pairwise(deaths))

    def _noted(self, table: str, key: str, column: str) -> Counter[tuple[str | None, str | None]]:
        """What the org's own log says of a cell, which meets nobody's eye a second time."""
        if not self.scene.org.tables[table].logged:
            return Counter()
        notes = self.scene.org.tables[table + "History"].records.values()
        cells = [note.cells for note in notes]
        return Counter(
            (own["Old"], own["New"])
            for own in cells
            if (own["RecordId"], own["Field"]) == (key, column)
        )

    def _told_once(
        self,
        table: str,
        column: str,
        told: list[tuple[str | None, str | None]],
        values: list[str | None],
        words: Any,
    ) -> None:
        """A read that broke off may have seen what no whole night did: then more may be told.

        So may the org's own log of changes, which knows what happened between two nights. And a
        column that was hidden when the record came begins empty in the vault, whatever it held.
        """
        more = table in self.loose or self.scene.org.tables[table].logged
        more = more or (table, words[1], column) in self.unseen
        states = [told[0][0], *(new for _, new in told)] if told else values[-1:]
        for old, state in zip(told, states, strict=False):
            assert self._alike(table, column, old[0], state), words
        assert not any(self._alike(table, column, old, new) for old, new in told), words
        left = list(states)
        for value in values:
            while left and not self._alike(table, column, left[0], value):
                assert more, words
                left.pop(0)
            assert left, words
            left.pop(0)
        assert not left or more, words

    def forget_column(self, table: str, column: str) -> None:
        """A column was dropped or retyped: its values before are not comparable."""
        self.restless.add((table, column))
        for (owner, _), cells in self.seen.items():
            if owner == table:
                cells.pop(column, None)

    def _forgotten(self, name: str, key: str) -> set[str]:
        """Columns that became others since this record was last seen: the vault keeps the old."""
        moved = {column for table, column in self.restless if table == name}
        return moved - self.seen.get((name, key), {}).keys()

    def _glances(self, name: str, key: str) -> list[Cells]:
        """What the vault may hold of a record: as last seen, or as a broken read saw it since."""
        seen = self.seen.get((name, key))
        return ([] if seen is None else [seen]) + self.glimpsed.get((name, key), [])

    def _columns(self, name: str) -> list[str]:
        """A column that the user never saw is not in the vault."""
        stored = self.scene.head.schema().table(name)
        assert stored is not None
        return [
            column.name
            for column in self.scene.org.tables[name].columns.values()
            if column.kind is not WireKind.BINARY
            and not column.has(ColumnTrait.VOLATILE)
            and stored.column(column.name) is not None
        ]

    def _same(self, table: str, key: str, column: str, one: str | None, other: str | None) -> None:
        assert self._alike(table, column, one, other), (table, key, column, one, other)

    def _alike(self, table: str, column: str, one: str | None, other: str | None) -> bool:
        kind = self.scene.org.tables[table].columns[column].kind
        return (one and canonical(kind, one)) == (other and canonical(kind, other))


def rows_of(scene: Scene, table: str, columns: list[str]) -> dict[str, Cells]:
    """Live records of the newest snapshot."""
    rows = scene.head.scan(table, columns=columns).read_all().to_pylist()
    return {row["_u_id"]: {column: row[column] for column in columns} for row in rows}

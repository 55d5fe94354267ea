"""Journals and lineage of the memory vault."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from unlost.model.errors import Conflict, IntegrityError
from unlost.model.snapshot import Lineage

LINEAGE = "$lineage"


@dataclass(slots=True)
class Kept:
    """Entries of a run that are durable; ``ended`` when its commit is made."""

    entries: list[bytes] = field(default_factory=list)
    ended: bool = False


class MemoryJournal:
    """The port ``Journal`` over a list. Each object is another process."""

    def __init__(self, run: str, kept: Kept) -> None:
        self.run = run
        self._kept = kept
        self._count = 0

    def append(self, payload: bytes) -> int:
        """Keep an entry behind those that this object knows."""
        if self._kept.ended:
            raise Conflict("journal-closed", f"The run {self.run} has ended.")
        if self._count == len(self._kept.entries):
            self._kept.entries.append(payload)
        elif self._kept.entries[self._count] != payload:
            raise Conflict("journal-conflict", f"Another process works on the run {self.run}.")
        self._count += 1
        return self._count - 1

    def read(self) -> Iterator[bytes]:
        """All entries in order."""
        if self._count > len(self._kept.entries):
            raise IntegrityError("journal-broken", f"The journal of {self.run} was cut.")
        for number, payload in enumerate(list(self._kept.entries)):
            self._count = max(self._count, number + 1)
            yield payload


@dataclass(slots=True)
class Journals:
    """The journals of one org by run, and the committed rows of lineage."""

    kept: dict[str, Kept] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    rows: dict[tuple[str, str, str], Lineage] = field(default_factory=dict)

    def open(self, run: str) -> MemoryJournal:
        """The journal of a run."""
        return MemoryJournal(run, self.kept.setdefault(run, Kept()))

    def end(self, run: str) -> None:
        """The commit of a run is made."""
        if run in self.kept and self.kept[run].entries:
            self.kept[run].ended = True
            self.ended.append(run)

    def runs(self, *, unfinished: bool) -> Sequence[str]:
        """Runs with entries: ended ones in the order of their commits, then the others."""
        others = [run for run, kept in sorted(self.kept.items()) if kept.entries and not kept.ended]
        return others if unfinished else [*self.ended, *others]

    def commit(self, rows: Iterable[Lineage], *, number: int) -> None:
        """Make rows of lineage count; one that says the same again changes nothing."""
        for row in rows:
            key = (row.target, row.table, row.old)
            held = self.rows.get(key)
            if held is None or (held.live, held.run) != (row.live, row.run):
                self.rows[key] = replace(row, since=number)

    def lineage(self, org: str, *, table: str | None, records: Sequence[str]) -> Sequence[Lineage]:
        """The newest rows by target, table and id; those of records with what carries them on."""
        asked = {(target, old) for target, _, _ in self.rows for old in records}
        while table is not None and (
            more := {
                (org, row.live)
                for row in self.rows.values()
                if row.table == table and row.target == org and (org, row.old) in asked
            }
            - asked
        ):
            asked |= more
        return [
            row
            for _, row in sorted(self.rows.items())
            if table in (None, row.table) and (not records or (row.target, row.old) in asked)
        ]

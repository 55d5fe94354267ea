"""People who work while an archive runs: between two of its calls to the org.

A limit of an archive, which this machine keeps: nothing can be seen any more that happens to a record
of a turn between the last reading of the org's changes and the deletion in the same turn. In this time
people touch only other records here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import Any

from stateful.restore.town import LINKS, REQUIRED, REQUIRED_BY_FILES, Town, references
from unlost.engine.restore.running.passes import archiving
from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.source.schema import DeleteRule
from unlost.model.source.writing import WriteOp

FOCUS = 0.75  # how often they touch a record that is to leave


@dataclass
class Passers:
    """``moments``: calls before which they work. ``worked`` counts what they did."""

    town: Town
    plan: RestorePlan
    dice: Random
    moments: Collection[int]
    calls: int = 0
    worked: int = 0
    turn: int = -1
    late: bool = False

    def __post_init__(self) -> None:
        turns = archiving._turns(self.plan.steps)
        self.turns = {step.key: at for at, turn in enumerate(turns) for step in turn}

    def beside(self, port: Any, *, reads: bool) -> Any:
        """The port of the writer, or (``reads``) of the source; people work before its calls."""
        return _Watched(port, self, reads)

    def restart(self) -> None:
        """Another process goes on."""
        self.turn, self.late = -1, False

    def pass_by(self, name: str, args: Any, *, reads: bool) -> None:
        if not reads and name == "fetch_several":
            keys = [RecordKey(query.table.name, i) for query in args[0] for i in query.ids]
            turn = max((self.turns.get(key, -1) for key in keys), default=-1)
            if turn > self.turn:
                self.turn, self.late = turn, False
        if not reads and args and args[0] is WriteOp.CREATE:
            self.late = False  # it reads the org's changes again before it deletes
        self.calls += 1
        if self.calls in self.moments:
            self.work()
        if reads and name == "server_time":  # the last reading of this turn begins
            self.late = True

    # --- work --------------------------------------------------------------------------------------

    def work(self) -> None:
        """Somebody does something."""
        free = sorted(self._free(), key=str)
        if not free:
            return
        planned = [key for key in free if key in self.turns]
        key = self.dice.choice(planned if planned and self.dice.random() < FOCUS else free)
        deeds = [self._rename, self._rename, self._child, self._child, self._move, self._remove]
        self.worked += 1
        self.dice.choice(deeds if self.late else [*deeds, self._return, self._file])(key, free)

    def _free(self) -> set[RecordKey]:
        """The live records that people may touch at this moment."""
        live = self.town.picture()
        if not self.late:
            return set(live)
        busy = {key for key, turn in self.turns.items() if turn == self.turn}
        return {
            key
            for key in live
            if not (self._tree(key) & busy) and not any(self._names(b, key) for b in busy)
        }

    def _tree(self, key: RecordKey) -> set[RecordKey]:
        """The record, and what the org deletes with it."""
        live, tree = self.town.picture(), [key]
        for member in tree:
            tree += [
                other
                for other, seen in live.items()
                for column, targets in references(other, seen)
                if member in targets
                and LINKS[other.table][column].rule is DeleteRule.CASCADE
                and other not in tree
            ]
        return set(tree)

    def _names(self, key: RecordKey, other: RecordKey) -> bool:
        """True if a record refers to another one, or to something that goes with it."""
        seen = self.town.picture().get(key)
        named = {t for _, ts in references(key, seen) for t in ts} if seen is not None else set()
        return bool(named & self._tree(other))

    def _rename(self, key: RecordKey, free: list[RecordKey]) -> None:
        del free
        self.town.change(key, {"Name": self.dice.choice(["a", "b", "late"])})

    def _child(self, key: RecordKey, free: list[RecordKey]) -> None:
        """A new record that refers to this one."""
        columns = [
            (table, column)
            for table, links in self.town.graph.items()
            for column, reference in links.items()
            if key.table in reference.tables
        ]
        if not columns:
            return
        table, column = self.dice.choice(columns)
        cells: dict[str, str | None] = {"Name": self.dice.choice(["a", "b"]), column: key.record}
        for owner, name in sorted(REQUIRED | REQUIRED_BY_FILES):
            if owner == table and name != column:
                cells[name] = self._some(LINKS[table][name].tables, free)
        self.town.make(table, cells, body=b"late")

    def _move(self, key: RecordKey, free: list[RecordKey]) -> None:
        if not LINKS[key.table]:
            return
        column = self.dice.choice(sorted(LINKS[key.table]))
        target = self._some(LINKS[key.table][column].tables, free)
        if target is not None:
            self.town.change(key, {column: target})

    def _remove(self, key: RecordKey, free: list[RecordKey]) -> None:
        del free
        self.town.delete(key)

    def _return(self, key: RecordKey, free: list[RecordKey]) -> None:
        del key, free
        binned = [k for k, seen in self.town.picture(bin_too=True).items() if seen.binned]
        if binned:
            self.town.undelete(self.dice.choice(sorted(binned, key=str)))

    def _file(self, key: RecordKey, free: list[RecordKey]) -> None:
        del free
        if key.table == "Paper":
            self.town.org.replace_file(key.table, key.record, self.dice.choice([b"tea", b"milk"]))

    def _some(self, tables: tuple[str, ...], free: list[RecordKey]) -> str | None:
        pool = [key.record for key in free if key.table in tables]
        return self.dice.choice(pool) if pool else None


class _Watched:
    def __init__(self, port: Any, passers: Passers, reads: bool) -> None:
        self._port, self._passers, self._reads = port, passers, reads

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            self._passers.pass_by(name, args, reads=self._reads)
            return attribute(*args, **kwargs)

        return call

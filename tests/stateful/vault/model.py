"""A vault as a dictionary of versions: what the real one must agree with.

Written from the promises of the ports, row by row, and sharing no code with the vault.
"""

from dataclasses import dataclass, field, replace

WITH_CELLS = "UDA"

type Cells = dict[str, str | None]


@dataclass(frozen=True)
class Seen:
    """An observation: op, cells (None where only the id is known), and its commit (0: open)."""

    id: str
    op: str
    cells: Cells | None
    snap: int = 0
    # stored only because the run had brought another version of the record before
    contested: bool = False


def counts_as(old: Seen | None, new: Seen, hashed: set[str]) -> bool:
    """Whether an observation is a version over the newest one."""
    if old is None:
        return new.op in WITH_CELLS
    if new.op == "U":
        return old.op != "U" or digest(old, hashed) != digest(new, hashed)
    if old.op == "U":
        return True
    return (new.op == "A" and old.op != "A") or (new.op == "D" and old.op in "PM")


def digest(seen: Seen, hashed: set[str]) -> Cells:
    """The cells that decide whether a record changed."""
    cells = seen.cells or {}
    return {name: text for name, text in cells.items() if name in hashed and text is not None}


@dataclass
class Run:
    """An open run: what it compares with, what it has written, what will be handed over."""

    base: int
    touched: set[str] = field(default_factory=set)
    pieces: list[list[Seen]] = field(default_factory=list)
    marks: list[tuple[str, str, bool]] = field(default_factory=list)

    def reopened(self) -> None:
        """Another process goes on: it knows of nothing that will not be handed over."""
        self.touched = {row.id for piece in self.pieces for row in piece}


class Model:
    """All rows of one table of one org."""

    def __init__(self, hashed: set[str]) -> None:
        self.hashed = hashed
        self.rows: dict[str, list[Seen]] = {}
        self.marks: dict[tuple[str, str], list[tuple[int, bool]]] = {}
        self.commits = 0
        self.no_nights: set[int] = set()
        self.forgotten: set[int] = set()
        self.erased: set[str] = set()
        self.journals: dict[str, list[bytes]] = {}
        self.ended: set[str] = set()
        self.open_lineage: dict[str, str] = {}
        self.lineage: dict[str, tuple[str, str, int]] = {}

    def newest(self, key: str, until: int) -> Seen | None:
        """The newest row of a record as of a commit."""
        return next((s for s in reversed(self.rows.get(key, [])) if s.snap <= until), None)

    def state(self, key: str, until: int) -> Seen | None:
        """The last row with cells as of a commit."""
        held = [s for s in self.rows.get(key, []) if s.snap <= until and s.op in WITH_CELLS]
        return held[-1] if held else None

    def add(self, run: Run, rows: list[Seen], carry: list[str], *, kept: bool) -> None:
        """Take a piece of an open run; ``kept``: it will be handed to finish."""
        last = {row.id: row for row in rows if row.id not in self.erased}
        piece = []
        for observed in last.values():
            row = self._carried(observed, run, carry)
            version = counts_as(self.newest(row.id, run.base), row, self.hashed)
            if version or row.id in run.touched:
                piece.append(Seen(row.id, row.op, row.cells, contested=not version))
        run.touched |= {row.id for row in piece}
        if kept:
            run.pieces.append(piece)

    def finish(self, run: Run) -> None:
        """Make a run's pieces a commit."""
        self.commits += 1
        winners = {row.id: row for piece in run.pieces for row in piece}
        for row in winners.values():
            self.rows.setdefault(row.id, []).append(
                Seen(row.id, row.op, row.cells, self.commits, row.contested)
            )
        for kind, name, hidden in run.marks:
            self.marks.setdefault((kind, name), []).append((self.commits, hidden))

    def begin_restore(self, run: str) -> None:
        """A run that writes to the org."""
        self.journals[run] = []
        self.open_lineage = {}

    def finish_restore(self, run: str) -> None:
        """It takes a number, and no record changes."""
        self.commits += 1
        self.no_nights.add(self.commits)
        self.ended.add(run)
        for old, live in self.open_lineage.items():
            self.lineage[old] = (live, run, self.commits)

    def maintain(self) -> None:
        """A commit of upkeep: it takes a number, and nothing else."""
        self.commits += 1
        self.no_nights.add(self.commits)

    @property
    def nights(self) -> list[int]:
        """Numbers of the backups that are shown."""
        every = range(1, self.commits + 1)
        return [n for n in every if n not in self.no_nights and n not in self.forgotten]

    def forget(self, kept: set[int]) -> None:
        """Only what these nights need stays, and the last state of each record."""
        self.forgotten |= set(self.nights) - kept
        for key, told in self.rows.items():
            self.rows[key] = self._needed(told, kept)

    @staticmethod
    def _needed(told: list[Seen], kept: set[int]) -> list[Seen]:
        ends = [row.snap for row in told[1:]]
        stay = {len(told) - 1} | {
            at
            for at, (row, end) in enumerate(zip(told, ends, strict=False))
            if any(row.snap <= number < end for number in kept)
        }
        for at in list(stay):
            if told[at].op != "U":
                stay |= set([i for i in range(at) if told[i].op in WITH_CELLS][-1:])
        return [told[at] for at in sorted(stay)]

    def same(self, keys: set[str]) -> set[str]:
        """These records, and all that they came back as, or came from."""
        found, before = set(keys), set[str]()
        while found != before:
            before = set(found)
            for old, (live, _, _) in self.lineage.items():
                if {old, live} & found:
                    found |= {old, live}
        return found

    def erase(self, keys: set[str]) -> None:
        """Nothing of these records was ever there, and nothing of them is taken in."""
        self.erased |= keys
        for key in keys:
            self.rows.pop(key, None)
            self.marks.pop(("record", key), None)
            self.lineage.pop(key, None)
        self.drop_journals(keys)

    def drop_journals(self, keys: set[str]) -> None:
        """Journals that name a record are gone as a whole."""
        for run, entries in list(self.journals.items()):
            if any(
                f'"{key}"' in entry.decode("utf-8", "replace") for key in keys for entry in entries
            ):
                self.journals[run] = []

    def rectify(self, keys: set[str], column: str, value: str | None, was: str | None) -> bool:
        """In every version that has the column it gets the value; whether any is another one now."""
        changed = False
        for key in keys:
            for at, row in enumerate(self.rows.get(key, [])):
                if row.op in WITH_CELLS and row.cells and column in row.cells:
                    old = row.cells[column]
                    if old != value and was in (None, old or ""):
                        changed = True
                        cells = row.cells | {column: value}
                        self.rows[key][at] = replace(row, cells=cells)
        return changed

    def reached(self, key: str) -> set[str]:
        """Records of which lineage tells something, from this one on along what came back."""
        seen: set[str] = set()
        while key in self.lineage and key not in seen:
            seen.add(key)
            key = self.lineage[key][0]
        return seen

    def history(self, key: str) -> list[Seen]:
        """The rows that are versions, each over the one before."""
        told: list[Seen] = []
        for row in self.rows.get(key, []):
            if counts_as(told[-1] if told else None, row, self.hashed):
                told.append(row)
        return told

    def live(self, until: int) -> dict[str, Seen]:
        """Live records as of a commit."""
        newest = {key: self.newest(key, until) for key in self.rows}
        return {key: row for key, row in newest.items() if row is not None and row.op == "U"}

    def dead(self, until: int) -> dict[str, Seen]:
        """Records with a tombstone as of a commit: the tombstones."""
        newest = {key: self.newest(key, until) for key in self.rows}
        return {key: row for key, row in newest.items() if row is not None and row.op != "U"}

    def changes(self, after: int, until: int) -> dict[str, str]:
        """Records that differ between two commits."""
        found = {}
        for key in self.rows:
            old, new = self.newest(key, after), self.newest(key, until)
            kind = self._difference(old, new)
            if kind is not None:
                found[key] = kind
        return found

    def hidden(self, until: int) -> set[tuple[str, str, int]]:
        """Hidden rows and columns with the commit since which they are."""
        found = set()
        for (kind, name), marks in self.marks.items():
            since = None
            for number, hidden in marks:
                if number <= until:
                    since = (since or number) if hidden else None
            if since is not None:
                found.add((kind, name, since))
        return found

    def _difference(self, old: Seen | None, new: Seen | None) -> str | None:
        was, now = old is not None and old.op == "U", new is not None and new.op == "U"
        if was and now:
            assert old is not None
            assert new is not None
            return "changed" if digest(old, self.hashed) != digest(new, self.hashed) else None
        if now:
            return "created" if old is None else "revived"
        if not was:
            return None
        assert new is not None
        return "archived" if new.op == "A" else "deleted"

    def _carried(self, row: Seen, run: Run, carry: list[str]) -> Seen:
        if row.cells is None or not carry:
            return row
        last = self.state(row.id, run.base)
        known = (last.cells if last else None) or {}
        return Seen(row.id, row.op, row.cells | {name: known.get(name) for name in carry})

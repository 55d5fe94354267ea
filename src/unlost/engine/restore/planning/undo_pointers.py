"""Plan the values of parents of archived records, in the undo of an archive.

    archive 1    Archived 0 -> 5    Link empty -> L
    archive 2    Archived 5 -> 8    Link L
    undo of 1    Archived 8 -> 3    Link L stays, since records of archive 2 are still away
    undo of 2    Archived 3 -> 0    Link L -> empty

Several archives can share the columns, and people may undo them in any order. If the org no longer
has the values that the archive left, the journals of later runs show whether archives and their
undos alone changed them. Then the number loses what this archive added. Other values stay.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.journal.effects import Effect, RunEffects, effects_of
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.pointers import is_link, number_in
from unlost.model.archive import ParentPointer
from unlost.model.errors import NotFound
from unlost.model.plan import PointerUpdate, RecordKey, SelectionKind
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table
from unlost.model.vault.snapshot import CommitKind

type Cells = Mapping[str, str | None]


def undone_pointers(
    survey: RestoreSurvey, known: RunEffects, returning: Collection[RecordKey]
) -> tuple[PointerUpdate, ...]:
    """The updates of parents that take back those of an archive; ``returning`` are its records."""
    policy = known.plan.selection.policy
    pointer = policy.pointer if policy is not None else None
    changed = [known.effects.get(update.key) for update in known.plan.pointers]
    effects = [effect for effect in changed if effect is not None and effect.table in survey.tables]
    if pointer is None or not effects:
        return ()
    table = survey.table(effects[0].table)
    names = sorted({name for effect in effects for name in effect.before})
    rows = survey.rows(table.name, [effect.live for effect in effects], columns=names)
    parents = [
        _Parent(table, effect, rows[effect.live].cells if effect.live in rows else {})
        for effect in effects
    ]
    _follow(survey, known.run, parents, returning)
    linked = {effect.live for effect in effects if pointer.link in effect.before}
    away = _with_archived(survey, table, linked, returning)
    updates = (_update(parent, pointer, away) for parent in parents)
    return tuple(update for update in updates if update is not None)


@dataclass(slots=True)
class _Parent:
    """A parent that an archive updated.

    ``live``: its values in the org. ``sent``: hash of the values that the last known run left.
    ``after``: the values that the archive left, if a later run replaced them. ``undone_by``:
    an earlier undo of the archive took them back.
    """

    table: Table
    effect: Effect
    live: Cells
    sent: str = ""
    after: Cells | None = None
    undone_by: str = ""

    def __post_init__(self) -> None:
        self.sent = self.effect.sent
        self.live = {name: self.live.get(name) for name in self.effect.before}

    @property
    def is_explained(self) -> bool:
        """True if archives and undos alone set the values that the org has."""
        return self.sent == digest(self.table, self.live)

    def follow(self, later: Effect, known: RunEffects, *, is_undo: bool) -> None:
        """Follow the update of a later run, if it replaced the values that are known."""
        if is_undo:
            self.undone_by = known.run
        elif known.plan.selection.run == self.undone_by:
            self.undone_by = ""  # the undo was undone
        if later.before.keys() == self.effect.before.keys():
            before = dict(later.before)
            if digest(self.table, before) == self.sent:
                self.after = self.after if self.after is not None else before
                self.sent = later.sent


def _follow(
    survey: RestoreSurvey,
    run: str,
    parents: Sequence[_Parent],
    returning: Collection[RecordKey],
) -> None:
    """Follow what later archives with pointers wrote into these parents, and their undos."""
    for known in _later_runs(survey, run):
        chosen = known.plan.selection
        if not known.plan.pointers and chosen.kind is not SelectionKind.UNDO:
            continue
        is_undo = bool(known.plan.pointers) and {*chosen.records} == {*returning}
        for parent in parents:
            effect = known.effects.get(RecordKey(parent.table.name, parent.effect.live))
            if effect is not None:
                parent.follow(effect, known, is_undo=is_undo)


def _later_runs(survey: RestoreSurvey, run: str) -> Iterator[RunEffects]:
    commits = survey.ports.vault.commits(survey.org)
    numbers = [commit.number for commit in commits if commit.run == run]
    number = max(numbers, default=commits[-1].number)
    for commit in commits:
        if commit.number > number and commit.kind in (CommitKind.ARCHIVE, CommitKind.RESTORE):
            with suppress(NotFound):  # its journal was erased
                yield effects_of(survey.ports.vault.journal(survey.org, commit.run), commit.run)


def _update(parent: _Parent, pointer: ParentPointer, away: Collection[str]) -> PointerUpdate | None:
    effect = parent.effect
    if parent.undone_by:
        return None
    if not parent.is_explained:  # the run names it, and leaves the values as they are
        return PointerUpdate(effect.table, effect.live, dict(effect.before), effect.sent)
    values = dict(effect.before)
    if parent.after is not None and pointer.count in values:
        added = number_in(parent.after[pointer.count]) - number_in(values[pointer.count])
        values[pointer.count] = str(number_in(parent.live[pointer.count]) - added)
    if pointer.link in values:
        values[pointer.link] = _link(parent, values[pointer.link], pointer.link, away)
    if values == parent.live:
        return None
    return PointerUpdate(effect.table, effect.live, values, digest(parent.table, parent.live))


def _link(parent: _Parent, former: str | None, column: str, away: Collection[str]) -> str | None:
    """The link, while other records are away; else the former text, unless it was a link, too."""
    if parent.effect.live in away:
        return parent.live[column]
    key = RecordKey(parent.effect.table, parent.effect.live)
    return None if former is not None and is_link(former, key) else former


# --- records that other archives took away --------------------------------------------------------


def _with_archived(
    survey: RestoreSurvey, parents: Table, ids: Collection[str], returning: Collection[RecordKey]
) -> set[str]:
    """Those of these parents to which archived records refer, besides the returning ones."""
    named: dict[RecordKey, set[str]] = {}
    if ids:
        for key, record in _archived(survey, parents, ids):
            named.setdefault(key, set()).add(record)
    back = {*returning}
    for key in [key for key in named if back & _lives(survey, key)]:
        del named[key]
    for table in {key.table for key in named}:
        keys = [key for key in named if key.table == table]
        lives = {life.record for key in keys for life in _lives(survey, key)}
        live = survey.alive(table, lives) if table in survey.tables else set()
        for key in keys:
            if any(life.record in live for life in _lives(survey, key)):
                del named[key]
    return {record for records in named.values() for record in records}


def _lives(survey: RestoreSurvey, key: RecordKey) -> set[RecordKey]:
    return {RecordKey(key.table, record) for record in survey.lives(key)}


def _archived(
    survey: RestoreSurvey, parents: Table, ids: Collection[str]
) -> Iterator[tuple[RecordKey, str]]:
    """Archived records, by the newest commit, and a parent that each refers to."""
    vault, org = survey.ports.vault, survey.org
    newest = vault.at(org, vault.commits(org)[-1].number, forgotten=True)
    wanted = pa.array(sorted(ids), pa.string())
    for table in newest.schema().tables:
        columns = [*_references(table, parents.name)] if table.name in newest.tables() else []
        for rows in newest.scan_deleted(table.name, columns=columns) if columns else ():
            yield from _naming(rows, table.name, columns, wanted)


def _naming(
    rows: pa.RecordBatch, table: str, columns: Iterable[str], wanted: pa.Array
) -> Iterator[tuple[RecordKey, str]]:
    archived = rows.filter(pc.equal(rows["_u_op"].cast(pa.string()), Op.ARCHIVED.value))
    for column in columns:
        hits = archived.filter(pc.is_in(archived[column].cast(pa.string()), value_set=wanted))
        for record, parent in zip(hits["_u_id"].to_pylist(), hits[column].to_pylist(), strict=True):
            yield RecordKey(table, record), parent


def _references(table: Table, target: str) -> Iterator[str]:
    for column in table.columns:
        if column.reference is not None and target in column.reference.tables:
            yield column.name

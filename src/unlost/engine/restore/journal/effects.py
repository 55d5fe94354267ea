"""The effects of a run on the org, by live record: the other half of the journal, for an undo.

  update Contact/003A   Phone: "1" -> "2"     CHANGED, before {Phone: "1"}, after {Phone: "2"}
  create Account/001B                          BROUGHT, hash of what the org gave back
  delete Contact/003C                          REMOVED, before: the whole row

A run that stopped has the effects of its answered calls. A run of a release that did not read back
has no values after it: ``after`` is None, ``digest`` empty.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from unlost.engine.restore.journal.entries import (
    CallAnswer,
    CallIntent,
    Entry,
    OutcomesWithoutCall,
    Pass,
    RecordsLinked,
    RecordsRead,
    RowsSaved,
    RunClosed,
    RunOpened,
    RunUndone,
    SentRow,
    decode,
)
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.errors import NotFound
from unlost.model.plan import Action, RecordKey, RestorePlan, SelectionKind
from unlost.model.ports.vault import Journal, Vault
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp

type Cells = Mapping[str, str | None]

_EFFECTIVE = (
    CallIntent,
    CallAnswer,
    OutcomesWithoutCall,
    RecordsLinked,
    RecordsRead,
    RowsSaved,
    RunClosed,
)


class EffectKind(StrEnum):
    """The effect of a run on one record."""

    BROUGHT = "brought"  # created, or out of the bin
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(slots=True)
class Effect:
    """The effect of a run on a live record. ``record`` is its id in the plan of the run.

    ``before``: the values that were replaced; of a removed record all of them. ``after``: the values
    of these columns after the run. ``sent``: hash of the values that an update sent; without the
    addresses of images, if the run sends these later. ``digest``: hash of a brought record after the
    run, in ``columns``. ``emptied``: references of ``before`` that the org emptied, since the run
    deleted their targets.
    """

    table: str
    live: str
    record: str
    kind: EffectKind
    level: int = 0
    before: dict[str, str | None] = field(default_factory=dict)
    after: Cells | None = None
    sent: str = ""
    digest: str = ""
    columns: tuple[str, ...] = ()
    emptied: frozenset[str] = frozenset()


@dataclass(slots=True)
class RunEffects:
    """All effects of a run. ``links`` are records of its plan and their live ids.

    ``unanswered``: a call was announced, and its effect is not known; ``announced`` are the records
    that such calls delete. ``relinked``: values that the run wanted to set, and that the org had set
    before it, by live record and column; also references that named a recreated record all the
    time. ``closed``: the run came to its end. ``entries`` counts the entries of the journal that
    show effects; a run that goes on adds some. ``undo``: the run that ended this one by taking it
    back.
    """

    run: str
    plan: RestorePlan
    effects: dict[RecordKey, Effect] = field(default_factory=dict)
    links: dict[RecordKey, str] = field(default_factory=dict)
    unanswered: bool = False
    announced: set[RecordKey] = field(default_factory=set)
    relinked: dict[tuple[RecordKey, str], str | None] = field(default_factory=dict)
    closed: bool = False
    entries: int = 0
    undo: str = ""


def effects_of(journal: Journal, run: str) -> RunEffects:
    """The effects of a run; raises NotFound (``run-unknown``) if its journal is empty."""
    entries = (entry for payload in journal.read() for entry in decode(payload))
    opened = next(entries, None)
    if not isinstance(opened, RunOpened):
        raise NotFound(
            "run-unknown",
            "The vault has no journal of the run {run}.",
            next_step="See the runs with `unlost runs`.",
            run=run,
        )
    fold = _Fold(RunEffects(run, opened.plan))
    fold.apply(entries)
    return fold.known


def history_of(vault: Vault, target: str, run: str) -> list[RunEffects]:
    """A run; if it is an undo, also the run before it, and so on to the first restore.

    Raises NotFound (``journal-gone``) if one of their journals is empty.
    """
    runs: list[RunEffects] = []
    earlier = run
    while not runs or runs[-1].plan.selection.kind is SelectionKind.UNDO:
        earlier = runs[-1].plan.selection.run if runs else run
        try:
            runs.append(effects_of(vault.journal(target, earlier), earlier))
        except NotFound as error:
            raise journal_gone(run, gone=earlier) from error
    return runs


def journal_gone(run: str, *, gone: str) -> NotFound:
    """The error for a run that cannot be undone. ``gone``: it, or a run that it took back."""
    return NotFound(
        "journal-gone",
        "The journal of {gone} was erased together with one of its records, or was lost. The run {run} "
        "cannot be undone without this journal.",
        next_step="Restore the records that you need from a backup: `unlost restore plan ORG`.",
        gone=gone,
        run=run,
    )


class _Fold:
    """Applies the entries of a journal in their order."""

    def __init__(self, known: RunEffects) -> None:
        self.known = known
        self._steps = {step.key: step for step in known.plan.steps}
        self._open: dict[int, CallIntent] = {}
        self._saved: dict[RecordKey, Cells] = {}
        self._circular: dict[RecordKey, Cells] = {}
        self._undid = False
        self._untouched: set[tuple[RecordKey, str]] = set()
        known.links.update({step.key: step.live for step in known.plan.steps if step.live})

    def apply(self, entries: Iterable[Entry]) -> None:
        """Apply all entries after the first one."""
        for number, entry in enumerate(entries, start=1):
            match entry:
                case CallIntent():
                    self._open[number] = entry
                case CallAnswer():
                    self._answered(self._open.pop(entry.intent), entry.outcomes)
                case OutcomesWithoutCall():
                    self._seen(entry)
                case RecordsLinked():
                    self._linked(entry)
                case RecordsRead():
                    self._read(entry)
                case RowsSaved():
                    self._save(entry)
                case RunClosed():
                    self.known.closed = True
                case RunUndone():
                    self.known.undo = entry.undo
                case _:
                    pass
            self.known.entries += isinstance(entry, _EFFECTIVE)
        self._removed_by_org()
        self._emptied_by_org()
        self.known.unanswered = bool(self._open)
        calls = (intent for intent in self._open.values() if intent.stage is not Pass.DISCARD)
        deletes = (intent for intent in calls if intent.op.deletes)
        self.known.announced.update(
            RecordKey(intent.table, str(row.id)) for intent in deletes for row in intent.rows
        )
        for place, effect in self.known.effects.items():
            after = effect.after or {}
            same = ((n, value) for n, value in effect.before.items() if after.get(n, "") == value)
            self.known.relinked.update({(place, name): value for name, value in same})

    def _save(self, entry: RowsSaved) -> None:
        """Values before the org removes a row, or empties references of one that the run deletes."""
        for row in entry.rows:
            key = RecordKey(entry.table, row.record)
            step = self._steps.get(key)
            circular = step is not None and step.action is Action.DELETE and bool(step.columns)
            (self._circular if circular else self._saved).setdefault(key, row.cells)

    def _removed_by_org(self) -> None:
        """Rows that the org removed with an update, and that were not added again."""
        for key, cells in self._saved.items():
            effect = self.known.effects.pop(key, None)
            if effect is None or effect.kind is not EffectKind.BROUGHT:
                before = {**cells, **(effect.before if effect is not None else {})}
                removed = self._effect(key, key.record, EffectKind.REMOVED)
                removed.before = before

    def _emptied_by_org(self) -> None:
        """References of records that stayed though their targets in a circle were deleted."""
        removed = {
            effect.live
            for effect in self.known.effects.values()
            if effect.kind is EffectKind.REMOVED
        }
        for key, cells in self._circular.items():
            lost = {name: value for name, value in cells.items() if value in removed}
            effect = self._effect(key, key.record, EffectKind.CHANGED) if lost else None
            if effect is not None and effect.kind is EffectKind.CHANGED:
                effect.before |= lost
                effect.emptied = frozenset(lost)

    def _added_again(self, table: str, outcomes: Sequence[RowOutcome]) -> None:
        """A row that was added again took the place of the removed one: that is no effect."""
        for outcome in outcomes:
            if outcome.kind is OutcomeKind.DONE and outcome.id is not None:
                place = RecordKey(table, outcome.key)
                self._saved.pop(place, None)
                effect = self.known.effects.pop(place, None)
                if effect is not None:
                    effect.live = outcome.id
                    self.known.effects[RecordKey(table, outcome.id)] = effect

    def _answered(self, intent: CallIntent, outcomes: Sequence[RowOutcome]) -> None:
        if intent.stage is Pass.PUT_BACK:
            self._added_again(intent.table, outcomes)
            return
        if intent.stage is Pass.DISCARD:
            return  # the run created them itself
        self._undid |= intent.op is WriteOp.UNDELETE
        rows = {row.record: row for row in intent.rows}
        for outcome in outcomes:
            row = rows[outcome.key]
            live = outcome.id or row.id
            if outcome.kind is OutcomeKind.DONE and live is not None:
                self._written(intent, row, live)

    def _written(self, intent: CallIntent, row: SentRow, live: str) -> None:
        key = RecordKey(intent.table, row.record)
        match intent.op:
            case WriteOp.CREATE | WriteOp.UNDELETE:
                self._brought(key, live)
            case WriteOp.UPDATE:
                effect = self._effect(key, live, EffectKind.CHANGED)
                if intent.stage is not Pass.IMAGES:  # it sends the same texts again
                    effect.sent = row.digest
                for name, value in (row.before or {}).items():
                    effect.before.setdefault(name, value)  # a later call replaced a value of ours
            case _:
                effect = self._effect(key, live, EffectKind.REMOVED)
                effect.kind = EffectKind.REMOVED
                # It may have been set to a draft first, so that it can be deleted.
                emptied = self._circular.get(RecordKey(effect.table, live), {})
                effect.before = {**(row.before or {}), **emptied, **effect.before}

    def _seen(self, entry: OutcomesWithoutCall) -> None:
        """A detail left the bin with its master; what others brought back is no effect of ours."""
        if entry.stage is Pass.PUT_BACK:
            self._added_again(entry.table, entry.outcomes)
            return
        if entry.stage is Pass.UPDATE:
            self._already_set(entry)
        for outcome in entry.outcomes:
            came = entry.stage is Pass.CREATE or (entry.stage is Pass.UNDELETE and self._undid)
            if came and outcome.kind is OutcomeKind.DONE and outcome.id is not None:
                self._brought(RecordKey(entry.table, outcome.key), outcome.id)

    def _already_set(self, entry: OutcomesWithoutCall) -> None:
        for outcome in entry.outcomes:
            step = self._steps.get(RecordKey(entry.table, outcome.key))
            if step is not None and outcome.kind is OutcomeKind.DONE and outcome.id is not None:
                place = RecordKey(entry.table, outcome.id)
                self._untouched.update((place, name) for name in step.columns)

    def _linked(self, entry: RecordsLinked) -> None:
        for link in entry.links:
            key = RecordKey(link.table, link.record)
            step = self._steps.get(key)
            if (
                step is not None
                and (step.action is Action.BY_PRODUCT or step.copied)
                and NoteCode.KEPT_IN_STEP not in step.notes  # the org has one at any time
                and key not in self.known.links
            ):
                self._brought(key, link.live)
            self.known.links[key] = link.live

    def _brought(self, key: RecordKey, live: str) -> None:
        self.known.links[key] = live
        self._effect(key, live, EffectKind.BROUGHT).kind = EffectKind.BROUGHT

    def _read(self, entry: RecordsRead) -> None:
        for row in entry.rows:
            place = RecordKey(entry.table, row.live)
            # A person may set another target later: only this one is the org's work.
            seen = {(place, name): value for name, value in (row.values or {}).items()}
            step = self._steps.get(RecordKey(entry.table, row.record))
            columns = step.columns if step is not None else ()
            ours = {at for at in seen if at in self._untouched or at[1] not in columns}
            self.known.relinked.update({at: seen[at] for at in ours})
            effect = self.known.effects.get(place)
            if effect is not None:
                effect.after, effect.digest, effect.columns = row.values, row.digest, entry.columns

    def _effect(self, key: RecordKey, live: str, kind: EffectKind) -> Effect:
        place, step = RecordKey(key.table, live), self._steps.get(key)
        if place not in self.known.effects:
            level = step.level if step is not None else 0
            self.known.effects[place] = Effect(key.table, live, key.record, kind, level)
        return self.known.effects[place]


def by_table(effects: Iterable[Effect]) -> Iterator[tuple[str, list[Effect]]]:
    """The effects of each table, in the order of its name."""
    tables: dict[str, list[Effect]] = {}
    for effect in effects:
        tables.setdefault(effect.table, []).append(effect)
    yield from sorted(tables.items())

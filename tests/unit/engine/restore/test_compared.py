"""What is told column by column is what one would tell record by record."""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.journal.log import RestoreState
from unlost.engine.restore.running.compared import compared
from unlost.engine.restore.running.correlate import values
from unlost.engine.restore.running.links import Links
from unlost.engine.restore.running.rows import expected
from unlost.engine.restore.running.wanted import States
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.outcome import Difference
from unlost.model.plan import Action, ActionReason, PlanStep, RecordKey, SelectionKind
from unlost.model.source.schema import Column, DeleteRule, Reference, Table, WireKind
from unlost.model.source.writing import (
    NeverColumn,
    NeverReason,
    OutcomeKind,
    RowOutcome,
    WriteCapability,
)

LINK = Reference(("Other",), DeleteRule.SET_NULL)
TABLE = Table(
    "Thing",
    (
        Column("Text", WireKind.TEXT),
        Column("Size", WireKind.DECIMAL),
        Column("At", WireKind.INSTANT),
        Column("Flag", WireKind.BOOLEAN),
        Column("Link", WireKind.REFERENCE, reference=LINK),
        Column("Other", WireKind.REFERENCE, reference=LINK),
    ),
)
NAMES = (*(column.name for column in TABLE.columns), "Strange")
CELLS = {
    "Text": (None, "", " ", "a", " a", "b"),
    "Size": (None, "1", "1.0", "1E0", "2", "x"),
    "At": (None, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000+0000", "2026-01-02T00:00:00Z"),
    "Flag": (None, "true", "True", "false"),
    "Link": (None, "there", "missing", "earlier", "strange", "new-there", "new-earlier"),
    "Other": (None, "there", "missing", "new-there"),
    "Strange": (None, "a"),
}


def cells(name: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from(CELLS[name])


@st.composite
def steps(draw: st.DrawFn, record: str, edited: tuple[str, ...]) -> PlanStep:
    names = st.lists(st.sampled_from(NAMES), unique=True, max_size=3).map(tuple)
    return PlanStep(
        "Thing",
        record,
        draw(st.sampled_from([Action.CREATE, Action.UPDATE, Action.UNCHANGED, Action.BY_PRODUCT])),
        draw(st.sampled_from([ActionReason.SELECTED, ActionReason.CHILD])),
        1,
        "",
        columns=draw(names),
        edits={name: draw(cells(name)) for name in edited},
        notes=draw(st.sampled_from([(), (NoteCode.PARENT_MISSING.value,)])),
    )


class World:
    """A session of which only that is there which a comparison needs."""

    def __init__(
        self,
        chosen: tuple[str, ...],
        never: tuple[str, ...],
        sent: list[str],
        emptied: frozenset[tuple[str, str, str]],
        empty: Mapping[str, str],
    ) -> None:
        state = RestoreState()
        state.links[RecordKey("Other", "there")] = "new-there"
        for record in sent:
            done = RowOutcome(record, OutcomeKind.DONE, "x")
            state.results.setdefault(Pass.CREATE, {})[RecordKey("Thing", record)] = done
        lost = PlanStep("Other", "missing", Action.SKIP, ActionReason.PARENT, 1, "")
        there = PlanStep("Other", "there", Action.CREATE, ActionReason.PARENT, 1, "")
        links = Links(
            SimpleNamespace(lineage=lambda *_, **__: []),  # type: ignore[arg-type]
            "org",
            "org",
            state,
            {lost.key: lost, there.key: there},
            {RecordKey("Other", "earlier"): "new-earlier"},
        )
        self.never = dict.fromkeys(never, NeverReason.FORMULA.value)
        capability = WriteCapability(
            "Thing", never=tuple(NeverColumn(name, NeverReason.FORMULA) for name in never)
        )
        self.session: Any = SimpleNamespace(
            capability=lambda _: capability,
            links=links,
            log=SimpleNamespace(state=state),
            empty_of=lambda step: empty if step.record == "r0" else {},
            plan=SimpleNamespace(
                selection=SimpleNamespace(columns=chosen, kind=SelectionKind.RECORDS),
                typed=SimpleNamespace(emptied=emptied),
            ),
        )
        self.emptied = emptied
        self.empty = empty

    def one_by_one(
        self, step: PlanStep, wanted: Mapping[str, str | None], live: Mapping[str, str | None]
    ) -> Iterator[Difference]:
        """The plain way."""
        should = expected(wanted, TABLE, self.session.links)
        emptied = set[str]()
        if step.notes:
            emptied = {n for n, v in step.edits.items() if v is None and n in ("Link", "Other")}
            emptied = {n for n in emptied if ("Thing", step.record, n) not in self.emptied}
        emptied |= {n for n in self.session.empty_of(step) if n in live and live[n] is None}
        for name in dict.fromkeys(self.judged(step, wanted, tuple(live))):
            if name not in should or name not in live:
                continue
            if name in emptied or (wanted.get(name) is not None and should[name] is None):
                target = self.target(step, name, wanted.get(name))
                named = live[name] is not None and live[name] == wanted.get(name)
                reason = "target-missing" if named else "link-lost"
                yield Difference(name, reason, target if live[name] is None else "")
            elif values(TABLE, live, (name,)) != values(TABLE, should, (name,)):
                yield Difference(name, self.never.get(name) or self.word(step, name))
        for name in should:
            if name not in live and should[name] is not None and TABLE.column(name) is None:
                yield Difference(name, "not-in-org")

    def target(self, step: PlanStep, name: str, value: str | None) -> str:
        """The record that an empty reference should refer to."""
        planned: str | None = self.session.empty_of(step).get(name)
        return planned or (f"Other/{value}" if value is not None else "")

    def judged(
        self, step: PlanStep, wanted: Mapping[str, str | None], every: tuple[str, ...]
    ) -> tuple[str, ...]:
        if step.action not in (Action.UPDATE, Action.UNCHANGED):
            return every
        if step.why is ActionReason.SELECTED:
            chosen = self.session.plan.selection.columns
            return (*chosen, *self.typed(step)) if chosen else every
        inside = [n for n in ("Link", "Other") if wanted.get(n) in ("there", "missing")]
        return (*step.columns, *self.typed(step), *inside)

    def typed(self, step: PlanStep) -> list[str]:
        """What people asked for: not the references that are empty for what is lost."""
        asked = {name for _, record, name in self.emptied if record == step.record}
        return sorted(n for n, v in step.edits.items() if v is not None or n in asked)

    def word(self, step: PlanStep, column: str) -> str:
        created = self.session.log.state.results.get(Pass.CREATE, {})
        if step.action is Action.BY_PRODUCT and step.key not in created:
            return "overwritten" if column in step.columns else "by-platform"
        sent = step.action in (Action.CREATE, Action.BY_PRODUCT) or column in step.columns
        return "overwritten" if sent else "not-set"


@given(st.data())
def test_what_is_told_by_column_is_what_is_told_by_record(data: st.DataObject) -> None:
    subsets = st.lists(st.sampled_from(NAMES), unique=True).map(tuple)
    held, asked, edited = data.draw(subsets), data.draw(subsets), data.draw(subsets)
    own = [data.draw(steps(f"r{n}", edited)) for n in range(data.draw(st.integers(1, 4)))]
    sent = data.draw(st.sampled_from([[], ["r0"]]))
    emptied = frozenset(("Thing", "r0", name) for name in data.draw(subsets))
    empty = {name: f"Other/{name}" for name in data.draw(subsets) if name in ("Link", "Other")}
    world = World(data.draw(subsets), data.draw(subsets), sent, emptied, empty)
    every = tuple(dict.fromkeys((*held, *edited)))
    wanted = [{n: data.draw(cells(n)) for n in every} | dict(step.edits) for step in own]
    live = [{name: data.draw(cells(name)) for name in asked} for _ in own]
    rows = pa.table({n: pa.array([one[n] for one in wanted], pa.string()) for n in every})
    told = pa.table({n: pa.array([one[n] for one in live], pa.string()) for n in asked})
    found = dict(compared(world.session, TABLE, States(own, rows), told))
    assert found == {
        step.key: tuple(world.one_by_one(step, wanted[row], live[row]))
        for row, step in enumerate(own)
    }

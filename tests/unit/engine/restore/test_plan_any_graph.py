"""Any graph, any disaster, any choice: the plan holds what a plain reading of the rules demands."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unit.engine.restore.atelier import LINK, Atelier
from unit.engine.restore.workshop import TEXT
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.model.plan import Action, ActionReason, RecordKey, RestorePlan
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import Identity

TABLES = ("Red", "Blue", "Green")
COLUMNS = {
    "Red": {"Up": Reference(("Red",), DeleteRule.SET_NULL), "Far": Reference(("Green",))},
    "Blue": {
        "Master": Reference(("Red",), DeleteRule.CASCADE),
        "Any": Reference(("Red", "Green"), DeleteRule.SET_NULL),
    },
    "Green": {"One": Reference(("Red",), DeleteRule.CASCADE), "Two": Reference(("Blue",))},
}
FEW, MANY = 10, 60  # examples, in the tests of each change and in full
PLACES = [(table, at) for table in TABLES for at in range(4)]


def of(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


@dataclass
class World:
    """Records by place, their references as the backup has them, and who was chosen."""

    atelier: Atelier
    records: dict[tuple[str, int], RecordKey] = field(default_factory=dict)
    references: dict[RecordKey, dict[str, RecordKey]] = field(default_factory=dict)
    lost: set[RecordKey] = field(default_factory=set)

    def expected(self, chosen: set[RecordKey]) -> dict[RecordKey, bool]:
        """Records of the plan, by the rules; True for those that came from above."""
        found = dict.fromkeys(chosen, True)
        while True:
            before = dict(found)
            for more in (self._below(chosen, found), self._above(chosen, found)):
                for key, full in more.items():
                    found[key] = found.get(key, False) or full
            if found == before:
                return found

    def _below(self, chosen: set[RecordKey], found: dict[RecordKey, bool]) -> dict[RecordKey, bool]:
        leading = {k for k, full in found.items() if k in chosen or (full and k in self.lost)}
        return {
            key: True
            for key, references in self.references.items()
            if leading & set(references.values())
        }

    def _above(self, chosen: set[RecordKey], found: dict[RecordKey, bool]) -> dict[RecordKey, bool]:
        return {
            target: False
            for key in found
            if key in self.lost or key in chosen
            for column, target in self.references[key].items()
            if target in self.lost
        }


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[tuple[str, int], dict[str, tuple[str, int]]], set, set]:  # type: ignore[type-arg]
    places = draw(st.lists(st.sampled_from(PLACES), unique=True, min_size=1, max_size=9))
    links = {}
    for place in places:
        links[place] = {}
        for column, reference in COLUMNS[place[0]].items():
            targets = [other for other in places if other[0] in reference.tables]
            target = draw(st.sampled_from([None, *targets]))
            if target is not None:
                links[place][column] = target
    lost = draw(st.sets(st.sampled_from(places)))
    chosen = draw(st.sets(st.sampled_from(places), min_size=1, max_size=3))
    return links, lost, chosen


def built(folder: Path, links: dict[tuple[str, int], dict[str, tuple[str, int]]]) -> World:
    atelier = Atelier(folder)
    atelier.org.tables.clear()
    for table in TABLES:
        columns = {"Name": TEXT, **dict.fromkeys(COLUMNS[table], LINK)}
        atelier.org.add_table(table, columns, references=COLUMNS[table])
    world = World(atelier)
    for table, at in links:
        record = atelier.make(table, f"{table} {at}")
        world.records[table, at] = RecordKey(table, record)
    for place, targets in links.items():
        key = world.records[place]
        world.references[key] = {column: world.records[t] for column, t in targets.items()}
        cells = {column: target.record for column, target in world.references[key].items()}
        atelier.org.update(key.table, key.record, dict(cells))
    return world


type Drawn = tuple[
    dict[tuple[str, int], dict[str, tuple[str, int]]], set[tuple[str, int]], set[tuple[str, int]]
]


@given(worlds(), st.booleans())
@of(FEW)
def test_the_plan_holds_what_the_rules_demand(drawn: Drawn, emptied: bool) -> None:
    check_plan(drawn, emptied=emptied)


@pytest.mark.deep
@given(worlds(), st.booleans())
@of(MANY)
def test_more_plans_hold_what_the_rules_demand(drawn: Drawn, emptied: bool) -> None:
    check_plan(drawn, emptied=emptied)


def check_plan(drawn: Drawn, *, emptied: bool) -> None:
    links, lost, chosen = drawn
    with tempfile.TemporaryDirectory() as folder:
        world = built(Path(folder), links)
        world.atelier.night()
        for place in sorted(lost):
            key = world.records[place]
            world.lost.add(key)
            world.atelier.org.purge(key.table, key.record)
        if emptied:
            empty_references(world)
        keys = {world.records[place] for place in chosen}
        asked = [(key.table, key.record) for key in sorted(keys, key=str)]
        plan = world.atelier.plan_of(*asked)
        alone = world.atelier.plan_of(*asked, related=RelatedPolicy.NONE)
    expected = world.expected(keys)
    assert {step.key for step in plan.steps} == set(expected)
    for step in plan.steps:
        assert (step.why is ActionReason.SELECTED) == (step.key in keys)
        assert (step.why is not ActionReason.PARENT) == expected[step.key]
        assert (step.action is Action.CREATE) == (step.key in world.lost)
    every_reference_is_right(world, plan)
    nothing_but_the_chosen(world, alone, keys)


def empty_references(world: World) -> None:
    """What most orgs do to references when their record goes."""
    for key, references in world.references.items():
        gone = {c: None for c, target in references.items() if target in world.lost}
        if key not in world.lost and gone:
            world.atelier.org.update(key.table, key.record, dict(gone))


def every_reference_is_right(world: World, plan: RestorePlan) -> None:
    steps = {step.key: step for step in plan.steps}
    for step in plan.steps:
        for column, target in world.references[step.key].items():
            if step.action is Action.CREATE and target in world.lost:
                earlier = target in steps and steps[target].level < step.level
                assert earlier or column in step.late
            else:
                assert (column in step.columns) == (target in world.lost and target in steps)


def nothing_but_the_chosen(world: World, plan: RestorePlan, keys: set[RecordKey]) -> None:
    assert {step.key for step in plan.steps} == keys
    for step in plan.steps:
        targets = world.references[step.key]
        gone = {c for c, target in targets.items() if target in world.lost - keys}
        assert set(step.edits) == (gone if step.action is Action.CREATE else set())


def graph(atelier: Atelier) -> dict[str, dict[str, str | None]]:
    """The live records by name, and the names of those that they refer to."""
    names = {
        record: str(cells["Name"])
        for table in TABLES
        for record, cells in atelier.live(table).items()
    }
    found: dict[str, dict[str, str | None]] = {}
    for table in TABLES:
        for cells in atelier.live(table).values():
            assert cells["Name"] not in found, "doubled"
            found[str(cells["Name"])] = {
                column: names[value] if (value := cells[column]) is not None else None
                for column in COLUMNS[table]
            }
    return found


@given(worlds(), st.booleans(), st.booleans())
@of(FEW)
def test_what_is_planned_and_run_is_as_it_was(drawn: Drawn, binned: bool, purged: bool) -> None:
    check_run(drawn, binned=binned, purged=purged)


@pytest.mark.deep
@given(worlds(), st.booleans(), st.booleans())
@of(MANY)
def test_what_is_planned_and_run_more_often_is_as_it_was(
    drawn: Drawn, binned: bool, purged: bool
) -> None:
    check_run(drawn, binned=binned, purged=purged)


def check_run(drawn: Drawn, *, binned: bool, purged: bool) -> None:
    links, lost, _ = drawn
    with tempfile.TemporaryDirectory() as folder:
        world = built(Path(folder), links)
        atelier = world.atelier
        for table in TABLES if binned else ():
            atelier.allow(table, identity=Identity.UNDELETE)
        atelier.night()
        before = graph(atelier)
        keys = [world.records[place] for place in sorted(lost)]
        for key in keys:
            if key.record in atelier.live(key.table):
                atelier.platform.delete(key.table, key.record, by="U2")
        if purged:
            atelier.platform.purge_bin()
        if keys:
            atelier.restore(atelier.plan_of(*((key.table, key.record) for key in keys)))
            again = atelier.plan_of(*((key.table, key.record) for key in keys))
            assert {step.action for step in again.steps} == {Action.UNCHANGED}
        assert graph(atelier) == before

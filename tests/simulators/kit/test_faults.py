"""Fault rules: what they match, and how often they fire."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import pytest

from unlost_simulators.kit.faults import (
    AFTER_EFFECT,
    AFTERWARDS,
    INSTEAD,
    CutPlace,
    FaultKind,
    FaultPlan,
    FaultRule,
    Framing,
    Subject,
)

GET = Subject("GET", "/api/v66.0/jobs/query/750/results?locator=abc", "Contact")


def fires(plan: FaultPlan, subject: Subject, times: int, kinds=INSTEAD) -> list[bool]:
    return [plan.draw(kinds, subject) is not None for _ in range(times)]


def test_a_rule_skips_then_fires_so_often() -> None:
    plan = FaultPlan()
    plan.plant(FaultRule(FaultKind.EMPTY_500, skip=2, times=2))
    assert fires(plan, GET, 6) == [False, False, True, True, False, False]
    report = plan.report()[0]
    assert (report["seen"], report["hits"]) == (6, 2)
    assert plan.unhit() == []


def test_a_rule_without_bound_fires_for_ever() -> None:
    plan = FaultPlan()
    plan.plant(FaultRule(FaultKind.EMPTY_500, times=0))
    assert all(fires(plan, GET, 20))


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({"method": "get"}, True),
        ({"method": "POST"}, False),
        ({"path": r"/results\?.*locator="}, True),
        ({"path": "/describe"}, False),
        ({"object": "CONTACT"}, True),
        ({"object": "Account"}, False),
        ({"method": "GET", "path": "results", "object": "Contact"}, True),
    ],
)
def test_what_a_rule_matches(rule, matches) -> None:
    plan = FaultPlan()
    plan.plant(FaultRule.from_json({"kind": "empty_500", **rule}))
    assert fires(plan, GET, 1) == [matches]
    assert (plan.unhit() == []) == matches


def test_kinds_are_drawn_apart_and_rules_in_order() -> None:
    plan = FaultPlan()
    plan.plant(FaultRule(FaultKind.CUT))
    plan.plant(FaultRule(FaultKind.EMPTY_500))
    plan.plant(FaultRule(FaultKind.THROTTLED_429))
    assert plan.draw(INSTEAD, GET).kind is FaultKind.EMPTY_500
    assert plan.draw(INSTEAD, GET).kind is FaultKind.THROTTLED_429
    assert plan.draw(AFTERWARDS, GET).kind is FaultKind.CUT
    plan.clear()
    assert plan.report() == []


def test_a_hit_can_be_taken_back() -> None:
    plan = FaultPlan()
    rule = plan.plant(FaultRule(FaultKind.REFUSE))
    assert plan.draw(INSTEAD, GET) is not None
    plan.undo(rule)
    assert plan.unhit() == [rule.id]
    assert plan.draw(INSTEAD, GET) is not None


def test_rules_travel_as_json() -> None:
    rule = FaultRule.from_json({"kind": "cut", "place": "last_cell", "framing": "clean", "id": "x"})
    assert (rule.place, rule.framing) == (CutPlace.LAST_CELL, Framing.CLEAN)
    assert FaultRule.from_json(rule.to_json()) == rule
    for wrong in ({}, {"kind": "nonsense"}, {"kind": "cut", "colour": 1}):
        with pytest.raises(ValueError, match=r"kind|colour|nonsense"):
            FaultRule.from_json(wrong)


def test_every_kind_has_its_place() -> None:
    assert set(FaultKind) == INSTEAD | AFTERWARDS | AFTER_EFFECT


def test_faults_of_rows_count_what_went_well_before() -> None:
    plan = FaultPlan()
    plan.plant(FaultRule(FaultKind.REFUSE, object="Contact", after_rows=5))
    assert plan.applies(INSTEAD, GET)
    assert plan.fitting_rows(INSTEAD, GET, 3) is None
    plan.spend(INSTEAD, GET, 3)
    assert plan.unhit() == ["fault-1"]
    assert plan.fitting_rows(INSTEAD, GET, 3) == 2
    assert plan.unhit() == []
    other = Subject("GET", "/", "Account")
    assert not plan.applies(INSTEAD, other)
    assert plan.fitting_rows(INSTEAD, other, 99) is None
    plan.spend(INSTEAD, other, 99)
    assert plan.fitting_rows(INSTEAD, GET, 9) == 2


class BakeryFault(StrEnum):
    BURNT = "burnt"


@dataclass(frozen=True, slots=True)
class BakeryRule(FaultRule):
    KINDS: ClassVar[tuple[type[StrEnum], ...]] = (FaultKind, BakeryFault)

    degrees: int = 200


def test_a_system_adds_kinds_and_members() -> None:
    rule = BakeryRule.from_json({"kind": "burnt", "degrees": 300})
    assert (rule.kind, rule.degrees) == (BakeryFault.BURNT, 300)
    assert BakeryRule.from_json({"kind": "cut"}).kind is FaultKind.CUT
    assert rule.to_json()["degrees"] == 300
    with pytest.raises(ValueError, match="burnt"):
        BakeryRule.from_json({})
    with pytest.raises(ValueError, match="degrees"):
        FaultRule.from_json({"kind": "cut", "degrees": 1})

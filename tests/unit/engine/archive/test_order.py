"""The order in which records leave, if a plan cannot have all of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from unit.engine.archive.company import NOW, Company
from unit.engine.archive.test_preview import RULES
from unit.engine.archive.test_run import POLICY, Office
from unlost.engine.archive.graph import collect
from unlost.engine.archive.groups import groups_of
from unlost.engine.archive.leaving_order import order_of
from unlost.engine.archive.members import ID, NODE
from unlost.model.archive import ArchiveOrder, ArchivePolicy, Comparison, Condition
from unlost.model.storage import StorageRule, StorageWeight

OLD = Condition("Closed", Comparison.OLDER, days=365)
SOLVED = Condition("Status", Comparison.IS, ("Closed",))
CASES = ArchivePolicy("cases", "Case", (SOLVED,))
CLOSED = {"C1": "2023-05-01", "C2": "2022-05-01", "C3": "2024-05-01", "C4": "2021-05-01"}
SIZES = {"C1": 3_000, "C2": 9_000, "C3": 12_000, "C4": 2_100}


@pytest.fixture
def company() -> Company:
    """Cases that were closed in another order than that of their ids, with mails."""
    made = Company()
    for case, day in CLOSED.items():
        made.add("Case", case, Status="Closed", Closed=f"{day}T00:00:00.000Z")
        made.add("Mail", f"M{case}", ParentId=case, Text="x" * SIZES[case])
    return made


def first(company: Company, policy: ArchivePolicy, *, most: int) -> set[str]:
    """The ids of the cases in the first plan."""
    copy = company.snapshot()
    graph = collect(copy, policy, now=NOW)
    takes, going = graph.takes, graph.going()
    order = order_of(copy, policy, graph, rules=RULES)
    pairs = [(takes.owner, takes.taken)]
    groups = groups_of(going, pairs, most=most, order=order)
    cases = graph.members.of(["Case"])
    return {case for case, node in cases.select(ID, NODE).iter_rows() if groups[node]}


def test_the_newest_records_leave_first_under_a_limit(company: Company) -> None:
    policy = replace(CASES, conditions=(SOLVED, OLD))
    assert first(company, policy, most=4) == {"C4", "C2"}
    assert first(company, replace(policy, order=ArchiveOrder.OLDEST), most=4) == {"C4", "C2"}


def test_a_policy_without_an_age_has_another_order_than_that_of_its_records(
    company: Company,
) -> None:
    assert first(company, CASES, most=4) == {"C1", "C2"}


def test_the_oldest_by_last_change_stay_without_an_age_condition(company: Company) -> None:
    company.changed = {"C1": NOW, "C2": NOW}
    policy = replace(CASES, order=ArchiveOrder.OLDEST)
    assert first(company, policy, most=4) == {"C3", "C4"}


def test_small_records_leave_before_large_ones(company: Company) -> None:
    """The mails that go with a case count as its size."""
    policy = replace(CASES, conditions=(SOLVED, OLD), order=ArchiveOrder.LARGEST)
    assert first(company, policy, most=4) == {"C3", "C2"}


def test_a_record_without_a_date_leaves_first(company: Company) -> None:
    company.add("Case", "C0", Status="Closed")
    copy = company.snapshot()
    graph = collect(copy, CASES, now=NOW)
    dated = replace(CASES, conditions=(SOLVED, OLD))
    order = order_of(copy, dated, graph, rules=RULES)
    assert order is not None
    (node,) = graph.members.of(["Case"]).filter(pl.col(ID) == "C0")[NODE]
    assert order.values[node] == float("inf")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


def test_a_plan_with_a_limit_takes_any_of_the_largest_files(office: Office) -> None:
    rules = {"Paper": StorageRule((StorageWeight("files", size_column="BodySize"),))}
    policy = replace(POLICY, order=ArchiveOrder.LARGEST)
    plan = office.archive_plan(policy=policy, rules=rules, most=3)
    assert {step.record for step in plan.steps} == {
        office.record("Account", "A3"), office.record("Contact", "C3"), office.record("Paper", "P3"),
    }  # fmt: skip
    assert plan.selection.policy == policy

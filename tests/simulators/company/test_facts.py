"""Generated facts: the same for a seed, in runs of any size, and one value for each row."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from unlost_simulators.company import (
    cases,
    customers,
    mails,
    orders,
    people,
    staff,
    tickets,
    vocabulary,
)
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.world import BATCH, Company, runs

type Maker = Callable[..., Facts]
MAKERS: dict[str, Maker] = {
    "businesses": customers.businesses,
    "private customers": customers.private_customers,
    "contacts": people.contacts,
    "private people": people.private_customers,
    "orders": orders.orders,
    "items": orders.items,
    "cases": cases.cases,
    "mails": mails.mails,
    "staff": staff.generated,
    "computers": staff.computers,
    "incidents": tickets.incidents,
    "notes": tickets.notes,
    "requests": tickets.requests,
}
NUMBERS = np.arange(60, dtype=np.int64)


@pytest.fixture(params=MAKERS, ids=str)
def maker(request) -> Maker:
    return MAKERS[request.param]


def table(facts: Facts) -> pa.Table:
    return pa.table(dict(facts.columns))


def test_there_is_a_column_for_each_attribute(maker: Maker, company) -> None:
    facts = maker(company, NUMBERS)
    assert set(facts.columns) == {field.name for field in dataclasses.fields(facts.record)}
    assert {len(column) for column in facts.columns.values()} == {60}
    records = list(facts.records())
    assert len(records) == 60
    assert all(isinstance(record, facts.record) for record in records)


def test_the_same_seed_gives_the_same_facts_and_another_does_not(maker: Maker, company) -> None:
    first = table(maker(company, NUMBERS))
    assert table(maker(Company(1, CompanySizes()), NUMBERS)).equals(first)
    assert not table(maker(Company(2, CompanySizes()), NUMBERS)).equals(first)


def test_a_run_gives_the_facts_that_the_whole_gives(maker: Maker, company) -> None:
    whole = table(maker(company, NUMBERS))
    assert table(maker(company, NUMBERS[20:35])).equals(whole.slice(20, 15))


def test_facts_are_values(maker: Maker, company) -> None:
    record = next(maker(company, NUMBERS).records())
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, "other")


def test_runs_number_the_facts() -> None:
    lengths = [len(run) for run in runs(2 * BATCH + 1)]
    assert lengths == [BATCH, BATCH, 1]
    assert [list(run) for run in runs(3, size=2)] == [[0, 1], [2]]
    assert list(runs(0)) == []


def test_sizes_grow_by_the_scale_and_are_checked() -> None:
    sizes = CompanySizes().times(3)
    assert (sizes.businesses, sizes.incidents) == (780, 1_200)
    assert CompanySizes.only({"contacts": 5}).businesses == 0
    with pytest.raises(ValueError, match="1 or more"):
        CompanySizes().times(0)
    with pytest.raises(ValueError, match="fewer than 0"):
        CompanySizes(orders=-1)


def test_word_lists_fit_each_other() -> None:
    for names, mailed in zip(vocabulary.FIRST_NAMES, vocabulary.MAIL_FIRST, strict=True):
        assert len(names) == len(mailed)
        assert all(name.isascii() for name in mailed)

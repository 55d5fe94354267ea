"""The API budget: leaves a part to others, adds up over processes, and believes fresh news only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from unlost.catalog.budget import BUNDLE, SqlBudget
from unlost.catalog.models import ApiBudget
from unlost.model.errors import LimitReached
from unlost.testing.clock import VirtualClock


@pytest.fixture
def budget(clock: VirtualClock) -> SqlBudget:
    return SqlBudget("org", clock=clock)


def test_everything_is_allowed_until_the_source_has_told_a_limit(budget: SqlBudget) -> None:
    for _ in range(BUNDLE * 3):
        budget.take()
    assert ApiBudget.objects.get().taken == BUNDLE * 3


def test_a_fifth_of_the_limit_is_left_to_others(budget: SqlBudget, clock: VirtualClock) -> None:
    budget.report(used=0, limit=1000)
    for _ in range(800):
        budget.take()
    with pytest.raises(LimitReached) as caught:
        budget.take()
    assert caught.value.code == "api-budget-spent"
    assert caught.value.resume_at == clock.now() + timedelta(hours=1)


def test_what_the_source_counts_is_believed(budget: SqlBudget) -> None:
    budget.report(used=790, limit=1000)
    with pytest.raises(LimitReached):
        budget.take(11)
    budget.report(used=700, limit=1000)
    budget.take(11)


def test_calls_that_were_taken_before_a_report_are_used_up_first(budget: SqlBudget) -> None:
    budget.take()
    budget.report(used=800, limit=1000)
    budget.take(BUNDLE - 1)
    with pytest.raises(LimitReached):
        budget.take()


def test_two_processes_share_what_is_left(clock: VirtualClock) -> None:
    one, two = SqlBudget("org", clock=clock), SqlBudget("org", clock=clock)
    one.report(used=760, limit=1000)
    one.take(30)
    with pytest.raises(LimitReached):
        two.take(11)
    SqlBudget("other", clock=clock).take(1000)


def test_yesterdays_report_does_not_stop_todays_run(budget: SqlBudget, clock: VirtualClock) -> None:
    budget.report(used=1000, limit=1000)
    with pytest.raises(LimitReached):
        budget.take()
    clock.advance(hours=2)
    budget.take()


def test_the_share_for_others_can_be_set(clock: VirtualClock) -> None:
    budget = SqlBudget("org", clock=clock, reserve=0)
    budget.report(used=0, limit=100)
    budget.take(100)
    with pytest.raises(LimitReached):
        budget.take()


def test_threads_never_take_more_than_there_is(budget: SqlBudget) -> None:
    budget.report(used=0, limit=500)

    def greedy(_: int) -> int:
        taken = 0
        try:
            for _ in range(200):
                budget.take()
                taken += 1
        except LimitReached:
            pass
        return taken

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(greedy, range(4))) == 400

"""The API budget: leaves a part to others and to restores, adds up over processes, rolls over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from unlost.catalog.models import ApiBudget, ApiHour
from unlost.catalog.orgs.budget import BUNDLE, LARGEST, BudgetShare, SqlBudget
from unlost.model.errors import LimitReached
from unlost.testing.clock import VirtualClock

ALL = BudgetShare(100, 100)


@pytest.fixture
def budget(clock: VirtualClock) -> SqlBudget:
    return SqlBudget("org", clock=clock)


def spend(budget: SqlBudget) -> tuple[int, LimitReached]:
    """Take calls until there are none: how many, and what was said then."""
    for taken in range(100_000):
        try:
            budget.take()
        except LimitReached as limit:
            return taken, limit
    raise AssertionError("the budget never ends")


def test_everything_is_allowed_until_the_source_has_told_a_limit(budget: SqlBudget) -> None:
    for _ in range(BUNDLE * 3):
        budget.take()
    assert ApiBudget.objects.get().taken == BUNDLE * 3


def test_a_long_run_seldom_writes_if_the_source_has_no_limit(budget: SqlBudget) -> None:
    written = set()
    for _ in range(1_000):
        budget.take()
        written.add(ApiBudget.objects.get().taken)
    assert len(written) <= 25
    assert 1_000 <= max(written) <= 1_000 + LARGEST


def test_backups_use_half_of_the_day_but_for_what_restores_may_need(clock: VirtualClock) -> None:
    backups = SqlBudget("org", clock=clock, share=BudgetShare.of_backups(50))
    restores = SqlBudget("org", clock=clock, share=BudgetShare.of_restores(50))
    backups.report(used=0, limit=1000)
    taken, limit = spend(backups)
    assert (taken, limit.code) == (400, "api-budget-spent")
    assert spend(restores)[0] == 100


def test_calls_come_back_a_day_after_they_were_made(clock: VirtualClock) -> None:
    budget = SqlBudget("org", clock=clock, share=BudgetShare(40, 100))
    begun = clock.now()
    budget.report(used=0, limit=1000)
    for _ in range(100):
        budget.take()
    clock.advance(hours=3)
    assert spend(budget)[0] == 300
    again = spend(budget)[1].resume_at
    assert again is not None
    assert begun + timedelta(hours=24) <= again <= begun + timedelta(hours=26)
    clock.advance(seconds=(again - clock.now()).total_seconds())
    budget.report(used=0, limit=1000)
    assert spend(budget)[0] == 100, "those of the first hour, and no others"
    later = spend(budget)[1].resume_at
    assert later is not None
    assert later > again + timedelta(hours=2)


def test_no_twenty_four_hours_see_more_than_our_share(clock: VirtualClock) -> None:
    budget = SqlBudget("org", clock=clock, share=BudgetShare(40, 100))
    made: list[tuple[float, int]] = []
    for hour in range(24 * 4):
        budget.report(used=0, limit=1000)
        made.append((hour, spend(budget)[0]))
        clock.advance(hours=1)
    for begin in range(24 * 3):
        assert sum(n for hour, n in made if begin <= hour < begin + 24) <= 400
    assert sum(n for _, n in made) >= 3 * 400, "and nothing is wasted"


def test_old_hours_are_forgotten(clock: VirtualClock, budget: SqlBudget) -> None:
    for _ in range(200):
        budget.take(BUNDLE)
        clock.advance(hours=1)
    assert ApiHour.objects.count() <= 50


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
    with pytest.raises(LimitReached) as caught:
        budget.take()
    assert caught.value.resume_at == clock.now() + timedelta(hours=1)
    clock.advance(hours=2)
    budget.take()


def test_all_of_the_day_can_be_allowed(clock: VirtualClock) -> None:
    budget = SqlBudget("org", clock=clock, share=ALL)
    budget.report(used=0, limit=100)
    budget.take(100)
    with pytest.raises(LimitReached):
        budget.take()


def test_more_calls_than_the_day_has_never_fit(clock: VirtualClock) -> None:
    budget = SqlBudget("org", clock=clock, share=ALL)
    budget.report(used=0, limit=100)
    with pytest.raises(LimitReached) as caught:
        budget.take(101)
    assert caught.value.resume_at == clock.now() + timedelta(hours=1)


def test_threads_never_take_more_than_there_is(clock: VirtualClock) -> None:
    budget = SqlBudget("org", clock=clock, share=BudgetShare(80, 100))
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


def test_what_the_source_tells_again_and_again_is_written_now_and_then(
    clock: VirtualClock, budget: SqlBudget
) -> None:
    def written(used: int, limit: int = 1_000) -> int | None:
        budget.report(used=used, limit=limit)
        return ApiBudget.objects.get().used

    budget.take()
    assert written(5) == 5
    assert ApiBudget.objects.get().taken == 0
    budget.take(BUNDLE)
    assert written(6) == 5, "a moment later, and hardly more"
    assert ApiBudget.objects.get().taken == BUNDLE, "what was not written counts as taken"
    assert written(6 + BUNDLE) == 6 + BUNDLE, "much more"
    assert written(3) == 3, "the day began anew"
    assert written(4, limit=2_000) == 4, "another limit"
    clock.advance(seconds=1)
    assert written(5, limit=2_000) == 5

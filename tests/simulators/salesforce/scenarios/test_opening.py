"""An org opens some weeks ago, on any day; its rows move along, odd values stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from unlost_simulators.company.times import OPENING
from unlost_simulators.kit.moving import moved, opening_before
from unlost_simulators.salesforce.server import SimulatorOptions, build
from unlost_simulators.salesforce.simulator import Simulator

PRESENT = datetime(2031, 5, 7, 3, 30, 17, 5, tzinfo=UTC)
Tables = Mapping[str, pa.Table]


def opened(opens: datetime | None = None, **more: Any) -> Simulator:
    wanted = SimulatorOptions(opens=opens, **more)
    return build(wanted, base_url="http://x", wall_clock=lambda: PRESENT)


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    made = opened()
    yield made
    made.close()


@pytest.mark.parametrize(
    "present",
    [
        datetime(2020, 2, 29, tzinfo=UTC),
        datetime(2026, 11, 2, 18, tzinfo=UTC),
        datetime(2026, 11, 29, 17, 59, 59, tzinfo=UTC),
        datetime(2026, 11, 30, 18, tzinfo=UTC),
        datetime(9000, 1, 1, tzinfo=UTC),
    ],
)
def test_an_org_opens_on_a_monday_evening_four_to_five_weeks_ago(present: datetime) -> None:
    opening = opening_before(present, OPENING)
    assert timedelta(weeks=4) <= present - opening < timedelta(weeks=5)
    assert (opening.weekday(), opening.time()) == (OPENING.weekday(), OPENING.time())


def test_no_row_is_younger_than_the_opening_and_the_last_is_as_old_as_written(
    sim: Simulator, chocolate: Tables
) -> None:
    opening = sim.org.clock.now()
    assert timedelta(weeks=4) <= PRESENT - opening < timedelta(weeks=5)
    for name in ("Account", "Contact", "Case", "ContentVersion", "CaseHistory"):
        column = "CreatedDate" if name == "CaseHistory" else "SystemModstamp"
        rows = sim.org.export(name, deleted=True)
        youngest = pc.max(rows[column]).as_py().replace(tzinfo=UTC)
        written = pc.max(chocolate[name][column]).as_py()
        assert opening - youngest == OPENING - written
        assert set(rows["Id"].to_pylist()) == set(chocolate[name]["Id"].to_pylist())


def test_weekdays_stay_and_odd_values_too(sim: Simulator, chocolate: Tables) -> None:
    def by_id(rows: pa.Table, column: str) -> dict[str, Any]:
        return dict(zip(rows["Id"].to_pylist(), rows[column].to_pylist(), strict=True))

    days = (sim.org.clock.now() - OPENING).days
    assert days % 7 == 0
    before = by_id(chocolate["Opportunity"], "CloseDate")
    after = by_id(sim.org.export("Opportunity"), "CloseDate")
    assert after == {key: day + timedelta(days) for key, day in before.items()}
    years = by_id(sim.org.export("Opportunity"), "FiscalYear")
    assert all(year in {None, after[key].year} for key, year in years.items())
    harvests = sim.org.export("Cocoa_Batch__c")["Harvested__c"].to_pylist()
    assert {date(1700, 1, 1), date(4000, 12, 31)} <= set(harvests)
    roasted = sim.org.export("Cocoa_Batch__c")["Roasted_At__c"].to_pylist()
    assert any(one is not None and one.microsecond == 123_000 for one in roasted)


def test_a_fixed_opening_gives_the_same_rows_on_any_day(chocolate: Tables) -> None:
    first, second = opened(OPENING), opened(OPENING)
    try:
        assert first.org.clock.now() == OPENING
        for name in ("Account", "Opportunity", "Cocoa_Batch__c"):
            rows = first.org.export(name, deleted=True)
            assert rows.equals(second.org.export(name, deleted=True))
            stamps = [one.replace(tzinfo=UTC) for one in rows["CreatedDate"].to_pylist()]
            assert sorted(stamps) == sorted(chocolate[name]["CreatedDate"].to_pylist())
    finally:
        first.close()
        second.close()


def test_a_deleted_row_lies_in_the_bin_as_long_as_written(sim: Simulator) -> None:
    binned = [
        one for one in sim.org.export("Contact", deleted=True).to_pylist() if one["IsDeleted"]
    ]
    stamps = {one["SystemModstamp"].replace(tzinfo=UTC) for one in binned}
    assert stamps == {sim.org.clock.now() - timedelta(days=3)}


def test_rendered_results_of_another_opening_are_not_taken(tmp_path) -> None:
    sims = [
        opened(when, scenario="bench-contacts", cache=tmp_path)
        for when in (OPENING, OPENING + timedelta(days=7))
    ]
    try:
        assert len({one.results.root for one in sims}) == 2
        assert {one.results.root.parent for one in sims} == {tmp_path}
    finally:
        for one in sims:
            one.close()


def test_columns_without_times_stay(rows_of: Callable[..., Tables]) -> None:
    table = pa.table({"Name": ["a"], "At": pa.array([OPENING], pa.timestamp("ms", "UTC"))})
    later = moved(table, OPENING, OPENING + timedelta(days=2, hours=5))
    assert later.to_pylist() == [{"Name": "a", "At": OPENING + timedelta(days=2)}]
    assert moved(table, OPENING, OPENING + timedelta(hours=5)) is table

"""Figures of a storage that follow a run, follow later, or do not move."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unlost.engine.storage.freed import freed_figure
from unlost.model.forecast import Sample
from unlost.model.freed import FigureState, FreedFigure, PredictedBytes

RUN = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MIB = 1 << 20
FREED = PredictedBytes("run", "data storage", 40 * MIB, RUN, RUN + HOUR)


def compared(*figures: tuple[timedelta, float], daily: float = 0.0) -> FreedFigure:
    """The figure after a run; a backup eight hours before it reported 100. All in megabytes."""
    samples = [Sample(RUN - 8 * HOUR, 100.0 * MIB)]
    samples += [Sample(RUN + HOUR + after, used * MIB) for after, used in figures]
    return freed_figure(FREED, [FREED], samples, daily=daily * MIB)


def test_figures_that_fell_right_after_the_run_moved() -> None:
    figure = compared((timedelta(0), 60.0))
    assert (figure.state, figure.expected, figure.fallen) == (
        FigureState.MOVED,
        40 * MIB,
        40.0 * MIB,
    )


def test_figures_that_follow_later_are_waited_for() -> None:
    assert compared((timedelta(0), 100.0)).state is FigureState.WAITING
    assert compared((timedelta(0), 100.0), (16 * HOUR, 61.0)).state is FigureState.MOVED


def test_figures_that_do_not_move_for_a_day_are_stuck() -> None:
    figure = compared((timedelta(0), 100.0), (DAY, 101.0))
    assert (figure.state, figure.fallen) == (FigureState.STUCK, -1.0 * MIB)
    assert compared((DAY, 100.0), (3 * DAY, 62.0)).state is FigureState.MOVED


def test_figures_without_a_later_one_are_waited_for() -> None:
    assert compared() == FreedFigure("data storage", 40 * MIB, FigureState.WAITING)


def test_usual_growth_does_not_hide_a_fall() -> None:
    """Ten a day are new: 100 + 5 days of 10 - 40 are 110."""
    assert compared((5 * DAY, 110.0), daily=10.0).state is FigureState.MOVED
    assert compared((5 * DAY, 110.0)).state is FigureState.STUCK


def test_a_figure_that_fell_stays_so_when_the_storage_fills_again() -> None:
    assert compared((timedelta(0), 60.0), (3 * DAY, 99.0)).state is FigureState.MOVED


def test_two_runs_of_a_day_count_together() -> None:
    later = replace(FREED, run="other", began=RUN + 2 * HOUR, at=RUN + 3 * HOUR)
    samples = [Sample(RUN - HOUR, 100.0 * MIB), Sample(RUN + 30 * HOUR, 20.0 * MIB)]
    figure = freed_figure(FREED, [FREED, later], samples, daily=0.0)
    assert (figure.state, figure.expected) == (FigureState.MOVED, 80 * MIB)


def test_an_org_whose_archives_free_as_much_as_it_grows_was_said_to_be_stuck() -> None:
    """The usual growth has the falls of these archives in it."""
    later = replace(FREED, run="other", began=RUN + 23 * HOUR, at=RUN + DAY)
    samples = [Sample(RUN - HOUR, 100.0 * MIB), Sample(RUN + 30 * HOUR, 100.0 * MIB)]
    figure = freed_figure(FREED, [FREED, later], samples, daily=0.0)
    assert figure.state is FigureState.UNKNOWN


def test_less_than_a_megabyte_is_not_seen_in_figures() -> None:
    little = replace(FREED, bytes=40_000)
    samples = [Sample(RUN - HOUR, 100.0 * MIB), Sample(RUN + 30 * HOUR, 100.0 * MIB)]
    assert freed_figure(little, [little], samples, daily=0.0).state is FigureState.UNKNOWN


@pytest.mark.parametrize("samples", [(), (Sample(RUN + DAY, 60.0),)])
def test_without_a_figure_before_the_run_nothing_is_claimed(samples: tuple[Sample, ...]) -> None:
    assert freed_figure(FREED, [FREED], samples, daily=0.0).state is FigureState.UNKNOWN


def test_an_undone_run_is_not_compared() -> None:
    undone = replace(FREED, undone=True)
    samples = [Sample(RUN - HOUR, 100.0), Sample(RUN + 2 * DAY, 100.0)]
    assert freed_figure(undone, [undone], samples, daily=0.0).state is FigureState.UNKNOWN

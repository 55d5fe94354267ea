"""Sweeps in three tiers: a sample in ``make test``, more in ``make full``, everything in ``make deep``.

@pytest.mark.parametrize("part", parts_of(16, full=4))       # part 0 | 1-3 | 4-15
@pytest.mark.parametrize("table", sampled(TABLES, every=10)) # each tenth | the others
@pytest.mark.parametrize("way", ["first", in_full("second")]) # one always | the other
"""

from collections.abc import Callable, Iterable

import pytest
from _pytest.mark import ParameterSet

FULL, DEEP = pytest.mark.full, pytest.mark.deep


def parts_of(count: int, *, full: int, quick: int = 1) -> list[ParameterSet]:
    """Numbers from 0 for ``parametrize``: the first ``quick`` run always, those below ``full`` in full.

    Each part takes every ``count``-th place at which something is cut, so that few parts see all
    regions.
    """
    return [pytest.param(part, marks=_tier(part, quick=quick, full=full)) for part in range(count)]


def parts_in_two_ways(count: int, *, full: int) -> list[ParameterSet]:
    """Each part with names that survive a power cut or are lost, in turns for those below ``full``.

    The first part runs always, all parts in both ways in deep.
    """
    return [
        pytest.param(
            part,
            survive,
            id=f"{part}-{'names-survive' if survive else 'names-lost'}",
            marks=_tier(part, quick=1, full=full) if survive is bool(part % 2) else [DEEP],
        )
        for part in range(count)
        for survive in (True, False)
    ]


def sampled[T](
    values: Iterable[T], *, every: int, name: Callable[[T], str] = str
) -> list[ParameterSet]:
    """Values for ``parametrize``: the first of every so many runs always, the others in full."""
    return [
        pytest.param(value, id=name(value), marks=[FULL] if at % every else [])
        for at, value in enumerate(values)
    ]


def in_full(*values: object, name: str | None = None) -> ParameterSet:
    """Values for ``parametrize`` that run in full only."""
    return pytest.param(*values, id=name, marks=[FULL])


def _tier(part: int, *, quick: int, full: int) -> list[pytest.MarkDecorator]:
    if part < quick:
        return []
    return [FULL if part < full else DEEP]

"""Exhaustive tests in parts: some of them each time, all of them by ``make deep``."""

import pytest
from _pytest.mark import ParameterSet


def parts_of(count: int, *, always: int) -> list[ParameterSet]:
    """Numbers from 0 for ``parametrize``; those behind the first few are deep.

    Each part takes every ``count``-th place at which something is cut, so that few parts see all regions.
    """
    deep = [pytest.mark.deep]
    return [pytest.param(part, marks=deep if part >= always else []) for part in range(count)]

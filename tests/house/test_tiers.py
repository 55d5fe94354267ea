"""Costly files are spread over the tiers as ``tiers`` says: nothing is left out, each tier has its share."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from tiers import FOLDER, SPREAD, Spread, rule_for, spread_over_tiers

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("path", SPREAD)
def test_a_rule_is_of_a_file_or_folder_that_is_there(path: str) -> None:
    place = TESTS / path
    assert place.is_dir() if path.endswith(FOLDER) else place.is_file()


def test_the_longest_path_counts() -> None:
    assert rule_for("faults/test_lying_proxy.py") == SPREAD["faults/test_lying_proxy.py"]
    assert rule_for("faults/test_kill.py") == SPREAD["faults/"] == Spread(test=2, full=5)
    assert rule_for("unit/model/test_values.py") is None


@dataclass
class Test:
    """As much of a collected test as is asked for."""

    path: Path
    marks: set[str] = field(default_factory=set)

    __test__ = False

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks.add(mark.name)


def tiers(path: str, *marked: str, count: int = 12) -> list[str]:
    """Where so many tests of a file run that have these marks: test, full or deep."""
    tests = [Test(TESTS / path, {*marked}) for _ in range(count)]
    spread_over_tiers(cast("list[pytest.Item]", tests), TESTS)
    names = ("deep", "full", "security")
    return [next((name for name in names if name in test.marks), "test") for test in tests]


def test_one_of_so_many_tests_stays_in_each_tier() -> None:
    assert tiers("golden/test_vaults.py") == ["test", "full", "deep"] * 4
    assert tiers("golden/test_vaults.py", "full") == ["full", "deep"] * 6
    assert tiers("faults/test_kill.py") == ["test", "full", *("test", "deep") * 4, "test", "full"]
    assert tiers("integration/cli/test_restore.py") == ["full", *["deep"] * 3] * 3
    assert tiers("simulators/salesforce/test_core.py") == ["test"] * 12
    assert tiers("faults/test_kill.py", "security") == (["security", *["deep"] * 4] * 3)[:12]
    assert tiers("faults/test_kill.py", "full", "deep") == ["deep"] * 12
    assert tiers("unit/model/test_values.py", "full") == ["full"] * 12

"""Costly files, whose tests are spread over ``make test``, ``make full`` and ``make deep``: ADR 33.

    "golden/": Spread(test=3, full=2)

One of every three tests of each file runs in ``make test``; of the others, one of every two in ``make
full``, and the rest in ``make deep``. Tests of other files run where their marks say. As variants of
a test stand together, a sample that takes each third test has one of most of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from sweeps import DEEP, FULL

FOLDER = "/"


@dataclass(frozen=True, slots=True)
class Spread:
    """One of ``test`` tests stays in ``make test``, 0: none; of the others, one of ``full`` in full."""

    test: int = 1
    full: int = 1


# What guards the vault against thieves, cuts and losses: a change elsewhere seldom breaks one alone.
_OF_THE_VAULT = (
    "attacks_1", "attacks_2", "attacks_2_beside", "bundles", "compact", "erase", "foreign_removals",
    "forget", "hidden_columns", "late_requests", "mirror", "opening", "rectify", "rejected_removals",
    "rekey", "rekey_lost", "salvage", "salvage_documents", "salvage_packs", "salvage_story",
    "salvage_traces", "salvage_unread", "service_key_thieves",
)  # fmt: skip
# Days and weeks of a service, which tests live through.
_OF_THE_APP = (
    "archive_crashes", "archive_kills", "archive_retention", "archive_schedules", "erase", "exclusion",
    "forgotten_nights", "hours", "hours_watched", "keys", "rebuild", "rectify", "renewal", "storage",
)  # fmt: skip

# A path below ``tests``, of a file or of a folder; the longest one that fits counts.
SPREAD: Mapping[str, Spread] = {
    "docs/test_commands.py": Spread(full=4),
    "faults/": Spread(test=2, full=5),
    "faults/test_hostile_server.py": Spread(full=5),
    "faults/test_lying_proxy.py": Spread(test=0, full=6),
    "golden/": Spread(test=3, full=2),
    "integration/cli/": Spread(test=2, full=8),
    "integration/cli/test_restore.py": Spread(test=0, full=4),
    "integration/salesforce/": Spread(test=0, full=5),
    "integration/servicenow/": Spread(test=6, full=6),
    "integration/simulators/": Spread(full=5),
    "integration/vault/": Spread(test=3, full=4),
    "second_reader/": Spread(test=3, full=2),
    "simulators/": Spread(full=3),
    # The broadest suites: a third or half of each file.
    "unit/app/": Spread(test=3, full=5),
    "unit/cli/": Spread(test=2, full=4),
    "unit/engine/": Spread(test=3, full=5),
    "unit/jobs/": Spread(test=2),
    "unit/web/": Spread(test=3, full=5),
    "unit/web/test_api_fuzzed.py": Spread(test=3, full=6),
    "unit/web/test_api_let_in.py": Spread(test=4, full=5),
    "unit/web/test_let_in.py": Spread(test=3, full=5),
    **{f"unit/vault/test_{name}.py": Spread(test=3, full=6) for name in _OF_THE_VAULT},
    **{f"unit/app/test_{name}.py": Spread(test=4, full=6) for name in _OF_THE_APP},
}


def spread_over_tiers(items: Iterable[pytest.Item], root: Path) -> None:
    """Mark the tests of costly files ``full`` or ``deep``, by their places in the file."""
    for file, tests in groupby(items, key=lambda item: item.path):
        rule = rule_for(file.relative_to(root).as_posix())
        if rule is not None:
            _spread(list(tests), rule)


def rule_for(path: str) -> Spread | None:
    """The rule of a file, by its path below ``tests``."""
    fitting = [name for name in SPREAD if path == name or _is_below(path, name)]
    return SPREAD[max(fitting, key=len)] if fitting else None


def _is_below(path: str, name: str) -> bool:
    return name.endswith(FOLDER) and path.startswith(name)


def _spread(tests: Sequence[pytest.Item], rule: Spread) -> None:
    quick = [test for test in tests if not _has(test, "full", "security", "deep")]
    slow = [test for test in tests if _has(test, "full", "security") and not _has(test, "deep")]
    moved = [test for place, test in enumerate(quick) if not rule.test or place % rule.test]
    for test in moved:
        test.add_marker(FULL)
    for group in (moved, slow):
        for place, test in enumerate(group):
            if place % rule.full:
                test.add_marker(DEEP)


def _has(test: pytest.Item, *names: str) -> bool:
    return any(test.get_closest_marker(name) is not None for name in names)

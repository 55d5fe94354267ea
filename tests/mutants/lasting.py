"""A plugin for pytest that notes how long each test lasts, with what is set up for it."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

_lasted: defaultdict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One part of a test has ended."""
    _lasted[report.nodeid] += report.duration


def pytest_sessionfinish() -> None:
    """Leave what was seen, where somebody asked for it; of several processes the one that heard all."""
    asked = os.environ.get("UNLOST_LASTING")
    if asked and "PYTEST_XDIST_WORKER" not in os.environ:
        lines = (json.dumps({"test": test, "seconds": took}) for test, took in _lasted.items())
        Path(asked).write_text("\n".join(lines), "utf-8")

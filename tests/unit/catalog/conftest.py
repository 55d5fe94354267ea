import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import template
from unlost.app.database import connect, disconnect
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy


@pytest.fixture(autouse=True)
def database(tmp_path: Path) -> Iterator[Path]:
    """An empty application database; all models speak to it."""
    file = tmp_path / "catalog.sqlite"
    shutil.copy(template(), file)
    connect(file)
    yield file
    disconnect()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def entropy() -> SeededEntropy:
    return SeededEntropy()

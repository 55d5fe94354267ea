import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import server_database, template
from unlost.app.home.database import connect, disconnect
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy


@pytest.fixture(autouse=True, params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """An empty application database; all models speak to it."""
    if request.param == "postgres":
        made: Path | str = server_database(request.getfixturevalue("server"))
    else:
        made = tmp_path / "catalog.sqlite"
        shutil.copy(template(), made)
    connect(made)
    yield made
    disconnect()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def entropy() -> SeededEntropy:
    return SeededEntropy()

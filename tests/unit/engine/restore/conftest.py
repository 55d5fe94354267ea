from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier


@pytest.fixture(params=["memory", "encrypted"])
def atelier(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Atelier]:
    encrypted = request.param == "encrypted"
    made = Atelier(tmp_path, encrypted=encrypted, durable=encrypted)
    yield made
    made.source.faults.assert_met()
    made.writer.faults.assert_met()
    made.close()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Atelier]:
    """In memory alone: for what the vault has no part in."""
    made = Atelier(tmp_path)
    yield made
    made.source.faults.assert_met()
    made.writer.faults.assert_met()

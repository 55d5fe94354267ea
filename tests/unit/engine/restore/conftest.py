from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier


@pytest.fixture
def atelier(tmp_path: Path) -> Iterator[Atelier]:
    made = Atelier(tmp_path)
    yield made
    made.source.faults.assert_met()
    made.writer.faults.assert_met()
    made.close()

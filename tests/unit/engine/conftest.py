from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path, durable=True)
    yield made
    made.source.faults.assert_met()
    made.close()

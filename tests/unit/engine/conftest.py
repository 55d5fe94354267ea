from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.scene import Scene


@pytest.fixture(params=["memory", "encrypted"])
def scene(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    encrypted = request.param == "encrypted"
    made = Scene(tmp_path, encrypted=encrypted, durable=encrypted)
    yield made
    made.source.faults.assert_met()
    made.close()

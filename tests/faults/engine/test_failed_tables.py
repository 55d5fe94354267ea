"""A table that could not be read keeps everything that the last whole read of it left behind."""

from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.scene import Scene, chocolate
from unlost.model.errors import SourceRefused, TransientError

FAILURES = {
    "refused": (SourceRefused("no", "No."), "plan_reads"),
    "broken": (TransientError("busy", "busy"), "read"),
}


@pytest.mark.parametrize(("error", "call"), FAILURES.values(), ids=FAILURES)
def test_cursor_window_and_census_stay_where_they_were(
    tmp_path: Path, error: Exception, call: str
) -> None:
    scene = Scene(tmp_path)
    made = chocolate(scene)
    scene.night()
    before = scene.head.tables()["Account"]
    scene.org.update("Account", made[0], {"Phone": "while it was refused"})
    scene.source.faults.plant(call, error, table="Account", times=9)
    scene.night()
    after = scene.head.tables()["Account"]
    assert after.finding is not None
    assert replace(after, finding=None, last_read_in=before.last_read_in) == before
    scene.source.faults.clear()
    scene.night()
    healed = scene.head.tables()["Account"]
    assert healed.cursor != before.cursor
    assert scene.cells("Account", "Phone")[made[0]] == "while it was refused"

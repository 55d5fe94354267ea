"""What changes while a long night reads is in the same snapshot, however often that happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.scene import Scene, chocolate
from unlost.model.finding import FindingKind
from unlost.model.source.reading import Page, ReadTask
from unlost.model.vault.certificate import Verdict

LONG = 4000  # seconds that a look takes: longer than the overlap of two looks


class Busy:
    """An org that changes behind the reader: each time that all accounts were read, one of them
    gets another phone, and another account comes and goes, up to ``times`` times."""

    def __init__(self, scene: Scene, account: str, *, times: int) -> None:
        self.scene, self.account, self.left = scene, account, times
        self.read_of_source = scene.source.read
        self.changes = self.pieces = 0
        scene.source.read = self.read

    def read(self, task: ReadTask) -> Iterator[Page]:
        """The pages of a task."""
        yield from self.read_of_source(task)
        if (task.table, task.kind) == ("Account", "rows"):
            self.pieces += 1
            if self.pieces == task.state["pieces"]:
                self.pieces = 0
                self._work()

    def _work(self) -> None:
        if not self.left:
            return
        self.left -= 1
        self.changes += 1
        org, clock = self.scene.org, self.scene.clock
        clock.advance(seconds=LONG)
        org.update("Account", self.account, {"Phone": f"call {self.changes}"})
        org.delete("Account", org.create("Account", {"Name": "brief"}))
        clock.advance(seconds=LONG)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_changes_behind_the_reader_are_read_by_the_next_look(tmp_path: Path, times: int) -> None:
    scene = Scene(tmp_path)
    made = chocolate(scene)
    busy = Busy(scene, made[0], times=times)
    done = scene.night()
    assert busy.changes == times
    assert done.certificate.rounds == times
    assert done.certificate.verdict is Verdict.COMPLETE
    assert scene.cells("Account", "Phone")[made[0]] == f"call {times}"
    assert len(scene.dead("Account")) == times
    line = next(line for line in done.certificate.tables if line.table == "Account")
    assert line.stored == line.live == len(made)


def test_changes_of_a_night_that_never_calms_down_are_in_the_next(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    made = chocolate(scene)
    busy = Busy(scene, made[0], times=9)
    done = scene.night()
    assert (busy.changes, done.certificate.rounds) == (4, 3)
    assert FindingKind.WINDOW_OPEN in {finding.kind for finding in done.certificate.findings}
    assert scene.cells("Account", "Phone")[made[0]] == "call 3"
    busy.left = 0
    scene.night()
    assert scene.cells("Account", "Phone")[made[0]] == "call 4"

"""Any restore, any edit by others, any interruption: an undo leaves the org as it was before."""

import pytest

from stateful.restore.test_restores import met_by, met_in_rounds
from stateful.restore.undoing import Undos

DEEP, PARTS = 5_000, 4
MUST_MEET = {
    *("undo", "undo of undo", "exact", "merge", "crash", "attached"),
    *("taken away", "put back", "brought back", "kept a later value", "stays skipped"),
    "created again",
}


@pytest.mark.full
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_after_an_undo_the_org_is_as_before_the_run() -> None:
    met_in_rounds(Undos, MUST_MEET, steps=6)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(PARTS))  # each is other disasters: nothing is derandomized
def test_thousands_of_undos(part: int) -> None:
    met = met_by(Undos, examples=DEEP // PARTS, steps=10)
    assert set(met) >= MUST_MEET, MUST_MEET - set(met)

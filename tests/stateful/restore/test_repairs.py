"""Any correction, any merge taken back, any interruption: the chosen values, and no other change."""

import pytest

from stateful.restore.correcting import Repairs
from stateful.restore.test_restores import met_by, met_in_rounds

DEEP, PARTS = 5_000, 4
MUST_MEET = {
    *(f"corrected {action}" for action in ("unchanged", "update", "create", "undelete")),
    "corrected recreate",
    *("corrected", "a later value stays", "merge taken back", "child given back"),
    *("winner put back", "undo", "put back", "crash"),
}


@pytest.mark.full
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_after_a_correction_the_chosen_values_are_there_and_no_other_changed() -> None:
    met_in_rounds(Repairs, MUST_MEET, steps=5)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(PARTS))  # each is other disasters: nothing is derandomized
def test_thousands_of_repairs(part: int) -> None:
    met = met_by(Repairs, examples=DEEP // PARTS, steps=8)
    assert set(met) >= MUST_MEET, MUST_MEET - set(met)

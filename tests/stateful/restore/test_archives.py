"""Any graph, any policy, any edit and interruption: org and vault together have every record."""

import pytest

from stateful.restore.archives import Archives
from stateful.restore.test_restores import met_by, met_in_rounds

DEEP, PARTS = 5_000, 4
MUST_MEET = {
    *("archive", "whole", "archived", "undo", "restore", "crash", "hold", "trigger"),
    *("meanwhile night", "meanwhile plan", "meanwhile people", "worked meanwhile"),
    *("conflict restore-changed-since", "failed archive-referred", "failed archive-together"),
    *("brought back", "hard", "in mirror", "counted", "unchanged for days"),
    "created again",
}
MUST_MEET_DEEP = MUST_MEET | {
    *("put back", "exact", "number taken back"),
    *(
        "file left",
        "link of an owner",
        "file released",
        "file shared by those that left",
        "file replaced",
    ),
}


@pytest.mark.full
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_org_and_vault_together_always_have_every_record() -> None:
    met_in_rounds(Archives, MUST_MEET, steps=6)


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(PARTS))  # each is other lives: nothing is derandomized
def test_thousands_of_archives(part: int) -> None:
    met = met_by(Archives, examples=DEEP // PARTS, steps=10)
    assert set(met) >= MUST_MEET_DEEP, MUST_MEET_DEEP - set(met)

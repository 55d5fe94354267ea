"""A mass change is put back in exactly its records: of one kind, and of one user."""

import pytest

from unit.engine.restore.atelier import Atelier
from unlost.model.errors import UsageError
from unlost.model.mass_changes import MassKind
from unlost.model.plan import Selection, SelectionKind


@pytest.fixture
def damaged(atelier: Atelier) -> tuple[Atelier, list[str]]:
    """Two backups; between them numbers are overwritten, edited, emptied and filled by two users."""
    records = [atelier.make("Account", f"A{n}", Number=str(n) if n else None) for n in range(8)]
    atelier.night()
    changes = ["77", "88", "88", "99", None, ""]
    atelier.clock.advance(hours=1)
    for record, value in zip(records, changes, strict=False):
        atelier.org.update("Account", record, {"Number": value}, by="U7")
    atelier.org.update("Account", records[6], {"Number": "88"}, by="U8")
    atelier.org.delete("Account", records[7], by="U8")
    atelier.night()
    return atelier, records


@pytest.mark.parametrize(
    ("kind", "by", "expected"),
    [
        (MassKind.OVERWRITTEN, "", [1, 2, 6]),
        (MassKind.OVERWRITTEN, "U7", [1, 2]),
        (MassKind.EDITED, "", [1, 2, 3, 6]),
        (MassKind.EMPTIED, "", [4, 5]),
        (MassKind.FILLED, "", [0]),
        ("", "", [0, 1, 2, 3, 4, 5, 6]),
        ("", "U8", [6]),
    ],
)
def test_only_the_records_of_a_kind_and_user_are_planned(
    damaged: tuple[Atelier, list[str]], kind: str, by: str, expected: list[int]
) -> None:
    atelier, records = damaged
    plan = atelier.planned(_selection(by, kind))
    assert [step.record for step in plan.steps] == [records[at] for at in expected]
    assert {step.columns for step in plan.steps} == {("Number",)}


def test_no_record_of_a_kind_is_refused(damaged: tuple[Atelier, list[str]]) -> None:
    atelier, _ = damaged
    with pytest.raises(UsageError, match="nothing to restore"):
        atelier.planned(_selection("U9", MassKind.OVERWRITTEN))


@pytest.mark.parametrize(("by", "count"), [("U8", 1), ("U7", 0)])
def test_deletions_of_a_user(damaged: tuple[Atelier, list[str]], by: str, count: int) -> None:
    atelier, records = damaged
    selection = Selection(SelectionKind.LOST, after=1, until=2, table="Account", by=by)
    if count:
        assert [step.record for step in atelier.planned(selection).steps] == [records[7]]
    else:
        with pytest.raises(UsageError, match="nothing to restore"):
            atelier.planned(selection)


def _selection(by: str, kind: str) -> Selection:
    return Selection(
        SelectionKind.CHANGED, after=1, until=2, table="Account", columns=("Number",), by=by,
        change=kind,
    )  # fmt: skip

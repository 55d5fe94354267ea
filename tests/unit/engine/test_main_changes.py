"""Mass changes that explain most of a list."""

from unlost.engine.records.main_changes import main_changes
from unlost.model.mass_changes import MassChange, MassKind


def change(column: str, count: int) -> tuple[MassChange, str]:
    return MassChange("Contact", MassKind.OVERWRITTEN, count, 1_196, column), column


def test_the_change_of_most_records_is_main() -> None:
    assert main_changes([change("Phone", 1_119), change("Fax", 30)], 1_150) == ["Phone"]


def test_several_columns_that_changed_together_are_main() -> None:
    candidates = [change(name, 100) for name in ("A", "B", "C")]
    assert main_changes(candidates, 100) == ["A", "B", "C"]
    assert main_changes([*candidates, change("D", 100)], 100) == [], "no single one explains it"


def test_nothing_is_main_in_an_empty_list() -> None:
    assert main_changes([change("Phone", 30)], 0) == []

"""The mass changes that explain most of a list of changed records. Pure."""

from collections.abc import Iterable, Sequence

from unlost.model.mass_changes import MassChange

MOST = 3  # columns; if more changed together, no single one explains the list
SHARE = 0.5  # of the changed records


def main_changes[T](candidates: Iterable[tuple[MassChange, T]], changed: int) -> Sequence[T]:
    """The candidates whose change covers most of the changed records; none if they are too many."""
    main = [item for change, item in candidates if changed and change.count >= SHARE * changed]
    return main if len(main) <= MOST else []

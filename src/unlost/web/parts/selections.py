"""Selections across the pages of a list: those a page shows, and those it sends."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.app.access import may
from unlost.app.actions.restores.selections import SelectionLists, change_selected, selected_records
from unlost.model.access import Right
from unlost.web.requests import UserRequest


@dataclass(frozen=True, slots=True)
class SelectedRecords:
    """The selected records of the list ``of``, and the records ``shown`` on a page.

    ``left_out``: all of the ``listed`` records are selected but these; None if single records are.
    """

    of: str
    records: frozenset[str]
    shown: frozenset[str]
    listed: int = 0
    left_out: frozenset[str] | None = None

    @property
    def total(self) -> int:
        """The number of selected records."""
        if self.left_out is not None:
            return max(self.listed - len(self.left_out), 0)
        return len(self.records)

    @property
    def elsewhere(self) -> int:
        """The number of selected records on other pages."""
        if self.left_out is not None:
            return max(self.total - len(self.shown - self.left_out), 0)
        return len(self.records - self.shown)

    def has(self, key: str) -> bool:
        """Return true if a record is selected."""
        return key in self.records if self.left_out is None else key not in self.left_out


def selected(
    request: UserRequest, org: str, *, of: str, shown: Sequence[str], listed: int = 0
) -> SelectedRecords | None:
    """Return the selected records of a list of ``listed`` records.

    None if the actor may not restore.
    """
    if not may(request.unlost, Right.RESTORE, org):
        return None
    return seen(selected_records(request.unlost, org, of), shown, listed=listed)


def sent_selections(request: UserRequest, org: str) -> SelectionLists:
    """Store the selection that a page sends, in addition to those of other pages."""
    posted = request.POST
    of, chosen = posted.get("of", ""), posted.getlist("record")
    return change_selected(
        request.unlost, org, of, shown=posted.getlist("every-record"), selected=chosen
    )


def seen(lists: SelectionLists, shown: Sequence[str], *, listed: int = 0) -> SelectedRecords:
    """Return the selection for a page that shows these records of ``listed`` ones."""
    left_out = frozenset(lists.left_out) if lists.every else None
    return SelectedRecords(lists.of, frozenset(lists.records), frozenset(shown), listed, left_out)

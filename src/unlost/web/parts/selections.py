"""Selections across the pages of a list: those a page shows, and those it sends."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.app.access import may
from unlost.app.actions.restores.selections import SelectionLists, change_selected, selected_records
from unlost.model.access import Right
from unlost.web.requests import UserRequest


@dataclass(frozen=True, slots=True)
class SelectedRecords:
    """The selected records of the list ``of``, and the records ``shown`` on a page."""

    of: str
    records: frozenset[str]
    shown: frozenset[str]

    @property
    def total(self) -> int:
        """The number of selected records."""
        return len(self.records)

    @property
    def elsewhere(self) -> int:
        """The number of selected records on other pages."""
        return len(self.records - self.shown)


def selected(
    request: UserRequest, org: str, *, of: str, shown: Sequence[str]
) -> SelectedRecords | None:
    """Return the selected records of a list; None if the actor may not restore."""
    if not may(request.unlost, Right.RESTORE, org):
        return None
    return seen(selected_records(request.unlost, org, of), shown)


def sent_selections(request: UserRequest, org: str) -> SelectionLists:
    """Store the selection that a page sends, in addition to those of other pages."""
    posted = request.POST
    of, chosen = posted.get("of", ""), posted.getlist("record")
    return change_selected(
        request.unlost, org, of, shown=posted.getlist("every-record"), selected=chosen
    )


def seen(lists: SelectionLists, shown: Sequence[str]) -> SelectedRecords:
    """Return the selection for a page that shows these records."""
    return SelectedRecords(lists.of, frozenset(lists.records), frozenset(shown))

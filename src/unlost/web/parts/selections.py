"""Ticks that last over the pages of a list: what a page shows of them, and what it sends."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.app.access import may
from unlost.app.actions.restores.selections import SelectionLists, change_selected, selected_records
from unlost.model.access import Right
from unlost.web.requests import UserRequest


@dataclass(frozen=True, slots=True)
class SelectedRecords:
    """What is ticked in the list ``of``, seen from one of its pages, which shows some records."""

    of: str
    records: frozenset[str]
    shown: frozenset[str]

    @property
    def total(self) -> int:
        """How many records are ticked in all."""
        return len(self.records)

    @property
    def elsewhere(self) -> int:
        """How many of them another page shows."""
        return len(self.records - self.shown)


def ticked(
    request: UserRequest, org: str, *, of: str, shown: Sequence[str]
) -> SelectedRecords | None:
    """What is ticked in a list; None for who restores nothing there, and has nothing to tick."""
    if not may(request.unlost, Right.RESTORE, org):
        return None
    return seen(selected_records(request.unlost, org, of), shown)


def sent_selections(request: UserRequest, org: str) -> SelectionLists:
    """Take up the ticks that a page sends, beside those of the list's other pages."""
    posted = request.POST
    of, chosen = posted.get("of", ""), posted.getlist("record")
    return change_selected(
        request.unlost, org, of, shown=posted.getlist("every-record"), ticked=chosen
    )


def seen(lists: SelectionLists, shown: Sequence[str]) -> SelectedRecords:
    """Ticks as a page sees them that shows these records."""
    return SelectedRecords(lists.of, frozenset(lists.records), frozenset(shown))

"""Selections in long lists, over all pages of a list: ids of records, and none of their values.

If all records of a list are selected, the ids are not stored: ``EVERY``, and the records that were
left out again. The name of such a list is its query, and finds the records.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import Org, SelectionRow

EVERY = "*"  # the first item: all records of the list
LEFT_OUT = "-"  # begins the name of a record that is not selected though all others are

type Change = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class SelectionList:
    """A list ``of`` an org, with the selections ``by`` a person."""

    org: str
    by: str
    of: str


def selected_in(selection_list: SelectionList, *, since: datetime) -> Sequence[str]:
    """The selected records of a list, as TABLE/ID in the order of selection.

    Selections from before ``since`` do not count.
    """
    with returned_connection():
        row = SelectionRow.objects.filter(**_named(selection_list), at__gte=since).first()
    return row.records if row is not None else ()


def change_selected_in(
    selection_list: SelectionList, change: Change, *, at: datetime
) -> Sequence[str]:
    """Change the selection in a list, one change after the other, and return the rest."""
    with one_transaction():
        rows = SelectionRow.objects.select_for_update()
        org = Org.objects.get(name=selection_list.org)
        row, _ = rows.get_or_create(
            org=org, by=selection_list.by, of=selection_list.of, defaults={"at": at}
        )
        records = list(change(row.records))
        if records:
            SelectionRow.objects.filter(pk=row.pk).update(at=at, records=records)
        else:
            row.delete()
    return records


def lists_of(org: str, *, by: str) -> Sequence[SelectionList]:
    """The lists of an org with selections of a person."""
    with returned_connection():
        list_names = SelectionRow.objects.filter(org__name=org, by=by).values_list("of", flat=True)
        return [SelectionList(org, by, of) for of in list_names]


def drop_selections(*, before: datetime) -> None:
    """Delete selections made before an instant."""
    with returned_connection():
        SelectionRow.objects.filter(at__lt=before).delete()


def drop_older_lists(*, by: str, most: int) -> None:
    """Delete a person's selections in all lists except the ``most`` newest."""
    with returned_connection():
        newest = (
            SelectionRow.objects.filter(by=by).order_by("-at", "-id").values_list("id", flat=True)
        )
        SelectionRow.objects.filter(id__in=list(newest[most:])).delete()


def _named(selection_list: SelectionList) -> dict[str, str]:
    return {"org__name": selection_list.org, "by": selection_list.by, "of": selection_list.of}

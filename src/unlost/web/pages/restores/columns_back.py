"""Put columns of the records of a list back: the form's choices, and the start of the plan."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from unlost.app.actions.backups.snapshots import snapshots
from unlost.app.actions.records.record_list import ListPage
from unlost.app.actions.restores.columns_back import ColumnsBack, ColumnsRequest, columns_back
from unlost.app.actions.restores.selections import query_in
from unlost.app.records.lists.queries import ListKind
from unlost.app.records.lists.record_lists import ListColumn
from unlost.model.access import Right
from unlost.model.errors import UsageError
from unlost.model.vault.snapshot import SnapshotInfo, nights
from unlost.web.needs import needs
from unlost.web.pages.restores.restore import nothing_chosen, planning
from unlost.web.pages.restores.selections import list_address
from unlost.web.parts.selections import sent_selections
from unlost.web.requests import UserRequest
from unlost.web.translate import error_text

NIGHTS = 400  # backups to choose from
MOST_NAMES = 5  # missing records that a message names


@dataclass(frozen=True, slots=True)
class ColumnChoices:
    """Columns that can be put back, and the backups to choose from, newest first.

    ``right`` and ``wrong``: the numbers that are chosen beforehand; ``right`` may be empty.
    """

    columns: Sequence[ListColumn]
    nights: Sequence[SnapshotInfo]
    right: str
    wrong: str


def column_choices(request: UserRequest, org: str, page: ListPage) -> ColumnChoices | None:
    """Return the choices for a list; None if no earlier value is known."""
    whole = nights(snapshots(request.unlost, org).snapshots)[::-1][:NIGHTS]
    columns = [column for column in page.choices if column.name in page.settable]
    if len(whole) < 2 or not columns:
        return None
    if page.query.kind is ListKind.CHANGED:
        return ColumnChoices(columns, whole, page.query.older, page.query.newer)
    return ColumnChoices(columns, whole, "", str(whole[0].number))


@require_POST
@needs(Right.RESTORE)
def put_columns_back(request: UserRequest, org: str) -> HttpResponse:
    """Start to plan that columns of the selected records, or of all of the list, are put back."""
    try:
        result = columns_back(request.unlost, org, _wanted(request, org))
    except UsageError as error:
        messages.error(request, error_text(error))
        return redirect(list_address(org, request.POST, stay=True))
    _name_missing(request, result)
    return planning(request, result.view)


def _wanted(request: UserRequest, org: str) -> ColumnsRequest:
    posted: QueryDict = request.POST
    lists = sent_selections(request, org)
    every = lists.every or "put-every" in posted
    if not (every or lists.records):
        raise nothing_chosen()
    return ColumnsRequest(
        tuple(posted.getlist("put-column")),
        posted.get("put-at", ""),
        posted.get("put-since", ""),
        records=() if every else lists.records,
        listed=query_in(lists.of) if every else None,
        without=() if "put-every" in posted else lists.left_out,
    )


def _name_missing(request: UserRequest, result: ColumnsBack) -> None:
    if not result.missing_count:
        return
    text = ngettext(
        "%(count)d record is not in this backup and stays as it is: %(names)s.",
        "%(count)d records are not in this backup and stay as they are: %(names)s.",
        result.missing_count,
    )
    names = [each.name or each.record for each in result.missing[:MOST_NAMES]]
    more = " …" if result.missing_count > len(names) else ""
    messages.info(request, text % {"count": result.missing_count, "names": ", ".join(names) + more})

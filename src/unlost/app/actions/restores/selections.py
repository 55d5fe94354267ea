"""Records that a person selects in a list of several pages, stored until they are restored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.records.lists.queries import ListQuery, query_of
from unlost.catalog.runs.selections import (
    EVERY,
    LEFT_OUT,
    SelectionList,
    change_selected_in,
    drop_older_lists,
    drop_selections,
    lists_of,
    selected_in,
)
from unlost.model.access import Right
from unlost.model.errors import UsageError

MOST = 2_000  # selected records of a list; to restore more, restore a whole table
LISTS = 10  # lists with selections per person; those in older lists are dropped
LIFETIME = timedelta(hours=12)  # as long as a sign-in to the console lasts
QUERY = "list/"  # begins the name of a list that is a query
LONGEST = 500  # characters of a record's name, and of a list's


@dataclass(frozen=True, slots=True)
class SelectionLists:
    """All selected records of a list, as TABLE/ID.

    ``every``: all records that the list's query finds are selected, apart from ``left_out``.
    """

    of: str
    records: tuple[str, ...]
    every: bool = False
    left_out: tuple[str, ...] = ()


@action("record.ticks", Right.RESTORE)
def selected_records(app: Application, org: str, of: str) -> SelectionLists:
    """List the records that the actor selected in the list ``of`` of an org."""
    since = app.clock.now() - LIFETIME
    return _lists(of, selected_in(_list(app, org, of), since=since))


@action("record.tick", Right.RESTORE)
def change_selected(
    app: Application, org: str, of: str, *, shown: Collection[str], selected: Sequence[str]
) -> SelectionLists:
    """Save the selection of one page; selections on other pages stay.

    Raises UsageError (``list-unnamed``, ``ticked-too-many``); nothing is changed then.
    """
    now = app.clock.now()
    drop_selections(before=now - LIFETIME)
    # A page sends the records that it shows, as browsers do not send unticked boxes.
    here = {*shown, *selected}

    def changed(before: Sequence[str]) -> Sequence[str]:
        if EVERY in before:
            return _all_but(before, here, set(selected))
        still = set(selected)
        remaining = [record for record in before if record not in here or record in still]
        every = list(dict.fromkeys([*remaining, *filter(_names_record, selected)]))
        if len(every) > MOST:
            raise _too_many()
        return every

    every = change_selected_in(_list(app, org, of), changed, at=now)
    drop_older_lists(by=app.actor.name, most=LISTS)
    return _lists(of, every)


@action("record.tick-all", Right.RESTORE)
def select_all(app: Application, org: str, of: str) -> SelectionLists:
    """Select all records of a list that is named by its query, without storing their ids.

    Raises UsageError (``list-unnamed``, ``list-wrong``).
    """
    query_in(of)
    now = app.clock.now()
    drop_selections(before=now - LIFETIME)
    every = change_selected_in(_list(app, org, of), lambda _: (EVERY,), at=now)
    drop_older_lists(by=app.actor.name, most=LISTS)
    return _lists(of, every)


@action("record.clear-ticks", Right.RESTORE)
def clear_selected(app: Application, org: str, of: str) -> SelectionLists:
    """Clear the actor's selection in a list."""
    change_selected_in(_list(app, org, of), lambda _: (), at=app.clock.now())
    return SelectionLists(of, ())


@action("record.untick", Right.RESTORE)
def deselect(app: Application, org: str, records: Collection[str]) -> None:
    """Remove restored records from the actor's selections in all lists of an org."""
    gone = frozenset(records)
    for selection_list in lists_of(org, by=app.actor.name):
        change_selected_in(
            selection_list,
            lambda before: [record for record in before if record not in gone],
            at=app.clock.now(),
        )


def list_name(query: ListQuery) -> str:
    """Return the name of a list that is a query; empty if it is too long for one."""
    name = f"{QUERY}{query.text()}"
    return name if len(name) <= LONGEST else ""


def query_in(of: str) -> ListQuery:
    """Return the query in the name of a list; raises UsageError (``list-wrong``)."""
    return query_of(of.removeprefix(QUERY) if of.startswith(QUERY) else "")


def _all_but(before: Sequence[str], here: Collection[str], still: Collection[str]) -> Sequence[str]:
    """Return a selection of all records after one page was changed: what it leaves out."""
    texts = [record.removeprefix(LEFT_OUT) for record in before if record != EVERY]
    elsewhere = [text for text in texts if text not in here]
    left_out = [text for text in sorted(here) if text not in still and _names_record(text)]
    if len(elsewhere) + len(left_out) > MOST:
        raise _too_many()
    return [EVERY, *(f"{LEFT_OUT}{text}" for text in (*elsewhere, *left_out))]


def _lists(of: str, stored: Sequence[str]) -> SelectionLists:
    if EVERY not in stored:
        return SelectionLists(of, tuple(stored))
    left_out = (record.removeprefix(LEFT_OUT) for record in stored if record != EVERY)
    return SelectionLists(of, (), every=True, left_out=tuple(left_out))


def _list(app: Application, org: str, of: str) -> SelectionList:
    if not of or len(of) > LONGEST or not of.isprintable():
        raise UsageError(
            "list-unnamed",
            "The list of the selected records is missing.",
            next_step="Reload the list, and select the records there.",
        )
    return SelectionList(org, app.actor.name, of)


def _names_record(text: str) -> bool:
    table, _, record = text.partition("/")
    return bool(table and record) and len(text) <= LONGEST and text.isprintable()


def _too_many() -> UsageError:
    return UsageError(
        "ticked-too-many",
        "At most {most:,} records of a list can be selected. The records of this page were not "
        "added.",
        next_step="Preview and restore the selected records first, or preview a whole table.",
        most=MOST,
    )

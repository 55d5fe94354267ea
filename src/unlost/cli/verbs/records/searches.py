"""unlost searches: save searches under a name, and open them again."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import command, plain
from unlost.cli.verbs.records.find import (
    PAGE,
    DeletedBy,
    Former,
    OnlyOrg,
    OnlyState,
    OnlySystem,
    OnlyTable,
    PageNumber,
    SearchText,
    Since,
    Until,
    show_matches,
)

if TYPE_CHECKING:
    from unlost.app.actions.records.saved_searches import SavedSearch, SavedSearches
    from unlost.app.records.search.query import RecordSearch

app = typer.Typer(no_args_is_help=True, help="Manage your saved searches.", rich_markup_mode=None)
SearchName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the saved search.")]


@app.command("list")
def every(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """List your saved searches."""
    with opened(home) as application:
        from unlost.app.actions.records.saved_searches import searches

        answer(searches(application), as_json=json, show=_show)
    return ExitCode.OK


@app.command("save")
def save(
    name: SearchName,
    text: SearchText = "",
    *,
    org: OnlyOrg = None,
    system: OnlySystem = None,
    table: OnlyTable = None,
    state: OnlyState = None,
    deleted_by: DeletedBy = None,
    since: Since = None,
    until: Until = None,
    former: Former = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Save a search under a name; one of the same name is replaced."""
    with opened(home) as application:
        from unlost.app.actions.records.saved_searches import save_search
        from unlost.app.records.search.query import RecordSearch
        from unlost.engine.records.matches import StateFilter

        query = RecordSearch(
            text=text,
            org=org or "",
            system=system or "",
            table=table or "",
            state=StateFilter(state) if state else None,
            deleted_by=deleted_by or "",
            since=since or "",
            until=until or "",
            former=former,
        )
        answer(save_search(application, name, query), as_json=json, show=_show_saved)
    return ExitCode.OK


@app.command("open")
def open_saved(
    name: SearchName, *, page: PageNumber = 1, home: Home = None, json: AsJson = False
) -> ExitCode:
    """Search again, and show the records that match now."""
    with opened(home) as application:
        from unlost.app.actions.records.find import find
        from unlost.app.actions.records.saved_searches import open_search

        query = open_search(application, name).query
        result = find(
            application,
            query.text,
            org=query.org or None,
            system=query.system or None,
            table=query.table or None,
            state=query.state,
            deleted_by=query.deleted_by or None,
            since=query.since or None,
            until=query.until or None,
            former=query.former,
            start=(page - 1) * PAGE,
        )
        answer(result, as_json=json, show=show_matches)
    return ExitCode.OK


@app.command("remove")
def remove(name: SearchName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Remove a saved search."""
    with opened(home) as application:
        from unlost.app.actions.records.saved_searches import drop_search

        answer(drop_search(application, name), as_json=json, show=_show_removed)
    return ExitCode.OK


def _show(out: Output, result: "SavedSearches") -> None:
    if not result.searches:
        save = command("searches", "save", "NAME", "TEXT")
        out.print(f"You have no saved searches. Save one: {save}")
    for search in result.searches:
        out.print(f"{plain(search.name)}: {_query(search.query)}")


def _show_saved(out: Output, search: "SavedSearch") -> None:
    out.print(f"Saved as {plain(search.name)}: {_query(search.query)}")
    out.print(f"Open it: {command('searches', 'open', search.name)}")


def _show_removed(out: Output, search: "SavedSearch") -> None:
    out.print(f"Removed {plain(search.name)}.")


def _query(query: "RecordSearch") -> str:
    """Return a search as it is typed after ``unlost find``."""
    options = {
        "--org": query.org,
        "--system": query.system,
        "--table": query.table,
        "--state": query.state.value if query.state is not None else "",
        "--deleted-by": query.deleted_by,
        "--since": query.since,
        "--until": query.until,
    }
    words = [word for option, text in options.items() if text for word in (option, text)]
    former = ["--former"] if query.former else []
    return command("find", *([query.text] if query.text else []), *words, *former)

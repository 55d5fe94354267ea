"""unlost watch: follow records, see what changed on them, and take changes back."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import command, many, plain
from unlost.cli.verbs.records.history import event_text
from unlost.cli.words import changed_field

if TYPE_CHECKING:
    from unlost.app.actions.records.watch import Watch, WatchedChanges, Watches
    from unlost.app.actions.restores.take_back import TakenBackPlan
    from unlost.app.records.lists.queries import ListQuery

app = typer.Typer(
    no_args_is_help=True,
    help="Watch records, and take changes of them back.",
    rich_markup_mode=None,
)
MOST = 20  # created records that are listed
WatchName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the watched set.")]
UserId = Annotated[str, typer.Option("--user", metavar="ID", help="Only changes by this user.")]
Since = Annotated[
    str,
    typer.Option(
        "--since", metavar="WHEN", help="From this day or time on, such as 2026-03-14T14:00."
    ),
]
Until = Annotated[
    str, typer.Option("--until", metavar="WHEN", help="Up to the end of this day or minute.")
]
Live = Annotated[
    bool, typer.Option("--live", help="Also read the org, for changes since the newest backup.")
]
Start = Annotated[int, typer.Option("--start", metavar="N", help="Leave out the newest N changes.")]


@app.command("list")
def every(
    *,
    org: Annotated[str | None, typer.Option("--org", help="Only sets of this org.")] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List the watched sets."""
    with opened(home) as application:
        from unlost.app.actions.records.watch import watches

        answer(watches(application, org=org), as_json=json, show=_show_list)
    return ExitCode.OK


@app.command("add")
def add(
    org: OrgName,
    name: WatchName,
    *,
    record: Annotated[
        list[str] | None,
        typer.Option("--record", metavar="TABLE/ID", help="A record; repeatable."),
    ] = None,
    related_to: Annotated[
        str,
        typer.Option(
            "--related-to",
            metavar="TABLE/ID",
            help="All records of --table that refer to this one, such as the customers of a user.",
        ),
    ] = "",
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="All records of --table with this text.")
    ] = "",
    table: Annotated[str, typer.Option("--table", metavar="T", help="The table of the list.")] = "",
    deletions: Annotated[
        bool, typer.Option("--alert-deletions", help="Alert when a record of the set is deleted.")
    ] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--alert-column", metavar="TABLE.C", help="Alert when this changes; repeatable."
        ),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Watch records under a name; a set of the same name is replaced."""
    with opened(home) as application:
        from unlost.app.actions.records.watch import WatchRequest, add_watch

        request = WatchRequest(
            name,
            tuple(record or ()),
            _listed(table, related_to, search),
            deletions=deletions,
            columns=tuple(column or ()),
        )
        answer(add_watch(application, org, request), as_json=json, show=_show_added)
    return ExitCode.OK


@app.command("show")
def show(
    org: OrgName,
    name: WatchName,
    *,
    column: Annotated[
        str, typer.Option("--column", metavar="TABLE.C", help="Only changes of this column.")
    ] = "",
    user: UserId = "",
    kind: Annotated[
        str,
        typer.Option(
            "--kind", metavar="KIND", help="Only created, changed, deleted, archived or revived."
        ),
    ] = "",
    since: Since = "",
    until: Until = "",
    live: Live = False,
    start: Start = 0,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show what changed in the last 30 days on the records and on what belongs to them."""
    with opened(home) as application:
        from unlost.app.actions.records.watch import ChangeFilter, watched_changes
        from unlost.engine.records.history import EventKind

        only = ChangeFilter(column, user, EventKind(kind) if kind else None, since, until)
        result = watched_changes(application, org, name, only=only, live=live, start=start)
        answer(result, as_json=json, show=_show_changes)
    return ExitCode.OK


@app.command("remove")
def remove(org: OrgName, name: WatchName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Stop watching a set."""
    with opened(home) as application:
        from unlost.app.actions.records.watch import remove_watch

        answer(remove_watch(application, org, name), as_json=json, show=_show_removed)
    return ExitCode.OK


@app.command("take-back")
def take_back(
    org: OrgName,
    name: WatchName,
    *,
    user: Annotated[str, typer.Option("--user", metavar="ID", help="The user.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    since: Since = "",
    until: Until = "",
    live: Live = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to take back all changes of a user in a set. Nothing is written to the org.

    Without --since, the period begins 30 days before the newest backup. Values that others changed
    later stay, and so do records that the user created. Exit code 3 if some records cannot be
    written.
    """
    with opened(home) as application:
        from unlost.app.actions.restores.take_back import plan_take_back
        from unlost.cli.progress import shown_progress

        with shown_progress(application.clock) as observer:
            result = plan_take_back(
                application,
                org,
                name,
                user,
                out,
                since=since,
                until=until,
                live=live,
                observer=observer,
            )
    answer(result, as_json=json, show=partial(_show_taken_back, live=live))
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


def _listed(table: str, related_to: str, search: str) -> "ListQuery | None":
    from unlost.app.records.lists.queries import ListKind, ListQuery
    from unlost.app.records.search.query import RecordSearch

    if related_to:
        return ListQuery(ListKind.RELATED, table, of=related_to)
    if search:
        return ListQuery(ListKind.MATCHES, table, search=RecordSearch(search, table=table))
    return None


def _show_list(out: Output, result: "Watches") -> None:
    if not result.watches:
        add = command("watch", "add", "ORG", "NAME", "--record", "TABLE/ID")
        out.print(f"Nothing is watched. Watch a record: {add}")
    for watch in result.watches:
        out.print(f"{plain(watch.org)}: {plain(watch.name)}, {_contents(watch)}")


def _contents(watch: "Watch") -> str:
    contents = many(len(watch.records), "record") if watch.listed is None else "a list"
    alerts = [*(["deletions"] if watch.deletions else []), *map(plain, watch.columns)]
    return f"{contents}; alerts: {', '.join(alerts)}" if alerts else contents


def _show_added(out: Output, watch: "Watch") -> None:
    out.print(f"Watched: {plain(watch.name)}, {_contents(watch)}")
    out.print(f"See the changes: {command('watch', 'show', watch.org, watch.name)}")


def _show_removed(out: Output, watch: "Watch") -> None:
    out.print(f"{plain(watch.name)} is not watched any more.")


def _show_taken_back(out: Output, result: "TakenBackPlan", *, live: bool) -> None:
    from unlost.cli.verbs.restores.restore import show_new

    show_new(out, result)
    out.print()
    if result.changed_later:
        out.print(f"{many(result.changed_later, 'value')} that others changed later: not included.")
    if result.unread:
        tables = plain(", ".join(result.unread))
        out.print(f"The org did not deliver its newest changes in {tables}: not included.")
    if not live:
        out.print("Changes since the newest backup: not included. Add them with --live.")
    if result.created:
        out.print(f"{many(len(result.created), 'record')} that the user created: not deleted.")
    for each in result.created[:MOST]:
        since = "" if each.in_backup else ", created after the newest backup"
        out.print(f"  {plain(each.table_label)} {plain(each.name)} ({each.record}{since})")
    if len(result.created) > MOST:
        out.print(f"  and {len(result.created) - MOST:,} more: `--json` lists all")
    if result.created:
        purge = command("purge", "plan", result.org, result.created[0].record, "--out", "FILE")
        out.print(f"Plan to delete created records: {purge}")


def _show_changes(out: Output, result: "WatchedChanges") -> None:
    counts = many(result.total, "change")
    out.print(f"{plain(result.watch.name)}: {many(result.members, 'record')}, {counts}")
    for change in result.changes:
        out.print()
        name = plain(change.name) or change.record
        out.print(f"{event_text(change.entry, result.zone)}")
        out.print(f"  {change.table_label} {name} ({change.table}/{change.record})")
        for field in change.entry.fields:
            out.print(f"    {changed_field(field)}")
    following = result.start + len(result.changes)
    if following < result.total:
        out.print()
        more = command("watch", "show", result.org, result.watch.name, "--start", str(following))
        out.print(f"{many(result.total - following, 'more change')}: {more}")
    if result.unsearched:
        tables = plain(", ".join(result.unsearched))
        out.print(f"Too much changed in this period in {tables}: their records are missing.")
    if result.more:
        out.print(f"{many(result.more, 'changed record')} left out: choose a shorter period.")

"""unlost find: search by number, name, e-mail, phone or id."""

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import command, plain, short, when
from unlost.cli.words import fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unlost.app.actions.records.find import FindResult
    from unlost.app.records.search.found_records import FoundRecord
    from unlost.app.records.search.hints import SearchedOrg

PAGE = 20
SEARCHED = (
    "Searched were ids, numbers, names, e-mail addresses, telephone numbers, postal addresses and "
    "subjects; not long texts or the contents of files."
)

SearchText = Annotated[
    str,
    typer.Argument(
        metavar="TEXT",
        help="Number, name, e-mail, phone or id, or the start of one; or several words. "
        "“deleted by NAME” at the end finds the records that this user deleted.",
    ),
]
OnlyOrg = Annotated[str | None, typer.Option("--org", metavar="NAME", help="Search this org only.")]
OnlySystem = Annotated[
    str | None,
    typer.Option("--system", metavar="NAME", help="Search only orgs of this system."),
]
OnlyTable = Annotated[
    str | None,
    typer.Option("--table", metavar="T", help="Only records of this table: its name or label."),
]
OnlyState = Annotated[
    Literal["live", "deleted", "archived"] | None,
    typer.Option(
        "--state",
        help="Only live records, deleted ones, or ones that an archive took out of the org.",
    ),
]
DeletedBy = Annotated[
    str | None,
    typer.Option(
        "--deleted-by",
        metavar="NAME",
        help="Only records that this user deleted; the beginning of the name is enough. TEXT "
        "may then be left out.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="DAY", help="Only records changed or deleted on this day or later."
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="DAY", help="Only records last changed or deleted by this day."
    ),
]
Former = Annotated[
    bool,
    typer.Option(
        "--former",
        help="Search former values too. This takes longer: it reads all versions of each record "
        "that ever had one of the words.",
    ),
]
PageNumber = Annotated[int, typer.Option("--page", metavar="N", min=1, help="Show this page.")]


def find(
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
    page: PageNumber = 1,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Find records: live, deleted or archived ones."""
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.records.find import find as act
        from unlost.engine.records.matches import StateFilter

        result = act(
            application,
            text,
            org=org,
            system=system,
            table=table,
            state=StateFilter(state) if state else None,
            deleted_by=deleted_by,
            since=since,
            until=until,
            former=former,
            start=(page - 1) * PAGE,
        )
        answer(result, as_json=json, show=show_matches)
    return ExitCode.OK


def show_matches(out: Output, result: "FindResult") -> None:
    """Print the matches of a search, or why there are none."""
    _show_unindexed(out, result.orgs)
    _show_looked_back(out, result.orgs)
    if not result.total:
        _show_nothing(out, result)
        return
    _show_hits(out, result.hits)
    if result.total > len(result.hits) or result.more:
        out.print()
        _show_place(out, result)


def _show_hits(out: Output, hits: "Sequence[FoundRecord]") -> None:
    """Print hits; those of several systems below the names of their systems."""
    several = len({hit.system for hit in hits}) > 1
    for label, group in groupby(hits, key=lambda hit: hit.system_label):
        if several:
            out.print(f"{plain(label)}:")
        for hit in group:
            _show_hit(out, hit)


def _show_hit(out: Output, hit: "FoundRecord") -> None:
    out.print(f"{hit.table_label} {short(hit.name or hit.record)}: {fate(hit.gone, zone=hit.zone)}")
    if hit.differs:
        out.print(f"  {short(hit.differs)}")
    mark = " (former value)" if hit.former else ""
    out.print(f"  {hit.column_label}: {short(hit.value)}{mark}")
    if hit.restored_as:
        out.print(f"  Restored as {hit.restored_as}")
    out.print(f"  {command('history', hit.org, f'{hit.table}/{hit.record}')}")


def _show_place(out: Output, result: "FindResult") -> None:
    """Print which of the matches are shown, and in which tables they are."""
    last = result.start + len(result.hits)
    total = f"at least {result.total:,}" if result.more else f"{result.total:,}"
    following = f"; --page {result.start // PAGE + 2} shows more" if last < result.total else ""
    shown = f"{result.start + 1:,} to {last:,} of {total}" if result.hits else f"{total} in all"
    out.print(f"{shown}{following}.")
    if result.more:
        out.print("Not all matches were checked. Add a word, or choose a table.")
    if len(result.systems) > 1:
        out.print(
            "By system: "
            + ", ".join(f"{plain(system.label)} {system.count:,}" for system in result.systems)
        )
    if len(result.tables) > 1:
        out.print(
            "By table: "
            + ", ".join(f"{plain(table.label)} {table.count:,}" for table in result.tables)
        )


def _show_nothing(out: Output, result: "FindResult") -> None:
    where = ", ".join(result.searched) or "no org: there is no backup yet"
    out.print(f"Nothing found for {short(result.text or result.deleted_by)!r} (searched {where}).")
    if result.suggestions:
        out.print("Did you mean:")
    for text in result.suggestions:
        out.print(f"  {command('find', text)}")
    for org in result.orgs:
        following = f"; next {when(org.next_backup, zone=org.zone)}" if org.next_backup else ""
        out.print(f"  {org.org}: newest backup {when(org.as_of, zone=org.zone)}{following}")
    if result.orgs:
        out.print(SEARCHED)
    for hint in result.hints:
        out.print(f"- {plain(hint.sentence)} {plain(hint.next_step)}".rstrip())


def _show_looked_back(out: Output, orgs: "tuple[SearchedOrg, ...]") -> None:
    for org in orgs:
        if org.deletions_since is not None:
            since = when(org.deletions_since, zone=org.zone)
            out.print(
                f"Only deletions in {org.org} since {since} were searched. Use --since DAY to search "
                "earlier ones."
            )


def _show_unindexed(out: Output, orgs: "tuple[SearchedOrg, ...]") -> None:
    for org in orgs:
        if org.unindexed:
            out.print(
                f"Older records of {org.org} are still being indexed ({org.unindexed} % left). Until "
                "then, type accents and numbers as they are stored."
            )

"""unlost archive policy: save archive policies, and let the service run them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.policy_options import Include, KeepDays, UnchangedDays, with_options
from unlost.cli.policy_words import policy_lines
from unlost.cli.text import command, many, plain, when
from unlost.model.archive import ArchiveOrder, OldVersionRule
from unlost.model.errors import UsageError
from unlost.model.saved_policy import LARGEST_DAY, WEEK, Weekday, days_of, days_text

if TYPE_CHECKING:
    from unlost.app.actions.archive.saved_policies import (
        PolicyNight,
        SavedPolicyList,
        SavedPolicyView,
    )
    from unlost.app.compose import Application
    from unlost.model.archive import ArchivePolicy, ParentPointer

app = typer.Typer(
    no_args_is_help=True,
    help="Save archive policies, and archive on a schedule.",
    rich_markup_mode=None,
)
FILE_SUFFIX = ".json"
NO_POINTER = "none"
SecondCopy = Annotated[
    bool | None,
    typer.Option(
        "--second-copy/--no-second-copy",
        help="Archive a record only if the mirror of the vault has its copy, too.",
    ),
]
HardDelete = Annotated[
    bool | None,
    typer.Option(
        "--hard-delete/--no-hard-delete",
        help="Delete records without the recycle bin: undo creates them again, with new ids.",
    ),
]
Pointer = Annotated[
    str,
    typer.Option(
        "--pointer",
        metavar="COLUMN[,COUNT[,LINK]]",
        help="Update the record that COLUMN names, such as AccountId: add the number of archived "
        "records to COUNT, and write a link to them into LINK. Leave COUNT or LINK empty to skip it. "
        "“none” removes the pointer.",
    ),
]
Versions = Annotated[
    OldVersionRule | None,
    typer.Option(
        "--old-versions",
        help="For policies of files: free old versions. A new file with the newest version takes the "
        "place of each file.",
    ),
]
Order = Annotated[
    ArchiveOrder | None,
    typer.Option(
        "--order",
        help="The records that leave first under a limit. Default: the oldest, if the policy has a "
        "condition on an age.",
    ),
]
SavedName = Annotated[str, typer.Argument(metavar="POLICY", help="Name of a saved policy.")]


@app.command("save")
def save(
    name: OrgName,
    policy: Annotated[
        str,
        typer.Argument(metavar="FILE.json|POLICY", help="A policy in a file, or its name."),
    ],
    *,
    days: Annotated[
        str,
        typer.Option(
            "--days", metavar="DAYS", help="Archive after the backups of these days: mon,thu."
        ),
    ] = "",
    nightly: Annotated[
        bool, typer.Option("--nightly", help="Archive after each scheduled backup.")
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="Switch the schedule off.")] = False,
    daily_limit: Annotated[
        int | None,
        typer.Option(
            "--daily-limit",
            metavar="N",
            min=1,
            max=LARGEST_DAY,
            help="Archive at most N records a day. Default: 1,000.",
        ),
    ] = None,
    confirm_large: Annotated[
        bool,
        typer.Option("--confirm-large", help="The policy may archive more than half of a table."),
    ] = False,
    second_copy: SecondCopy = None,
    hard_delete: HardDelete = None,
    pointer: Pointer = "",
    old_versions: Versions = None,
    keep_days: KeepDays = None,
    unchanged_days: UnchangedDays = None,
    include: Include = None,
    order: Order = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Save an archive policy under its name, and set its schedule.

    Other commands take the name. You become the owner of the schedule: the service archives for you,
    while you may restore in the org. Preview a policy before you switch its schedule on.
    """
    chosen_days = _days(days, nightly=nightly, off=off)
    with opened(home) as application:
        from unlost.app.actions.archive.saved_policies import PolicyRequest, save_policy

        on = False if off else (True if chosen_days is not None else None)
        chosen = _policy(application, name, policy)
        chosen = replace(
            chosen,
            second_copy=chosen.second_copy if second_copy is None else second_copy,
            hard_delete=chosen.hard_delete if hard_delete is None else hard_delete,
            pointer=_pointer(pointer) if pointer else chosen.pointer,
            old_versions=old_versions or chosen.old_versions,
            order=order or chosen.order,
        )
        chosen = with_options(
            chosen, keep_days=keep_days, unchanged_days=unchanged_days, include=include
        )
        request = PolicyRequest(chosen, chosen_days, on, daily_limit, confirm_large)
        answer(save_policy(application, name, request), as_json=json, show=_show_saved)
    return ExitCode.OK


@app.command("list")
def show_list(name: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the saved policies of an org, with their schedules."""
    with opened(home) as application:
        from unlost.app.actions.archive.saved_policies import list_saved

        answer(list_saved(application, name), as_json=json, show=_show_list)
    return ExitCode.OK


@app.command("show")
def show(name: OrgName, policy: SavedName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Show a saved policy, its schedule, and its latest runs."""
    with opened(home) as application:
        from unlost.app.actions.archive.saved_policies import show_saved

        answer(show_saved(application, name, policy), as_json=json, show=_show_one)
    return ExitCode.OK


@app.command("remove")
def remove(
    name: OrgName, policy: SavedName, *, home: Home = None, json: AsJson = False
) -> ExitCode:
    """Remove a saved policy and its schedule. Archived records are not changed."""
    with opened(home) as application:
        from unlost.app.actions.archive.saved_policies import remove_policy

        answer(remove_policy(application, name, policy), as_json=json, show=_show_removed)
    return ExitCode.OK


def _days(days: str, *, nightly: bool, off: bool) -> tuple[Weekday, ...] | None:
    if sum((bool(days), nightly, off)) > 1:
        raise UsageError(
            "archive-days-unclear",
            "A schedule is either --days, --nightly or --off.",
            next_step="Use one of them.",
        )
    if nightly:
        return WEEK
    return days_of(days) if days else None


def _pointer(text: str) -> "ParentPointer | None":
    from unlost.model.archive import ParentPointer

    if text == NO_POINTER:
        return None
    column, count, link, *more = (*(part.strip() for part in text.split(",")), "", "")
    if any(more):
        raise UsageError(
            "archive-pointer-unclear",
            "A pointer has at most three parts: the reference, the column for the count, the column for "
            "the link.",
            next_step="Write it as AccountId,Archived_Cases__c,Archive_Link__c.",
        )
    return ParentPointer(column, count, link)


def _policy(application: "Application", org: str, policy: str) -> "ArchivePolicy":
    if policy.endswith(FILE_SUFFIX):
        from unlost.app.archive.policy_file import read_policy

        return read_policy(Path(policy))
    from unlost.app.actions.archive.policies import archive_policies

    return archive_policies(application, org).named(policy)


def _show_saved(out: Output, view: "SavedPolicyView") -> None:
    out.print(f"Saved: {_line(view)}")
    if not view.on and view.previewed is None:
        name = view.policy.name
        out.print(f"Preview it: {command('archive', 'preview', view.org, name)}")


def _show_list(out: Output, result: "SavedPolicyList") -> None:
    for view in result.policies:
        out.print(_line(view))
    if not result.policies:
        save_first = command("archive", "policy", "save", result.org, "POLICY")
        out.print(f"No policy is saved. Save one: {save_first}")


def _show_one(out: Output, view: "SavedPolicyView") -> None:
    out.print(_line(view))
    for line in policy_lines(view.policy):
        out.print(f"  {line}")
    out.print(f"  saved by {plain(view.owner)}, {when(view.at, zone=view.zone)}")
    if view.problem is not None:
        out.print(f"  problem: {plain(view.problem.sentence)}")
        out.print(f"  {plain(view.problem.next_step)}")
    for night in view.nights:
        out.print(f"  {_night(night)}")


def _show_removed(out: Output, view: "SavedPolicyView") -> None:
    out.print(f"Removed: {plain(view.policy.name)}")


def _line(view: "SavedPolicyView") -> str:
    days = days_text(view.days) if view.on else "no schedule"
    limit = f", at most {many(view.daily_limit, 'record')} a day" if view.on else ""
    return f"{plain(view.policy.name)}: {days}{limit}"


def _night(night: "PolicyNight") -> str:
    run = f"  {night.run}" if night.run else ""
    why = f": {plain(night.error.sentence)}" if night.error is not None else ""
    return f"{night.night}  {night.state.value}{run}{why}"

"""unlost archive: list archive policies, and preview them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, size, when
from unlost.model.archive import Comparison, Condition, StayReason
from unlost.model.errors import NotFound, UsageError

if TYPE_CHECKING:
    from unlost.app.actions.archive.policies import ArchiveOutlook, ArchivePolicies, FreedStorage
    from unlost.app.compose import Application
    from unlost.model.archive import ArchivePolicy, StayCount

app = typer.Typer(
    no_args_is_help=True,
    help="Preview archive policies.",
    rich_markup_mode=None,
)
REASONS = {
    StayReason.BRANCH: "a branch of the policy stops at {table}.{column}",
    StayReason.RESTRICT: "{table}.{column} of a record that stays refers to them",
    StayReason.CHANGED: "they were changed recently",
    StayReason.HOLD: "they are on legal hold",
    StayReason.SHARED: "a record that stays, a person, or a public link uses them",
}


@app.command("policies")
def policies(name: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List ready-made archive policies for an org. With --json, as files for --policy."""
    with opened(home) as application:
        from unlost.app.actions.archive.policies import archive_policies

        answer(archive_policies(application, name), as_json=json, show=_show_policies)
    return ExitCode.OK


@app.command("preview")
def preview(
    name: OrgName,
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="Name of a policy.")] = "",
    *,
    file: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE.json", help="A policy in a file instead."),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show which records a policy would archive, and the storage that this frees.

    Reads the newest backup. Nothing is changed, and the org is not called.
    """
    with opened(home) as application:
        from unlost.app.actions.archive.policies import preview_archive

        chosen = _chosen(application, name, policy, file)
        answer(preview_archive(application, name, chosen), as_json=json, show=_show_preview)
    return ExitCode.OK


def _chosen(application: "Application", org: str, name: str, file: Path | None) -> "ArchivePolicy":
    from unlost.app.actions.archive.policies import archive_policies
    from unlost.app.archive.policy_file import read_policy

    if (file is None) == (not name):
        raise UsageError(
            "archive-policy-unclear",
            "Name one policy, or give one file with --policy.",
            next_step="`unlost archive policies {org}` lists the names.",
            org=org,
        )
    if file is not None:
        return read_policy(file)
    listed = archive_policies(application, org).policies
    policy = next((policy for policy in listed if policy.name == name), None)
    if policy is None:
        raise NotFound(
            "archive-policy-unknown",
            "There is no policy {name} for {org}.",
            next_step="`unlost archive policies {org}` lists the names.",
            name=name,
            org=org,
        )
    return policy


def _show_policies(out: Output, result: "ArchivePolicies") -> None:
    for policy in result.policies:
        out.print(f"{policy.name}: {policy.label}" if policy.label else policy.name)
        tests = ", ".join(map(_words, policy.conditions))
        out.print(f"  select {policy.table} with {tests}")
        for branch in policy.branches:
            tests = (
                f" with {', '.join(map(_words, branch.conditions))}" if branch.conditions else ""
            )
            out.print(f"  {branch.rule.value} {branch.table} by {branch.column}{tests}")
        if policy.unchanged_days:
            out.print(f"  only unchanged for {many(policy.unchanged_days, 'day')}")
    if not result.policies:
        out.print("No ready-made policy suits this org.")


def _words(test: Condition) -> str:
    match test.comparison:
        case Comparison.OLDER:
            return f"{test.column} older than {many(test.days, 'day')}"
        case Comparison.LARGER:
            return f"{test.column} above {test.number:,g}"
        case Comparison.EMPTY | Comparison.FILLED:
            return f"{test.column} {test.comparison.value}"
        case Comparison.IS:
            return f"{test.column} {' or '.join(test.values)}"
        case Comparison.IS_NOT:
            return f"{test.column} not {' or '.join(test.values)}"


def _show_preview(out: Output, result: "ArchiveOutlook") -> None:
    shown = result.preview
    taken = when(shown.as_of, zone=result.zone)
    out.print(
        f"{plain(shown.policy.name)} selects {many(shown.selected, 'record')} of "
        f"{shown.policy.table} in backup {shown.backup} of {taken}. "
        f"{shown.roots:,} of them can leave the org, with all that belongs to them:"
    )
    _show_tables(out, result)
    for storage in result.storages:
        out.print(_freed(storage))
    for stay in shown.stays:
        out.print(_stays(stay))
    for lost in shown.emptied:
        out.print(
            f"{many(lost.records, 'record')} of {lost.table} would stay and lose {lost.column}."
        )


def _show_tables(out: Output, result: "ArchiveOutlook") -> None:
    from unlost.cli.grid import grid

    table = grid("table", "records", "size", right=("records", "size"))
    for line in result.tables:
        table.add_row(line.label, f"{line.records:,}", size(line.bytes) if line.bytes else "")
    out.print(table)


def _freed(storage: "FreedStorage") -> str:
    text = f"This frees {size(storage.bytes)} of {storage.name}"
    if storage.limit:
        text += f", {storage.share:.1%} of its limit"
    if storage.whole_days:
        text += f", as much as it grows in {many(storage.whole_days, 'day')}"
    return f"{text}."


def _stays(stay: "StayCount") -> str:
    reason = REASONS[stay.cause.reason].format(table=stay.cause.table, column=stay.cause.column)
    samples = f" ({', '.join(map(plain, stay.samples))})" if stay.samples else ""
    roots = f" With them, {many(stay.roots, 'selected record')} must stay." if stay.roots else ""
    return f"{many(stay.records, 'record')} must stay, because {reason}{samples}.{roots}"

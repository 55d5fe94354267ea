"""unlost archive: list and preview archive policies, plan and run archives."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.effect_words import effect_lines, option_lines
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.plan_options import PlanFile
from unlost.cli.policy_options import Include, KeepDays, UnchangedDays, with_options
from unlost.cli.policy_words import policy_lines
from unlost.cli.text import many, plain, size, when
from unlost.cli.verbs.archive import expired as expired_verbs
from unlost.cli.verbs.archive import policy as policy_verbs
from unlost.model.archive import StayReason
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.archive.archives import ArchiveLine, Archives
    from unlost.app.actions.archive.contents import ArchiveContents, ArchivedRun
    from unlost.app.actions.archive.free_space import FreeSpace
    from unlost.app.actions.archive.policies import (
        ArchiveOutlook,
        ArchivePolicies,
        FreedStorage,
        SampleLine,
    )
    from unlost.app.compose import Application
    from unlost.model.archive import ArchivePolicy, StayCount
    from unlost.model.freed import FreedFigure

app = typer.Typer(
    no_args_is_help=True,
    help="Archive old records: preview a policy, plan, run.",
    rich_markup_mode=None,
)
app.add_typer(policy_verbs.app, name="policy")
app.add_typer(expired_verbs.app, name="expired")
MAX_RECORDS = 200_000
REASONS = {
    StayReason.BRANCH: "a branch of the policy stops at {table}.{column}",
    StayReason.RESTRICT: "{table}.{column} of a record that stays refers to them",
    StayReason.CHANGED: "they were changed recently",
    StayReason.HOLD: "they are on legal hold",
    StayReason.SHARED: "a record that stays, a person, or a public link uses them",
    StayReason.HOLDER_ON_HOLD: "they belong to records on legal hold",
    StayReason.PROTECTED: "they are protected, and the policy does not include {protection}",
}


PolicyName = Annotated[str, typer.Argument(metavar="POLICY", help="Name of a policy.")]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE.json", help="A policy in a file instead."),
]


@app.command("policies")
def policies(name: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the archive policies of an org, saved and ready-made. With --json, as files for --policy."""
    with opened(home) as application:
        from unlost.app.actions.archive.policies import archive_policies

        answer(archive_policies(application, name), as_json=json, show=_show_policies)
    return ExitCode.OK


@app.command("space")
def space(
    name: OrgName,
    *,
    again: Annotated[bool, typer.Option("--again", help="Calculate all lines again.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List policies and mail loops by the storage that they would free, the largest first.

    Reads the newest backup for lines that are not calculated yet. Nothing is changed.
    """
    with opened(home) as application:
        from unlost.app.actions.archive.free_space import LOOPS, estimate_space, free_space

        result = free_space(application, name)
        lines = (line.name for line in result.lines if line.kind.value == "policy")
        names = (LOOPS, *lines) if again else result.next_names
        for pending in dict.fromkeys((*result.pending, *names)):
            result = estimate_space(application, name, policy=pending)
        answer(result, as_json=json, show=_show_space)
    return ExitCode.OK


@app.command("preview")
def preview(
    name: OrgName,
    policy: PolicyName = "",
    *,
    file: PolicyFile = None,
    keep_days: KeepDays = None,
    unchanged_days: UnchangedDays = None,
    include: Include = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show which records a policy would archive, and the storage that this frees.

    Reads the newest backup. Nothing is changed, and the org is not called.
    """
    with opened(home) as application:
        from unlost.app.actions.archive.policies import preview_archive

        chosen = with_options(
            _chosen(application, name, policy, file),
            keep_days=keep_days,
            unchanged_days=unchanged_days,
            include=include,
        )
        answer(preview_archive(application, name, chosen), as_json=json, show=_show_preview)
    return ExitCode.OK


@app.command("plan")
def plan(
    name: OrgName,
    policy: PolicyName = "",
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    file: PolicyFile = None,
    most: Annotated[
        int,
        typer.Option(
            "--most", metavar="N", min=1, max=MAX_RECORDS, help="Archive at most N records."
        ),
    ] = MAX_RECORDS,
    keep_days: KeepDays = None,
    unchanged_days: UnchangedDays = None,
    include: Include = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to archive the records of a policy. Nothing is deleted in the org.

    The newest backup has their copies. Notes show which records stay, and why.
    """
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.cli.progress import shown_progress
        from unlost.cli.verbs.restores.restore import show_new

        chosen = with_options(
            _chosen(application, name, policy, file),
            keep_days=keep_days,
            unchanged_days=unchanged_days,
            include=include,
        )
        request = PlanRequest(name, archive=chosen, most=most)
        with shown_progress(application.clock) as observer:
            result = make_plan(application, request, out, observer=observer)
    answer(result, as_json=json, show=show_new)
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


@app.command("run")
def run(file: PlanFile, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Run an archive plan: verify each copy, then delete the record from the org.

    Exit code 3 if a record stayed. The records come back with `unlost undo`.
    """
    from unlost.cli.verbs.restores.restore import run as run_file

    return run_file(file, home=home, json=json)


@app.command("list")
def show_list(name: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the archives and purges of an org."""
    with opened(home) as application:
        from unlost.app.actions.archive.archives import list_archives

        answer(list_archives(application, name), as_json=json, show=_show_archives)
    return ExitCode.OK


@app.command("contents")
def contents(
    name: OrgName,
    *,
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes", help="Measure the storage that they needed. This reads archived e-mails."
        ),
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Count the archived records of an org by table and by run.

    `unlost list` shows them, and writes them to files.
    """
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.archive.contents import archive_contents

        answer(archive_contents(application, name, sizes=sizes), as_json=json, show=_show_contents)
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
    return archive_policies(application, org).named(name)


def _show_contents(out: Output, result: "ArchiveContents") -> None:
    for table in result.tables:
        out.print(_stored(plain(table.label), table.records, table.bytes))
        out.print(f"  unlost list {result.org} {table.table} --archived")
    for run in result.runs:
        at = when(run.archived, zone=result.zone)
        title = f"{run.run}  {at}  {_policy(run)}"
        out.print(_stored(title, run.records, run.bytes or run.predicted))
    if not result.tables:
        out.print("This org has no archived records.")


def _stored(title: str, records: int, size_in_org: int) -> str:
    text = f"{title}: {many(records, 'record')}"
    return f"{text}, {size(size_in_org)}" if size_in_org else text


def _show_archives(out: Output, result: "Archives") -> None:
    for line in result.runs:
        out.print(_archive(line, zone=result.zone))
        for figure in line.freed:
            out.print(f"  {_figure(figure)}")
    if not result.runs:
        out.print("This org has no archives or purges.")


def _archive(line: "ArchiveLine", *, zone: str) -> str:
    text = f"{line.run}  {when(line.started, zone=zone)}  {line.state}  {_policy(line)}"
    done = "deleted" if line.is_purge else "archived"
    text += f": {line.archived:,} of {many(line.planned, 'record')} {done}"
    if line.due is not None:
        text += f", kept until {line.due}"
    return f"{text}, {line.vanished:,} vanished unexpectedly" if line.vanished else text


def _policy(line: "ArchiveLine | ArchivedRun") -> str:
    return f"purge ({plain(line.policy)})" if line.is_purge else plain(line.policy)


def _show_space(out: Output, result: "FreeSpace") -> None:
    for line in result.lines:
        loop = line.kind.value == "loops"
        label = f": {plain(line.label)}" if line.label else ""
        title = f"mail loop {line.name}{label}" if loop else f"policy {plain(line.name)}{label}"
        out.print(f"{title}: {many(line.records, 'record')}")
        for storage in line.storages:
            out.print(f"  {_freed(storage)}")
        plan = f"unlost purge plan {result.org} --loop {line.name}"
        plan = plan if loop else f"unlost archive plan {result.org} {plain(line.name)}"
        out.print(f"  {plan} --out plan.json")
    for policy in result.unusable:
        named = f"policy {plain(policy.name)} cannot be used" if policy.name else "mail loops"
        out.print(f"{named}: {policy.error}")
    if not result.lines:
        out.print("No policy selects any records, and there are no mail loops.")
    if result.since_run:
        out.print(
            "An archive or a purge ran since the newest backup. Its records are listed until the next "
            "backup."
        )


STUCK = """\
  The org may count later, still count deleted records in its recycle bin, or have new records.
  Next: compare with the storage usage in the setup of the org, and look for new records with
  `unlost storage`."""


def _figure(figure: "FreedFigure") -> str:
    """The predicted bytes of a storage, and whether the org's figures followed."""
    predicted = f"{size(figure.bytes)} of {figure.storage} predicted"
    fell = size(round(max(0.0, figure.fallen)))
    match figure.state.value:
        case "moved":
            return f"{predicted}; apart from growth, the figure of the org fell by {fell}, as predicted."
        case "waiting":
            return f"{predicted}; the figures do not show it yet. The next backup reads them again."
        case "stuck":
            expected = size(figure.expected)
            late = f"after a day the figures fell by {fell}; {expected} were predicted."
            return f"{predicted}; {late}\n{STUCK}"
        case _:
            return f"{predicted}."


def _show_policies(out: Output, result: "ArchivePolicies") -> None:
    for policy in result.policies:
        saved = " (saved)" if policy.name in result.saved else ""
        label = f": {policy.label}" if policy.label else ""
        out.print(f"{plain(policy.name)}{label}{saved}")
        for line in policy_lines(policy):
            out.print(f"  {line}")
    if not result.policies:
        out.print("No ready-made policy suits this org.")


def _show_preview(out: Output, result: "ArchiveOutlook") -> None:
    shown = result.preview
    taken = when(shown.as_of, zone=result.zone)
    out.print(
        f"{plain(shown.policy.name)} selects {many(shown.selected, 'record')} of "
        f"{shown.policy.table} in backup {shown.backup} of {taken}. "
        f"{shown.roots:,} of them can leave the org, with all that belongs to them:"
    )
    _show_tables(out, result)
    if result.samples:
        out.print("Some of them:")
    for sample in result.samples:
        out.print(f"  {_sample(sample)}")
    for storage in result.storages:
        out.print(_freed(storage))
    for stay in shown.stays:
        out.print(_stays(stay))
    for lost in shown.emptied:
        out.print(
            f"{many(lost.records, 'record')} of {lost.table} would stay and lose {lost.column}."
        )
    for line in effect_lines(result):
        out.print(line)
    for line in option_lines(shown.policy):
        out.print(line)


def _show_tables(out: Output, result: "ArchiveOutlook") -> None:
    from unlost.cli.grid import grid

    table = grid("table", "records", "size", "counts as", right=("records", "size"))
    for line in result.tables:
        bytes_freed = size(line.bytes) if line.bytes else ""
        counts_as = ", ".join(line.storages) or "-"
        table.add_row(line.label, f"{line.records:,}", bytes_freed, counts_as)
    out.print(table)


def _sample(sample: "SampleLine") -> str:
    name = f"  {plain(sample.name)}" if sample.name else ""
    return f"{sample.table}/{plain(sample.record)}{name}"


def _freed(storage: "FreedStorage") -> str:
    text = f"This frees {size(storage.bytes)} of {storage.name}"
    if storage.limit:
        text += f", {storage.share:.1%} of its limit"
    if storage.whole_days:
        text += f", as much as it grows in {many(storage.whole_days, 'day')}"
    return f"{text}."


def _stays(stay: "StayCount") -> str:
    cause = stay.cause
    reason = REASONS[cause.reason].format(
        table=cause.table, column=cause.column, protection=cause.protection
    )
    samples = f" ({', '.join(map(plain, stay.samples))})" if stay.samples else ""
    roots = f" With them, {many(stay.roots, 'selected record')} must stay." if stay.roots else ""
    return f"{many(stay.records, 'record')} must stay, because {reason}{samples}.{roots}"

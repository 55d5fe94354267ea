"""unlost forget: forget the backups that an org's retention rules do not keep."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, size, when
from unlost.cli.verbs.retention.holds import line_of
from unlost.cli.verbs.retention.keeping import REMARKS, Preset, rules_in_words
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.retention.forget import ForgetPlan, ForgetResult

LISTED = 40  # backups that are listed individually


def forget(
    org: OrgName,
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show the plan; change nothing.")
    ] = False,
    preset: Preset = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Forget the backups that the rules of an org do not keep, after confirmation of the plan.

    The remaining backups do not change. Forgotten backups cannot be restored. With --plan, --preset
    shows what this preset would forget in place of the org's rules.
    """
    if preset and not plan:
        raise UsageError(
            "preset-not-set",
            "A preset forgets nothing before it is set.",
            next_step="See its effect with --plan, or set it with "
            "`unlost keep set {org} --preset {preset}`.",
            org=org,
            preset=preset,
        )
    with opened(home) as application:
        from unlost.app.actions.retention.forget import forget as act
        from unlost.app.actions.retention.forget import plan as planned
        from unlost.app.actions.retention.keeping import RetentionChange
        from unlost.model.vault.retention import KeepPreset

        tried = KeepPreset(preset) if preset else None
        seen = planned(application, org, RetentionChange(preset=tried))
        if plan or (seen.nothing and not json):
            answer(seen, as_json=json, show=_show_plan)
            return ExitCode.OK
        if not json:
            answer(seen, as_json=False, show=_show_plan)
        if not (yes or seen.nothing):
            _ask(seen, as_json=json)
        # The digest makes sure that exactly the confirmed plan is executed.
        answer(act(application, org, plan=seen.digest), as_json=json, show=_show)
    return ExitCode.OK


def _ask(seen: "ForgetPlan", *, as_json: bool) -> None:
    if as_json:
        raise UsageError(
            "forget-not-agreed",
            "With --json there is no prompt, so that --yes must confirm the plan.",
            next_step="Review the plan with --plan --json, then add --yes.",
        )
    typer.confirm(
        f"Forget {many(len(seen.going), 'backup')} of {seen.org}? This cannot be undone.",
        abort=True,
    )


def _show_plan(out: Output, seen: "ForgetPlan") -> None:
    out.print(f"{seen.org} keeps {'; '.join(rules_in_words(seen.rules))}.")
    for remark in seen.remarks:
        out.print(REMARKS[remark.value])
    if seen.nothing:
        out.print("There is nothing to forget.")
    else:
        _show_going(out, seen)
    if seen.holds:
        out.print(f"{many(len(seen.holds), 'legal hold')} in force:")
        for hold in seen.holds:
            out.print(f"  {line_of(hold, zone=seen.zone)}")


def _show_going(out: Output, seen: "ForgetPlan") -> None:
    from unlost.cli.grid import grid

    stay = many(len(seen.staying), "backup would stay", "backups would stay")
    out.print(f"{many(len(seen.going), 'backup')} would be forgotten, {stay}:")
    for night in seen.staying[-LISTED:]:
        out.print(f"  {night.number:>6}  {when(night.as_of, zone=seen.zone)}")
    if len(seen.staying) > LISTED:
        out.print(f"  and {many(len(seen.staying) - LISTED, 'older backup')}")
    numbers = ("versions forgotten", "records forgotten completely", "versions kept")
    table = grid("table", *numbers, right=numbers)
    for forgotten_table in seen.tables:
        table.add_row(
            forgotten_table.table,
            f"{forgotten_table.versions:,}",
            f"{forgotten_table.records:,}",
            f"{forgotten_table.staying:,}",
        )
    if seen.tables:
        out.print(table)
    out.print(
        f"{many(seen.files, 'file content')} ({size(seen.file_bytes)}) would be deleted; "
        f"{size(seen.rewritten)} would be rewritten."
    )


def _show(out: Output, done: "ForgetResult") -> None:
    if done.snapshot is None:
        out.print("There was nothing to forget.")
        return
    out.print(
        f"{done.org}: {many(done.nights, 'backup')} forgotten, with {many(done.versions, 'version')} "
        f"and {many(done.records, 'record')}; {many(done.staying, 'backup stays', 'backups stay')}."
    )
    if done.waiting:
        since = f" after {when(done.next_at, zone=done.zone)}" if done.next_at else ""
        ended = f", when {done.held_by} has ended" if done.held_by else ""
        out.print(f"  {size(done.waiting)} are no longer needed and will be removed{since}{ended}.")

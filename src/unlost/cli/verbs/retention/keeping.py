"""unlost keep: show and change the retention rules of an org."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, size, when

if TYPE_CHECKING:
    from unlost.app.actions.retention.keeping import OrgRetention, RetentionPolicies
    from unlost.model.vault.retention import ForgottenRecord, KeepRules

REMARKS = {
    "few-nights": "Warning: fewer than 7 backups are kept. Data lost a week ago may be in none of them.",
    "no-effect": "Note: the limit for deleted records applies only if backups are forgotten too.",
}

Preset = Annotated[
    Literal["quarter", "standard", "gradual", "decade"] | None,
    typer.Option(
        "--preset",
        help="Ready-made rules. quarter: 90 days daily. standard: 30 days daily, 12 months monthly, "
        "7 years yearly. gradual: all backups of 14 days, 8 weeks weekly, 24 months monthly. "
        "decade: 366 days daily, 10 years yearly.",
    ),
]

app = typer.Typer(no_args_is_help=True, help="Show and change which backups of an org are kept.")


@app.command("show")
def show(
    org: Annotated[
        str | None, typer.Argument(metavar="ORG", help="An org; default: all orgs.")
    ] = None,
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show the retention rules, and the last time that backups were forgotten."""
    with opened(home) as application:
        from unlost.app.actions.retention.keeping import show as act

        answer(act(application, org), as_json=json, show=_show_all)
    return ExitCode.OK


def _number(name: str, unit: str) -> Any:
    return typer.Option(f"--{name}", metavar="N", help=f"{unit}; 0 for none.")


@app.command("set")
def change(
    org: OrgName,
    *,
    preset: Preset = None,
    days: Annotated[int | None, _number("days", "Keep all backups of the last N days")] = None,
    daily: Annotated[
        int | None, _number("daily", "Keep a backup of each of the last N days")
    ] = None,
    weekly: Annotated[
        int | None, _number("weekly", "Keep a backup of each of the last N weeks")
    ] = None,
    monthly: Annotated[
        int | None, _number("monthly", "Keep a backup of each of the last N months")
    ] = None,
    yearly: Annotated[
        int | None, _number("yearly", "Keep a backup of each of the last N years")
    ] = None,
    deleted_days: Annotated[
        int | None,
        typer.Option(
            "--deleted-days",
            metavar="N",
            help="Keep the last state of a deleted record for N days, even if no kept backup "
            "contains it; 0 for ever.",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Keep all backups, as without rules.")
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Change the retention rules of an org. Nothing is forgotten yet.

    Numbers beside a preset replace numbers of the preset.
    """
    with opened(home) as application:
        from unlost.app.actions.retention.keeping import RetentionChange
        from unlost.app.actions.retention.keeping import change as act
        from unlost.model.vault.retention import KeepPreset

        request = RetentionChange(
            days=days,
            daily=daily,
            weekly=weekly,
            monthly=monthly,
            yearly=yearly,
            deleted_days=deleted_days,
            everything=everything,
            preset=KeepPreset(preset) if preset else None,
        )
        answer(act(application, org, request), as_json=json, show=_show)
    return ExitCode.OK


def rules_in_words(rules: "KeepRules") -> list[str]:
    """Describe the rules, one line for each."""
    rules_text = []
    if rules.days:
        rules_text.append(f"all backups of the last {many(rules.days, 'day')}")
    for count, period in (
        (rules.daily, "day"),
        (rules.weekly, "week"),
        (rules.monthly, "month"),
        (rules.yearly, "year"),
    ):
        if count:
            rules_text.append(f"the last good backup of each of {many(count, period)}")
    if rules.thins:
        limit = many(rules.deleted_days, "day") if rules.deleted_days else ""
        rules_text.append(
            f"the last state of deleted records{f', for {limit}' if limit else ', for ever'}"
        )
    return rules_text or ["all backups"]


def _show_all(out: Output, result: "RetentionPolicies") -> None:
    if not result.orgs:
        out.print("No org is protected yet. Add one with `unlost org add`.")
    for org in result.orgs:
        _show(out, org)


def _show(out: Output, result: "OrgRetention") -> None:
    out.print(f"{result.org} keeps")
    for line in rules_in_words(result.rules):
        out.print(f"  {line}")
    for remark in result.remarks:
        out.print(f"  {REMARKS[remark.value]}")
    if result.rules.thins:
        out.print(f"  See what would be forgotten: unlost forget {result.org} --plan")
    if result.last is not None:
        _show_last(out, result.last, zone=result.zone)


def _show_last(out: Output, last: "ForgottenRecord", *, zone: str) -> None:
    at = when(last.at, zone=zone)
    if last.failed:
        out.print(f"  {at}: forgetting failed: {plain(str(last.error))}")
        return
    out.print(f"  Last     {at}: {many(last.nights, 'backup')} forgotten")
    if last.waiting:
        since = f" after {when(last.next_at, zone=zone)}" if last.next_at else ""
        out.print(f"    {size(last.waiting)} are no longer needed and will be removed{since}")

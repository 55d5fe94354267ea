"""Output of ``unlost verify --salvage``, for the plan and the result."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import many, plain
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.vault.salvage import OrgSalvage, SalvagePlan, SalvageResult
    from unlost.model.vault.salvage import LostSpan, TableSalvaged

SHOWN = 10  # ids, spans and files that are listed individually


def salvage(*, plan: bool, yes: bool, home: Home, json: AsJson) -> ExitCode:
    """Show what would be lost, ask for confirmation, and salvage."""
    with opened(home) as application:
        from unlost.app.actions.vault.salvage import plan as planned
        from unlost.app.actions.vault.salvage import salvage as act

        seen = planned(application)
        if plan or not json:
            answer(seen, as_json=json, show=_show_plan)
        if plan:
            return ExitCode.OK
        # Nothing to confirm: damage that cannot be salvaged remains.
        if not (json or any(org.objects for org in seen.orgs)):
            return ExitCode.FAILED if seen.orgs else ExitCode.OK
        if not yes:
            _ask(seen, as_json=json)
        done = act(application, plan=seen.digest)
        answer(done, as_json=json, show=_show)
    return ExitCode.OK if done.whole else ExitCode.FAILED


def _ask(seen: "SalvagePlan", *, as_json: bool) -> None:
    if as_json:
        raise UsageError(
            "salvage-not-agreed",
            "With --json there is no prompt, so that --yes must confirm the plan.",
            next_step="Review the plan with --plan --json, then add --yes.",
        )
    count = sum(len(org.objects) for org in seen.orgs)
    typer.confirm(
        f"Give up the unreadable parts of {many(count, 'object')}? This cannot be undone.",
        abort=True,
    )


def _show_plan(out: Output, seen: "SalvagePlan") -> None:
    if not seen.orgs:
        out.print(
            "No segment, pack, certificate or journal is damaged. There is nothing to salvage."
        )
    for org in seen.orgs:
        if not org.objects:
            out.print(f"{org.org}: nothing can be salvaged.")
        else:
            out.print(
                f"{org.org}: {many(len(org.objects), 'object')} damaged, and no copy here has them undamaged:"
            )
        for name in org.objects:
            out.print(f"  - {name}")
        _show_org(out, org, would="would be ")
        for damage in org.still_damaged:
            out.print(f"Not repaired by this: {damage.object}: {plain(damage.sentence)}")


def _show(out: Output, done: "SalvageResult") -> None:
    for org in done.orgs:
        out.print(f"{org.org}: salvaged in commit {org.snapshot}.")
        _show_org(out, org, would="")
    if done.whole:
        out.print("The vault is undamaged: every byte was checked.")
        return
    out.print("Still damaged:")
    for damage in done.damages:
        out.print(f"  - {damage.object}: {plain(damage.sentence)}")


def _show_org(out: Output, salvage: "OrgSalvage", *, would: str) -> None:
    for table in salvage.tables:
        for line in _lines(table, would):
            out.print(f"  {plain(line)}")
    if salvage.files_lost:
        out.print(f"  {many(salvage.files_lost, 'file')} {would}lost:")
        for file in salvage.files[:SHOWN]:
            out.print(f"    {plain(f'{file.record} {file.column}')}")
    if salvage.certificates:
        nights = ", ".join(map(str, salvage.certificates[:SHOWN]))
        more = ", …" if len(salvage.certificates) > SHOWN else ""
        out.print(
            f"  {many(len(salvage.certificates), 'certificate')} {would}lost, of the backups {nights}{more}:"
            " their gaps are no longer known."
        )
    for run in salvage.journals:
        out.print(
            f"  the journal of {plain(run)} {would or 'is '}lost: that run can no longer be undone."
        )
    if salvage.reread:
        out.print(f"  The next backup fully re-reads: {plain(', '.join(salvage.reread))}.")


def _lines(table: "TableSalvaged", would: str) -> Iterable[str]:
    if table.rebuilt:
        yield f"{table.table}: {would}rebuilt from the records; nothing is lost"
        return
    if not (table.whole or table.reduced or table.lost):
        return  # only file contents are lost, which are listed elsewhere
    yield f"{table.table}: {many(table.whole, 'version')} {would}kept complete"
    if table.reduced:
        yield f"  {many(table.reduced, 'version')} {would}kept without {', '.join(table.columns)}"
    if table.lost:
        yield f"  {many(table.lost, 'version')} {would}lost"
    if table.ids:
        more = ", …" if len(table.ids) > SHOWN else ""
        yield f"    of {', '.join(table.ids[:SHOWN])}{more}"
    yield from map(_span, table.spans[:SHOWN])
    if table.warning:
        yield f"  {table.warning}"


def _span(span: "LostSpan") -> str:
    return f"    {span.versions} with ids from {span.low} to {span.high}"

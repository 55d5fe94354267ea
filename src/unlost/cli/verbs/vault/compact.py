"""unlost compact: compact the vault."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import many, size, when

if TYPE_CHECKING:
    from unlost.app.actions.vault.compact import CompactResult, OrgCompacted


def compact(
    org: Annotated[
        str | None, typer.Argument(metavar="[ORG]", help="An org; default: all orgs.")
    ] = None,
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Compact the vault: merge data of many backups, and delete objects that are no longer needed.

    Backups do not change. The service does this automatically after each nightly backup.
    """
    with opened(home) as application:
        from unlost.app.actions.vault.compact import compact as act

        result = act(application, org)
    answer(result, as_json=json, show=_show)
    return ExitCode.OK


def _show(out: Output, result: "CompactResult") -> None:
    if not result.orgs:
        out.print("There is no org yet.")
    for org in result.orgs:
        _show_org(out, org)


def _show_org(out: Output, compacted: "OrgCompacted") -> None:
    if compacted.snapshot is None:
        out.print(f"{compacted.org}: nothing to merge; its backups take {size(compacted.bytes)}.")
    else:
        before = sum(table.bytes_before for table in compacted.tables)
        after = sum(table.bytes_after for table in compacted.tables)
        out.print(
            f"{compacted.org}: {many(len(compacted.tables), 'table')} merged, {size(before)} became "
            f"{size(after)}; its backups take {size(compacted.bytes)}."
        )
    if compacted.removed:
        out.print(
            f"  {many(compacted.removed, 'object')} removed: {size(compacted.removed_bytes)} freed."
        )
    if compacted.waiting:
        since = (
            f" after {when(compacted.next_at, zone=compacted.zone)}" if compacted.next_at else ""
        )
        ended = f", when {compacted.held_by} has ended" if compacted.held_by else ""
        waits = f"{many(compacted.waiting, 'object')} of {size(compacted.waiting_bytes)}"
        out.print(f"  {waits} are no longer needed and will be removed{since}{ended}.")

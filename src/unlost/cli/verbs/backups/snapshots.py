"""unlost snapshots: the backups of an org."""

from typing import TYPE_CHECKING

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import plain, size, when

if TYPE_CHECKING:
    from unlost.app.actions.backups.snapshots import SnapshotList

MOST = 3  # tables that are listed


def snapshots(name: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the backups of an org, oldest first."""
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.backups.snapshots import snapshots as act

        answer(act(application, name), as_json=json, show=_show)
    return ExitCode.OK


def _show(out: Output, result: "SnapshotList") -> None:
    from unlost.cli.grid import grid

    if not result.snapshots:
        out.print(f"No backup yet. Create one with `unlost backup {result.org}`.")
        return
    numbers = ("Number", "Created", "Changed", "Deleted", "Rows read", "Added")
    hours = any(night.partial for night in result.snapshots)
    # Only orgs with hourly backups need the column.
    more = ("Tables",) if hours else ()
    table = grid(numbers[0], "As of", *more, *numbers[1:], "Head", right=numbers)
    for night in result.snapshots:
        table.add_row(
            str(night.number),
            when(night.as_of, zone=result.zone),
            *((_tables(night.only),) if hours else ()),
            f"{night.counts.created + night.counts.revived:,}",
            f"{night.counts.changed:,}",
            f"{night.counts.deleted:,}",
            f"{night.rows_seen:,}",
            size(night.bytes_added),
            night.head[:12],
        )
    out.print(table)
    for salvage in result.salvages:
        out.print(
            f"Damaged objects were salvaged at {when(salvage.at, zone=result.zone)} ({salvage.run}):"
        )
        for sentence in salvage.sentences:
            out.print(f"  {plain(sentence)}")


def _tables(only: tuple[str, ...]) -> str:
    """Return the names of the tables that were read."""
    more = f" and {len(only) - MOST} more" if len(only) > MOST else ""
    return ", ".join(only[:MOST]) + more if only else "all"

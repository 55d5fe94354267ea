"""unlost related: list the records that belong to a record, live, lost and archived ones."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.app.records.record_text import split_record
from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName, RecordName
from unlost.cli.text import short

if TYPE_CHECKING:
    from unlost.app.actions.records.show import ShowResult


def related(
    org: OrgName,
    record: RecordName,
    *,
    archived: Annotated[
        bool, typer.Option("--archived", help="Only records that an archive took out of the org.")
    ] = False,
    at: Annotated[
        str,
        typer.Option("--at", metavar="WHEN", help="latest, a backup number, a date or a time."),
    ] = "latest",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List the records and files that belong to a record, by table, also archived ones."""
    table, record_id = split_record(record)
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.records.show import show as act
        from unlost.app.records.relations.related import RelatedState

        state = RelatedState.ARCHIVED if archived else RelatedState.ANY
        shown = act(application, org, table, record_id, at=at, related_state=state)
        answer(shown, as_json=json, show=_show)
    return ExitCode.OK


def _show(out: Output, result: "ShowResult") -> None:
    from unlost.cli.verbs.records.show import show_related

    out.print(f"{result.table_label} {short(result.name or result.record)} ({result.record})")
    if result.related is None:
        out.print("Setup records have no related records.")
    else:
        show_related(out, result, result.related, past=True)

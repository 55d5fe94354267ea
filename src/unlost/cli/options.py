"""Options that all commands share."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option("--home", envvar="UNLOST_HOME", help="The home to work with.", metavar="DIR"),
]
Database = Annotated[
    str,
    typer.Option(
        "--database",
        metavar="URL",
        help="Keep the home's data in this empty PostgreSQL database, for several workers.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OrgName = Annotated[str, typer.Argument(metavar="ORG", help="Name of the org.")]
TableName = Annotated[str, typer.Argument(metavar="TABLE", help="API name of the table.")]
RecordId = Annotated[str, typer.Argument(metavar="ID", help="Id of the record.")]

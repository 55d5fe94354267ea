"""Options shared by all commands."""

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
Endpoint = Annotated[
    str,
    typer.Option(
        metavar="URL", help="Bucket: the server that has it, if it is not the cloud's own."
    ),
]
Region = Annotated[str, typer.Option(metavar="NAME", help="Bucket: the region that it is in.")]
Hosted = Annotated[
    bool,
    typer.Option("--hosted", help="Bucket: its name is a part of the server's name, not of paths."),
]
CaFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Bucket: certificates that are trusted besides, as PEM."),
]
Credentials = Annotated[
    Path | None,
    typer.Option(
        "--credentials-file",
        metavar="FILE",
        help="Bucket: a file with AWS_ACCESS_KEY_ID=… and the like, in the place of the environment.",
    ),
]
Maintenance = Annotated[
    Path | None,
    typer.Option(
        "--maintenance-credentials-file",
        metavar="FILE",
        help="Bucket: credentials that may also delete, where those for each night may not.",
    ),
]
Bandwidth = Annotated[
    int,
    typer.Option(
        metavar="MEGABYTES",
        min=0,
        help="Bucket: read and write no more than this in a second, in each process.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OrgName = Annotated[str, typer.Argument(metavar="ORG", help="Name of the org.")]
RecordName = Annotated[
    str,
    typer.Argument(metavar="TABLE/ID", help="API name of the table, and id of the record."),
]

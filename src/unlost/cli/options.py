"""Options shared by all commands."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option("--home", envvar="UNLOST_HOME", help="Folder of the home.", metavar="DIR"),
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
        metavar="URL", help="Bucket: URL of the server, if it is not the cloud's default."
    ),
]
Region = Annotated[str, typer.Option(metavar="NAME", help="Bucket: its region.")]
Hosted = Annotated[
    bool,
    typer.Option("--hosted", help="Bucket: put its name into the host name, not into the path."),
]
CaFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Bucket: additional CA certificates to trust, as PEM."),
]
Credentials = Annotated[
    Path | None,
    typer.Option(
        "--credentials-file",
        metavar="FILE",
        help="Bucket: a file with AWS_ACCESS_KEY_ID=… and so on, used instead of the environment.",
    ),
]
Maintenance = Annotated[
    Path | None,
    typer.Option(
        "--maintenance-credentials-file",
        metavar="FILE",
        help="Bucket: credentials that may also delete, if the usual credentials may not.",
    ),
]
Bandwidth = Annotated[
    int,
    typer.Option(
        metavar="MEGABYTES",
        min=0,
        help="Bucket: read and write at most this much per second, in each process.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OrgName = Annotated[str, typer.Argument(metavar="ORG", help="Name of the org.")]
RecordName = Annotated[
    str,
    typer.Argument(metavar="TABLE/ID", help="API name of the table, and id of the record."),
]

"""Options and arguments of the commands about plans."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.model.mass_changes import MassKind

if TYPE_CHECKING:
    from unlost.model.plan import TwinPolicy

ByUser = Annotated[
    str, typer.Option("--by", metavar="USER", help="Only changes by this user (id).")
]
Change = Annotated[
    MassKind | None,
    typer.Option(
        "--change", metavar="KIND", help=f"Only this kind of change: {', '.join(MassKind)}."
    ),
]
PlanFile = Annotated[Path, typer.Argument(metavar="FILE", help="Plan file.")]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="Name of the run, as in `unlost runs`.")
]
SetValue = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE/ID.COLUMN=VALUE",
        help="Restore a record with this value; repeatable.",
    ),
]
EmptyCell = Annotated[
    list[str] | None,
    typer.Option("--empty", metavar="TABLE/ID.COLUMN", help="Leave this column empty; repeatable."),
]
InsteadOf = Annotated[
    list[str] | None,
    typer.Option(
        "--instead",
        metavar="TABLE/OLD=NEW",
        help="Replace references to OLD, such as a user who left, by NEW; repeatable.",
    ),
]
OnlyTable = Annotated[
    str | None, typer.Option("--table", metavar="T", help="Only records of this table.")
]
AtBackup = Annotated[
    str | None, typer.Option("--at", metavar="WHEN", help="The backup whose state is restored.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="C", help="A column to restore; repeatable."),
]
LostBetween = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--lost-between", metavar="A B", help="All records that were lost between two backups."
    ),
]
SinceBackup = Annotated[
    str,
    typer.Option(
        "--unless-since",
        metavar="WHEN",
        help="Leave values of --column that were changed after this backup.",
    ),
]
Adopt = Annotated[
    bool,
    typer.Option(
        "--adopt",
        help="Overwrite live records that have a unique value of a lost or archived record.",
    ),
]
WatchedSet = Annotated[
    str, typer.Option("--watched", metavar="NAME", help="The records of a watched set.")
]
LossNumber = Annotated[
    int | None,
    typer.Option("--loss", metavar="N", help="A loss, by its number in `unlost losses list`."),
]
TakeValue = Annotated[
    list[str] | None,
    typer.Option(
        "--take",
        metavar="COLUMN@WHEN",
        help="Set the value that the column had in a backup; repeatable.",
    ),
]


def twin_policy(*, adopt: bool) -> "TwinPolicy":
    """Return the treatment of live records with a unique value of a lost one."""
    from unlost.model.plan import TwinPolicy

    return TwinPolicy.ADOPT if adopt else TwinPolicy.KEEP


# --- for people -----------------------------------------------------------------------------------

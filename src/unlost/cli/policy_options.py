"""Options of the archive commands that change a policy."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from unlost.model.archive import ArchivePolicy

KeepDays = Annotated[
    int | None,
    typer.Option(
        "--keep-days",
        metavar="N",
        min=0,
        help="The vault keeps the archived records at least N days; 0: for ever.",
    ),
]
UnchangedDays = Annotated[
    int | None,
    typer.Option(
        "--unchanged-days",
        metavar="N",
        min=0,
        help="A record that was changed within the last N days stays in the org.",
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="KIND",
        help="Also archive protected records of this kind, such as activated-orders; repeatable.",
    ),
]


def with_options(
    policy: "ArchivePolicy",
    *,
    keep_days: int | None,
    unchanged_days: int | None,
    include: Sequence[str] | None,
) -> "ArchivePolicy":
    """Return the policy with these options; those that are not given stay as they are."""
    return replace(
        policy,
        keep_days=policy.keep_days if keep_days is None else keep_days,
        unchanged_days=policy.unchanged_days if unchanged_days is None else unchanged_days,
        include=tuple(dict.fromkeys((*policy.include, *(include or ())))),
    )

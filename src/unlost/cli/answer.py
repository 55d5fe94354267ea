"""Print the result of a command: for people, or as JSON."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 160  # columns if the output is not a terminal


def answer[T](result: T, *, as_json: bool, show: Callable[["Console", T], None]) -> None:
    """Print a result on stdout, as JSON or with ``show``."""
    if as_json:
        import msgspec

        # Without rich: it would wrap lines and colour numbers.
        print(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())  # noqa: T201
    else:
        show(console(), result)


def console() -> "Console":
    """Return a console on stdout that interprets no markup in the data and adds no colours."""
    from rich.console import Console

    # In a pipe rich assumes 80 columns, which would fold ids in tables.
    width = None if sys.stdout.isatty() else WIDE
    return Console(highlight=False, markup=False, emoji=False, width=width, soft_wrap=True)

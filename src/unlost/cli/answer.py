"""Print the result of a command: for people, or as JSON."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE = 160  # columns if the output is not a terminal


class Output:
    """Standard output for people: lines of text, and tables."""

    def print(self, content: "str | Table" = "") -> None:
        """Print a line as it is, or a table that fits the terminal."""
        # Only tables need rich, which takes longer to import than a record to read.
        if isinstance(content, str):
            print(content)  # noqa: T201
        else:
            _console().print(content)


def answer[T](result: T, *, as_json: bool, show: Callable[[Output, T], None]) -> None:
    """Print a result on stdout, as JSON or with ``show``."""
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())  # noqa: T201
    else:
        show(Output(), result)


def _console() -> "Console":
    """Return a console on stdout that interprets no markup in the data and adds no colours."""
    from rich.console import Console

    # In a pipe rich assumes 80 columns, which would fold ids in tables.
    width = None if sys.stdout.isatty() else WIDE
    return Console(highlight=False, markup=False, emoji=False, width=width, soft_wrap=True)

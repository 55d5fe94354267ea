"""How a result is told: by a function for people, or as JSON."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 160  # columns where nobody says how wide the output is


def answer[T](result: T, *, as_json: bool, show: Callable[["Console", T], None]) -> None:
    """Print a result on stdout."""
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())  # noqa: T201
    else:
        show(console(), result)


def console() -> "Console":
    """Stdout for people: no markup and no colours of its own in what came from elsewhere."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDE
    return Console(highlight=False, markup=False, emoji=False, width=width, soft_wrap=True)

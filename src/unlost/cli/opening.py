"""Opens the home that a command works with."""

from pathlib import Path
from typing import TYPE_CHECKING

from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.compose import Application


def opened(home: Path | None) -> "Application":
    """The application of a home; raises UsageError if none was named."""
    root = home_or_fail(home)
    from unlost.app.compose import open_application

    return open_application(root)


def home_or_fail(home: Path | None) -> Path:
    """The home that was named; raises UsageError if none was."""
    if home is None:
        raise UsageError(
            "home-unnamed",
            "It was not said which home to work with.",
            next_step="Name it with --home DIR, or set UNLOST_HOME. `unlost init DIR` makes one.",
        )
    return home

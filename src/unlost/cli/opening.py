"""Open the home that a command works with."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.compose import Application


def opened(home: Path | None, *, for_reading: bool = False) -> "Application":
    """Open a home, or the stand-in for one on a server (``UNLOST_URL``).

    ``for_reading``: for verbs that only read the vault, and start faster by it.
    Raises UsageError if neither was named, or both were.
    """
    # Naming both is an error, so that a command never reaches the wrong one.
    url = os.environ.get("UNLOST_URL")
    if url and home is None:
        from unlost.cli.remote import RemoteHome
        from unlost.cli.remote_actions import REMOTE_ACTIONS

        remote = RemoteHome(url, os.environ.get("UNLOST_TOKEN"), composed=REMOTE_ACTIONS)
        return cast("Application", remote)
    if url:
        raise UsageError(
            "home-and-server",
            "A home on this machine and a server are both set.",
            next_step="Unset UNLOST_URL, or leave out --home and UNLOST_HOME.",
        )
    root = home_or_fail(home)
    if for_reading:
        from unlost.catalog.home_file import begin_reading

        begin_reading()
    from unlost.app.compose import open_application

    return open_application(root)


def home_or_fail(home: Path | None) -> Path:
    """Return the home that was named; raises UsageError if none was."""
    if home is None:
        raise UsageError(
            "home-unnamed",
            "No home was given.",
            next_step="Use --home DIR, or set UNLOST_HOME. `unlost init DIR` creates a home.",
        )
    return home

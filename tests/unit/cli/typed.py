"""Commands of scenes, typed before a test begins."""

import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from unittest.mock import patch

import pytest

from homes import SECRET, World
from unlost.app import compose
from unlost.cli.exits import ExitCode
from unlost.cli.main import main


def work_at(world: World, change: pytest.MonkeyPatch) -> None:
    """Let commands work with the home of this world."""
    change.setenv("UNLOST_HOME", str(world.home.root))
    change.setattr(compose, "open_application", world.opened_at)
    change.setattr("unlost.app.home.discovery.connector_names", lambda: ["memory"])
    change.setattr("unlost.app.home.discovery.load_connector", world.load)


def type_at(world: World, *words: str, code: ExitCode = ExitCode.OK, **environment: str) -> None:
    """Type a command, which must end with this code."""
    with (
        pytest.MonkeyPatch.context() as change,
        patch.dict(os.environ, environment),
        redirect_stdout(StringIO()) as out,
        redirect_stderr(out),
    ):
        work_at(world, change)
        assert main(words) == code, out.getvalue()


def with_sales(world: World) -> None:
    """The org "sales" is added by a command."""
    words = ("org", "add", "memory", "sales", "--address", "one")
    type_at(world, *words, UNLOST_PASSWORD=SECRET)


def with_two_nights(world: World) -> None:
    """That org, and two backups of it by commands; the phone of A40017 changes before each."""
    with_sales(world)
    for number in range(1, 3):
        world.clock.advance(days=1)
        world.org.update("Account", "A40017", {"Phone": f"+41 {number}"})
        type_at(world, "backup", "sales")

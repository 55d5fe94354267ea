"""Types commands as a person does, and says how they ended."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from homes import World
from unlost.cli.main import main


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def failure(self) -> Any:
        """The error of a command that was asked for JSON."""
        return json.loads(self.out or self.err)["error"]


class Terminal:
    """Types commands at the home of a world."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._capsys = capsys

    def __call__(self, *words: str) -> Ended:
        self._capsys.readouterr()
        code = main(words)
        captured = self._capsys.readouterr()
        return Ended(code, captured.out, captured.err)

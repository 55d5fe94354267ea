"""Scenarios by name; a name may carry an argument after a colon (`bench-mails:131072`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScenarioRegistry[Scenario]:
    """The makers of a system's scenarios; each takes the argument of the name, None without."""

    makers: Mapping[str, Callable[[str | None], Scenario]]

    def names(self) -> tuple[str, ...]:
        """Give the names that `get` knows."""
        return tuple(self.makers)

    def get(self, name: str) -> Scenario:
        """Give the scenario of that name; ValueError names the known ones."""
        head, _, argument = name.partition(":")
        maker = self.makers.get(head)
        if maker is None:
            raise ValueError(f"no scenario {head!r}; known are {', '.join(self.names())}")
        return maker(argument or None)

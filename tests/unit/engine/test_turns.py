"""Whose turn it is to be read, in a run that another process began."""

from types import SimpleNamespace
from typing import Any, cast

from unlost.engine.backup.reading import SavedTask, _next_units, _Unit
from unlost.engine.backup.session import BackupSession
from unlost.testing.clock import VirtualClock
from unlost.testing.runner import MemoryRunner


def units(count: int) -> list[_Unit]:
    return [_Unit(f"{at:05d}", SavedTask("Account", "changed", False, {})) for at in range(count)]


def session(*done: _Unit) -> BackupSession:
    """One whose run has these behind it."""
    steps = {("night", "a/read", unit.key): b"{}" for unit in done}
    runner = MemoryRunner("night", clock=VirtualClock(), steps=steps)
    told: Any = SimpleNamespace(runner=runner, policy=SimpleNamespace(reads_at_once=3))
    return cast("BackupSession", told)


def test_a_resumed_run_knows_again_what_was_read_before_it_reads_more_of_the_table() -> None:
    """Once a value that had come back to the old one was left out, and the one in between committed."""
    first, second, third, fourth = due = units(4)
    assert _next_units(session(second), due, "a/read") == [second]
    assert _next_units(session(first, third), due, "a/read") == [first, third]
    assert _next_units(session(), due, "a/read") == [first, second, third]
    assert _next_units(session(fourth), due, "a/read") == [first, second, third]

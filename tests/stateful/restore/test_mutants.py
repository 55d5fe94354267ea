"""Each safeguard of a restore is needed: without it the machine fails, and soon."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

from stateful.restore.machine import Restores
from unlost.engine.restore.journal.log import RestoreLog, RestoreState
from unlost.engine.restore.planning import facts
from unlost.engine.restore.running import calls, execute
from unlost.engine.restore.running.passes import changing, returning
from unlost.model.errors import Conflict

pytestmark = pytest.mark.deep

# The rules of the machine.
RULES = (
    *("make", "link", "overwrite", "replace_file", "night", "lose", "purge", "undelete", "twin"),
    *("lose_and_restore", "lose_circle_and_restore", "lose_one_master_for_ever_and_restore"),
    *("overwrite_and_restore", "restore"),
)
EXAMPLES, ROUNDS = 400, 4  # most are caught within the first hundred


def without_second_pass(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(execute, "second_pass", lambda session: None)


def without_id_map_on_resume(patch: pytest.MonkeyPatch) -> None:
    read: Callable[..., None] = RestoreLog.__init__

    def forgetful(self: RestoreLog, journal: Any) -> None:
        read(self, journal)
        if self.state.opened is not None:
            known = RestoreState()
            known.apply(0, self.state.opened)
            self.state.links = known.links

    patch.setattr(RestoreLog, "__init__", forgetful)


def without_look_up(patch: pytest.MonkeyPatch) -> None:
    for module in (calls, execute):
        patch.setattr(module, "resolve", lambda session, intent, rows, beside=(): [])


def without_expectation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(changing, "_as_planned", lambda *told: True)


def without_asking_for_other_restores(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(returning, "_lives", lambda session, table, steps: {})


def without_typed_values(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(facts._Batch, "_edits", lambda *told: {})


def only(*names: str) -> type[Restores]:
    """The machine with few rules, so that a fault which they bring about is met soon."""

    def called(rule: Callable[..., None]) -> Callable[..., None]:
        def call(self: Restores, *given: Any, **named: Any) -> None:
            rule(self, *given, **named)

        return call

    others = set(RULES) - set(names)
    return type("Few", (Restores,), {name: called(getattr(Restores, name)) for name in others})


def _live(machine: type[Restores], lives: settings) -> None:
    for _ in range(ROUNDS):
        run_state_machine_as_test(machine, settings=lives)


def _judged(error: BaseException) -> Iterator[str]:
    """The files from which an error came. Calls go side by side, so that a mutant may not fail twice
    at the same place: then Hypothesis gives what it saw in a group.
    """
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _judged(one)
    yield from (Path(frame.filename).name for frame in extract_tb(error.__traceback__))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("mutation", "rules"),
    [
        (without_expectation, ["overwrite_and_restore"]),
        (without_look_up, ["lose_and_restore"]),
        (without_second_pass, ["lose_circle_and_restore", "lose_and_restore"]),
        (without_typed_values, ["lose_and_restore"]),
        (without_id_map_on_resume, ["lose_and_restore"]),
        (without_asking_for_other_restores, ["lose_and_restore"]),
    ],
    ids=lambda value: getattr(value, "__name__", "few"),
)
def test_a_restore_without_a_safeguard_is_caught(
    monkeypatch: pytest.MonkeyPatch,
    mutation: Callable[[pytest.MonkeyPatch], None],
    rules: Sequence[str],
) -> None:
    """Without the mutation such examples pass: see ``test_restores``."""
    mutation(monkeypatch)
    quickly = settings(
        max_examples=EXAMPLES,
        stateful_step_count=8,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        derandomize=False,
        database=None,
    )
    with pytest.raises((AssertionError, Conflict, FlakyFailure)) as caught:
        _live(only(*rules), quickly)
    assert {"judge.py", "machine.py"} & set(_judged(caught.value)), caught

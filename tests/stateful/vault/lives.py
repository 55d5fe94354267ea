"""Letting the vault live through many lives."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def let_live(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """So many lives of at most so many steps, as long as they take."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

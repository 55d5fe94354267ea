"""Rules that admins of an org add: validation rules, triggers, duplicate rules, approvals.

A test plants them by the admin API; every one counts how often it acted.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Moment(StrEnum):
    """When rules act."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


BOTH = frozenset({Moment.INSERT, Moment.UPDATE})


class Phase(StrEnum):
    """The phase of a trigger: before or after the save."""

    BEFORE = "before"
    AFTER = "after"


class TriggerEffect(StrEnum):
    """The effect of a trigger."""

    REFUSE = "refuse"
    SET = "set"
    CREATE = "create"
    DELETE = "delete"


class Tool(StrEnum):
    """The tool with which a trigger was made; it decides where it is listed."""

    APEX = "apex"
    FLOW = "flow"
    PROCESS = "process"
    WORKFLOW = "workflow"


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuses rows for which ``where`` holds; ``field`` is where the message is shown.

    ``bypass``: it holds back for users who have this permission set, or whose custom setting has
    this box ticked (``OBJECT.FIELD``). ``package``: the namespace of an installed package. A rule that
    is not ``active`` never acts.
    """

    object: str
    message: str
    where: str
    name: str = ""
    field: str | None = None
    on: frozenset[Moment] = BOTH
    bypass: str = ""
    package: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class TriggerRule:
    """Automation that runs when rows are saved or deleted.

    ``refuse`` fails the row with ``message`` as an unhandled exception would. ``set`` writes
    ``values`` into the row; after the save that is a further change, by the same user and now.
    ``create`` inserts a row of ``creates`` with ``values``. ``delete`` deletes rows of ``deletes``
    when rows are deleted: those that the SOQL condition ``deletes_where`` chooses, any without one;
    at most ``most`` for the rows of one request (0: all of them), and never the rows of the request.
    ``{Field}`` in a text value and in ``deletes_where`` stands for the row's own value, ``{Id}`` for
    its id. ``tool``: it is listed as made with this tool.
    ``bypass``, ``package`` and ``active`` as in ``ValidationRule``.
    """

    object: str
    deed: TriggerEffect
    name: str = "Trigger"
    on: frozenset[Moment] = frozenset({Moment.INSERT})
    phase: Phase = Phase.AFTER
    where: str | None = None
    message: str = "System.NullPointerException: Attempt to de-reference a null object"
    creates: str = "Task"
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    deletes: str = "Task"
    deletes_where: str = ""
    most: int = 0
    tool: Tool = Tool.APEX
    bypass: str = ""
    package: str = ""
    active: bool = True

    def __post_init__(self) -> None:
        """Refuse what no trigger can do."""
        if self.deed is TriggerEffect.SET and Moment.DELETE in self.on:
            raise ValueError("a trigger sets no values of a row that is deleted")
        if self.deed is TriggerEffect.DELETE and self.on != {Moment.DELETE}:
            raise ValueError("a trigger that deletes runs on delete")


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Finds records that agree with a row in all of ``match``; ``allow_save`` is an alert only."""

    object: str
    match: tuple[str, ...]
    name: str = "Standard_Rule"
    message: str = "Use one of these records?"
    allow_save: bool = True
    on: frozenset[Moment] = BOTH


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """An approval process in which records of an object wait for a decision, and are locked.

    ``ids``: these records, with 18 characters. ``name``: the process.
    """

    object: str
    ids: tuple[str, ...]
    name: str = "Approval"


type Rule = ValidationRule | TriggerRule | DuplicateRule | ApprovalRule


@dataclass(slots=True)
class _PlantedRule:
    rule: Rule
    hits: int = 0


class Planted:
    """The rules of one org, with their counts; safe from many threads."""

    def __init__(self) -> None:
        self._planted: list[_PlantedRule] = []
        self._lock = threading.Lock()

    def plant(self, rule: Rule) -> None:
        """Put a rule in force."""
        with self._lock:
            self._planted.append(_PlantedRule(rule))

    def remove(self, rule: Rule) -> None:
        """Take a rule out of force."""
        with self._lock:
            self._planted = [planted for planted in self._planted if planted.rule is not rule]

    def clear(self) -> None:
        """Forget all rules and their counts."""
        with self._lock:
            self._planted.clear()

    def rules[T: Rule](self, kind: type[T], name: str) -> list[T]:
        """The rules of one kind for an object."""
        with self._lock:
            rules = [planted.rule for planted in self._planted]
        return [rule for rule in rules if isinstance(rule, kind) and rule.object == name]

    def hit(self, rule: Rule, times: int = 1) -> None:
        """Count that a rule acted."""
        with self._lock:
            for planted in self._planted:
                if planted.rule is rule:
                    planted.hits += times

    def report(self) -> list[tuple[Rule, int]]:
        """Each rule with how often it acted."""
        with self._lock:
            return [(planted.rule, planted.hits) for planted in self._planted]

    def unhit(self) -> list[str]:
        """Names of the rules that never acted."""
        return [f"{type(rule).__name__} {rule.name}" for rule, hits in self.report() if not hits]

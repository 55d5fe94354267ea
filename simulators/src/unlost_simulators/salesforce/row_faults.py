"""Faults of rows of a write request: locks, and storage that is full after so many rows.

Rules of these kinds check the write and not the call that carries it: ``method`` is the verb
(``CREATE``, ``UPDATE``, ``UPSERT``, ``DELETE``, …), ``path`` is searched in
``channel/verb/object``, for example ``bulk/create/Contact``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlost_simulators.kit.faults import (
    FaultPlan,
    Subject,
)
from unlost_simulators.salesforce.faults import (
    SalesforceFault,
    SalesforceRule,
)
from unlost_simulators.salesforce.model.ids import BARE
from unlost_simulators.salesforce.writing.mishaps import WriteSubject
from unlost_simulators.salesforce.writing.request import RowError

LOCKS = frozenset({SalesforceFault.ROW_LOCKED})
FULL = frozenset({SalesforceFault.STORAGE_FULL})


@dataclass(frozen=True, slots=True)
class RowFaults:
    """The planted faults as the mishaps of an org."""

    plan: FaultPlan[SalesforceRule]

    def locked(self, subject: WriteSubject, keys: Sequence[str | None]) -> Mapping[int, RowError]:
        """Give the refusals of locked rows by place."""
        rule = self.plan.draw(LOCKS, fault_subject(subject))
        if rule is None:
            return {}
        places = locked_records(rule, keys) or locked_places(rule, len(keys))
        if not places:
            self.plan.undo(rule)
        return {at: lock_error(keys[at]) for at in places}

    def may_strike(self, subject: WriteSubject) -> bool:
        """True if a planted lock applies to such a write."""
        return self.plan.applies(LOCKS, fault_subject(subject))

    def fitting_rows(self, subject: WriteSubject, rows: int) -> int | None:
        """Give how many of so many new rows fit before storage is full; None for all."""
        return self.plan.fitting_rows(FULL, fault_subject(subject), rows)

    def count_added(self, subject: WriteSubject, rows: int) -> None:
        """Count rows that were added."""
        self.plan.spend(FULL, fault_subject(subject), rows)


def fault_subject(subject: WriteSubject) -> Subject:
    """Give what rules look at."""
    verb, name = subject.verb, subject.object
    return Subject(verb.upper(), f"{subject.channel}/{verb}/{name}", name)


def locked_records(rule: SalesforceRule, keys: Sequence[str | None]) -> list[int]:
    """Give the places of the rows of the records that a rule names."""
    named = {record[:BARE] for record in rule.records}
    return [at for at, key in enumerate(keys) if (key or "")[:BARE] in named]


def locked_places(rule: SalesforceRule, rows: int) -> range:
    """Give the rows that a lock strikes: the last ``percent``, never the first ``after_rows``."""
    if rule.records:
        return range(0)
    share = round(rows * rule.percent / 100)
    return range(min(rows, max(rows - share, rule.after_rows)), rows)


def lock_error(key: str | None) -> RowError:
    """Return the refusal of a row that is locked by another user."""
    text = "unable to obtain exclusive access to this record"
    return RowError("UNABLE_TO_LOCK_ROW", text if key is None else f"{text} or 1 records: {key}")

"""Faults that strike rows of a write request: locks, and storage that is full after so many rows.

Rules of these kinds look at the write and not at the call that carries it: ``method`` is the verb
(``CREATE``, ``UPDATE``, ``DELETE``, …), ``path`` is searched in ``channel/verb/object``, such as
``bulk/create/Contact``. An upsert is two writes: a create and an update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlost_simulators.salesforce.faults import FaultKind, FaultPlan, FaultRule, Subject
from unlost_simulators.salesforce.writing.request import Channel, RowError, Verb

LOCKS = frozenset({FaultKind.ROW_LOCKED})
FULL = frozenset({FaultKind.STORAGE_FULL})
GROWING = frozenset({Verb.CREATE, Verb.UNDELETE})
STORAGE_FULL = RowError("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")


@dataclass(frozen=True, slots=True)
class RowFaults:
    """Asked by the desk of writes which rows of a request are refused by a planted fault."""

    plan: FaultPlan

    def refused(
        self, verb: Verb, name: str, keys: Sequence[str | None], channel: Channel
    ) -> Mapping[int, RowError]:
        """Give the refusals by place; ``keys`` are the ids of the rows, None for new ones."""
        subject = Subject(verb.upper(), f"{channel}/{verb}/{name}", name)
        struck: dict[int, RowError] = {}
        if verb in GROWING:
            struck |= self._full(subject, len(keys))
        rule = self.plan.draw(LOCKS, subject)
        if rule is not None:
            locked = locked_places(rule, len(keys))
            if not locked:
                self.plan.undo(rule)
            struck |= {at: lock_error(keys[at]) for at in locked}
        return struck

    def _full(self, subject: Subject, rows: int) -> dict[int, RowError]:
        room = self.plan.room(FULL, subject, rows)
        return {} if room is None else dict.fromkeys(range(room, rows), STORAGE_FULL)


def locked_places(rule: FaultRule, rows: int) -> range:
    """Give the rows that a lock strikes: the last ``percent``, never the first ``after_rows``."""
    share = round(rows * rule.percent / 100)
    return range(max(rows - share, rule.after_rows), rows)


def lock_error(key: str | None) -> RowError:
    """Give the refusal of a row that somebody else holds."""
    text = "unable to obtain exclusive access to this record"
    return RowError("UNABLE_TO_LOCK_ROW", text if key is None else f"{text} or 1 records: {key}")

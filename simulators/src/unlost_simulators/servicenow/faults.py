"""Faults that only ServiceNow has, beside those of the kit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from urllib.parse import parse_qsl

from unlost_simulators.kit import faults
from unlost_simulators.kit.faults import FaultKind, FaultRule, Subject


class ServiceNowFault(StrEnum):
    """The kind of a fault."""

    # answered instead of the request
    CANCELLED_TEXT = "cancelled_text"  # 200 whose JSON breaks off in an error text
    CANCELLED_KEY = "cancelled_key"  # 200 with an error key beside the result
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the token of the request ends, then 401
    # done inside the instance
    UNSERVICED = "unserviced"  # a batch does not do its last items


CANCELLED = frozenset({ServiceNowFault.CANCELLED_TEXT, ServiceNowFault.CANCELLED_KEY})
INSTEAD = faults.INSTEAD | CANCELLED | {ServiceNowFault.EXPIRED_TOKEN}
UNSERVICED = frozenset({ServiceNowFault.UNSERVICED})


@dataclass(frozen=True, slots=True)
class ServiceNowRule(FaultRule):
    """A planted fault of an instance.

    ``most_rows``: a request with a ``sysparm_limit`` up to it is not cancelled. ``rows``: so many
    items of a batch are left undone.
    """

    KINDS: ClassVar[tuple[type[StrEnum], ...]] = (FaultKind, ServiceNowFault)

    message: str = "An unexpected error occurred"
    most_rows: int = 0
    rows: int = 1

    def matches(self, request: Subject) -> bool:
        """Return true if the rule applies to this request; a short page is done in time."""
        limit = dict(parse_qsl(request.target.partition("?")[2])).get("sysparm_limit", "")
        in_time = limit.isdecimal() and int(limit[:9]) <= self.most_rows
        return FaultRule.matches(self, request) and not (self.kind in CANCELLED and in_time)

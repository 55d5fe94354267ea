"""Rate rules: the requests that an administrator allows in an hour. Without rules there is no limit.

A rule of the single user wins over rules of his roles, and these over rules of all users; of several
roles the lowest limit counts.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from unlost_simulators.servicenow.model.users import ApiUser

HOUR = timedelta(hours=1)


class Scope(StrEnum):
    """The users whom a rule limits, the strongest first."""

    USER = "user"
    ROLE = "role"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class RateRule:
    """So many requests an hour; ``subject`` is a user name or a role."""

    sys_id: str
    name: str
    limit: int
    scope: Scope = Scope.ALL
    subject: str = ""

    def holds_for(self, user: ApiUser) -> bool:
        """Return true if the rule limits the user."""
        match self.scope:
            case Scope.USER:
                return self.subject == user.name
            case Scope.ROLE:
                return self.subject in user.roles
            case _:
                return True


@dataclass(frozen=True, slots=True)
class Usage:
    """The state of a rule after a request; ``over`` if the request goes beyond it."""

    rule: RateRule
    resets: datetime
    over: bool
    wait: int

    def headers(self) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {
            "X-RateLimit-Limit": str(self.rule.limit),
            "X-RateLimit-Reset": str(int(self.resets.timestamp())),
            "X-RateLimit-Rule": self.rule.sys_id,
        }


@dataclass(slots=True)
class RateRules:
    """The rules of an instance, and the requests of the present hour."""

    rules: list[RateRule] = field(default_factory=list)
    _used: Counter[tuple[str, str, datetime]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, rule: RateRule) -> None:
        """Add a rule, or replace the one of its name."""
        self.rules = [*(each for each in self.rules if each.sys_id != rule.sys_id), rule]

    def clear(self) -> None:
        """Remove all rules and the counts of requests."""
        with self._lock:
            self.rules = []
            self._used.clear()

    def count(self, user: ApiUser, now: datetime) -> Usage | None:
        """Count a request; None if no rule limits the user."""
        rule = self.rule_for(user)
        if rule is None:
            return None
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        with self._lock:
            self._used[rule.sys_id, user.name, hour] += 1
            used = self._used[rule.sys_id, user.name, hour]
        resets = hour + HOUR
        return Usage(rule, resets, used > rule.limit, int((resets - now).total_seconds()))

    def rule_for(self, user: ApiUser) -> RateRule | None:
        """Give the rule that counts for a user."""
        strength = list(Scope)
        fitting = [rule for rule in self.rules if rule.holds_for(user)]
        return min(fitting, key=lambda rule: (strength.index(rule.scope), rule.limit), default=None)

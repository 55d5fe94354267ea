"""A lie as data: its sentence for the docs, the answers it changes, when, and what becomes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lying_proxy.calls import CallKind, Exchange, SentCall, ServedAnswer


class Fate(StrEnum):
    """What becomes of a lie; the values stand in the docs."""

    NO_EFFECT = "no effect"
    SAME_BACKUP = "in the same backup"
    NEXT_BACKUP = "in the next backup"
    SEVEN_DAYS = "within 7 days"
    THIRTY_BACKUPS = "within 30 backups"
    NEVER = "never"


class Spell(StrEnum):
    """The backups in which the proxy lies; all others are honest."""

    FIRST = "first"
    SECOND = "second"
    ALWAYS = "always"

    def covers(self, backup: int) -> bool:
        """True if the proxy lies in this backup (they count from 1)."""
        return self is Spell.ALWAYS or backup == (1 if self is Spell.FIRST else 2)

    @property
    def backup(self) -> int:
        """The number of the first backup with the lie."""
        return 2 if self is Spell.SECOND else 1


@dataclass(slots=True)
class Stage:
    """What a lie can look at and keep: all honest answers so far, and the org behind the proxy.

    ``kept`` is the lie's own memory over all backups. ``lies`` counts changed answers of the
    running backup.
    """

    org: Any
    backup: int = 0
    lies: int = 0
    honest: list[Exchange] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    def earlier(self, call: SentCall, *, page: int | None = None) -> Exchange | None:
        """The newest honest answer of the same kind about the same table, and of this page."""
        wanted = call.page if page is None else page
        return next(
            (
                exchange
                for exchange in reversed(self.honest)
                if (exchange.call.kind, exchange.call.table) == (call.kind, call.table)
                and exchange.call.page == wanted
            ),
            None,
        )


type Change = Callable[[Exchange, Stage], ServedAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """One lie.

    ``sentence`` stands in the docs. It is about answers of ``kinds`` about ``table`` (empty: any);
    ``page``: only this page of a result. ``times``: answers that are changed in one backup (None:
    all). ``change`` gives the same object back for an answer that it leaves alone. ``reason`` says
    why a lie is noticed never or late. ``ends``: the backup ends in a commit all the same.
    ``stays``: the record stays wrong until the row check, after the backup that names it.
    """

    name: str
    sentence: str
    kinds: frozenset[CallKind]
    change: Change
    spell: Spell
    fate: Fate
    table: str = ""
    page: int | None = None
    times: int | None = 1
    reason: str = ""
    ends: bool = True
    stays: bool = False
    after: Callable[[Stage], None] | None = None

    def is_about(self, call: SentCall, stage: Stage) -> bool:
        """True if the proxy may lie in the answer to this call now."""
        return (
            self.spell.covers(stage.backup)
            and call.kind in self.kinds
            and self.table in ("", call.table)
            and self.page in (None, call.page)
            and (self.times is None or stage.lies < self.times)
        )


def kinds(*wanted: CallKind) -> frozenset[CallKind]:
    """A set of kinds."""
    return frozenset(wanted)


def by_kind(changes: Mapping[CallKind, Change]) -> Change:
    """A change that differs by the kind of the call."""

    def change(exchange: Exchange, stage: Stage) -> ServedAnswer:
        return changes[exchange.call.kind](exchange, stage)

    return change

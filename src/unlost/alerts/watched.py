"""The facts that rules judge: values, gathered by ``unlost.app``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from unlost.model.finding import Finding
from unlost.model.forecast import Forecast
from unlost.model.gaps import AcceptedGap, gaps_of, open_gaps
from unlost.model.mass_changes import (
    BackupChanges,
    ChangeWords,
    MassLimits,
    Silence,
    UserShare,
)
from unlost.model.message import Message
from unlost.model.runs.night import CheckRecord, NightRecord
from unlost.model.runs.schedule import Schedule
from unlost.model.source.connector_info import Expiry
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.maintenance_results import MaintenanceRecord
from unlost.model.vault.mirror import MirrorRecord
from unlost.model.vault.pending import PendingRemoval
from unlost.model.vault.retention import ForgottenRecord
from unlost.model.watched import WatchHit

OPEN_FOR = timedelta(days=7)  # how long alerts of older backups stay beside those of the newest
DEFAULT_LIMITS = MassLimits()
NO_WORDS = ChangeWords()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A running run: its start, and the time of its last progress."""

    run: str
    since: datetime
    moved: datetime
    usual_seconds: float | None = None  # the median of earlier runs


@dataclass(frozen=True, slots=True)
class HaltedRestore:
    """A restore that needs a person: of the service, or with a bypass still on; and the reason."""

    run: str
    why: Message | None


@dataclass(frozen=True, slots=True)
class HourlyFacts:
    """An hourly backup of a few tables that has ended. ``again``: the next hour retries it."""

    ended: datetime
    failed: bool
    again: bool
    why: Message | None


@dataclass(frozen=True, slots=True)
class NightCounts:
    """Changes of one backup by table, including the hourly backups since the backup before."""

    as_of: datetime
    records: Mapping[str, int]
    created: Mapping[str, int]
    changed: Mapping[str, int]
    deleted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MassFacts:
    """The mass changes of an org's backups, newest first, and the settings of their rules.

    ``limits``: by table, those of the whole org under the empty name. ``nights``: all counts of
    earlier backups, as their certificates have them. ``words``: what people call what changed.
    """

    backups: tuple[BackupChanges, ...] = ()
    limits: Mapping[str, MassLimits] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    nights: tuple[NightCounts, ...] = ()
    words: ChangeWords = NO_WORDS

    def limits_of(self, table: str) -> MassLimits:
        """The thresholds of a table."""
        return self.limits.get(table) or self.limits.get("") or DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class LossFacts:
    """An open loss of the inbox, that the backup ``backup`` found.

    ``roots`` records of ``table``, and ``more`` with them; ``below`` are the most with one of them.
    ``open_counts``: those on which work was not done, by label of their table. ``user`` deleted the
    roots. ``since``: the time of the backup before.
    """

    loss: int
    backup: int
    as_of: datetime
    since: datetime
    table: str
    label: str
    roots: int
    more: int
    below: int
    user: UserShare
    open_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchFacts:
    """A watched set that can alert, and the hits of the last days."""

    name: str
    hits: tuple[WatchHit, ...]


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """A saved archive policy whose schedule needs a person.

    ``problem``: why nothing was archived last time; the schedule ``is_on`` still, or was switched off.
    ``waits``: a plan waits for a second person.
    """

    name: str
    is_on: bool
    problem: Message | None
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgFacts:
    """The facts about an org. ``nights`` and ``counts`` are newest first; ``proof`` is the
    certificate of the newest backup of all tables, ``before`` the number of the backup before
    it.

    ``hours`` are the newest backups of a few tables, newest first; ``part`` is the certificate of
    the newest of them since the last nightly backup, ``today`` their changes together.
    ``forecasts`` are the forecasts of its storages, by name. At ``storage_stop``, a share of the
    limit, the org accepts no new records.
    """

    name: str
    now: datetime
    added: datetime
    schedule: Schedule
    nights: tuple[NightRecord, ...] = ()
    running: tuple[RunFacts, ...] = ()
    proof: Certificate | None = None
    counts: tuple[NightCounts, ...] = ()
    before: int | None = None
    hours: tuple[HourlyFacts, ...] = ()
    part: Certificate | None = None
    today: NightCounts | None = None
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)
    storage_stop: float = 1.0
    calls_used: int | None = None
    calls_limit: int | None = None
    mass: MassFacts = MassFacts()
    losses: tuple[LossFacts, ...] = ()  # recent ones that took other records along
    drift: tuple[str, ...] = ()  # columns that vanished or changed their type, in words
    expiries: tuple[Expiry, ...] = ()
    halted: tuple[HaltedRestore, ...] = ()
    maintenance: MaintenanceRecord | None = None
    forgotten: ForgottenRecord | None = None
    removals: tuple[PendingRemoval, ...] = ()  # of others, that wait for a decision
    blocked: int | None = None  # the number of a foreign commit that does not fit
    accepted: tuple[AcceptedGap, ...] = ()  # gaps that people accepted
    watches: tuple[WatchFacts, ...] = ()
    archives: tuple[PolicyFacts, ...] = ()
    newest_as_of: datetime | None = None  # of the newest backup of any kind, by the org's clock

    def is_recent(self, as_of: datetime) -> bool:
        """Return True for a backup made less than a week before the newest one.

        Both times are of the org's clock. Compared with this machine's clock, an org whose clock
        is a week behind would raise no alert, and no backup could show it.
        """
        return (self.newest_as_of or self.now) - as_of < OPEN_FOR

    @property
    def gaps(self) -> tuple[Finding, ...]:
        """The gaps of the newest backup of all tables, without accepted ones."""
        return open_gaps(gaps_of(self.proof), self.accepted) if self.proof is not None else ()


@dataclass(frozen=True, slots=True)
class MirrorFacts:
    """The facts about the vault's mirror; ``place`` is empty if there is none.

    ``last`` is the newest attempt to update it, ``check`` its newest verification; ``repair`` is
    the newest verification after which the vault itself was repaired.
    """

    now: datetime
    place: str = ""
    last: MirrorRecord | None = None
    check: CheckRecord | None = None
    repair: CheckRecord | None = None


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """All facts for the rules."""

    orgs: tuple[OrgFacts, ...] = ()
    check: CheckRecord | None = None
    unreadable: Message | None = None  # the reason, if the vault cannot be read
    mirror: MirrorFacts | None = None

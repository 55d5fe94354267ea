"""What rules look at: values, gathered by ``unlost.app``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from unlost.model.certificate import Certificate
from unlost.model.connector_info import Expiry
from unlost.model.forecast import Forecast
from unlost.model.mirror import MirrorRecord
from unlost.model.night import CheckRecord, NightRecord
from unlost.model.retention import ForgottenRecord
from unlost.model.schedule import Schedule
from unlost.model.upkeep import UpkeepRecord


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run under way: since when, and when it last came a step further."""

    run: str
    since: datetime
    moved: datetime
    usual_seconds: float | None = None  # the middle of earlier runs


@dataclass(frozen=True, slots=True)
class HaltedRestore:
    """A restore of the service that needs a person, and why."""

    run: str
    sentence: str


@dataclass(frozen=True, slots=True)
class HourlyFacts:
    """A backup of a few tables that ended by itself. ``again``: the next hour tries it again."""

    ended: datetime
    failed: bool
    again: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class NightCounts:
    """What a night brought, by table, with the hours before it since the night before."""

    as_of: datetime
    records: Mapping[str, int]
    created: Mapping[str, int]
    changed: Mapping[str, int]
    deleted: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgFacts:
    """An org. ``nights`` and ``counts`` are newest first; ``proof`` is that of the newest backup of
    all tables, ``before`` the number of the one before it.

    ``hours`` are the newest backups of a few tables, newest first; ``part`` is what the newest one
    since the night proved, ``today`` what they brought together. ``forecasts`` are those of its
    storages, by name.
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
    calls_used: int | None = None
    calls_limit: int | None = None
    drift: tuple[str, ...] = ()  # columns that vanished or changed their type, in words
    expiries: tuple[Expiry, ...] = ()
    halted: tuple[HaltedRestore, ...] = ()
    upkeep: UpkeepRecord | None = None
    forgotten: ForgottenRecord | None = None


@dataclass(frozen=True, slots=True)
class MirrorFacts:
    """The vault's copies. ``place`` of the second one is empty where there is none.

    ``last`` is the newest try to bring it up to date, ``check`` the newest look at it; ``repair`` is the
    newest look after which the vault itself was repaired.
    """

    now: datetime
    place: str = ""
    last: MirrorRecord | None = None
    check: CheckRecord | None = None
    repair: CheckRecord | None = None


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """All that is watched."""

    orgs: tuple[OrgFacts, ...] = ()
    check: CheckRecord | None = None
    unreadable: str = ""  # why the vault cannot be read, where it cannot
    copies: MirrorFacts | None = None

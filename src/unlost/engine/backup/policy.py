"""Limits of automatic decisions of a backup: census interval, unusual losses."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from unlost.model.source.searched_columns import NONE_CHOSEN, SearchedColumns


class CensusPolicy(StrEnum):
    """The interval between lists of all live ids of a table, unless something else requires one."""

    WEEKLY = "weekly"
    EVERY_NIGHT = "every-night"

    @property
    def interval(self) -> timedelta:
        """The time after which a census is due; some hours early, since runs differ in length."""
        return timedelta(days=6, hours=12) if self is CensusPolicy.WEEKLY else timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCheckPolicy:
    """The share of unchanged rows of a table that is read again each night.

    In a round of ``nights`` (0: never) every record has its turn. A part has at least
    ``fewest_rows`` records, so that smaller tables have one turn, and at most ``most_rows`` or
    about ``most_bytes`` of text, so that larger ones take a round of twice as many nights, or four
    times.
    """

    nights: int = 30
    most_rows: int = 64_000
    most_bytes: int = 32 * 2**20
    fewest_rows: int = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPolicy:
    """Limits of a backup.

    The breaker: more missing rows than ``breaker_rows``, or than ``breaker_share`` of a table, are
    an unusual loss and not believed; up to ``breaker_floor`` rows may be one person's clean-up, in
    a table of any size. ``lookup_limit``: more lost rows than this are not looked up.
    ``reference_limit``: at most this many references of one read are checked. ``stable_window``: a
    round that took less time ends the rounds.
    """

    census: CensusPolicy = CensusPolicy.WEEKLY
    row_check: RowCheckPolicy = RowCheckPolicy()
    breaker_share: float = 0.02
    breaker_rows: int = 1000
    breaker_floor: int = 50
    lookup_limit: int = 50_000
    lookup_batch: int = 500
    stable_window: timedelta = timedelta(minutes=5)
    rounds: int = 3
    file_group: int = 200
    file_group_bytes: int = 256 * 2**20
    reference_limit: int = 2_000
    reads_at_once: int = 16
    searched: SearchedColumns = NONE_CHOSEN

    def allows_loss(self, *, missing: int, live_count: int) -> bool:
        """True if ``missing`` of ``live_count`` rows may be believed to be deleted."""
        usual = min(self.breaker_share * live_count, self.breaker_rows)
        return missing <= max(usual, self.breaker_floor)

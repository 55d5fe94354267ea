"""Effects of an archive beyond the records that leave: totals, numbers, and the recycle bin."""

from dataclasses import dataclass

from unlost.model.storage import OldVersions


@dataclass(frozen=True, slots=True)
class SummaryChange:
    """A roll-up column of records that stay, which may add up records that leave.

    ``leaving``: the table of the records that leave. ``records``: how many stay. ``before`` is the
    sum of their values. ``after``: the sum without the leaving records; None unless the backup shows
    that the column counts them, or adds up one of their columns.
    """

    table: str
    column: str
    leaving: str
    records: int
    before: float
    after: float | None = None


@dataclass(frozen=True, slots=True)
class GivenNumber:
    """A column with numbers that the org gives: a record that is created again gets another."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class UnreturningCount:
    """The number of leaving records of a table that cannot be written back."""

    table: str
    records: int


@dataclass(frozen=True, slots=True)
class BinRoom:
    """The recycle bin of an org as of a backup.

    ``used`` of ``capacity`` records are in it, and an archive adds ``entering``. ``pushed``: the
    records that the org would purge early for them; ``pushed_of_others``: those of them that
    people deleted, and not an archive. ``free``: the records that can enter before the org purges
    one of these, at most as many as the bin can have.
    """

    capacity: int
    used: int
    entering: int
    pushed: int = 0
    pushed_of_others: int = 0
    free: int = 0


@dataclass(frozen=True, slots=True)
class LosingFiles:
    """The number of records of a table that stay, and of the files that leave without them."""

    table: str
    records: int
    files: int


@dataclass(frozen=True, slots=True)
class ArchiveEffects:
    """The effects of a policy. ``bin``: None if the org has none, or its size is unknown.

    ``old_versions``: the freed ones; None unless the policy frees them.
    """

    summaries: tuple[SummaryChange, ...] = ()
    numbers: tuple[GivenNumber, ...] = ()
    unreturning: tuple[UnreturningCount, ...] = ()
    bin: BinRoom | None = None
    files: tuple[LosingFiles, ...] = ()
    old_versions: OldVersions | None = None

"""Settings of Bulk 2.0 ingest jobs that a test may change: their timing and behaviour.

The habits are points on which the sources are silent or disagree. Each default is the simulator's
decision; a client must survive the other values too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from unlost_simulators.salesforce.bulk.jobs import BulkTiming

# Bulk API 2.0 guide (prepare CSV files): 150 MB once the data is encoded as base64.
MAX_UPLOAD = 150_000_000
# Bulk API limits: records of a rolling day.
DAILY_ROWS = 150_000_000


@dataclass(frozen=True, slots=True)
class IngestTiming(BulkTiming):
    """Timing of ingest jobs; the members of ``BulkTiming``, and one more.

    With ``rows_per_poll`` a running job gets on by so many rows for each poll (the clock and
    result calls do not move it), so that a test can look at it, or abort it, in the middle.
    """

    rows_per_poll: int = 0


class UnknownColumns(StrEnum):
    """Treatment of a column that the object does not have."""

    FAIL = "fail"  # the whole job, with its name
    DROP = "drop"  # the column is passed over, and missing in the results


class QuotedBreaks(StrEnum):
    """Treatment of line breaks inside quoted cells."""

    KEEP = "keep"
    AS_LF = "as_lf"  # each becomes one line feed
    REFUSE = "refuse"  # any of them fails the job with ClientInputError


class EmptyResults(StrEnum):
    """Response for a result file without rows."""

    HEADER = "header"
    NO_CONTENT = "no_content"


class BeyondAllocation(StrEnum):
    """Treatment of batches beyond the daily allocation, which are in no result."""

    LOST = "lost"
    WRITTEN = "written"


class RowOrder(StrEnum):
    """The order of rows in result files."""

    SHUFFLED = "shuffled"
    UPLOADED = "uploaded"


class Quoting(StrEnum):
    """Quoting of the uploaded columns in result files."""

    MINIMAL = "minimal"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class IngestHabits:
    """Behaviour of ingest jobs where the sources leave it open.

    ``max_upload`` is in bytes after base64; ``daily_rows`` is what 24 hours take in.
    """

    unknown_columns: UnknownColumns = UnknownColumns.FAIL
    quoted_breaks: QuotedBreaks = QuotedBreaks.KEEP
    empty_results: EmptyResults = EmptyResults.HEADER
    beyond_allocation: BeyondAllocation = BeyondAllocation.LOST
    row_order: RowOrder = RowOrder.SHUFFLED
    quoting: Quoting = Quoting.MINIMAL
    max_upload: int = MAX_UPLOAD
    daily_rows: int = DAILY_ROWS

    def changed(self, wanted: Mapping[str, Any]) -> IngestHabits:
        """Give these habits with some members changed, from their JSON forms."""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        unknown = set(wanted) - set(kinds)
        if unknown:
            raise ValueError(f"ingest jobs have no habit {', '.join(sorted(unknown))}")
        return replace(self, **{name: kinds[name](value) for name, value in wanted.items()})

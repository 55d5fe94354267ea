"""Rows of a scenario on their way into an org that opens another day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.kit.moving import moved
from unlost_simulators.salesforce.scenarios.scenario import LoadableOrg


@dataclass(frozen=True, slots=True)
class MovedOrg:
    """Loads the rows of a scenario into an org that opens another day."""

    org: LoadableOrg
    written: datetime
    opens: datetime

    @property
    def store(self) -> MovedOrg:
        """Destination of rows: this object."""
        return self

    def load(self, object_name: str, table: pa.Table) -> None:
        """Append rows whose dates and instants are moved."""
        self.org.store.load(object_name, with_years(moved(table, self.written, self.opens)))


def with_years(table: pa.Table) -> pa.Table:
    """Let the year of an opportunity follow its date."""
    names = table.column_names
    if "FiscalYear" not in names or "CloseDate" not in names:
        return table
    at = names.index("FiscalYear")
    return table.set_column(
        at, table.schema.field(at), pc.year(table["CloseDate"]).cast(pa.int32())
    )

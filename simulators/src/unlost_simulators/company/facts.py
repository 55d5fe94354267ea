"""Generated facts in their two forms: columns for large loads, and one value for each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Facts[Record]:
    """A run of facts: one column for each attribute of `record`, in the order of their rows."""

    record: type[Record]
    columns: Mapping[str, pa.Array]

    def __getitem__(self, name: str) -> pa.Array:
        """Give a column."""
        return self.columns[name]

    def records(self) -> Iterator[Record]:
        """Give the facts one by one."""
        # The type of a dataclass is not known as one here.
        kind: Any = self.record
        lists = [self.columns[field.name].to_pylist() for field in fields(kind)]
        return map(kind, *lists)

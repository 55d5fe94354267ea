"""The newest rows of a table: in one answer the proof that it did not change, and its count.

ServiceNow drops a sort that a query ACL refuses, and then returns other rows. So an answer counts
only if it is in an order that no other sort gives: the stamps never rise, and the ids are not
sorted. Rows that are hidden leave a page short, and then nothing is proved.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec

from unlost.connectors.servicenow.http.api import RawPage
from unlost.connectors.servicenow.http.walk import ID
from unlost.connectors.servicenow.schema.tables import UPDATED

PROBED_ROWS = 10  # rows that are asked for
NEWEST_FIRST = f"ORDERBYDESC{UPDATED}^ORDERBY{ID}"
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")  # as ServiceNow stores it, in UTC


@dataclass(frozen=True, slots=True)
class NewestRows:
    """The time of the last change in a table, empty without rows, and the number of its rows.

    ``at``: when the instance showed them. ``is_proved``: false if the sort may have been dropped, so
    that other rows may be newer.
    """

    stamp: str
    total: int
    at: datetime
    is_proved: bool = True

    @classmethod
    def of(cls, page: RawPage) -> Self | None:
        """The facts that a page of ``PROBED_ROWS`` in the order ``NEWEST_FIRST`` proves, if any."""
        if page.total is None or len(page.rows) != min(page.total, PROBED_ROWS):
            return None
        stamps, ids = _texts(page, UPDATED), _texts(page, ID)
        if not all(STAMP.fullmatch(stamp) for stamp in stamps):
            return None
        is_proved = len(page.rows) == page.total or _is_by_stamp(stamps, ids)
        return cls(max(stamps, default=""), page.total, page.at, is_proved)

    def is_before(self, stamp: str) -> bool:
        """True if it is proved that no row was changed since a time in the form of the instance."""
        return self.is_proved and self.stamp < stamp


def _is_by_stamp(stamps: Sequence[str], ids: Sequence[str]) -> bool:
    return list(stamps) == sorted(stamps, reverse=True) and list(ids) != sorted(ids, key=str.lower)


def _texts(page: RawPage, column: str) -> list[str]:
    """The texts of a column; a cell that is missing, or no text, is empty."""
    cells = (msgspec.json.decode(row[column]) if column in row else "" for row in page.rows)
    return [cell if isinstance(cell, str) else "" for cell in cells]

"""All written-out rows of the chocolate maker."""

from __future__ import annotations

from functools import cache

from unlost_simulators.salesforce.scenarios.chocolate.objects import KEYS
from unlost_simulators.salesforce.scenarios.chocolate.written import (
    catalogue,
    platform_rows,
    setup_rows,
    story_files,
    story_mails,
    story_rows,
    trap_rows,
)
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRows, Ref

__all__ = ["FIXED_ROWS", "KEYS", "OWNERS", "story_id"]


def _write() -> FixedRows:
    rows = FixedRows(author=Ref("User", "lotte"))
    setup_rows.write(rows)
    catalogue.write(rows)
    story_rows.write(rows)
    story_mails.write(rows)
    story_files.write(rows)
    trap_rows.write(rows)
    platform_rows.write(rows)
    return rows


FIXED_ROWS = _write()
OWNERS = {
    office: tuple(FIXED_ROWS.id(KEYS, ref) for ref in people)
    for office, people in setup_rows.owners().items()
}


@cache
def story_id(object_name: str, handle: str) -> str:
    """Return the id of a written-out row, as in story_id("Account", story.CUSTOMER)."""
    return FIXED_ROWS.id(KEYS, Ref(object_name, handle))

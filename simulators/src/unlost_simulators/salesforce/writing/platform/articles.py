"""Versions of Knowledge articles: only drafts can be updated (object reference, Knowledge__kav)."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

ARTICLES = "__kav"
STATUS = "PublishStatus"


class Articles(Effects):
    """Refuses updates of versions that are online or archived."""

    reads = (STATUS,)

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:  # noqa: ARG002
        """Changed rows, before they are checked against the org."""
        for row in rows:
            if (row.before or {}).get(STATUS) not in (None, "Draft"):
                row.refuse(refusals.PUBLISHED)

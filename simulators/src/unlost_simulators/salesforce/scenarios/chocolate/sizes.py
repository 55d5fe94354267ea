"""Numbers of generated rows of each table.

Counts are of generated rows; the written-out rows of the story and of the text traps come on top and
do not grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class ChocolateSizes:
    """Generated rows per table; the defaults are scale 1 (about 7,500 records with the fixed rows)."""

    business_accounts: int = 260
    person_accounts: int = 60
    contacts: int = 1_050
    leads: int = 120
    campaign_members: int = 160
    opportunities: int = 180
    opportunity_lines: int = 360
    opportunity_roles: int = 120
    contracts: int = 40
    orders: int = 90
    order_items: int = 220
    assets: int = 60
    cases: int = 260
    case_comments: int = 180
    mails: int = 300
    tasks: int = 240
    events: int = 90
    notes: int = 30
    attachments: int = 40
    documents: int = 60
    second_versions: int = 30
    feed_items: int = 60
    feed_comments: int = 60
    recipes: int = 40
    cocoa_batches: int = 90
    ingredients: int = 30
    recipe_ingredients: int = 120
    tastings: int = 50
    tasting_scores: int = 150
    quality_reports: int = 20
    history_rows: int = 60

    def __post_init__(self) -> None:
        if min(getattr(self, field.name) for field in fields(self)) < 0:
            raise ValueError("a table cannot have fewer than 0 rows")
        if self.second_versions > self.documents:
            raise ValueError(
                f"{self.second_versions} second versions need as many documents, not {self.documents}"
            )

    def times(self, scale: int) -> ChocolateSizes:
        """The same mix, `scale` times as many rows."""
        if scale < 1:
            raise ValueError(f"scale must be 1 or more, not {scale}")
        return replace(
            self, **{field.name: getattr(self, field.name) * scale for field in fields(self)}
        )

    @classmethod
    def only(cls, counts: Mapping[str, int]) -> ChocolateSizes:
        """Nothing generated except the named tables, e.g. only({"contacts": 1_000_000})."""
        return replace(cls(**{field.name: 0 for field in fields(cls)}), **counts)

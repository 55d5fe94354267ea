"""Numbers of generated rows of each table.

Counts are of generated rows; the written-out rows of the story and of the text traps come on top and
do not grow.
"""

from __future__ import annotations

from dataclasses import dataclass

from unlost_simulators.company.sizes import CompanySizes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChocolateSizes(CompanySizes):
    """Generated rows per table; the defaults are scale 1 (about 7,500 records with the fixed rows)."""

    leads: int = 120
    campaign_members: int = 160
    opportunities: int = 180
    opportunity_lines: int = 360
    opportunity_roles: int = 120
    contracts: int = 40
    assets: int = 60
    case_comments: int = 180
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
        CompanySizes.__post_init__(self)
        if self.second_versions > self.documents:
            raise ValueError(
                f"{self.second_versions} second versions need as many documents, not {self.documents}"
            )

"""Numbers of generated facts; what is written out comes on top and does not grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanySizes:
    """Generated facts of each kind; the defaults are scale 1. A system derives those of its tables."""

    businesses: int = 260
    private_customers: int = 60
    contacts: int = 1_050
    orders: int = 90
    order_items: int = 220
    cases: int = 260
    mails: int = 300
    staff: int = 120
    incidents: int = 400
    requests: int = 160

    def __post_init__(self) -> None:
        """Refuse negative numbers."""
        if min(getattr(self, field.name) for field in fields(self)) < 0:
            raise ValueError("a table cannot have fewer than 0 rows")

    def times(self, scale: int) -> Self:
        """The same mix, `scale` times as many rows."""
        if scale < 1:
            raise ValueError(f"scale must be 1 or more, not {scale}")
        return replace(
            self, **{field.name: getattr(self, field.name) * scale for field in fields(self)}
        )

    @classmethod
    def only(cls, counts: Mapping[str, int]) -> Self:
        """Nothing generated except the named tables, e.g. only({"contacts": 1_000_000})."""
        return replace(cls(**{field.name: 0 for field in fields(cls)}), **counts)

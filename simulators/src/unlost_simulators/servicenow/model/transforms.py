"""Transform maps: the way from a staging table to its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransformMap:
    """The target's columns by those of the staging table. ``coalesce`` finds the row to update."""

    name: str
    staging: str
    target: str
    columns: Mapping[str, str]
    coalesce: str = ""

"""Numbers of generated rows of the instance, beside those of the company."""

from __future__ import annotations

from dataclasses import dataclass

from unlost_simulators.company.sizes import CompanySizes


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSizes(CompanySizes):
    """The defaults are scale 1, some 5,000 rows in all."""

    problems: int = 40
    changes: int = 120
    articles: int = 120
    files: int = 200

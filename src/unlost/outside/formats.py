"""The formats of exports; imports nothing, so that the command line may name them quickly."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """File formats of exported tables."""

    PARQUET = "parquet"
    DELTA = "delta"
    CSV = "csv"

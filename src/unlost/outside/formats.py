"""The forms in which tables leave; imports nothing, so that the command line may name them."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """How tables are written."""

    PARQUET = "parquet"
    DELTA = "delta"
    CSV = "csv"

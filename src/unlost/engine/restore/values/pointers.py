"""The values that archives write into parents of archived records."""

from unlost.model.archive import ARCHIVED_PAGE
from unlost.model.plan import RecordKey


def number_in(text: str | None) -> int:
    """The number in the column for the count; 0 if it is empty."""
    return round(float(text)) if text else 0


def is_link(text: str, key: RecordKey) -> bool:
    """True for the link of any archive to this record; the console may have moved since."""
    return text.endswith(f"/{key.table}/{key.record}/{ARCHIVED_PAGE}")

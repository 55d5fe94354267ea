"""Parse a record given as TABLE/ID."""

from unlost.model.errors import UsageError


def split_record(text: str) -> tuple[str, str]:
    """Return the table and the id of TABLE/ID; raises UsageError (``record-unreadable``)."""
    table, _, record_id = text.partition("/")
    if not (table and record_id):
        raise UsageError(
            "record-unreadable",
            "{text!r} is not a record.",
            next_step="Write TABLE/ID, as in Account/001….",
            text=text,
        )
    return table, record_id

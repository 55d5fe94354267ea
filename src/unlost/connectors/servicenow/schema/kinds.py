"""The types of ServiceNow's columns, and those that are not read.

Sources: ServiceNow docs, "Introduction to fields" and "Table API" (all values are texts; durations
are written as times since 1970, and stay text here).
"""

from unlost.model.source.schema import WireKind

KINDS = {
    "boolean": WireKind.BOOLEAN,
    "integer": WireKind.INTEGER,
    "longint": WireKind.INTEGER,
    "decimal": WireKind.DECIMAL,
    "float": WireKind.DECIMAL,
    "percent_complete": WireKind.DECIMAL,
    "glide_date": WireKind.DATE,
    "date": WireKind.DATE,
    "glide_date_time": WireKind.INSTANT,
    "due_date": WireKind.INSTANT,
    "datetime": WireKind.INSTANT,
    "reference": WireKind.REFERENCE,
    "domain_id": WireKind.REFERENCE,
}
# The entries of journals are rows of sys_journal_field. The column itself is empty or shows them
# all in one text (ServiceNow docs, "Journal fields").
JOURNALS = frozenset({"journal", "journal_input", "journal_list"})
# Hashes, and texts that only the instance can decrypt. What REST returns for them is an inference.
PASSWORDS = frozenset({"password", "password2"})
ENCRYPTED = frozenset({"glide_encrypted"})


def kind_of(name: str, internal_type: str) -> WireKind:
    """The kind of a column; currencies are text, because they may carry their code."""
    if name == "sys_id":
        return WireKind.ID
    return KINDS.get(internal_type, WireKind.TEXT)

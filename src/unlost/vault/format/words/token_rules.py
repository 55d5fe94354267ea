"""Facts about search tokens that need no text to be cut: their version, and tokens of whole values.

Apart from ``unlost.vault.format.words.tokens``, so that readers of records start without Polars.
"""

from unlost.model.source.schema import Schema

VERSION = 3
KEYS_SINCE = 2  # the first version that makes tokens of whole values
KEY = "\x1f"  # before a whole value; words never begin with it
LONGEST = 64  # characters; the rest of a token is cut off


def key_columns(schema: Schema, table: str) -> frozenset[str]:
    """The columns of a table in which change logs and remarks of this schema name their records."""
    logs = (log for other in schema.tables for log in (other.change_log, other.remarks))
    return frozenset(log.record_column for log in logs if log is not None and log.table == table)


def key_token(value: str) -> str:
    """The token of a whole value."""
    return KEY + value[:LONGEST]

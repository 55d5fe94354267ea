"""The physical columns of a segment in Parquet, and the vault's own system tables.

A source column is physically ``c<N>``; N is given once per table by the schema object and never
used for another column. System columns begin with ``_u_``.
"""

from collections.abc import Iterable

import pyarrow as pa

from unlost.model.source.schema import Column, Table, WireKind

U_ID = "_u_id"
U_OP = "_u_op"
U_PREV = "_u_prev"
U_OBSERVED_AT = "_u_observed_at"
U_MODIFIED_AT = "_u_modified_at"
U_MODIFIED_BY = "_u_modified_by"
U_ROW_HASH = "_u_row_hash"
U_BLOBS = "_u_blobs"
U_SNAP = "_u_snap"  # the commit of a version; in unmerged segments the manifest has it
U_SHAPE = "_u_shape"  # only in merged segments; elsewhere 0
U_VALID_TO = "_u_valid_to"  # computed, never stored: the commit that added the next version

INSTANT = pa.timestamp("ms", tz="UTC")
HASH = pa.binary(16)

SYSTEM_FIELDS: tuple[pa.Field, ...] = (
    pa.field(U_ID, pa.string(), nullable=False),
    pa.field(U_OP, pa.string(), nullable=False),
    pa.field(U_PREV, pa.string()),
    pa.field(U_OBSERVED_AT, INSTANT, nullable=False),
    pa.field(U_MODIFIED_AT, INSTANT),
    pa.field(U_MODIFIED_BY, pa.string()),
    pa.field(U_ROW_HASH, HASH, nullable=False),
    pa.field(U_BLOBS, pa.string()),
)

# Additional columns of merged segments, which combine rows of several commits and shapes.
MERGED_FIELDS: tuple[pa.Field, ...] = (
    pa.field(U_SNAP, pa.int64(), nullable=False),
    pa.field(U_SHAPE, pa.int32(), nullable=False),
)

# The columns that a reader of a snapshot gets before the source columns.
READ_FIELDS: tuple[pa.Field, ...] = (
    pa.field(U_ID, pa.string(), nullable=False),
    pa.field(U_OP, pa.string(), nullable=False),
    pa.field(U_SNAP, pa.int64(), nullable=False),
    pa.field(U_OBSERVED_AT, INSTANT, nullable=False),
    pa.field(U_MODIFIED_AT, INSTANT),
    pa.field(U_MODIFIED_BY, pa.string()),
)

# The additional column of the versions of a record.
VALID_TO_FIELD = pa.field(U_VALID_TO, pa.int64())

# Values of ``_u_prev`` beside the ops. SAME: the row equals the version before it. UNKNOWN_PREV:
# unknown, because the row was compared with another version than the one before it (in merged
# segments).
SAME = "="
UNKNOWN_PREV = "?"

SEARCH = "$search"
HIDDEN = "$hidden"
FILES = "$files"
LINEAGE = "$lineage"
CHANGES = "$changes"
HOLDS = "$holds"
SUPPRESSED = "$suppressed"

SEARCH_FIELDS: tuple[pa.Field, ...] = (
    pa.field(U_ID, pa.string(), nullable=False),
    pa.field("table", pa.string(), nullable=False),
    pa.field("record", pa.string(), nullable=False),
    pa.field("column", pa.string(), nullable=False),
)

# The changes of commits to a table's records, for merged segments. An id is the table, the number
# of the commit in ten digits, and the record, joined by SEPARATOR: so a commit's rows are adjacent.
CHANGES_FIELDS: tuple[pa.Field, ...] = (
    pa.field(U_ID, pa.string(), nullable=False),
    pa.field(U_OP, pa.string(), nullable=False),
    pa.field(U_PREV, pa.string()),
)
SEPARATOR = "\x1f"

# Tables whose rows have only an id and cells, without versions and hashes.
BARE_FIELDS = {SEARCH: SEARCH_FIELDS, CHANGES: CHANGES_FIELDS}

_COLUMN = "c"

META_TABLE = b"unlost.table"
META_SCHEMA = b"unlost.schema"
META_BASE = b"unlost.base"
META_TOKENIZER = b"unlost.tokenizer"
META_SHAPES = b"unlost.shapes"
META_BUNDLE = b"unlost.bundle"


def physical(code: int) -> str:
    """The Parquet name of the column with this number."""
    return f"{_COLUMN}{code}"


def is_physical(name: str) -> bool:
    """True for the Parquet name of a source column; other names are system columns."""
    return name.startswith(_COLUMN)


def by_number(names: Iterable[str]) -> list[str]:
    """Parquet names of source columns, sorted by number."""
    return sorted(names, key=lambda name: int(name.removeprefix(_COLUMN)))


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, kind=WireKind.TEXT) for name in names)


# The id of a row in ``$hidden`` is the JSON array of its cells; U means hidden, P visible again.
HIDDEN_TABLE = Table(name=HIDDEN, columns=_text("table", "record", "column"))

# ``unlost.vault.objects.files`` describes the ids of rows in ``$files``.
FILES_TABLE = Table(
    name=FILES,
    columns=_text("blob", "size", "checksum", "name", "media_type", "extents", "encoding"),
)

# The id of a row in ``$lineage`` is the JSON array [target, table, old].
LINEAGE_TABLE = Table(name=LINEAGE, columns=_text("live", "run"))

# ``$holds`` are legal holds. An id is the JSON array of scope, table, record, number of a backup. U
# means in force, P lifted.
HOLDS_TABLE = Table(name=HOLDS, columns=_text("reason", "by", "until"))

# The id of a row in ``$suppressed`` is a pseudonym. See ``unlost.vault.write.suppression_list``.
SUPPRESSED_TABLE = Table(name=SUPPRESSED, columns=_text("table", "column", "sieve", "run"))

SYSTEM_TABLES: dict[str, Table] = {
    HIDDEN: HIDDEN_TABLE,
    FILES: FILES_TABLE,
    LINEAGE: LINEAGE_TABLE,
    HOLDS: HOLDS_TABLE,
    SUPPRESSED: SUPPRESSED_TABLE,
}


def is_system(table: str) -> bool:
    """True for the vault's own tables."""
    return table.startswith("$")

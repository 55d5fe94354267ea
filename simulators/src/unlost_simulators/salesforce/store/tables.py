"""Columns for fields: SQL and Arrow types, table definitions, quoting. Pure text, no I/O."""

import pyarrow as pa

from unlost_simulators.salesforce.model.schema import (
    INTEGERS,
    NUMBERS,
    FieldDef,
    FieldType,
    ObjectDef,
)

ORDER = "_k"
"""Hidden column with the counter of the row's id: it sorts as the org sorts, and prunes scans."""

_SQL = {
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.INT: "INTEGER",
    FieldType.LONG: "BIGINT",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMP",
    FieldType.TIME: "TIME",
}
_ARROW = {
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.INT: pa.int32(),
    FieldType.LONG: pa.int64(),
    FieldType.DATE: pa.date32(),
    FieldType.DATETIME: pa.timestamp("us"),
    FieldType.TIME: pa.time64("us"),
}


def sql_type(field: FieldDef) -> str:
    """The DuckDB type of a field's column, or of its computed value."""
    if field.type in NUMBERS:
        return f"DECIMAL({field.precision or 18}, {field.scale})"
    return _SQL.get(field.type, "VARCHAR")


def arrow_type(field: FieldDef) -> pa.DataType:
    """The Arrow type in which rows of this field travel."""
    if field.type in NUMBERS:
        return pa.decimal128(field.precision or 18, field.scale)
    return _ARROW.get(field.type, pa.string())


def name(identifier: str) -> str:
    """The identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """The value as a SQL string literal; NUL cannot stand in a statement and goes through chr."""
    quoted = "'" + value.replace("'", "''") + "'"
    if "\x00" not in value:
        return quoted
    return "(" + quoted.replace("\x00", "' || chr(0) || '") + ")"


def column(field: FieldDef) -> str:
    """Definition of a field's column."""
    return f"{name(field.name)} {sql_type(field)}"


def create_table(of: ObjectDef) -> str:
    """The statement that makes an object's table."""
    columns = ", ".join(column(field) for field in of.stored)
    return f"CREATE TABLE IF NOT EXISTS {name(of.name)} ({ORDER} BIGINT, {columns})"


def create_registers() -> tuple[str, ...]:
    """The statements that make the tables the store keeps for itself."""
    registers = {
        "_bin": "object VARCHAR, id VARCHAR, root VARCHAR, deleted_at TIMESTAMP, lost BOOLEAN",
        "_nulled": "object VARCHAR, id VARCHAR, field VARCHAR, old VARCHAR, root VARCHAR",
        "_shown": "object VARCHAR, id VARCHAR, until TIMESTAMP",
        "_deleted": "object VARCHAR, id VARCHAR, deleted_at TIMESTAMP, owner VARCHAR",
        "_bytes": "key VARCHAR, content BLOB",
        "_images": "refid VARCHAR, record VARCHAR, field VARCHAR, token VARCHAR",
    }
    return tuple(
        f"CREATE TABLE IF NOT EXISTS {register} ({of})" for register, of in registers.items()
    )


def default_sql(field: FieldDef) -> str:
    """Return the value of the field if none was given."""
    if field.type is FieldType.BOOLEAN:
        return "TRUE" if field.default else "FALSE"
    if field.default is None:
        return "NULL"
    if field.type in INTEGERS or field.type in NUMBERS:
        return str(field.default)
    return text(str(field.default))

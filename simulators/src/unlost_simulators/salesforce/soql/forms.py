"""The form in which a value leaves: SQL for REST's JSON and SQL for Bulk API 2.0's CSV."""

from unlost_simulators.salesforce.model.numbers import java_sql
from unlost_simulators.salesforce.model.schema import NUMBERS, FieldDef, FieldType

_JSON_TIME = "%Y-%m-%dT%H:%M:%S.%g+0000"
_CSV_TIME = "%Y-%m-%dT%H:%M:%S.%gZ"


def _clock(sql: str) -> str:
    return f"strftime(DATE '2000-01-01' + {sql}, '%H:%M:%S.%gZ')"


def for_json(field: FieldDef, sql: str) -> str:
    """The value as REST shows it; numbers stay numbers, times become text."""
    if field.type is FieldType.DATETIME:
        return f"strftime({sql}, '{_JSON_TIME}')"
    if field.type is FieldType.DATE:
        return f"CAST({sql} AS VARCHAR)"
    if field.type is FieldType.TIME:
        return _clock(sql)
    return sql


def for_csv(field: FieldDef, sql: str) -> str:
    """The value as Bulk API 2.0 writes it: text, empty for null."""
    return f"coalesce({_csv(field, sql)}, '')"


def _csv(field: FieldDef, sql: str) -> str:
    if field.type in NUMBERS:
        return java_sql(f"CAST({sql} AS DOUBLE)")
    if field.type is FieldType.DATETIME:
        return f"strftime({sql}, '{_CSV_TIME}')"
    if field.type is FieldType.TIME:
        return _clock(sql)
    if field.type in {FieldType.BOOLEAN, FieldType.INT, FieldType.LONG, FieldType.DATE}:
        return f"CAST({sql} AS VARCHAR)"
    return sql

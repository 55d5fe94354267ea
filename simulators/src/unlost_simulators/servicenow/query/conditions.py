"""Conditions that administrators write: in ACLs and rules, and in calls of the admin API.

A query of the Table API loses the conditions that are not valid. Here that would open a table to
everyone, or empty it. So a mistake is refused when the condition is written. A condition whose
column is dropped later meets no row.
"""

from __future__ import annotations

from unlost_simulators.kit.sqlite import Where
from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.query.compile import NOTHING, USER_ID, Compiler, Reading
from unlost_simulators.servicenow.query.encoded import parse


def condition_sql(schema: Schema, table: str, text: str, *, user_id: str) -> Where:
    """Give the SQL of a condition; ``user_id`` is the value of ``gs.getUserID()``."""
    return _reading(schema, table, text, user_id).where


def valid_reading(schema: Schema, table: str, text: str, *, user_id: str | None = None) -> Reading:
    """Give the SQL of a condition; ValueError names its parts that are not valid."""
    reading = _reading(schema, table, text, user_id)
    if reading.dropped:
        raise ValueError(f"not valid for {table}: {', '.join(reading.dropped)}")
    return reading


def _reading(schema: Schema, table: str, text: str, user_id: str | None) -> Reading:
    compiler = Compiler(
        schema,
        run_script=lambda script: user_id if script.strip() == USER_ID else None,
        invalid=NOTHING,
    )
    return compiler.compile(table, parse(text))

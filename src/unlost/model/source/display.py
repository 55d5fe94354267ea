"""Roles of columns for people: the knowledge of a connector for pages and lists."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DisplayRule:
    """Columns of a table with a role for people.

    ``number_columns``: columns with the number by which people know a record, the usual one first;
    its name column is not among them. ``system_columns``: columns that the source keeps for itself,
    which pages fold away. ``text_columns``: texts whose first words stand for a record without a
    name, such as a comment; the first one that is not empty counts.
    """

    number_columns: tuple[str, ...] = ()
    system_columns: frozenset[str] = frozenset()
    text_columns: tuple[str, ...] = ()

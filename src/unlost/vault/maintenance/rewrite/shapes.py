"""Shapes: the columns and the schema of each row of a merged segment.

A merged segment has every column that any of its rows has. The shape of a row records which of
these columns it had, and the schema by which its hash was computed:

    shapes in the footer   0: schema s1, (c1, c2)   1: schema s2, (c1, c2, c3)
    rows                   _u_shape = 0, c3 = null   the column did not exist
                           _u_shape = 1, c3 = null   the cell was empty

See docs/adr/0020.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from unlost.vault.format.physical import (
    BARE_FIELDS,
    MERGED_FIELDS,
    SEARCH,
    SYSTEM_FIELDS,
    U_SHAPE,
    by_number,
    is_physical,
)
from unlost.vault.layout.segment_label import SegmentLabel, SegmentShape
from unlost.vault.objects.schemas import SYSTEM_SCHEMA, SchemaReader
from unlost.vault.read.table_view import TableView


@dataclass(frozen=True, slots=True)
class SegmentShapes:
    """The shapes of the rows to be merged.

    ``places``: the number in ``all``, by rank and then by the number of the shape in that segment.
    """

    all: tuple[SegmentShape, ...]
    places: tuple[tuple[int, ...], ...]

    @property
    def columns(self) -> list[str]:
        """All source columns, sorted by number."""
        return by_number({name for shape in self.all for name in shape.columns})


def shapes_of(view: TableView) -> SegmentShapes:
    """Collect the shapes of all rows of a view; equivalent ones become one."""
    known: dict[SegmentShape, int] = {}
    places = []
    for live in view.segments:
        label, present = view.reading.segments.facts(live.entry)
        shapes = label.all_shapes(tuple(sorted(filter(is_physical, present))))
        places.append(tuple(_place(shape, known, view) for shape in shapes))
    return SegmentShapes(tuple(known), tuple(places))


def can_merge(view: TableView) -> bool:
    """Return true if the newest schema can describe all rows of a view.

    It cannot if two runs started from one schema and gave the same number to different columns.
    Words of different rules, or of other columns, stay apart until the older ones are rebuilt.
    """
    if view.table == SEARCH:
        return _can_merge_words(view)
    if view.table in BARE_FIELDS:
        return True
    newest = view.reading.segments.facts(view.segments[-1].entry)[0].schema
    known = view.reading.schemas.known(newest, view.table)
    codes = {name: column.code for name, column in known.items()}
    schemas = {view.reading.segments.facts(live.entry)[0].schema for live in view.segments}
    return all(
        codes.get(name) == column.code
        for schema in schemas
        for name, column in view.reading.schemas.known(schema, view.table).items()
    )


def _can_merge_words(view: TableView) -> bool:
    labels = [view.reading.segments.facts(live.entry)[0] for live in view.segments]
    newest = labels[-1].schema
    return len({label.tokenizer for label in labels}) == 1 and all(
        view.reading.schemas.has_words_for(newest, indexed=ident)
        for ident in {label.schema for label in labels}
    )


def label_for(view: TableView, shapes: SegmentShapes) -> SegmentLabel:
    """Return the label of the merged segment: the newest schema, the oldest tokenizer version."""
    labels = [view.reading.segments.facts(live.entry)[0] for live in view.segments]
    return SegmentLabel(
        table=view.table,
        schema=labels[-1].schema,
        base=labels[-1].base,
        # The segment can promise only what its oldest rows fulfil.
        tokenizer=min(label.tokenizer for label in labels),
        shapes=() if view.table in BARE_FIELDS else shapes.all,
    )


def schema_for(table: str, shapes: SegmentShapes) -> pa.Schema:
    """Return the Arrow schema of the merged segment."""
    if table in BARE_FIELDS:
        return pa.schema(BARE_FIELDS[table])
    several = len(shapes.all) > 1
    fields = [*SYSTEM_FIELDS, *(f for f in MERGED_FIELDS if several or f.name != U_SHAPE)]
    return pa.schema([*fields, *(pa.field(name, pa.string()) for name in shapes.columns)])


def _place(shape: SegmentShape, known: dict[SegmentShape, int], view: TableView) -> int:
    """Return the number of a shape among the ``known`` ones; adds it if it is new."""
    for other, at in known.items():
        if _alike(shape, other, view):
            return at
    return known.setdefault(shape, len(known))


def _alike(shape: SegmentShape, other: SegmentShape, view: TableView) -> bool:
    """Return true if two shapes are equivalent; their schemas may differ in other tables."""
    if (shape.columns, shape.tokenizer) != (other.columns, other.tokenizer):
        return False
    return shape.schema == other.schema or _same_table(
        view.reading.schemas, view.table, (shape.schema, other.schema)
    )


def _same_table(schemas: SchemaReader, table: str, idents: Sequence[str]) -> bool:
    if SYSTEM_SCHEMA in idents:
        return False
    described = [
        (schemas.table(ident, table), schemas.known(ident, table), schemas.keys(ident, table))
        for ident in idents
    ]
    return described[0] == described[1]

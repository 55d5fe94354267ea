"""How the rows of different segments stand side by side in one.

A merged segment has all columns that any of its rows has. What a row had of them, and by which schema
its hash was computed, is its shape; the shapes stand in the footer, and ``_u_shape`` tells which one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from unlost.vault.format.physical import (
    BARE_FIELDS,
    MERGED_FIELDS,
    SYSTEM_FIELDS,
    U_SHAPE,
)
from unlost.vault.layout.segment_label import SegmentLabel, SegmentShape
from unlost.vault.objects.schemas import SYSTEM_SCHEMA, SchemaReader
from unlost.vault.read.table_view import TableView

_FIRST_CELL = "c"


@dataclass(frozen=True, slots=True)
class SegmentShapes:
    """The shapes of rows to be merged.

    ``places``: by rank, then by the number of the shape in that segment, the number in ``all``.
    """

    all: tuple[SegmentShape, ...]
    places: tuple[tuple[int, ...], ...]

    @property
    def columns(self) -> list[str]:
        """All source columns, by their numbers."""
        names = {name for shape in self.all for name in shape.columns}
        return sorted(names, key=lambda name: int(name.removeprefix(_FIRST_CELL)))


def shapes_of(view: TableView) -> SegmentShapes:
    """The shapes of all rows of a view; those that say the same are one."""
    known: dict[SegmentShape, int] = {}
    places = []
    for live in view.segments:
        label, present = view.reading.segments.facts(live.entry)
        shapes = label.shapes or (_only_shape(label, present),)
        places.append(tuple(_place(shape, known, view) for shape in shapes))
    return SegmentShapes(tuple(known), tuple(places))


def can_merge(view: TableView) -> bool:
    """Whether all rows of a view can be told by the columns of the newest schema.

    Not where two runs went on from one schema and each gave the next number to a column of its own.
    """
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


def label_for(view: TableView, shapes: SegmentShapes) -> SegmentLabel:
    """The label of what is merged: the schema of the newest rows, the least that all fulfil."""
    labels = [view.reading.segments.facts(live.entry)[0] for live in view.segments]
    return SegmentLabel(
        table=view.table,
        schema=labels[-1].schema,
        base=labels[-1].base,
        tokenizer=min(label.tokenizer for label in labels),
        shapes=() if view.table in BARE_FIELDS else shapes.all,
    )


def schema_for(table: str, shapes: SegmentShapes) -> pa.Schema:
    """The columns of what is merged."""
    if table in BARE_FIELDS:
        return pa.schema(BARE_FIELDS[table])
    several = len(shapes.all) > 1
    fields = [*SYSTEM_FIELDS, *(f for f in MERGED_FIELDS if several or f.name != U_SHAPE)]
    return pa.schema([*fields, *(pa.field(name, pa.string()) for name in shapes.columns)])


def _only_shape(label: SegmentLabel, present: Iterable[str]) -> SegmentShape:
    cells = sorted(name for name in present if name.startswith(_FIRST_CELL))
    return SegmentShape(label.schema, tuple(cells), label.tokenizer)


def _place(shape: SegmentShape, known: dict[SegmentShape, int], view: TableView) -> int:
    """The number of a shape among those known; it becomes known."""
    for other, at in known.items():
        if _alike(shape, other, view):
            return at
    return known.setdefault(shape, len(known))


def _alike(shape: SegmentShape, other: SegmentShape, view: TableView) -> bool:
    """Whether two shapes mean the same: their schemas may differ in other tables."""
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

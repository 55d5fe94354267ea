"""What a segment says of itself, inside its encrypted footer."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from unlost.model.learned import learned
from unlost.vault.format.physical import (
    META_BASE,
    META_SCHEMA,
    META_SHAPES,
    META_TABLE,
    META_TOKENIZER,
)
from unlost.vault.format.sealed import Place


@dataclass(frozen=True, slots=True)
class Shape:
    """Under which schema rows were written, and the physical columns that they have."""

    schema: str
    columns: tuple[str, ...]
    tokenizer: int = 0


@dataclass(frozen=True, slots=True)
class Label:
    """What a segment says of itself.

    ``tokenizer``: the version of the tokenizer, in segments of ``$search`` and in those whose rows
    it made tokens of; else 0. ``shapes``: where rows of several segments were put together, how
    each of those was written (``_u_shape`` is the place in it); else empty.
    """

    table: str
    schema: str
    base: int
    tokenizer: int = 0
    shapes: tuple[Shape, ...] = ()


def bound_to(place: Place) -> bytes:
    """What every module of a segment is bound to: vault, org, and the name of the object."""
    return b"".join((place.vault, place.org, place.name.encode()))


def metadata_of(label: Label) -> dict[bytes, bytes]:
    """A label as the metadata of a Parquet file."""
    told = {
        META_TABLE: label.table.encode(),
        META_SCHEMA: label.schema.encode(),
        META_BASE: str(label.base).encode(),
        META_TOKENIZER: str(label.tokenizer).encode(),
    }
    if label.shapes:
        told[META_SHAPES] = msgspec.json.encode(label.shapes)
    return told


def label_of(metadata: Mapping[bytes, bytes]) -> Label:
    """The way back."""
    return Label(
        table=metadata.get(META_TABLE, b"").decode(),
        schema=metadata.get(META_SCHEMA, b"").decode(),
        base=int(metadata.get(META_BASE, b"0")),
        tokenizer=int(metadata.get(META_TOKENIZER, b"0")),
        shapes=learned(tuple[Shape, ...]).decode(metadata.get(META_SHAPES, b"[]")),
    )

"""The label of a segment: its own description, inside its encrypted footer."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import zstandard

from unlost.model.decoders import decoder_for
from unlost.vault.format.physical import (
    META_BASE,
    META_BUNDLE,
    META_SCHEMA,
    META_SHAPES,
    META_TABLE,
    META_TOKENIZER,
    SEARCH,
    physical,
)
from unlost.vault.format.sealed import ObjectBinding
from unlost.vault.format.words.token_rules import VERSION

_LEVEL = 3
_COLUMN = "c"


@dataclass(frozen=True, slots=True)
class SegmentShape:
    """The schema under which rows were written, and their physical columns."""

    schema: str
    columns: tuple[str, ...]
    tokenizer: int = 0


@dataclass(frozen=True, slots=True)
class SegmentLabel:
    """The description that a segment carries of itself.

    ``tokenizer``: the version of the tokenizer, in segments of ``$search`` and in segments whose
    rows it made tokens of; else 0. ``shapes``: in a segment that was merged from several, the shape
    in which each of them was written (``_u_shape`` is the index in it); else empty.
    """

    table: str
    schema: str
    base: int
    tokenizer: int = 0
    shapes: tuple[SegmentShape, ...] = ()

    def all_shapes(self, columns: tuple[str, ...] = ()) -> tuple[SegmentShape, ...]:
        """The shapes of its rows; an unmerged segment has one, with these physical columns."""
        return self.shapes or (SegmentShape(self.schema, columns, self.tokenizer),)


def search_label(of_rows: SegmentLabel) -> SegmentLabel:
    """The label of the search segment that belongs to a table's segment."""
    return replace(of_rows, table=SEARCH, tokenizer=VERSION)


def bound_to(place: ObjectBinding) -> bytes:
    """The AAD prefix of every module of a segment: vault, org, and the name of the object."""
    return b"".join((place.vault, place.org, place.name.encode()))


def metadata_of(label: SegmentLabel) -> dict[bytes, bytes]:
    """A label as the metadata of a Parquet file."""
    metadata = {
        META_TABLE: label.table.encode(),
        META_SCHEMA: label.schema.encode(),
        META_BASE: str(label.base).encode(),
        META_TOKENIZER: str(label.tokenizer).encode(),
    }
    if label.shapes:
        metadata[META_SHAPES] = msgspec.json.encode(label.shapes)
    return metadata


def label_of(metadata: Mapping[bytes, bytes]) -> SegmentLabel:
    """The label in the metadata of a Parquet file."""
    return SegmentLabel(
        table=metadata.get(META_TABLE, b"").decode(),
        schema=metadata.get(META_SCHEMA, b"").decode(),
        base=int(metadata.get(META_BASE, b"0")),
        tokenizer=int(metadata.get(META_TOKENIZER, b"0")),
        shapes=decoder_for(tuple[SegmentShape, ...]).decode(metadata.get(META_SHAPES, b"[]")),
    )


class BundlePart(msgspec.Struct, frozen=True):
    """The description of one segment in a bundle; the parts are in the order of the rows.

    ``columns``: the numbers of its source columns, as ``1-9,12``.
    """

    table: str
    schema: str
    base: int
    tokenizer: int
    rows: int
    columns: str

    @property
    def label(self) -> SegmentLabel:
        """The label that the segment would have outside a bundle."""
        return SegmentLabel(self.table, self.schema, self.base, self.tokenizer)

    @property
    def present(self) -> Iterator[str]:
        """The physical columns of the segment."""
        for span in filter(None, self.columns.split(",")):
            first, _, last = span.partition("-")
            yield from map(physical, range(int(first), int(last or first) + 1))


def part_of(label: SegmentLabel, *, rows: int, columns: Iterable[str]) -> BundlePart:
    """A segment's part of a bundle; ``columns`` are the physical ones of the source."""
    numbers = sorted(int(name.removeprefix(_COLUMN)) for name in columns)
    return BundlePart(label.table, label.schema, label.base, label.tokenizer, rows, _spans(numbers))


def metadata_of_bundle(parts: Sequence[BundlePart]) -> dict[bytes, bytes]:
    """The descriptions of a bundle's segments, as the metadata of a Parquet file."""
    compress = zstandard.ZstdCompressor(level=_LEVEL).compress(msgspec.json.encode(parts))
    return {META_BUNDLE: base64.b64encode(compress)}


def parts_of(metadata: Mapping[bytes, bytes]) -> tuple[BundlePart, ...]:
    """The segments in the metadata of a bundle; empty if the file is not a bundle."""
    if META_BUNDLE not in metadata:
        return ()
    decompress = zstandard.ZstdDecompressor().decompress(base64.b64decode(metadata[META_BUNDLE]))
    return decoder_for(tuple[BundlePart, ...]).decode(decompress)


def _spans(numbers: Sequence[int]) -> str:
    """Ascending numbers as text; consecutive numbers form one span."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ",".join("-".join(map(str, span)) for span in spans)

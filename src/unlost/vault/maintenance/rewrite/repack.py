"""Repacking: copy the needed contents of wasteful packs into new packs.

    pack a   [needed][unneeded][needed]   ─▶   pack b   [needed][needed][needed]
    pack c   [unneeded][needed][unneeded] ─▶
    $files   extents [["a", 0, 9]]        ─▶   [["b", 0, 9]], with a new row hash

Contents are copied without decompression. Retention moves them if a share of ``REPACK_SHARE`` of a
pack is unneeded; an erasure moves them in any case. See docs/adr/0022 and docs/adr/0023.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.decoders import decoder_for
from unlost.model.errors import UnlostError
from unlost.model.vault.snapshot import PackEntry
from unlost.vault.format.physical import FILES, U_ROW_HASH, physical
from unlost.vault.format.rowhash import HashedColumn, as_array, row_hashes
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.derivation import ID_BYTES
from unlost.vault.layout import object_names
from unlost.vault.maintenance.rewrite.merging import MergeChoice
from unlost.vault.objects.packs import PACK_BYTES
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.read.merge import MergeRange
from unlost.vault.read.org_vault import OrgVault

type PackOffset = tuple[str, int]
"""A pack and an offset in its content."""

REPACK_SHARE = 0.3  # repack a pack when this share of it is unneeded
_EXTENT = r'\["([0-9a-f]{32})",(\d+),(\d+)\]'
NO_EXTENTS = pl.DataFrame(schema={"pack": pl.String, "offset": pl.Int64, "length": pl.Int64})


def extents_in(texts: pa.ChunkedArray) -> pl.DataFrame:
    """Parse cells of the column ``extents`` to unique extents (pack, offset, length)."""
    filled = texts.drop_null()
    if not len(filled):
        return NO_EXTENTS
    series = pl.Series("text", pl.from_arrow(filled.cast(pa.string())))
    extent_texts = series.str.extract_all(_EXTENT).explode().drop_nulls()
    parts = extent_texts.to_frame().select(
        pl.col("text").str.extract(_EXTENT, 1).alias("pack"),
        pl.col("text").str.extract(_EXTENT, 2).cast(pl.Int64).alias("offset"),
        pl.col("text").str.extract(_EXTENT, 3).cast(pl.Int64).alias("length"),
    )
    return parts.unique()


@dataclass(frozen=True, slots=True)
class RepackedPacks:
    """New packs, and the new places of the extents of old ones."""

    entries: tuple[PackEntry, ...] = ()
    moved: Mapping[PackOffset, PackOffset] = field(default_factory=dict)

    @property
    def packs(self) -> pa.Array:
        """Ids of the old packs."""
        return pa.array(sorted({pack for pack, _ in self.moved}), pa.string())


def repack(org_vault: OrgVault, extents: pl.DataFrame) -> RepackedPacks:
    """Write the extents of some packs into new ones; memory is bounded by two packs.

    The new packs are durable when it returns.
    """
    state, writing = org_vault.chain.live(), _Writing(org_vault)
    try:
        # Grouped by pack, so that each one is read once.
        for (pack,), pack_extents in extents.sort("pack", "offset").group_by(
            "pack", maintain_order=True
        ):
            name = object_names.pack(org_vault.org, state.pack_id(str(pack)))
            content = org_vault.sealed.get(ObjectKind.PACK, org=org_vault.org, name=name)
            for offset, length in pack_extents.select("offset", "length").iter_rows():
                writing.add((str(pack), offset), content[offset : offset + length])
        return writing.close()
    except Exception:
        writing.give_up()
        raise


def repack_extents(org_vault: OrgVault, extents: pl.DataFrame) -> RepackedPacks:
    """Repack packs that are partly damaged: each extent is read on its own."""
    state, writing = org_vault.chain.live(), _Writing(org_vault)
    try:
        for pack, offset, length in extents.sort("pack", "offset").iter_rows():
            name = object_names.pack(org_vault.org, state.pack_id(pack))
            content = org_vault.sealed.get_range(
                ObjectKind.PACK,
                org=org_vault.org,
                name=name,
                header=org_vault.sealed.header(name),
                start=offset,
                length=length,
            )
            writing.add((pack, offset), content)
        return writing.close()
    except Exception:
        writing.give_up()
        raise


class _Writing:
    def __init__(self, org_vault: OrgVault) -> None:
        self._org_vault = org_vault
        self._entries: list[PackEntry] = []
        self._moved: dict[PackOffset, PackOffset] = {}
        self._pack = self._new_id()
        self._content = bytearray()

    def add(self, place: PackOffset, content: bytes) -> None:
        """Append the content of an extent."""
        if self._content and len(self._content) + len(content) > PACK_BYTES:
            self._write()
        self._moved[place] = (self._pack, len(self._content))
        self._content += content

    def close(self) -> RepackedPacks:
        """Write the rest, and return the new packs."""
        if self._content:
            self._write()
        return RepackedPacks(tuple(self._entries), self._moved)

    def give_up(self) -> None:
        """Remove the packs that were written."""
        with suppress(UnlostError):
            for entry in self._entries:
                self._org_vault.sealed.store.delete(
                    object_names.pack(self._org_vault.org, entry.id)
                )

    def _write(self) -> None:
        name = object_names.pack(self._org_vault.org, self._pack)
        written = self._org_vault.sealed.put_new(
            ObjectKind.PACK, org=self._org_vault.org, name=name, content=self._content
        )
        self._entries.append(PackEntry(self._pack, written.bytes, written.blake3, written.epoch))
        self._pack, self._content = self._new_id(), bytearray()

    def _new_id(self) -> str:
        return self._org_vault.sealed.entropy.bytes(ID_BYTES).hex()


class RelocatedContents:
    """Rows of ``$files`` that stay, with the new places of moved contents; see ``MergeChoice``."""

    def __init__(self, choice: MergeChoice, org_vault: OrgVault, repacked: RepackedPacks) -> None:
        self._choice = choice
        self._repacked = repacked
        self._known = org_vault.schemas.known(SYSTEM_SCHEMA, FILES)
        self._extents = physical(self._known["extents"].code)

    def id_ranges(self) -> Sequence[MergeRange]:
        """Return the ranges of the wrapped choice."""
        return self._choice.id_ranges()

    def staying(self, id_range: MergeRange, rows: pa.Table) -> pa.Table:
        """Return the rows that stay, with extents that point to the new packs."""
        rows = self._choice.staying(id_range, rows)
        if self._extents not in rows.column_names:
            return rows  # of a segment whose column was lost: no content is left in it
        extents = rows.column(self._extents)
        moved = names_any(extents, self._repacked.packs)
        if not pc.any(moved).as_py():
            return rows
        moved_texts = [self._moved_extents(text) for text in extents.filter(moved).to_pylist()]
        cells = pc.replace_with_mask(
            extents.combine_chunks(), moved, pa.array(moved_texts, pa.string())
        )
        rows = _with(rows, self._extents, cells)
        # The extents are a column like any other, and part of the row hash.
        return _with(rows, U_ROW_HASH, self._hashes(rows))

    def _moved_extents(self, text: str) -> str:
        extents = decoder_for(tuple[tuple[str, int, int], ...]).decode(text)
        places_now = self._repacked.moved
        moved_extents = [
            [*places_now.get((pack, at), (pack, at)), length] for pack, at, length in extents
        ]
        return msgspec.json.encode(moved_extents).decode()

    def _hashes(self, rows: pa.Table) -> pa.Array:
        columns = [
            (HashedColumn(name, known.kind), rows.column(physical(known.code)).combine_chunks())
            for name, known in self._known.items()
            if physical(known.code) in rows.column_names
        ]
        return as_array(row_hashes(columns, rows=len(rows)))


def names_any(extents: pa.ChunkedArray, packs: pa.Array) -> pa.Array:
    """Return a mask of the ``extents`` cells that refer to any of these packs."""
    texts = pl.Series("text", pl.from_arrow(extents.cast(pa.string())))
    if not len(packs):
        return pa.array([False] * len(texts), pa.bool_())
    matches = texts.str.contains_any(packs.to_pylist()).fill_null(value=False)
    return matches.to_arrow()


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = rows.column_names.index(name)
    return rows.set_column(at, rows.schema.field(name), values)

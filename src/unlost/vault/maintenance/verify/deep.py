"""Third level of verification: decrypt everything, and recompute all derived data.

    rows ─▶ row hashes, order, counts          compared with the segment and its manifest
    ids  ─▶ fences and filter                  compared with the sidecar
    rows ─▶ words                              compared with ``$search``
    merged commits ─▶ changes                  compared with ``$changes``
    ``$files`` ─▶ contents                     read completely; their names are their hashes

Only objects whose hash is right are examined. An object that depends on a damaged one is skipped,
because the damage has been reported already.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import IntegrityError
from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.commits.state import LiveSegment, LiveState, live_objects, segment_objects
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.physical import (
    BARE_FIELDS,
    CHANGES,
    FILES,
    SEARCH,
    U_BLOBS,
    U_ID,
    U_ROW_HASH,
    U_SHAPE,
    U_SNAP,
)
from unlost.vault.format.rowhash import HashedColumn, from_array, id_hashes, row_hashes
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.format.sidecar import GroupFence, build_filter
from unlost.vault.layout import object_names
from unlost.vault.maintenance.verify.index import IndexCheck
from unlost.vault.maintenance.verify.verify_result import VerifyFindings
from unlost.vault.maintenance.verify.words import WordsCheck
from unlost.vault.objects.blob_stream import open_blob
from unlost.vault.objects.files import BLOB_COLUMNS, blob_of_row
from unlost.vault.objects.packs import Blob
from unlost.vault.objects.segment_writer import counted
from unlost.vault.read.big_cells import resolve
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView, last_of_each, named

_READ_BYTES = 1 << 20


class DeepVerifier:
    """Verifies the live objects of one org that have the right hashes.

    ``good``: names of these objects; all others have been reported.
    """

    def __init__(
        self, org_vault: OrgVault, *, good: frozenset[str], findings: VerifyFindings
    ) -> None:
        self._org_vault = org_vault
        self._good = good
        self._findings = findings

    def check(self, state: LiveState) -> None:
        """Verify segments with their sidecars, then packs with their contents, then the rest.

        Skips what depends on a damaged object: that object has been reported.
        """
        schemas_good = all(self._is_good(name) for name in state.objects if "/schemas/" in name)
        blobs_good = self._blobs_are_good(state)
        for live in state.live_segments():
            if schemas_good and self._is_whole(live):
                self._check_segment(live, blobs=blobs_good)
        for pack in state.packs.values():
            self._check_sealed(object_names.pack(self._org_vault.org, pack.id), ObjectKind.PACK)
        self._check_blobs(state)
        self._check_words(state)
        self._check_index(state)
        for entry in state.objects.values():
            self._check_sealed(entry.name, _kind_of(entry))

    def _is_good(self, name: str) -> bool:
        return name in self._good

    def _is_whole(self, live: LiveSegment) -> bool:
        """Return true if a segment and its sidecar are undamaged."""
        objects = segment_objects(live.entry, org=self._org_vault.org)
        return all(self._is_good(entry.name) for entry in objects)

    def _blobs_are_good(self, state: LiveState) -> bool:
        """Return true if every content can be found and read."""
        packs = (object_names.pack(self._org_vault.org, pack.id) for pack in state.packs.values())
        return all(map(self._is_good, packs)) and all(
            self._is_whole(live) for live in state.segments.get(FILES, {}).values()
        )

    def _check_sealed(self, name: str, kind: ObjectKind) -> None:
        if self._is_good(name):
            self._findings.attempt(
                name, lambda: self._org_vault.sealed.get(kind, org=self._org_vault.org, name=name)
            )

    def _check_segment(self, live: LiveSegment, *, blobs: bool) -> None:
        check = SegmentCheck(live, self._org_vault, blobs=blobs)
        segment = object_names.segment(self._org_vault.org, live.entry.object)
        sidecar = object_names.sidecar(self._org_vault.org, live.entry.id)
        self._findings.attempt(segment if live.entry.sidecar else sidecar, check.sidecar)
        self._findings.attempt(segment, check.rows)

    def _check_blobs(self, state: LiveState) -> None:
        """Read every content that a row of ``$files`` refers to."""
        for live in state.segments.get(FILES, {}).values():
            if self._is_whole(live):
                for blob in _blobs_in(live, self._org_vault):
                    self._check_blob(self._org_vault.placed(blob, state))

    def _check_blob(self, blob: Blob) -> None:
        # A content without extents is empty, and nothing of it is stored.
        names = [object_names.pack(self._org_vault.org, extent.pack) for extent in blob.extents]
        if names and all(self._is_good(name) for name in names):
            self._findings.attempt(names[0], lambda: _drain(self._org_vault, blob))

    def _check_words(self, state: LiveState) -> None:
        """Compare the words with the rows, if all objects are undamaged."""
        words = state.segments.get(SEARCH, {})
        if words and self._all_good(state):
            name = object_names.segment(self._org_vault.org, next(iter(words)))
            self._findings.attempt(name, WordsCheck(self._org_vault, state).check)

    def _check_index(self, state: LiveState) -> None:
        """Compare the index with merged commits, if all objects are undamaged."""
        if self._all_good(state):
            first_index = next(iter(state.segments.get(CHANGES, {})), None)
            commit = object_names.commit(self._org_vault.org, state.seq)
            name = (
                object_names.segment(self._org_vault.org, first_index)
                if first_index is not None
                else commit
            )
            self._findings.attempt(name, IndexCheck(self._org_vault, state).check)

    def _all_good(self, state: LiveState) -> bool:
        return all(
            self._is_good(entry.name) for entry in live_objects(state, org=self._org_vault.org)
        )


class SegmentCheck:
    """Recomputation of one segment. Methods raise IntegrityError for a difference.

    ``blobs`` False: skips rows with texts in contents, which cannot be read.
    """

    def __init__(self, live: LiveSegment, org_vault: OrgVault, *, blobs: bool) -> None:
        self._blobs = blobs
        self._live = live
        self._entry: SegmentEntry = live.entry
        self._org_vault = org_vault
        self._view = TableView(live.entry.table, [live], org_vault.reading)

    def sidecar(self) -> None:
        """Compare fences and filter with the ids."""
        sidecar = self._org_vault.reader.sidecar(self._entry)
        ids = [self._ids(group) for group in range(len(sidecar.fences))]
        fences = [GroupFence(part[0].as_py(), len(part), 0) for part in ids if len(part)]
        group_fences = [GroupFence(fence.first, fence.rows, 0) for fence in sidecar.fences]
        hashes = id_hashes(pa.concat_arrays(ids))
        filter_hashes = counted(hashes, table=self._entry.table, merged=self._live.merged)
        built = build_filter(filter_hashes)
        if fences != group_fences or not np.array_equal(built, sidecar.filter):
            raise _disagrees("The sidecar does not match the rows.")

    def rows(self) -> None:
        """Check the number and order of rows, the first and last id, and each row's hash."""
        count, last = 0, ""
        for group in range(len(self._org_vault.reader.sidecar(self._entry).fences)):
            ids = self._ids(group)
            count += len(ids)
            last = self._check_order(ids, after=last)
            if self._entry.table not in BARE_FIELDS:
                self._check_ages(group)
                self._check_hashes(group)
        if count != self._entry.rows or last != self._entry.max_id:
            raise _disagrees("The segment does not contain the rows that its manifest lists.")

    def _ids(self, group: int) -> pa.Array:
        return self._view.read(0, [group], [U_ID]).column(U_ID).combine_chunks()

    def _check_order(self, ids: pa.Array, *, after: str) -> str:
        first: str = ids[0].as_py()
        if not after and first != self._entry.min_id:
            raise _disagrees("The segment does not start with the id that its manifest lists.")
        rising = pc.all(pc.greater_equal(ids.slice(1), ids.slice(0, len(ids) - 1))).as_py()
        if first < after or rising is False:
            raise _disagrees("The rows of the segment are not in order.")
        return str(ids[-1].as_py())

    def _check_ages(self, group: int) -> None:
        """Check that versions are from the commits that the manifest names, oldest first."""
        if not self._live.merged:
            return
        rows = self._view.read(0, [group], [U_ID, U_SNAP])
        snaps, same = rows.column(U_SNAP).to_numpy(), ~last_of_each(rows.column(U_ID))
        inside = (snaps >= self._live.first) & (snaps <= self._live.last)
        if not inside.all() or (same[:-1] & (snaps[1:] <= snaps[:-1])).any():
            raise _disagrees("The versions in the segment do not match its commits.")

    def _check_hashes(self, group: int) -> None:
        label, present = self._org_vault.reader.facts(self._entry)
        cells = [name for name in present if not name.startswith("_u_")]
        rows = self._view.read(0, [group], [U_ROW_HASH, U_BLOBS, U_SHAPE, *cells])
        if not self._blobs:
            rows = rows.filter(pc.is_null(rows.column(U_BLOBS)))
        for number, schema in enumerate([shape.schema for shape in label.shapes] or [label.schema]):
            of_shape = rows.filter(pc.equal(rows.column(U_SHAPE), number))
            if len(of_shape):
                self._check_shape(of_shape, schema, self._view.names(0, shape=number))

    def _check_shape(self, rows: pa.Table, schema: str, present: dict[str, str]) -> None:
        known = self._org_vault.schemas.known(schema, self._entry.table)
        counted = [name for name in present if not known[name].volatile]
        cells = resolve(named(rows, counted, present), counted, self._load)
        arrays = [
            (HashedColumn(name, known[name].kind), cells.column(name).combine_chunks())
            for name in counted
        ]
        if (row_hashes(arrays, rows=len(rows)) != from_array(rows.column(U_ROW_HASH))).any():
            raise _disagrees("The hash of a row does not match its values.")

    def _load(self, blobs: Collection[str]) -> Mapping[str, bytes]:
        return self._org_vault.load_blob(until=self._org_vault.chain.live().seq)(blobs)


def _blobs_in(live: LiveSegment, org_vault: OrgVault) -> list[Blob]:
    view = TableView(FILES, [live], org_vault.reading)
    present = view.names(0)
    blobs = []
    for group in range(len(org_vault.reader.sidecar(live.entry).fences)):
        wanted = [present[name] for name in BLOB_COLUMNS if name in present]
        rows = view.read(0, [group], [U_ID, U_BLOBS, *wanted])
        cells = named(rows, BLOB_COLUMNS, present).append_column(U_ID, rows.column(U_ID))
        mask = pc.is_valid(cells.column("extents"))
        blobs += [blob_of_row(row) for row in cells.filter(mask).to_pylist()]
    return blobs


def _drain(org_vault: OrgVault, blob: Blob) -> None:
    with open_blob(org_vault.sealed, org=org_vault.org, blob=blob) as stream:
        while stream.read(_READ_BYTES):
            pass


def _kind_of(entry: ObjectEntry) -> ObjectKind:
    if "/redacted/" in entry.name:
        return ObjectKind.REDACTION
    return ObjectKind.SCHEMA if "/schemas/" in entry.name else ObjectKind.CERTIFICATE


def _disagrees(template: str) -> IntegrityError:
    return IntegrityError(
        "segment-disagrees", template, next_step="Restore the object from a mirror of the vault."
    )

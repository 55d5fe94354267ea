"""The parts that serve one org of an opened vault: its chain, its readers, its blobs."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from typing import BinaryIO

from unlost.model.decoders import decoder_for
from unlost.model.errors import NotFound
from unlost.model.org import OrgIdentity
from unlost.model.ports.removals import RemovalLedger
from unlost.model.ports.system import Clock, Witness
from unlost.model.source.hidden_columns import HiddenColumns
from unlost.vault.commits.chain import Chain
from unlost.vault.commits.foreign_commits import ForeignCommits
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import FILES, U_ID
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.layout.write_budget import BUFFER_BYTES, BufferLimit
from unlost.vault.objects.blob_stream import open_blob, whole_blobs
from unlost.vault.objects.files import BLOB_COLUMNS, blob_of_row, blob_row_id
from unlost.vault.objects.packs import Blob, PackWriter
from unlost.vault.objects.schemas import SchemaReader, Schemas, VisibleSchemas
from unlost.vault.objects.segments import SegmentReader
from unlost.vault.read.big_cells import LoadBlobs
from unlost.vault.read.table_view import SegmentReaders, TableView, sorted_unique

BUNDLE_FROM = 2  # tables: two together cost a third less than two objects


@dataclass(frozen=True, slots=True)
class VaultOptions:
    """Options for opening a vault.

    ``search``: make new rows searchable by their words. ``buffer_bytes``: how much text may be
    buffered in memory, over all tables that are read in parallel. ``bundle_from``: the number of
    tables from which a run writes small segments as one object.
    """

    search: bool = True
    buffer_bytes: int = BUFFER_BYTES
    bundle_from: int = BUNDLE_FROM


@dataclass(eq=False)
class OrgReader:
    """Reads one org. Safe to share between threads."""

    org: str
    sealed: SealedObjects
    chain: Chain
    schemas: SchemaReader
    reader: SegmentReader

    @property
    def reading(self) -> SegmentReaders:
        """The reader of the org's segments."""
        return SegmentReaders(self.reader, self.schemas)

    def view(self, table: str, *, until: int, state: LiveState | None = None) -> TableView:
        """A table as of a commit."""
        state = state or self.chain.live()
        return TableView(table, state.of(table, until=until), self.reading, until=until)

    def blobs(
        self, idents: Iterable[str], *, until: int, state: LiveState | None = None
    ) -> dict[str, Blob]:
        """Known blobs by id, with their places, if a commit up to ``until`` added them.

        ``state``: look them up in this state instead of the present one.
        """
        return _blobs_in(self.view(FILES, until=until, state=state), idents)

    def open_blob(self, blob: str, *, until: int) -> AbstractContextManager[BinaryIO]:
        """A blob's bytes; raises NotFound."""
        blob_entry = self.blobs([blob], until=until).get(blob)
        if blob_entry is None:
            raise _unknown_file(blob)
        placed = self.placed(blob_entry, self.chain.live())
        return open_blob(self.sealed, org=self.org, blob=placed)

    def placed(self, blob: Blob, state: LiveState) -> Blob:
        """The blob with the present ids of its packs: some were sealed anew."""
        extents = (replace(extent, pack=state.pack_id(extent.pack)) for extent in blob.extents)
        return replace(blob, extents=tuple(extents))

    def load_blob(self, *, until: int, state: LiveState | None = None) -> LoadBlobs:
        """A function that returns the whole bytes of blobs, with one lookup; it raises NotFound."""

        def load(idents: Collection[str]) -> dict[str, bytes]:
            by_ident = self.blobs(idents, until=until, state=state)
            for blob in set(idents) - by_ident.keys():
                raise _unknown_file(blob)
            now = state or self.chain.live()
            placed = (self.placed(blob, now) for blob in by_ident.values())
            by_place = sorted(placed, key=_pack_offsets)
            return dict(whole_blobs(self.sealed, org=self.org, blobs=by_place))

        return load


class OrgVault(OrgReader):
    """One org, to read and write. Safe to share between threads."""

    schemas: Schemas

    def __init__(
        self,
        org: str,
        *,
        sealed: SealedObjects,
        clock: Clock,
        witness: Witness | None,
        ledger: RemovalLedger,
        options: VaultOptions,
        limit: BufferLimit,
    ) -> None:
        chain = Chain(org, sealed=sealed, witness=witness, ledger=ledger)
        schemas = Schemas(org, sealed=sealed)
        super().__init__(org, sealed, chain, schemas, SegmentReader(org, sealed=sealed))
        self.clock = clock
        self.options = options
        self.limit = limit
        self.foreign = ForeignCommits(chain, sealed=sealed, ledger=ledger, clock=clock)
        # A cache, by commit: the runs whose journals the commit removed.
        self.dropped_journals_by_commit: dict[int, tuple[str, ...]] = {}

    def visible(self, hidden: HiddenColumns) -> OrgReader:
        """The same org for reading, without its hidden columns."""
        schemas = VisibleSchemas(self.schemas, hidden, newest=self._newest_schema)
        return OrgReader(self.org, self.sealed, self.chain, schemas, self.reader)

    def identity(self) -> OrgIdentity:
        """The identity of the org, with the label in the newest commit."""
        state = self.chain.live()
        if state.seq:
            return self.chain.manifest(state.seq)[0].identity
        return self.first_identity()

    def first_identity(self) -> OrgIdentity:
        """The identity of the org when it was first seen."""
        name = object_names.identity(self.org)
        content = self.sealed.get_either(ObjectKind.IDENTITY, org=self.org, name=name)
        return decoder_for(OrgIdentity).decode(content)

    def pack_writer(self, *, until: int) -> PackWriter:
        """A writer that knows the blobs up to a commit."""
        view = cache(lambda: self.view(FILES, until=until))
        return PackWriter(self.sealed, org=self.org, known=lambda idents: _blobs_in(view(), idents))

    def _newest_schema(self) -> str:
        return self.chain.manifest(self.chain.live().seq)[0].schema


def _blobs_in(view: TableView, idents: Iterable[str]) -> dict[str, Blob]:
    """The blobs with these ids that a view of ``$files`` has."""
    if not view.segments:
        return {}
    rows = view.newest(sorted_unique(map(blob_row_id, idents)), ())
    if not len(rows):  # as for nearly each new file: it costs half of the lookup
        return {}
    keys = rows.column(U_ID).to_pylist()
    cells = view.cells(rows, BLOB_COLUMNS).to_pylist()
    blobs = (blob_of_row({**cell, U_ID: key}) for cell, key in zip(cells, keys, strict=True))
    return {blob.id: blob for blob in blobs}


def _pack_offsets(blob: Blob) -> list[tuple[str, int]]:
    return [(extent.pack, extent.offset) for extent in blob.extents]


def _unknown_file(blob: str) -> NotFound:
    return NotFound(
        "file-unknown",
        "The vault has no file {blob}.",
        next_step="List the files of a record with `unlost show ORG TABLE/ID`.",
        blob=blob[:12],
    )


def unknown_org(org: str) -> NotFound:
    """The error for an org that the vault does not know."""
    return NotFound(
        "org-unknown",
        "The vault has no org {org}.",
        next_step="List the orgs with `unlost org list`.",
        org=org[:12],
    )

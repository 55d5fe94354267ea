"""All that serves one org of an opened vault: its chain, its readers, its blobs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from unlost.model.errors import NotFound
from unlost.model.ports import Clock, Witness
from unlost.vault.blobstream import open_blob
from unlost.vault.buffers import BUFFER_BYTES, BufferLimit
from unlost.vault.chain import Chain
from unlost.vault.files import BLOB_COLUMNS, FILES_TABLE, blob_of_row, blob_row_id
from unlost.vault.format.physical import U_ID
from unlost.vault.packs import Blob, PackWriter
from unlost.vault.schemas import Schemas
from unlost.vault.sealing import SealedObjects
from unlost.vault.segments import SegmentReader
from unlost.vault.state import LiveState
from unlost.vault.tableview import Reading, TableView


@dataclass(frozen=True, slots=True)
class VaultOptions:
    """Choices of whoever opens a vault.

    ``search``: whether new rows become findable by their words. ``buffer_bytes``: how much text
    waits in memory, over all tables that are read in parallel.
    """

    search: bool = True
    buffer_bytes: int = BUFFER_BYTES


class OrgRoom:
    """One org. Safe to share between threads."""

    def __init__(
        self,
        org: str,
        *,
        sealed: SealedObjects,
        clock: Clock,
        witness: Witness | None,
        options: VaultOptions,
        limit: BufferLimit,
    ) -> None:
        self.org = org
        self.sealed = sealed
        self.clock = clock
        self.options = options
        self.limit = limit
        self.chain = Chain(org, sealed=sealed, witness=witness)
        self.schemas = Schemas(org, sealed=sealed)
        self.reader = SegmentReader(org, sealed=sealed)
        self.reading = Reading(self.reader, self.schemas)

    def view(self, table: str, *, until: int, state: LiveState | None = None) -> TableView:
        """A table as of a commit."""
        state = state or self.chain.live()
        return TableView(table, state.of(table, until=until), self.reading)

    def blob(self, blob: str, *, until: int) -> Blob | None:
        """Where a blob lies, if a commit up to ``until`` brought it."""
        view = self.view(FILES_TABLE, until=until)
        ids = pa.array([blob_row_id(blob)])
        rows = view.newest(ids, ())
        if not len(rows):
            return None
        cells = view.cells(rows, BLOB_COLUMNS).to_pylist()[0]
        return blob_of_row({**cells, U_ID: ids[0].as_py()})

    def open_blob(self, blob: str, *, until: int) -> AbstractContextManager[BinaryIO]:
        """A blob's bytes; raises NotFound."""
        found = self.blob(blob, until=until)
        if found is None:
            raise NotFound(
                "file-unknown",
                f"The vault has no file {blob[:12]}.",
                next_step="List the files of a record with: unlost show",
            )
        return open_blob(self.sealed, org=self.org, blob=found)

    def load_blob(self, *, until: int) -> Callable[[str], bytes]:
        """What gives the whole bytes of a blob."""

        def load(blob: str) -> bytes:
            with self.open_blob(blob, until=until) as stream:
                return stream.read()

        return load

    def pack_writer(self, *, until: int) -> PackWriter:
        """A writer that knows the blobs up to a commit."""
        return PackWriter(
            self.sealed, org=self.org, known=lambda blob: self.blob(blob, until=until)
        )


def unknown_org(org: str) -> NotFound:
    """The error for an org that the vault does not know."""
    return NotFound(
        "org-unknown",
        f"The vault has no org {org[:12]}.",
        next_step="List the orgs with: unlost org list",
    )

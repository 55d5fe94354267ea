"""Manifests and the other small documents of an org's chain.

Each is compressed JSON (zstd) in a sealed object. The JSON has the fields of the classes below in
their order, keys and sets sorted, without spaces. So one value has exactly one text, the *canonical
text*. The *head* of a manifest is the BLAKE3 hash of its canonical text, in hex. The next manifest
names it as its parent:

    manifest 1  <── parent = head 1 ──  manifest 2  <── parent = head 2 ──  manifest 3

See docs/adr/0001 and ``docs/reference/vault-format/minimal-reader.md``.
"""

from dataclasses import replace
from datetime import datetime

import msgspec
import zstandard
from blake3 import blake3

from unlost.model.decoders import decoder_for
from unlost.model.errors import IntegrityError
from unlost.model.finding import Finding
from unlost.model.org import OrgIdentity
from unlost.model.source.schema import Schema, WireKind
from unlost.model.vault.erasure_proof import ErasureProof
from unlost.model.vault.snapshot import (
    CommitKind,
    Counts,
    PackEntry,
    SegmentEntry,
    SnapshotInfo,
    TableState,
)
from unlost.vault.format.number import check_number

STRUCK = "-"  # replaces a sidecar that was stored in the manifest itself
_LEVEL = 3
# A document nested too deeply ends in a RecursionError.
_UNDECODABLE = (msgspec.MsgspecError, RecursionError)
_LONGEST = 1 << 30  # far above any real document: a damaged length must not claim more memory


class ObjectEntry(msgspec.Struct, frozen=True):
    """An object by its full name, with its size and blake3 (hex) in the store."""

    name: str
    bytes: int
    blake3: str


class TablePart(msgspec.Struct, frozen=True):
    """The changes of a commit to one table.

    ``segments`` are in ascending precedence: of two rows with one id, the one of the later segment
    wins. ``removed`` are ids of segments. ``rebased``: the table changed between the base and this
    commit, so that ``_u_prev`` in these segments does not refer to the commit before this one.
    """

    table: str
    segments: tuple[SegmentEntry, ...] = ()
    removed: tuple[str, ...] = ()
    counts: Counts = Counts()
    full: bool = False
    live: int | None = None
    files: int = 0
    file_bytes: int = 0
    finding: Finding | None = None
    rebased: bool = False


class JournalProof(msgspec.Struct, frozen=True):
    """The proof of a finished run's complete journal: the number of entries and its root (hex)."""

    run: str
    entries: int
    root: str


class Manifest(msgspec.Struct, frozen=True):
    """One commit: the objects it added and removed, and the state of every table after it.

    ``base`` is the commit that the run compared with; ``schema`` the id of the schema object,
    ``objects`` the schemas and the certificate that the run added, ``reuses`` packs of earlier
    commits that it refers to again, ``journal`` the proof of its journal if it has one, ``slots``
    the number of entries in the register of slots, ``only`` the tables that a partial backup read
    (empty: all). ``condemned`` are objects that no later commit may refer to and that may be
    removed some days later; the objects that commits up to ``collected`` condemned are gone.
    ``dropped`` are packs that are no longer live, ``forgotten`` backups that are no longer shown.
    ``live_root`` proves all objects that are live after this commit
    (``unlost.vault.commits.state.live_root``).
    """

    format: int
    vault: str
    org: str
    identity: OrgIdentity
    seq: int
    parent: str
    run: str
    kind: CommitKind
    as_of: datetime
    started: datetime
    finished: datetime
    base: int
    schema: str
    certificate: str | None
    tables: tuple[TablePart, ...]
    states: tuple[TableState, ...]
    packs: tuple[PackEntry, ...]
    objects: tuple[ObjectEntry, ...]
    live_root: str
    counts: Counts
    rows_seen: int
    bytes_added: int
    journal: JournalProof | None = None
    reuses: tuple[str, ...] = ()
    slots: int = 0
    only: tuple[str, ...] = ()
    condemned: tuple[str, ...] = ()
    collected: int = 0
    dropped: tuple[str, ...] = ()
    forgotten: tuple[int, ...] = ()
    withdrawn: tuple[str, ...] = ()
    unjournaled: tuple[str, ...] = ()
    recertified: dict[str, str] = {}
    erased: ErasureProof | None = None


class Redaction(msgspec.Struct, frozen=True):
    """The replacement of a manifest from which something was erased, with the head it had.

    It omits the ids of segments that are no longer live (``struck``), and the sentences of findings
    that name erased data. The ``live_root`` of the commits after the erasure proves that it is the
    redaction which that erasure wrote. See docs/adr/0023.
    """

    format: int
    head: str
    manifest: Manifest


class RunIntent(msgspec.Struct, frozen=True):
    """An open run: the commit it compares with, and the prefix of its segments' names."""

    format: int
    run: str
    kind: CommitKind
    identity: OrgIdentity
    base: int
    started: datetime
    segment_prefix: str = msgspec.field(name="segments")


class SchemaNote(msgspec.Struct, frozen=True):
    """The schema that an open run uses from now on."""

    schema: str


class KnownColumn(msgspec.Struct, frozen=True):
    """A column that a table has or once had: its number and its latest description.

    ``images``: its texts show, or once showed, images that are files of the record.
    """

    code: int
    kind: WireKind
    volatile: bool = False
    images: bool = False


class SchemaDocument(msgspec.Struct, frozen=True):
    """A schema, and every column that a table ever had, by table and name."""

    format: int
    schema: Schema
    columns: dict[str, dict[str, KnownColumn]]


class LiveEntry(msgspec.Struct, frozen=True):
    """A live segment in a checkpoint: the commit that added it, and its place in it."""

    entry: SegmentEntry
    seq: int
    order: int
    rebased: bool = False


class Checkpoint(msgspec.Struct, frozen=True):
    """All that is live after a commit; proved by the ``live_root`` of that commit's manifest."""

    format: int
    seq: int
    head: str
    segments: tuple[LiveEntry, ...]
    packs: tuple[PackEntry, ...]
    objects: tuple[ObjectEntry, ...]
    commits: tuple[SnapshotInfo, ...]
    journals: tuple[JournalProof, ...] = ()
    forgotten: tuple[int, ...] = ()


def struck(entry: SegmentEntry) -> SegmentEntry:
    """A segment that is no longer live, without ids: no bounds, and no inline sidecar."""
    return replace(entry, min_id="", max_id="", sidecar=STRUCK if entry.sidecar else "")


def canonical_text(document: msgspec.Struct) -> bytes:
    """The canonical text of a document."""
    return msgspec.json.encode(document, order="deterministic")


def head_of(text: bytes) -> str:
    """The hash that identifies a manifest: BLAKE3 of its canonical text, hex."""
    return blake3(text).hexdigest()


def pack(document: msgspec.Struct) -> bytes:
    """The bytes to seal: the canonical text, compressed."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(canonical_text(document))


def unpack[T: msgspec.Struct](data: bytes, kind: type[T], *, name: str) -> tuple[T, bytes]:
    """A document and its canonical text.

    Raises IntegrityError (``document-damaged``), or UsageError for another format.
    """
    try:
        # A length in the header is not limited by ``max_output_size``.
        if zstandard.frame_content_size(data) > _LONGEST:
            raise _invalid_document(name)
        text = zstandard.ZstdDecompressor().decompress(data, max_output_size=_LONGEST)
    except (zstandard.ZstdError, MemoryError):
        raise _invalid_document(name) from None
    _check_format(text, name=name)
    try:
        return decoder_for(kind).decode(text), text
    except _UNDECODABLE:
        raise _invalid_document(name) from None


class _Numbered(msgspec.Struct):
    format: int | None = None  # notes have none


def _check_format(text: bytes, *, name: str) -> None:
    try:
        number = decoder_for(_Numbered).decode(text).format
    except _UNDECODABLE:
        raise _invalid_document(name) from None
    check_number(number, name=name)


def _invalid_document(name: str) -> IntegrityError:
    return IntegrityError(
        "document-damaged",
        "The object “{name}” can be decrypted, but its content is invalid.",
        next_step="Run `unlost verify --level full`, then restore the object from a mirror of the vault.",
        name=name,
    )

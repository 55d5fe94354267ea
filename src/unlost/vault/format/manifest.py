"""Manifests and the other small documents of an org's chain.

Each is compressed JSON (zstd) in a sealed object. The JSON has the fields of the classes below in
their order, keys and sets sorted, without spaces, so that one value has one text: the *canonical text*. The *head* of a
manifest is the blake3 of its canonical text, in hex; the next manifest names it as its parent.
"""

from dataclasses import replace
from datetime import datetime

import msgspec
import zstandard
from blake3 import blake3

from unlost.model.decoders import decoder_for
from unlost.model.erasure import ErasureProof
from unlost.model.errors import IntegrityError
from unlost.model.finding import Finding
from unlost.model.org import OrgIdentity
from unlost.model.schema import Schema, WireKind
from unlost.model.snapshot import (
    CommitKind,
    Counts,
    PackEntry,
    SegmentEntry,
    SnapshotInfo,
    TableState,
)
from unlost.vault.format.number import check_number

STRUCK = "-"  # in place of a sidecar that stood in a manifest
_LEVEL = 3
_LONGEST = 1 << 30  # no document comes near; a damaged length must not ask for more


class ObjectEntry(msgspec.Struct, frozen=True):
    """An object by its full name, with its size and blake3 (hex) in the store."""

    name: str
    bytes: int
    blake3: str


class TablePart(msgspec.Struct, frozen=True):
    """What a commit did to a table.

    ``segments`` in the order in which the later wins; ``removed`` are ids of segments.
    ``rebased``: the table changed between the base and this commit, so that ``_u_prev`` in these
    segments does not speak of the commit before this one.
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
    """The whole journal of a run that has ended: how many entries, and the root over them (hex)."""

    run: str
    entries: int
    root: str


class Manifest(msgspec.Struct, frozen=True):
    """One commit: what it added and removed, and the state of every table after it.

    ``base`` is the commit that the run compared with; ``schema`` the id of the schema object,
    ``objects`` the schemas and the certificate that the run added, ``reuses`` packs of earlier
    commits that it refers to again, ``journal`` the proof of its journal if it has one, ``slots``
    how many entries the register of slots had, ``only`` the tables that a backup between two nights
    looked at (empty: all). ``condemned`` are objects that no later commit may refer to and that may be
    removed some days later; what commits up to ``collected`` condemned is gone. ``dropped`` are packs
    that are live no more, ``forgotten`` backups that are shown no more. ``live_root`` proves all objects
    that are live after this commit (``unlost.vault.commits.state.live_root``).
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
    """What stands in place of a manifest from which something was erased, and the head that it had.

    Of segments that are live no more it does not tell the ids (``struck``), nor of findings the sentences
    that name what was erased. That it is the one that an erasure made is proved by the ``live_root`` of
    the commits behind that.
    """

    format: int
    head: str
    manifest: Manifest


class RunIntent(msgspec.Struct, frozen=True):
    """An open run: what it compares with, and how the names of its segments begin."""

    format: int
    run: str
    kind: CommitKind
    identity: OrgIdentity
    base: int
    started: datetime
    segments: str


class SchemaNote(msgspec.Struct, frozen=True):
    """The schema that an open run uses from now on."""

    schema: str


class KnownColumn(msgspec.Struct, frozen=True):
    """A column that a table has or once had: its number, and how it was last described."""

    code: int
    kind: WireKind
    volatile: bool = False


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
    """A segment that is live no more, without ids: the bounds, and a sidecar that stands in the entry."""
    return replace(entry, min_id="", max_id="", sidecar=STRUCK if entry.sidecar else "")


def canonical_text(document: msgspec.Struct) -> bytes:
    """The one text of a document."""
    return msgspec.json.encode(document, order="deterministic")


def head_of(text: bytes) -> str:
    """The digest by which a manifest is known: blake3 of its canonical text, hex."""
    return blake3(text).hexdigest()


def pack(document: msgspec.Struct) -> bytes:
    """What is sealed: the canonical text, compressed."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(canonical_text(document))


def unpack[T: msgspec.Struct](data: bytes, kind: type[T], *, name: str) -> tuple[T, bytes]:
    """A document and its canonical text; raises IntegrityError, or UsageError for another format."""
    try:
        text = zstandard.ZstdDecompressor().decompress(data, max_output_size=_LONGEST)
    except zstandard.ZstdError:
        raise _senseless(name) from None
    _check_format(text, name=name)
    try:
        return decoder_for(kind).decode(text), text
    except msgspec.MsgspecError:
        raise _senseless(name) from None


class _Numbered(msgspec.Struct):
    format: int | None = None  # notes have none


def _check_format(text: bytes, *, name: str) -> None:
    try:
        number = decoder_for(_Numbered).decode(text).format
    except msgspec.MsgspecError:
        raise _senseless(name) from None
    check_number(number, name=name)


def _senseless(name: str) -> IntegrityError:
    return IntegrityError(
        "document-damaged",
        f"The object “{name}” opens, but makes no sense.",
        next_step="Run unlost verify --level full, and bring the object back from a copy.",
    )

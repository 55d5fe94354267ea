"""A vault after most operations: the columns of its segments, its documents, and the names of its objects."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

import vaultstory
from unlost.engine.temp_rows import FILES, IDS, REFERENCES, SEEN
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, MatchColumn
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import CommitKind, Visibility
from unlost.outside.source import TableContent, table_source
from unlost.vault.commits import chain
from unlost.vault.format.physical import physical
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.maintenance import compactor
from unlost.vault.objects.schemas import _system_document
from unlost.vault.stores.memory import MemoryStore
from vaultstory import Story

ZOE = RecordKey("Contact", "003000000000003AAA")
# Objects that are one document each, by a pattern for their names below the org's folder.
PLACES = {
    "commits/": (ObjectKind.MANIFEST, "vault/manifest"),
    "redacted/": (ObjectKind.REDACTION, "vault/redaction"),
    "checkpoints/": (ObjectKind.CHECKPOINT, "vault/checkpoint"),
    "schemas/": (ObjectKind.SCHEMA, "vault/schema"),
    "certs/": (ObjectKind.CERTIFICATE, "vault/certificate"),
    "runs/open-1$": (ObjectKind.INTENT, "vault/intent"),
    "runs/open-1.0000": (ObjectKind.INTENT, "vault/schema-note"),
    "names/": (ObjectKind.IDENTITY, "vault/identity"),
}
NOT_COMPRESSED = ("vault/certificate", "vault/identity")


@dataclass(frozen=True, slots=True)
class WrittenVault:
    """A vault, and a line for each column of its segments."""

    story: Story
    segments: tuple[str, ...]


def write_vault() -> WrittenVault:
    """Write nights, a restore, a hold, an erasure, merged segments and an open run."""
    lines: dict[str, None] = {}
    with _small(), patch.object(pq, "ParquetWriter", _recorder(lines)):
        stories = [vaultstory.told(MemoryStore(), few=few) for few in (False, True)]
        for story in stories:
            _continue(story)
    return WrittenVault(stories[1], tuple(lines))


def objects(vault: WrittenVault) -> list[str]:
    """List the names of all objects, with letters in place of random digits."""
    story = vault.story
    names = {entry.name.replace(story.org, "ORG") for entry in story.store.list("")}
    for pattern, letters in (
        (r"\d{20}", "NUMBER"),
        (r"[0-9a-f]{16,}", "HEX"),
        (r"/[0-9a-f]{2}/HEX", "/XX/HEX"),
    ):
        names = {re.sub(pattern, letters, name) for name in names}
    return sorted(names)


def documents(vault: WrittenVault) -> Iterator[tuple[str, bytes]]:
    """List the texts of objects that are documents, with their names in the registry."""
    story = vault.story
    for entry in story.store.list(""):
        place = entry.name.replace(f"orgs/{story.org}/", "")
        for pattern, (kind, document) in PLACES.items():
            if re.match(pattern, place):
                content = story.vault.sealed.get(kind, org=story.org, name=entry.name)
                yield document, content if document in NOT_COMPRESSED else _decompressed(content)


def columns(vault: WrittenVault) -> Iterator[str]:
    """List the columns of segments, of the vault's own tables, of spill files and of exports."""
    yield from vault.segments
    for table, numbered in _system_document().columns.items():
        for name, column in numbered.items():
            yield f"{table} {physical(column.code)}: {name}, {column.kind}"
    spills = {"ids": IDS, "seen": SEEN, "references": REFERENCES, "files": FILES}
    for name, schema in spills.items():
        yield from (f"spill of {name}: {line}" for line in _fields(schema))
    head = vault.story.vault.newest_backup(vault.story.org)
    assert head is not None
    for what in TableContent:
        for as_values in (False, True):
            source = table_source(head, "Account", what=what, as_values=as_values)
            kind = f"{what} as {'values' if as_values else 'texts'}"
            yield from (f"export of {kind}: {line}" for line in _fields(source.schema))


def _decompressed(content: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(content)


@contextmanager
def _small() -> Iterator[None]:
    """Write few rows and many checkpoints, and merge whatever can be merged."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(vaultstory, "TASKS", 40))
        stack.enter_context(patch.object(chain, "CHECKPOINT_EVERY", 2))
        merge_all = lambda tiers, closed: [tiers] if tiers[1:] else []  # noqa: E731
        stack.enter_context(patch.object(compactor, "due", merge_all))
        yield


def _continue(story: Story) -> None:
    vault, org = story.vault, story.org
    record = HoldTarget(HoldScope.RECORD, "Account", vaultstory.account_id(5))
    vault.change_holds(org, placed=(Hold(record, "a lawsuit", "ada"),), run="hold-1")
    vault.apply(
        org, unconditional(Erase((ZOE,), (MatchColumn("Contact", "Email"),))), run="erase-1"
    )
    vault.compact(org, run="compact-1")
    commit = vault.begin(org, run="open-1", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY)
    commit.put_schema(vaultstory.WIDER)
    commit.mark("Account", visibility=Visibility.HIDDEN, columns=["Phone"])


def _recorder(lines: dict[str, None]) -> Any:
    class Recorder(pq.ParquetWriter):
        """Records the columns and the metadata of each segment."""

        def __init__(self, sink: Any, schema: pa.Schema, **options: Any) -> None:
            super().__init__(sink, schema, **options)
            self._columns = list(_fields(schema))

        def add_key_value_metadata(self, metadata: dict[bytes, bytes]) -> None:
            table = metadata.get(b"unlost.table", b"a bundle").decode()
            kind = table if table.startswith(("$", "a ")) else "a table"
            keys = ", ".join(key.decode() for key in metadata)
            lines.update((f"segment of {kind}: {line}", None) for line in self._columns)
            lines[f"segment of {kind}: metadata {keys}"] = None
            super().add_key_value_metadata(metadata)

    return Recorder


def _fields(schema: pa.Schema) -> Iterator[str]:
    for column in schema:
        yield f"{column.name}, {column.type}{'' if column.nullable else ', never null'}"

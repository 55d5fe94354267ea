"""Looks for bytes in all that a vault holds, after everything was opened: nothing may hide from it."""

import base64
import json
from collections.abc import Iterator

import pyarrow.parquet as pq
import zstandard

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.format.sidecar import decode
from unlost.vault.layout import object_names
from unlost.vault.vault import EncryptedVault

FRAME = b"\x28\xb5\x2f\xfd"
_KINDS = {
    "commits": ObjectKind.MANIFEST,
    "redacted": ObjectKind.REDACTION,
    "checkpoints": ObjectKind.CHECKPOINT,
    "runs": ObjectKind.INTENT,
    "packs": ObjectKind.PACK,
    "schemas": ObjectKind.SCHEMA,
    "certs": ObjectKind.CERTIFICATE,
    "journal": ObjectKind.JOURNAL,
}


def found(vault: EncryptedVault, *values: str) -> set[str]:
    """The names of objects in which any of these values stands."""
    wanted = [form for value in values for form in (value.encode(), value.lower().encode())]
    return {name for name, content in opened(vault) if any(one in content for one in wanted)}


def opened(vault: EncryptedVault) -> Iterator[tuple[str, bytes]]:
    """Every object of every org, opened and unpacked."""
    for listed in list(vault.sealed.store.list("")):
        parts = listed.name.split("/")
        if parts[0] == "orgs" and parts[2] == "data":
            yield listed.name, _segment_or_sidecar(vault, parts[1], listed.name, listed.size)
        elif parts[0] == "orgs" and parts[2] in _KINDS:
            content = vault.sealed.get(_KINDS[parts[2]], org=parts[1], name=listed.name)
            yield listed.name, _unpacked(vault, parts[1], content)
        else:
            yield listed.name, vault.sealed.store.get(listed.name)


def _segment_or_sidecar(vault: EncryptedVault, org: str, name: str, size: int) -> bytes:
    if name.endswith(".idx"):
        content = vault.sealed.get(ObjectKind.SIDECAR, org=org, name=name)
        return repr(decode(content, name=name)).encode()
    reader = vault.org_vault(org).reader
    bare = SegmentEntry(
        name.rsplit("/", 1)[1], "", 0, size, "", "", "", vault.sealed.keys.epoch(org)
    )
    with reader._open(bare) as file:
        assert isinstance(file, pq.ParquetFile)
        rows = [repr(row) for row in file.read().to_pylist()]
        return "\n".join([*rows, repr(file.metadata.metadata)]).encode()


def _unpacked(vault: EncryptedVault, org: str, content: bytes) -> bytes:
    """A content, what is compressed in it, and the sidecars that stand in it."""
    parts = [content]
    for at in _frames(content):
        try:
            body = zstandard.ZstdDecompressor().decompressobj().decompress(content[at:])
        except zstandard.ZstdError:
            continue
        parts.append(body)
        if body.startswith(b"{"):
            parts += _sidecars(vault, org, json.loads(body))
    return b"\n".join(parts)


def _frames(content: bytes) -> Iterator[int]:
    at = content.find(FRAME)
    while at >= 0:
        yield at
        at = content.find(FRAME, at + 1)


def _sidecars(vault: EncryptedVault, org: str, document: object) -> Iterator[bytes]:
    if isinstance(document, dict):
        if len(document.get("sidecar") or "") > 1:
            name = object_names.sidecar(org, document["id"])
            data = base64.b64decode(document["sidecar"])
            content = vault.sealed.open(ObjectKind.SIDECAR, org=org, name=name, data=data)
            yield repr(decode(content, name=name)).encode()
        for value in document.values():
            yield from _sidecars(vault, org, value)
    elif isinstance(document, list):
        for value in document:
            yield from _sidecars(vault, org, value)

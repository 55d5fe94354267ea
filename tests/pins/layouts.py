"""The registry of texts that are written name by name: a value, its writer and its reader.

As in ``documents``, a rename in the code changes imports and calls here, and no golden file.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from pins.pinned import readable
from unlost.alerts.signed_webhook import payload
from unlost.app.home.home import FILE, Home, write_home, write_mirror
from unlost.model.alert import AlertRule, Notification, NotificationKind, RaisedAlert, Urgency
from unlost.model.message import Message
from unlost.model.source.reading import FileRef, Op, Rows
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import Lineage, StoredFile
from unlost.vault.format.blobs import Encoding
from unlost.vault.format.recovery import RecoverySheet, parse_recovery_sheet
from unlost.vault.format.register import (
    Handover,
    RegisterEntry,
    ShreddedOrg,
    encode_entry,
    read_entry,
)
from unlost.vault.format.slots import KeySlot, KeyStretch, SlotHolds
from unlost.vault.format.vaultjson import VaultFile, encode_vault_file, read_vault_file
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.layout.segment_label import (
    BundlePart,
    SegmentLabel,
    SegmentShape,
    label_of,
    metadata_of,
    metadata_of_bundle,
    parts_of,
)
from unlost.vault.maintenance.retain.holds import hold_rows, lift_rows
from unlost.vault.objects.files import _file_row, blob_of_row, blob_rows, file_of_row
from unlost.vault.objects.files import _rows as rows_of_files
from unlost.vault.objects.packs import Blob, Extent
from unlost.vault.read.lineage import lineage_rows
from unlost.vault.stores.address import BucketOptions, StoreAddress
from unlost.vault.write.open_commit import _mark_rows as hidden_rows
from unlost.vault.write.suppression_list import SuppressionMark, mark_rows

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
VAULT, ORG, HEAD = "ab" * 16, "cd" * 16, "ef" * 32
CODE = bytes(range(32))
SIGNATURE = bytes(range(64))


def code(*_proved: object) -> bytes:
    """Stand in for the message authentication code of a master key."""
    return CODE


@dataclass(frozen=True, slots=True)
class Layout:
    """A value with its writer and its reader. ``read`` is None where only other programs read the text."""

    value: Any
    write: Callable[[Any], str]
    read: Callable[[str], Any] | None = None


def _text(write: Callable[..., bytes], **more: Any) -> Callable[[Any], str]:
    return lambda value: write(value, **more).decode()


def _bytes(read: Callable[..., Any], **more: Any) -> Callable[[str], Any]:
    return lambda text: read(text.encode(), **more)


def _register(value: RegisterEntry) -> Layout:
    def read(text: str) -> RegisterEntry:
        signed = read_entry(text.encode())
        assert signed is not None
        assert signed.signature == SIGNATURE
        return signed.content(value.number)

    return Layout(value, _text(encode_entry, sign=lambda _: SIGNATURE), read)


def _metadata(value: Any, write: Callable[[Any], Mapping[bytes, bytes]], read: Any) -> Layout:
    """Key-value metadata of a Parquet file."""

    def as_text(value: Any) -> str:
        pairs = {key.decode(): text.decode() for key, text in write(value).items()}
        return json.dumps(pairs, indent=1)

    def from_text(text: str) -> Any:
        pairs = json.loads(text)
        return read({key.encode(): value.encode() for key, value in pairs.items()})

    return Layout(value, as_text, from_text)


def _rows(rows: Rows | Iterable[Rows]) -> str:
    """Write rows of one of the vault's own tables: ids, ops and cells."""
    batches = [rows] if isinstance(rows, Rows) else list(rows)
    plain = [
        {"id": ident, "op": op, "cells": cells}
        for batch in batches
        for ident, op, cells in zip(
            batch.ids.to_pylist(),
            batch.ops.to_pylist(),
            batch.cells.to_pylist() if batch.cells is not None else [None] * len(batch),
            strict=True,
        )
    ]
    return json.dumps(plain, indent=1, ensure_ascii=False)


def _row(text: str) -> dict[str, str | None]:
    [row] = json.loads(text)
    return {"_u_id": row["id"], **row["cells"]}


def _bundle() -> Layout:
    """Metadata of a bundle. It is compressed there, and the golden file has the plain text."""

    def write(parts: tuple[BundlePart, ...]) -> str:
        [(key, packed)] = metadata_of_bundle(parts).items()
        text = zstandard.ZstdDecompressor().decompress(base64.b64decode(packed))
        return json.dumps({key.decode(): json.loads(text)}, indent=1)

    def read(text: str) -> tuple[BundlePart, ...]:
        [(key, parts)] = json.loads(text).items()
        packed = zstandard.ZstdCompressor().compress(json.dumps(parts).encode())
        return parts_of({key.encode(): base64.b64encode(packed)})

    return Layout(PARTS, write, read)


BLOB = Blob(HEAD, 70_000, (Extent(ORG, 0, 40_000), Extent(VAULT, 12, 9)), Encoding.ZSTD)
PLAIN_BLOB = Blob(HEAD, 9, (Extent(ORG, 0, 9),))
ATTACHED = FileRef("ContentVersion", "068A", "VersionData", 9, "md5:00ff", "Résumé.pdf", "text/pdf")
STORED = StoredFile(
    HEAD, "ContentVersion", "068A", "VersionData", 9, "md5:00ff", "Résumé.pdf", "text/pdf", since=7
)
KEY_FILE = KeySlot(SlotHolds.MASTER, HEAD)
PASSPHRASE = KeySlot(SlotHolds.OWNER, HEAD, KeyStretch("00" * 16))
REGISTER = RegisterEntry(
    vault=VAULT, owner=HEAD, number=1, slots={"service": KEY_FILE, "passphrase": PASSPHRASE}
)
RENEWED = RegisterEntry(
    vault=VAULT,
    owner=HEAD,
    number=3,
    generation=2,
    sheet="2026-03-04T05:06:07+00:00",
    slots={"service": KEY_FILE},
    earlier=("sealed",),
    handovers=(Handover(HEAD, "signature"),),
    checks={"orgs/x/keys/1": "check"},
    shredded={ORG: ShreddedOrg("2026-03-04T05:06:07+00:00", 3, HEAD, 40, 12_345)},
)
THINGS = (
    HoldTarget(HoldScope.ORG),
    HoldTarget(HoldScope.TABLE, "Account"),
    HoldTarget(HoldScope.RECORD, "Account", "001A"),
    HoldTarget(HoldScope.NIGHT, backup=7),
)
LABEL = SegmentLabel(
    "Account", "ab12", 3, 2, (SegmentShape("ab12", ("c1", "c2"), 2), SegmentShape("cd34", ("c1",)))
)
PARTS = (
    BundlePart("Account", "ab12", 3, 2, 10, "1-9,12"),
    BundlePart("$search", "ab12", 3, 0, 4, ""),
)

ALARM = RaisedAlert(
    AlertRule.NIGHT_FAILED,
    "acme",
    "2026-03-04",
    Urgency.NOW,
    Message("", "It failed.", "Look."),
    "unlost runs",
    2,
)

LAYOUTS: dict[str, Layout] = {
    # In clear in the vault.
    "vault.json": Layout(
        VaultFile(VAULT, "2026-03-04T05:06:07+00:00", 1),
        _text(encode_vault_file, mac=code),
        _bytes(read_vault_file),
    ),
    "register-first": _register(REGISTER),
    "register-renewed": _register(RENEWED),
    # Keys that open a vault.
    "service-key": Layout(
        ServiceKey(bytes.fromhex(VAULT), "service", CODE, CODE), ServiceKey.text, ServiceKey.parse
    ),
    "recovery-sheet": Layout(
        RecoverySheet(bytes.fromhex(VAULT), CODE),
        lambda sheet: " ".join(sheet.groups()),
        parse_recovery_sheet,
    ),
    # Inside segments.
    "segment-metadata": _metadata(LABEL, metadata_of, label_of),
    "bundle-metadata": _bundle(),
    "rows-blob": Layout(
        BLOB,
        lambda blob: _rows(blob_rows([blob], observed_at=AT)),
        lambda text: blob_of_row(_row(text)),
    ),
    "rows-plain-blob": Layout(
        PLAIN_BLOB,
        lambda blob: _rows(blob_rows([blob], observed_at=AT)),
        lambda text: blob_of_row(_row(text)),
    ),
    "rows-file": Layout(
        STORED,
        lambda _: _rows(rows_of_files([_file_row(ATTACHED, PLAIN_BLOB)], AT)),
        lambda text: file_of_row(_row(text), since=7),
    ),
    "rows-hidden": Layout(
        [("Account", "001A", None), ("Account", None, "Phone")],
        lambda marks: _rows(
            [hidden_rows(marks, op=op, observed_at=AT) for op in (Op.STATE, Op.PURGED)]
        ),
    ),
    "rows-lineage": Layout(
        [Lineage("Account", "001A", "001B", ORG, "restore-1")],
        lambda rows: _rows(lineage_rows(rows, observed_at=AT)),
    ),
    "rows-holds": Layout(
        [
            *(Hold(thing, "a lawsuit", "ada", AT) for thing in THINGS),
            Hold(HoldTarget(HoldScope.TABLE, "User")),
        ],
        lambda holds: _rows([hold_rows(holds, observed_at=AT), lift_rows(THINGS, observed_at=AT)]),
    ),
    "rows-suppressed": Layout(
        [SuppressionMark(HEAD, "Contact", "Email", 0xAB, "erase-1")],
        lambda marks: _rows(mark_rows(marks, observed_at=AT)),
    ),
    # Read by other programs.
    "webhook": Layout(
        Notification(NotificationKind.OPENED, ALARM, AT, AT, (("acme", 7, HEAD[:12]),)),
        lambda message: readable(payload(message)),
    ),
}


def _in_folder(root: Path) -> Home:
    return Home(root, StoreAddress(root / "vault"), root / "keys" / "service.key")


def _in_database(root: Path) -> Home:
    return replace(_in_folder(root), database="postgresql://unlost@db.example/unlost")


def _in_bucket(root: Path) -> Home:
    everything = BucketOptions(
        endpoint="https://s3.example",
        region="eu-central-1",
        hosted=True,
        ca_file=Path("/etc/ca.pem"),
        credentials_file=Path("/etc/keys"),
        maintenance_file=Path("/etc/other-keys"),
        bandwidth=20,
        cache=0,
    )
    bucket = StoreAddress(kind="s3", bucket="backups", prefix="unlost/one", reach=everything)
    mirror = replace(bucket, kind="az", prefix="", reach=BucketOptions(bandwidth=5))
    return replace(_in_folder(root), place=bucket, mirror=mirror)


HOMES: dict[str, Callable[[Path], Home]] = {
    "folder": _in_folder,
    "database": _in_database,
    "bucket": _in_bucket,
}


def written_home(home: Home) -> str:
    """Write ``unlost.toml`` of a home."""
    write_home(home)
    if home.mirror is not None:
        write_mirror(home, home.mirror)
    return (home.root / FILE).read_text("utf-8")

"""The registry of documents that outlive a process: the type, the writer and the reader of each.

When a class is renamed or moved, its import changes here, and no golden file changes. Texts that are written name by
name are in ``layouts``.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import msgspec
import zstandard

from pins.shapes import members_of, tag_of
from unlost.alerts.senders.email import EmailSettings
from unlost.alerts.signed_webhook import WebhookSettings
from unlost.app.actions.alerts.alerts import QuietHours
from unlost.app.actions.orgs.orgs import NewOrg
from unlost.app.actions.orgs.previews import OrgPreview
from unlost.app.actions.restores.restore_plan import RestoreRequest
from unlost.app.alerts.digest_email import DailyAt
from unlost.app.home.sealed_key import _File as SealedKeyFile
from unlost.app.records.search.query import RecordSearch
from unlost.catalog.people.audit import AuditEntry
from unlost.connectors.salesforce.access.config import SalesforceConfig
from unlost.connectors.salesforce.reading.work import TaskKind, TaskState, task, work_of
from unlost.connectors.salesforce.schema.describes import CachedDescribe
from unlost.connectors.servicenow.http.errors import Envelope
from unlost.connectors.servicenow.writing.calls import WrittenRow
from unlost.engine.backup.clocks import ClockReading
from unlost.engine.backup.comparing import GrantsNow, ListedAgain, SourceCount
from unlost.engine.backup.files import FilesResult
from unlost.engine.backup.missing.census import CensusResult
from unlost.engine.backup.missing.lookup import LookupResult
from unlost.engine.backup.proof.proving import Quotas
from unlost.engine.backup.reading import PlannedReads, ReadProgress
from unlost.engine.backup.row_check import DuePart
from unlost.engine.backup.session import BackupStart
from unlost.engine.restore.journal import entries
from unlost.engine.restore.planning.shown.summary import PlanSummary
from unlost.engine.restore.values.plan_file import _Head as FormatOfPlan
from unlost.engine.restore.values.plan_file import _Seal as SealOfPlan
from unlost.engine.restore.values.plan_file import read_plan, sealed, write_plan
from unlost.jobs.runner import LocalRunner
from unlost.jobs.store import StepStore
from unlost.model.archive import ArchivePolicy
from unlost.model.decoders import decoder_for
from unlost.model.mass_changes import MassChange, MassLimits
from unlost.model.message import Message
from unlost.model.org import OrgIdentity
from unlost.model.plan import RestorePlan
from unlost.model.runs.schedule import Schedule
from unlost.model.source.reading import FileRef, ReadTask
from unlost.model.source.schema import Schema
from unlost.model.space import SpaceCandidate
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.snapshot import Added
from unlost.model.watched import WatchHit
from unlost.outside.exporting import RECEIPT, ExportReceipt, begun, note
from unlost.testing.clock import VirtualClock
from unlost.vault.format.manifest import (
    Checkpoint,
    Manifest,
    Redaction,
    RunIntent,
    SchemaDocument,
    SchemaNote,
    canonical_text,
    pack,
    unpack,
)
from unlost.vault.format.manifest import _Numbered as FormatOfDocument
from unlost.vault.layout.segment_label import BundlePart, SegmentShape
from unlost.vault.objects.files import _ExtentCell as ExtentCell
from unlost.vault.read.table_view import BlobCell
from unlost.web.parts.browser_sign_ins import WaitingSignIn

RUN, BEGAN = "run-1", datetime(2026, 3, 4, tzinfo=UTC)
_numbers = count()


@dataclass(frozen=True, slots=True)
class Document:
    """A kind of document with its writer and its reader.

    ``fixed`` gives values of fields in examples, where readers refuse others. ``seal`` completes an example.
    """

    kind: Any
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    seal: Callable[[Any], Any] = lambda value: value


def in_vault(kind: Any) -> Document:
    """A document of an org's chain: compressed JSON."""

    def write(value: Any) -> bytes:
        text = zstandard.ZstdDecompressor().decompress(pack(value))
        assert text == canonical_text(value)
        return text

    def read(text: bytes) -> Any:
        return unpack(zstandard.ZstdCompressor().compress(text), kind, name="pinned")[0]

    return Document(kind, write, read)


def as_json(kind: Any) -> Document:
    """A document that msgspec writes directly."""
    return Document(kind, msgspec.json.encode, decoder_for(kind).decode)


def as_values(kind: Any, *, strict: bool = True, **fixed: Any) -> Document:
    """A value in a column of the catalogue, or inside another document."""

    def write(value: Any) -> bytes:
        return json.dumps(msgspec.to_builtins(value)).encode()

    def read(text: bytes) -> Any:
        return decoder_for(kind).convert(json.loads(text), strict=strict)

    return Document(kind, write, read, fixed)


def as_step(kind: Any) -> Document:
    """The result of a step, as the runner stores it."""

    def write(value: Any) -> bytes:
        name = _new_name()
        _runner().step(name, lambda: value, result=kind)
        return _store().result(RUN, name, "") or b""

    def read(text: bytes) -> Any:
        name = _new_name()
        _store().keep(RUN, name, "", text, at=BEGAN)
        return _runner().step(name, lambda: None, result=kind)

    return Document(kind, write, read)


def _runner() -> LocalRunner:
    return LocalRunner(RUN, store=_store(), clock=VirtualClock())


def _new_name() -> str:
    return f"step-{next(_numbers)}"


@cache
def _store() -> StepStore:
    """Open one store for all documents: opening it is slow."""
    return StepStore(Path(mkdtemp()) / "jobs.sqlite")


def _write_receipt(receipt: ExportReceipt) -> bytes:
    with TemporaryDirectory() as folder:
        note(Path(folder), receipt)
        return (Path(folder) / RECEIPT).read_bytes()


def _read_receipt(text: bytes) -> ExportReceipt:
    """Read it as an export does that was interrupted and continues."""
    expected = replace(decoder_for(ExportReceipt).decode(text), tables=())
    with TemporaryDirectory() as folder:
        (Path(folder) / RECEIPT).write_bytes(text)
        return begun(Path(folder), expected)


def _write_task(work: TaskState) -> bytes:
    return json.dumps(task(TaskKind.JOB, work, full=True).state).encode()


def _read_task(text: bytes) -> TaskState:
    return work_of(ReadTask("Account", TaskKind.JOB.value, True, json.loads(text)))[1]


def _entry(kind: Any) -> Document:
    """An entry of a restore's journal."""
    return Document(
        kind, lambda entry: entries.encode([entry]), lambda text: entries.decode(text)[0]
    )


# Types that readers use for a part of a document: ids of rows in the vault's own tables and extents (see ``layouts``),
# and the format number at the start of a document.
PARTS = (
    tuple[str, str],
    tuple[str, str, str],
    tuple[str, str, str, str],
    tuple[str, str, str, int],
    tuple[str, str | None, str | None],
    tuple[tuple[str, int, int], ...],
    FormatOfPlan,
    SealOfPlan,
    FormatOfDocument,
)
ANSWERS = (Envelope, WrittenRow)  # of other systems: nothing of ours stores them

DOCUMENTS: dict[str, Document] = {
    # Sealed objects of the vault, and JSON inside segments.
    "vault/manifest": in_vault(Manifest),
    "vault/redaction": in_vault(Redaction),
    "vault/checkpoint": in_vault(Checkpoint),
    "vault/intent": in_vault(RunIntent),
    "vault/schema-note": in_vault(SchemaNote),
    "vault/schema": in_vault(SchemaDocument),
    "vault/certificate": as_json(Certificate),
    "vault/identity": as_json(OrgIdentity),
    "vault/segment-shapes": as_json(tuple[SegmentShape, ...]),
    "vault/bundle-parts": as_json(tuple[BundlePart, ...]),
    "vault/big-cells": as_json(BlobCell),
    "vault/extents": as_json(tuple[ExtentCell, ...]),
    # Plan files, which the catalogue stores too, and entries of restore journals.
    "restore/plan": Document(RestorePlan, write_plan, read_plan, seal=sealed),
    **{
        f"restore/journal-{tag_of(kind)}": _entry(kind)
        for kind in members_of(entries.Entry.__value__)
    },
    # Results of steps, which a resumed run reads.
    "step/begin": as_step(BackupStart),
    "step/discover": as_step(Schema),
    "step/plan": as_step(PlannedReads),
    "step/advance": as_step(ReadProgress),
    "step/look": as_step(LookupResult),
    "step/files": as_step(FilesResult),
    "step/piece": as_step(Added),
    "step/census": as_step(CensusResult),
    "step/census-again": as_step(ListedAgain),
    "step/clocks": as_step(ClockReading),
    "step/count": as_step(SourceCount),
    "step/rights": as_step(GrantsNow),
    "step/audit": as_step(DuePart),
    "step/quotas": as_step(Quotas),
    "step/salesforce-task": Document(TaskState, _write_task, _read_task),
    "step/file": as_values(FileRef),
    # JSON in columns of the catalogue.
    "catalogue/schedule": as_values(Schedule, window=90, calls=40, begins=time(22), ends=time(6)),
    "catalogue/plan-request": as_values(RestoreRequest),
    "catalogue/saved-search": as_values(RecordSearch),
    "catalogue/watch-hits": as_values(tuple[WatchHit, ...]),
    "catalogue/plan-summary": as_values(PlanSummary),
    "catalogue/message": as_json(Message),
    "catalogue/look-asked": as_values(NewOrg),
    "catalogue/look-found": as_values(OrgPreview),
    "catalogue/browser-sign-in": as_values(WaitingSignIn),
    "catalogue/settings-salesforce": as_values(
        SalesforceConfig, strict=False, login_url="https://acme.my.salesforce.com", client_id="key"
    ),
    "catalogue/channel-email": as_values(EmailSettings, strict=False),
    "catalogue/channel-webhook": as_values(WebhookSettings, strict=False),
    "catalogue/channel-quiet": as_values(QuietHours),
    "catalogue/channel-digest": as_values(DailyAt),
    "catalogue/mass-changes": as_values(tuple[MassChange, ...]),
    "catalogue/mass-limits": as_values(MassLimits),
    "catalogue/space-candidates": as_values(tuple[SpaceCandidate, ...]),
    # Files outside the vault.
    "file/archive-policy": as_json(ArchivePolicy),
    "file/export-receipt": Document(ExportReceipt, _write_receipt, _read_receipt),
    "file/sealed-key": as_json(SealedKeyFile),
    "file/audit-line": as_json(AuditEntry),
    "cache/describe": as_json(CachedDescribe),
}

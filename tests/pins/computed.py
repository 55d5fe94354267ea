"""Digests, ids and names that are computed from values and stored: they must come out the same in every release."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

from pins.examples import Examples
from unlost.app.home.cache import cache_key
from unlost.catalog.orgs.secrets import place_of, sealing_key
from unlost.catalog.orgs.writers import PREFIX
from unlost.catalog.people.audit import FIRST, AuditEvent, digest_of
from unlost.catalog.runs.nights import run_of
from unlost.connectors.salesforce.access.rights import UserRights
from unlost.connectors.salesforce.connector import CONNECTOR
from unlost.connectors.salesforce.quotas import KNOWN
from unlost.engine.restore.planning.plan import schema_digest
from unlost.engine.restore.values.cells import digest
from unlost.jobs.durable import APPLICATION, VERSION, JsonValues, _options
from unlost.model.access import ActorKind, Trace
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.message import Message
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.source.schema import Reference, Schema, Table
from unlost.outside.delta import _application, _properties
from unlost.outside.exporting import ExportKind
from unlost.outside.formats import ExportFormat
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.manifest import Manifest, canonical_text, head_of
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.layout.org_names import named_orgs
from unlost.vault.stores.local import LocalStore
from unlost.vault.write.suppression_list import Pseudonymizer

VAULT = Path(__file__).parents[1] / "golden" / "format-1" / "corrected"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
DEED = AuditEvent(
    AT, ActorKind.TOKEN, "ada", "restore.run", Trace.WRITE, "acme", "Account/001A", "done",
    {"run": "restore-1", "records": ["001A", None]},
)  # fmt: skip
DELTA = ExportKind("ab" * 16, ExportFormat.DELTA)


def _plain(table: Table) -> Table:
    """Return the table with references that hold one id each, as all were in the first release."""
    columns = tuple(
        column
        if column.reference is None
        else replace(column, reference=Reference(column.reference.tables, column.reference.rule))
        for column in table.columns
    )
    return replace(table, columns=columns)


def computed() -> Iterator[str]:
    """List them."""
    schema = Examples().whole(Schema)
    table = schema.tables[0]
    yield f"row of the audit: {digest_of(DEED, number=7, before=FIRST)}"
    yield f"manifest: {head_of(canonical_text(Examples().whole(Manifest)))}"
    yield f"schema of a plan: {schema_digest([_plain(table) for table in schema.tables])}"
    yield f"schema of a plan, references of all kinds: {schema_digest(schema.tables)}"
    yield f"cells of a plan: {digest(table, {'name': 'Ann', 'Phone': None})}"
    yield f"rights in Salesforce: {_rights()}"
    yield f"rights in Salesforce that are unknown: {UserRights().fingerprint(['B', 'A'])}"
    yield f"alert: {RaisedAlert(AlertRule.STORAGE, 'acme', 'files', Urgency.NOW, Message('', '', '')).key}"
    yield f"run of a night: {run_of('cd' * 16, '2026-10-25T01:00')}"
    yield from (f"job of kind {kind}: {_job(kind)}" for kind in JobKind)
    yield f"queue: {APPLICATION}, {VERSION}, {JsonValues().name()}"
    yield f"arguments of a job: {JsonValues().serialize(['night', 'cd', None])}"
    yield from _delta()
    yield from _erased()
    yield from _secrets()
    yield from (f"quota of Salesforce: {name}, {unit}" for name, unit, _ in KNOWN.values())


def _erased() -> Iterator[str]:
    """List pseudonyms of the suppression list, under the keys of a golden vault."""
    store = LocalStore(VAULT / "vault")
    sheet = ByRecoverySheet((VAULT / "sheet.txt").read_text("utf-8"))
    keys = open_keyring(store, sheet, entropy=SeededEntropy())
    [org] = named_orgs(store)
    marker = Pseudonymizer(keys, org)
    yield f"erased record: {marker.pseudonym(('Contact', ''), '003A')}"
    yield f"erased value: {marker.pseudonym(('Contact', 'Email'), 'ann@acme.example')}"
    yield f"sieve of an erased value: {marker.sieves(pl.Series(['ann@acme.example']))[0]}"


def _secrets() -> Iterator[str]:
    """List the names of stored secrets, their places, and the keys that seal them and the cache."""
    yield f"key of secrets: {sealing_key(bytes(32)).hex()}"
    yield f"key of the cache: {cache_key(bytes(32)).hex()}"
    yield f"place of a secret: {place_of('cd' * 16, f'{PREFIX}client_secret').decode()}"
    yield from (f"secret of Salesforce: {field.name}" for field in CONNECTOR.secrets(None))


def _rights() -> str:
    grants = ('{"GroupId": "00G"}', '{"ProfileId": "00e", "UserRoleId": null}')
    return UserRights(
        {"PermissionsViewAllData": True, "PermissionsViewSetup": False}, grants
    ).fingerprint(())


def _job(kind: JobKind) -> str:
    return json.dumps(_options(Job(f"{kind}:cd:1", kind, "cd" * 16, "subject")), sort_keys=True)


def _delta() -> Iterator[str]:
    info: Any = SimpleNamespace(number=7, head="ef" * 32)
    properties = _properties(SimpleNamespace(snapshot=SimpleNamespace(info=info)), DELTA)
    yield f"commit of a Delta table: {json.dumps(properties.custom_metadata)}"
    yield f"application of a Delta table: {_application(DELTA)}"

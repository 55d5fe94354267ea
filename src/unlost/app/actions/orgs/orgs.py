"""Preview, add and list orgs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from unlost.app.access import Where, action
from unlost.app.compose import Application, MemorySecrets, UnlimitedBudget, read_config
from unlost.app.orgs.connector_settings import leads_elsewhere
from unlost.app.orgs.repaired_sign_in import continue_runs
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.orgs import (
    ProtectedOrg,
    check_no_twin,
    check_same_org,
    find_org,
    save_org,
    unknown_org,
)
from unlost.model.access import Right, Trace
from unlost.model.errors import NotAllowed, UsageError
from unlost.model.finding import Finding, Severity
from unlost.model.org import OrgIdentity, OrgKind
from unlost.model.ports.source import Connector, SecretField, Source
from unlost.model.source.checklist import ChecklistStep
from unlost.model.source.quota import Quota
from unlost.model.source.schema import Schema
from unlost.model.storage import StorageRule
from unlost.model.vault.snapshot import nights
from unlost.model.written import written

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class NewOrg:
    """An org as typed by a person: its name, connector, settings and secrets."""

    connector: str
    name: str
    config: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class AddedOrg:
    """An org that answered, with findings about data that its user cannot see.

    ``continues`` are the runs that failed for its credentials, and continue with the new ones.
    """

    name: str
    connector: str
    tenant: str
    label: str
    kind: OrgKind
    zone: str
    known_before: bool
    tables: int
    findings: tuple[Finding, ...]
    quotas: tuple[Quota, ...]
    continues: tuple[str, ...] = ()

    @property
    def gaps(self) -> int:
        """The number of findings about data that will not be protected."""
        return sum(finding.severity is Severity.GAP for finding in self.findings)


@dataclass(frozen=True, slots=True)
class OrgLine:
    """An org in the list; the last three fields are None or 0 before its first backup.

    ``snapshots`` counts backups of all tables, and ``last_backup`` is the newest of them; ``head``
    belongs to the newest backup of any kind.
    """

    name: str
    connector: str
    tenant: str
    label: str
    kind: OrgKind
    zone: str
    added_at: datetime
    last_backup: datetime | None
    snapshots: int
    head: str | None


@dataclass(frozen=True, slots=True)
class OrgList:
    """All orgs of the home, by name."""

    orgs: tuple[OrgLine, ...]

    def connector_of(self, name: str) -> str:
        """Return the name of an org's connector; raises NotFound (``org-unknown``)."""
        named = next((org for org in self.orgs if org.name == name), None)
        if named is None:
            raise unknown_org(name, [org.name for org in self.orgs])
        return named.connector


@dataclass(frozen=True, slots=True)
class PreviewTable:
    """A table of a previewed org. ``records``: about how many; None if the org does not count it.

    ``bytes``: about how much storage of the org they need; None if unknown.
    """

    table: str
    label: str
    records: int | None
    bytes: int | None


@written(org="found")
@dataclass(frozen=True, slots=True)
class OrgPreview:
    """A preview of an org; ``secrets`` are those that open the org from now on.

    A sign-in may have renewed one, so pass these when adding the org later.
    """

    org: AddedOrg
    secrets: Mapping[str, str] = field(repr=False)
    checklist: tuple[ChecklistStep, ...] = ()
    tables: tuple[PreviewTable, ...] = ()


type Ask = Callable[[SecretField], str | None]


@action("org.look", Right.MANAGE, where=Where.HOME)
def preview_org(app: Application, new: NewOrg) -> OrgPreview:
    """Preview an org: sign in, and show what would be added and what its user cannot see.

    Stores nothing. Raises NotAllowed for wrong credentials, Conflict if another org stands behind
    the name, or the org is known under another name.
    """
    with _opened(app, new, ask=lambda _: None) as opened:
        identity, schema = _identified(new, opened.source), opened.source.discover()
        org = _seen(new, identity, opened.source, schema)
        steps = tuple(opened.source.checklist(schema))
        tables = _tables(app.connector(new.connector), schema, opened.source.record_counts())
    return OrgPreview(org, opened.secrets.every(), steps, tables)


@action(
    "org.add",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.HOME,
    detail=lambda added: {"org": added.name},
)
def add_org(app: Application, new: NewOrg, *, ask: Ask = lambda _: None) -> AddedOrg:
    """Sign in, inspect and add an org, or give the org of this name new settings.

    ``ask`` is called for a secret that was neither given nor stored before. Raises NotAllowed for
    wrong credentials, Conflict if another org stands behind the name; nothing is stored then.
    """
    with _opened(app, new, ask=ask) as opened:
        identity = _identified(new, opened.source)
        added = _seen(new, identity, opened.source, opened.source.discover())
    org = _keep(app, new, opened, identity)
    return replace(added, continues=continue_runs(app, org) if added.known_before else ())


@action(
    "org.keep",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.HOME,
    detail=lambda org: {"org": org.name},
)
def keep(app: Application, new: NewOrg) -> ProtectedOrg:
    """Add an org that was previewed a moment ago, without inspecting it again.

    Signs in once more. Raises as ``add_org``.
    """
    with _opened(app, new, ask=lambda _: None) as opened:
        identity = _identified(new, opened.source)
    return _keep(app, new, opened, identity)


@action("org.list", Right.LOOK)
def list_all(app: Application) -> OrgList:
    """List all orgs with their newest backup."""
    return OrgList(tuple(_line(app, org) for org in app.orgs()))


def check_name(name: str) -> None:
    """Raise UsageError (``org-name``) for a name that cannot be typed on a command line."""
    if not name or len(name) > LONGEST_NAME or name.startswith("-") or not name.isprintable():
        raise UsageError(
            "org-name",
            "{name!r} is not a valid name for an org.",
            next_step="Choose a short name of up to {longest_name} characters, such as `sales`.",
            name=name,
            longest_name=LONGEST_NAME,
        )


def _secrets(
    app: Application, connector: Connector, config: object, *, new: NewOrg, ask: Ask
) -> MemorySecrets:
    """Return the secrets that were given, completed for a known org by the stored ones."""
    secrets = MemorySecrets()
    present = find_org(new.name)
    store = app.secrets(present.oid) if present else None
    # Stored secrets must not be sent to another address than the one they were given for.
    if present and leads_elsewhere(connector, present.config, msgspec.to_builtins(config)):
        store = None
    for wanted in connector.secrets(config):
        value = new.secrets.get(wanted.name) or (store.get(wanted.name) if store else None)
        value = value or ask(wanted)
        if value:
            secrets.put(wanted.name, value)
        elif wanted.required:
            raise NotAllowed(
                "secret-missing",
                "The {label} is missing.",
                next_step="Enter it when prompted, or pass it with `--{option}-file` or in the "
                "variable UNLOST_{variable}.",
                label=wanted.label.lower(),
                option=wanted.name.replace("_", "-"),
                variable=wanted.name.upper(),
            )
    return secrets


@dataclass(frozen=True, slots=True)
class _Opened:
    """An org after sign-in: its settings, the secrets that opened it, and its source."""

    config: object
    secrets: MemorySecrets
    source: Source


@contextmanager
def _opened(app: Application, new: NewOrg, *, ask: Ask) -> Iterator[_Opened]:
    check_name(new.name)
    connector = app.connector(new.connector)
    config = read_config(connector, dict(new.config))
    secrets = _secrets(app, connector, config, new=new, ask=ask)
    context = app.context(secrets=secrets, budget=UnlimitedBudget())
    with connector.open_source(config, context) as source:
        yield _Opened(config, secrets, source)


def _identified(new: NewOrg, source: Source) -> OrgIdentity:
    """Return the identity of the org that answers; raises Conflict if the name is another org's."""
    identity = source.identity()
    present = find_org(new.name)
    if present is not None:
        check_same_org(present, identity)
    check_no_twin(new.name, identity)
    return identity


def _keep(app: Application, new: NewOrg, opened: _Opened, identity: OrgIdentity) -> ProtectedOrg:
    present = find_org(new.name)
    org = ProtectedOrg(
        name=new.name,
        oid=app.whole_vault.ensure_org(identity),
        identity=identity,
        added_at=present.added_at if present else app.clock.now(),
        config=msgspec.to_builtins(opened.config),
    )
    save_org(org)
    opened.secrets.move_to(app.secrets(org.oid))
    after_change(app)
    return org


def _tables(
    connector: Connector, schema: Schema, counts: Mapping[str, int]
) -> tuple[PreviewTable, ...]:
    """Return the tables of a schema with the org's own counts, and their storage by its rules."""
    rules = connector.storage_rules(schema)
    return tuple(
        PreviewTable(
            table.name,
            table.label or table.name,
            counts.get(table.name),
            _storage(rules.get(table.name), counts.get(table.name)),
        )
        for table in schema.tables
    )


def _storage(rule: StorageRule | None, records: int | None) -> int | None:
    """Return the least storage of so many records; None if it depends on their content alone."""
    least = sum(weight.least for weight in rule.weights) if rule is not None else 0
    return records * least if records is not None and least else None


def _seen(new: NewOrg, identity: OrgIdentity, source: Source, schema: Schema) -> AddedOrg:
    """Return the tables that the org's user can see, and the findings about those it cannot."""
    return AddedOrg(
        name=new.name,
        connector=identity.connector,
        tenant=identity.tenant,
        label=identity.label,
        kind=identity.kind,
        zone=identity.zone,
        known_before=find_org(new.name) is not None,
        tables=len(schema.tables),
        findings=tuple(sorted(schema.findings, key=lambda f: (f.severity, f.kind, f.table or ""))),
        quotas=tuple(source.quotas()),
    )


def _line(app: Application, org: ProtectedOrg) -> OrgLine:
    every = app.vault.snapshots(org.oid)
    whole = nights(every)
    last = whole[-1] if whole else None
    return OrgLine(
        name=org.name,
        connector=org.identity.connector,
        tenant=org.identity.tenant,
        label=org.identity.label,
        kind=org.identity.kind,
        zone=org.identity.zone,
        added_at=org.added_at,
        last_backup=last.as_of if last else None,
        snapshots=len(whole),
        head=every[-1].head if every else None,
    )

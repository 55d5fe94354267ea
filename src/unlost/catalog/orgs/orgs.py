"""The protected orgs: add, find, list."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from unlost.catalog.home_file import HomeFile, home_file, instant_of
from unlost.model.errors import Conflict, NotFound
from unlost.model.org import OrgIdentity, OrgKind
from unlost.model.source.reading import Json

if TYPE_CHECKING:
    from unlost.catalog.models import Org


@dataclass(frozen=True, slots=True)
class ProtectedOrg:
    """An org in the home.

    ``name`` is the name that people type, ``oid`` the vault's id, ``config`` the plain values of
    its connector's config class (never a secret). ``retired``: it is no longer backed up, and its
    backups are kept.
    """

    name: str
    oid: str
    identity: OrgIdentity
    added_at: datetime
    config: Mapping[str, Json] = field(default_factory=dict)
    retired: bool = False


@dataclass(slots=True)
class _Read:
    orgs: Sequence[ProtectedOrg] | None = None


_once: ContextVar[_Read | None] = ContextVar("once", default=None)


@contextmanager
def orgs_read_once() -> Iterator[None]:
    """Query the orgs at most once inside, until this context changes them.

    For short contexts, for example a request: changes by other processes meanwhile are not seen.
    """
    before = _once.set(_Read())
    try:
        yield
    finally:
        _once.reset(before)


def list_orgs() -> Sequence[ProtectedOrg]:
    """All orgs, by name."""
    cached_orgs = _once.get()
    if cached_orgs is None:
        return _read_orgs()
    if cached_orgs.orgs is None:
        cached_orgs.orgs = _read_orgs()
    return cached_orgs.orgs


def _read_orgs() -> Sequence[ProtectedOrg]:
    file = home_file()
    if file is not None:
        return _rows_of(file)
    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import Org

    with returned_connection():
        return [_value(row) for row in Org.objects.order_by("name")]


def _changed() -> None:
    """Invalidate the cached orgs."""
    cached_orgs = _once.get()
    if cached_orgs is not None:
        cached_orgs.orgs = None


def serving_orgs() -> Sequence[ProtectedOrg]:
    """The orgs that are backed up, by name."""
    return [org for org in list_orgs() if not org.retired]


def org_of_tenant(identity: OrgIdentity) -> ProtectedOrg | None:
    """The org of this tenant, under any name."""
    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import Org

    with returned_connection():
        row = Org.objects.filter(connector=identity.connector, tenant=identity.tenant).first()
    return _value(row) if row else None


def find_org(name: str) -> ProtectedOrg | None:
    """The org of this name, or None."""
    if _once.get() is not None:
        return next((org for org in list_orgs() if org.name == name), None)
    file = home_file()
    if file is not None:
        return next(iter(_rows_of(file, name)), None)
    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import Org

    with returned_connection():
        row = Org.objects.filter(name=name).first()
    return _value(row) if row else None


def get_org(name: str) -> ProtectedOrg:
    """The org of this name; raises NotFound."""
    org = find_org(name)
    if org is None:
        raise unknown_org(name, [other.name for other in list_orgs()])
    return org


def unknown_org(name: str, orgs: Iterable[str]) -> NotFound:
    """The error for a name that none of these orgs has."""
    known = ", ".join(orgs)
    return NotFound(
        "org-unknown",
        "There is no org named {name!r} in this home.",
        next_step="Use one of: {known}." if known else "Add one with `unlost org add`.",
        name=name,
        known=known,
    )


def check_same_org(org: ProtectedOrg, identity: OrgIdentity) -> None:
    """Raise Conflict if the answering org is not the one of this name."""
    if not org.identity.same_org(identity):
        raise Conflict(
            "another-org",
            "{org!r} is {expected}, but {actual} answered. Nothing was read.",
            next_step="If a sandbox was refreshed, point the name to the new org with `unlost "
            "org follow {org}`. Otherwise check the login URL and the credentials.",
            org=org.name,
            expected=_who(org.identity),
            actual=_who(identity),
        )


def save_org(org: ProtectedOrg) -> None:
    """Save a new org, or a known one's new label and config; a name keeps its tenant."""
    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import Org

    present = find_org(org.name)
    if present is not None:
        check_same_org(present, org.identity)
    check_no_twin(org.name, org.identity)
    with returned_connection():
        Org.objects.update_or_create(
            name=org.name, defaults=_columns(org), create_defaults=_first(org)
        )
    _changed()


def check_no_twin(name: str, identity: OrgIdentity) -> None:
    """Raise Conflict (``org-already-protected``) if another name belongs to this tenant."""
    twin = org_of_tenant(identity)
    if twin is not None and twin.name != name:
        raise Conflict(
            "org-already-protected",
            "{identity} is already protected as {twin!r}.",
            next_step="Use {twin!r}.",
            identity=_who(identity),
            twin=twin.name,
        )


def retire_org(name: str, *, kept_as: str) -> None:
    """Rename an org and stop its backups: its secrets are deleted, its runs stay."""
    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import Org, Secret, WriterRow

    with returned_connection():
        rows = Org.objects.filter(name=name)
        Secret.objects.filter(org__in=rows).delete()
        WriterRow.objects.filter(org__in=rows).delete()
        rows.update(name=kept_as, retired=True)
    _changed()


def drop_org(org: ProtectedOrg) -> None:
    """Delete a shredded org with its runs, secrets, alerts and memberships."""
    from unlost.catalog import models
    from unlost.catalog.connection import one_transaction

    # Tables without a foreign key to the org: some of their rows must outlive it.
    by_oid = (
        models.WitnessRow,
        models.ExaminedRow,
        models.OwnCheckpointRow,
        models.OwnCommitRow,
        models.ForeignCommitRow,
        models.MaintenanceRow,
        models.ForgottenRow,
        models.LeaseRow,
        models.ApiBudget,
        models.ApiHour,
        models.ScrubRow,
    )
    oid = org.oid
    with one_transaction():
        models.Org.objects.filter(oid=oid).delete()
        models.AlertRow.objects.filter(org=org.name).delete()
        for kind in by_oid:
            kind._default_manager.filter(oid=oid).delete()
    _changed()


def forgotten_orgs(oids: Iterable[str]) -> frozenset[str]:
    """The oids that this home no longer knows."""
    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import Org

    with returned_connection():
        return frozenset(oids) - set(Org.objects.values_list("oid", flat=True))


def _who(identity: OrgIdentity) -> str:
    label = f" ({identity.label})" if identity.label else ""
    return f"{identity.connector} org {identity.tenant}{label}"


def _columns(org: ProtectedOrg) -> Mapping[str, object]:
    return {
        "oid": org.oid,
        "connector": org.identity.connector,
        "tenant": org.identity.tenant,
        "kind": org.identity.kind.value,
        "label": org.identity.label,
        "zone": org.identity.zone,
        "config": dict(org.config),
        "retired": False,
    }


def _first(org: ProtectedOrg) -> Mapping[str, object]:
    return {**_columns(org), "added_at": org.added_at}


def _value(row: "Org") -> ProtectedOrg:
    identity = OrgIdentity(
        connector=row.connector,
        tenant=row.tenant,
        kind=OrgKind(row.kind),
        label=row.label,
        zone=row.zone,
    )
    return ProtectedOrg(
        name=row.name,
        oid=row.oid,
        identity=identity,
        added_at=row.added_at,
        config=row.config,
        retired=row.retired,
    )


def _rows_of(file: HomeFile, name: str | None = None) -> Sequence[ProtectedOrg]:
    """Read the orgs from a home's file: all by name, or the one of this name."""
    rows = file.rows(
        "SELECT name, oid, connector, tenant, kind, label, zone, config, added_at, retired "
        "FROM catalog_org WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
        (name,),
    )
    return [
        ProtectedOrg(
            name=name,
            oid=oid,
            identity=OrgIdentity(
                connector=connector, tenant=tenant, kind=OrgKind(kind), label=label, zone=zone
            ),
            added_at=instant_of(added_at),
            config=json.loads(config),
            retired=bool(retired),
        )
        for name, oid, connector, tenant, kind, label, zone, config, added_at, retired in rows
    ]

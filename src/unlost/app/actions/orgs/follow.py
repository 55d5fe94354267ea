"""Follow a refreshed sandbox: its address now leads to a new org, which takes over the name."""

from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application, MemorySecrets, UnlimitedBudget, read_config
from unlost.app.vault.home_copy import after_change
from unlost.catalog.connection import one_transaction
from unlost.catalog.orgs.approval_policy import approve_as
from unlost.catalog.orgs.archive_policies import save_policies_as
from unlost.catalog.orgs.bypass import bypass_as
from unlost.catalog.orgs.hidden_columns import hide_as
from unlost.catalog.orgs.orgs import (
    ProtectedOrg,
    find_org,
    get_org,
    org_of_tenant,
    retire_org,
    save_org,
)
from unlost.catalog.orgs.searched_columns import choose_as
from unlost.catalog.orgs.writers import find_writer, save_writer
from unlost.catalog.people.people import roles_as
from unlost.catalog.runs.schedules import schedule_of, set_schedule
from unlost.catalog.vault.keeping import keep_as
from unlost.engine.schedule import upcoming, upcoming_hour
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict
from unlost.model.org import OrgIdentity
from unlost.model.ports.source import Connector
from unlost.model.ports.system import SecretStore
from unlost.model.runs.schedule import Schedule
from unlost.model.vault.snapshot import nights


@dataclass(frozen=True, slots=True)
class FollowedOrg:
    """The result of following: the org now behind the name, and the old org's new name.

    ``backups`` counts those of the old org, which is no longer backed up.
    """

    name: str
    label: str
    tenant: str
    kept_as: str
    backups: int
    writer: bool


@action("org.follow", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def follow(app: Application, name: str) -> FollowedOrg:
    """Point a name to the org that answers at its address now.

    The new org takes over name, settings, credentials and schedule; the old one is retired under
    another name with all its backups. Raises Conflict (``org-same``, ``org-already-protected``),
    and the errors of sign-in and vault; nothing is changed then.
    """
    old = get_org(name)
    connector = app.connector(old.identity.connector)
    config = read_config(connector, old.config)
    secrets = _secrets_of(app.secrets(old.oid), connector)
    context = app.context(secrets=secrets, budget=UnlimitedBudget())
    with connector.open_source(config, context) as source:
        identity = source.identity()
    if old.identity.same_org(identity):
        secrets.move_to(app.secrets(old.oid))  # a sign-in may have renewed a secret
        raise _same(name)
    _check_unknown(identity)
    oid = app.whole_vault.ensure_org(identity)
    backups = len(nights(app.vault.snapshots(old.oid)))
    kept_as = _free_name(f"{name}-until-{app.clock.now():%Y-%m-%d}")
    new = ProtectedOrg(name, oid, identity, app.clock.now(), old.config)
    # One transaction: a name must never be without an org.
    with one_transaction():
        writer = _take_over(app, old, new, secrets=secrets, connector=connector, kept_as=kept_as)
    after_change(app)
    return FollowedOrg(name, identity.label, identity.tenant, kept_as, backups, writer)


def _take_over(
    app: Application,
    old: ProtectedOrg,
    new: ProtectedOrg,
    *,
    secrets: MemorySecrets,
    connector: Connector,
    kept_as: str,
) -> bool:
    """Move everything to the new org; True if the old one had a write user to take over."""
    now, zone = app.clock.now(), new.identity.zone
    schedule, settings = schedule_of(old.oid).schedule, find_writer(old.oid)
    writing = _secrets_of(app.writer_secrets(old.oid), connector)
    retire_org(old.name, kept_as=kept_as)
    set_schedule(old.oid, Schedule(nightly=None), at=now, next_at=None)
    save_org(new)
    # Roles, hidden columns and rules belong to an oid, and would silently not apply.
    roles_as(old.oid, new.oid)
    hide_as(old.oid, new.oid)
    choose_as(old.oid, new.oid)
    keep_as(old.oid, new.oid, at=now)
    approve_as(old.oid, new.oid)
    bypass_as(old.oid, new.oid)
    save_policies_as(old.oid, new.oid)
    secrets.move_to(app.secrets(new.oid))
    if settings is not None:
        save_writer(new.oid, settings, at=now)
        writing.move_to(app.writer_secrets(new.oid))
    place = {"zone": zone, "key": new.oid}
    following = upcoming(schedule, now=now, **place)
    hour = upcoming_hour(schedule, now=now, **place)
    set_schedule(new.oid, schedule, at=now, next_at=following, hour_at=hour)
    return settings is not None


def _same(name: str) -> Conflict:
    return Conflict(
        "org-same",
        "{name!r} already points to the org that answers. Nothing was changed.",
        next_step="Back it up with `unlost backup {name}`.",
        name=name,
    )


def _check_unknown(identity: OrgIdentity) -> None:
    twin = org_of_tenant(identity)
    if twin is not None:
        raise Conflict(
            "org-already-protected",
            "The org that answers is already protected as {twin!r}.",
            next_step="Use {twin!r}, and stop the nightly backups of the other name with "
            "`unlost schedule set ORG --at off`.",
            twin=twin.name,
        )


def _secrets_of(store: SecretStore, connector: Connector) -> MemorySecrets:
    secrets = MemorySecrets()
    for secret in connector.secrets(None):
        value = store.get(secret.name)
        if value is not None:
            secrets.put(secret.name, value)
    return secrets


def _free_name(wanted: str) -> str:
    number, name = 1, wanted
    while find_org(name) is not None:
        number += 1
        name = f"{wanted}-{number}"
    return name

"""A refreshed sandbox: the address leads to a new org, which takes over the name."""

from dataclasses import dataclass

from unlost.app.compose import Application, HeldSecrets, Unlimited, read_config
from unlost.app.home_copy import after_change
from unlost.catalog.orgs import ProtectedOrg, find_org, get_org, rename_org, save_org
from unlost.catalog.schedules import schedule_of, set_schedule
from unlost.catalog.writers import find_writer, save_writer
from unlost.engine.schedule import upcoming
from unlost.model.errors import Conflict
from unlost.model.org import OrgIdentity
from unlost.model.ports import Connector, SecretStore
from unlost.model.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of a name: the org behind it now, and the name under which the old one is kept.

    ``backups`` are those of the old org; it is not backed up any more.
    """

    name: str
    label: str
    tenant: str
    kept_as: str
    backups: int
    writer: bool


def follow(app: Application, name: str) -> Followed:
    """Let a name stand for the org that answers at its address now.

    The new org takes over name, settings, credentials and schedule; the old one is kept under
    another name with all its backups. Raises Conflict (``org-same``) if it is the same org still,
    and what signing in raises; nothing is changed then.
    """
    old = get_org(name)
    connector = app.connector(old.identity.connector)
    config = read_config(connector, old.config)
    held = _held(app.secrets(old.oid), connector)
    context = app.context(secrets=held, budget=Unlimited())
    with connector.open_source(config, context) as source:
        identity = source.identity()
    if old.identity.same_org(identity):
        raise Conflict(
            "org-same",
            f"{name!r} stands for the org that answers: nothing is to be followed.",
            next_step=f"Back it up with `unlost backup {name}`.",
        )
    writer = _writer(app, old, connector)
    kept_as = _free_name(f"{name}-until-{app.clock.now():%Y-%m-%d}")
    schedule = schedule_of(old.oid).schedule
    rename_org(name, kept_as)
    new = _take_over(app, old, identity, held=held, writer=writer, schedule=schedule)
    set_schedule(old.oid, Schedule(nightly=None), at=app.clock.now(), next_at=None)
    after_change(app)
    backups = len(app.vault.snapshots(old.oid))
    return Followed(name, new.identity.label, identity.tenant, kept_as, backups, writer is not None)


def _take_over(
    app: Application,
    old: ProtectedOrg,
    identity: OrgIdentity,
    *,
    held: HeldSecrets,
    writer: HeldSecrets | None,
    schedule: Schedule,
) -> ProtectedOrg:
    now = app.clock.now()
    new = ProtectedOrg(old.name, app.vault.adopt(identity), identity, now, old.config)
    save_org(new)
    held.move_to(app.secrets(new.oid))
    if writer is not None:
        save_writer(new.oid, find_writer(old.oid) or {}, at=now)
        writer.move_to(app.writer_secrets(new.oid))
    following = upcoming(schedule, zone=identity.zone, key=new.oid, now=now)
    set_schedule(new.oid, schedule, at=now, next_at=following)
    return new


def _writer(app: Application, org: ProtectedOrg, connector: Connector) -> HeldSecrets | None:
    if find_writer(org.oid) is None:
        return None
    return _held(app.writer_secrets(org.oid), connector)


def _held(store: SecretStore, connector: Connector) -> HeldSecrets:
    held = HeldSecrets()
    for secret in connector.secrets(None):
        value = store.get(secret.name)
        if value is not None:
            held.put(secret.name, value)
    return held


def _free_name(wanted: str) -> str:
    number, name = 1, wanted
    while find_org(name) is not None:
        number += 1
        name = f"{wanted}-{number}"
    return name

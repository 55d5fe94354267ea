"""Set up the write user of an org: a separate user, used only to restore."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from unlost.app.access import Where, action
from unlost.app.compose import Application, MemorySecrets, UnlimitedBudget, read_config
from unlost.app.orgs.connector_settings import bare, leads_elsewhere
from unlost.app.orgs.repaired_sign_in import continue_restores
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.orgs import ProtectedOrg, check_same_org, get_org
from unlost.catalog.orgs.writers import find_writer, save_writer
from unlost.model.access import Right, Trace
from unlost.model.errors import NotAllowed, UnlostError
from unlost.model.org import OrgIdentity
from unlost.model.ports.source import Connector, SecretField
from unlost.model.source.writing import MissingPermission


@dataclass(frozen=True, slots=True)
class NewWriter:
    """A write user as typed by a person.

    Settings that are left out keep their value; at first they are those of the org.
    """

    org: str
    config: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class WriterResult:
    """A write user that answered, and its missing permissions in the ``tables`` checked.

    ``is_backup_user``: the org answered with the same user for the sign-in of backups, so that this
    user can write too. ``continues`` are the restores that failed for its credentials, and continue with the new ones.
    """

    org: str
    connector: str
    label: str
    tenant: str
    known_before: bool
    tables: int
    missing: tuple[MissingPermission, ...]
    continues: tuple[str, ...] = ()
    is_backup_user: bool = False


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """The settings of a write user, for a form. ``present``: the org has one.

    ``config`` are the settings of the org with the differences for writing; ``secrets`` the names
    of the stored secrets; ``needs`` the permissions that the user needs, in the source's own words.
    """

    org: str
    connector: str
    present: bool
    config: Mapping[str, Any]
    secrets: frozenset[str]
    needs: tuple[str, ...]


type Ask = Callable[[SecretField], str | None]


@action(
    "org.writer",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.HOME,
    detail=lambda writer: {"org": writer.org},
)
def set_writer(app: Application, new: NewWriter, *, ask: Ask = lambda _: None) -> WriterResult:
    """Sign in as the write user, check its permissions, and store it encrypted.

    Raises NotAllowed for wrong credentials, Conflict if it opens another org; nothing is stored
    then.
    """
    org = get_org(new.org)
    connector = app.connector(org.identity.connector)
    before = find_writer(org.oid)
    given = {**(before or {}), **new.config}
    config = read_config(connector, {**org.config, **given})
    secrets = _secrets(app, connector, config, org=org, new=new, ask=ask)
    context = app.context(secrets=secrets, budget=UnlimitedBudget())
    head = app.vault.newest_backup(org.oid)
    tables = head.schema().tables if head is not None else ()
    with connector.open_writer(config, context) as writer:
        identity = writer.identity()
        check_same_org(org, identity)
        missing, user = tuple(writer.missing(tables)), writer.user_id()
    plain = {name: bare(value) for name, value in msgspec.to_builtins(config).items()}
    changed = {k: v for k, v in plain.items() if k in given or org.config.get(k) != v}
    save_writer(org.oid, changed, at=app.clock.now())
    secrets.move_to(app.writer_secrets(org.oid))
    after_change(app)
    result = _result(org, identity, len(tables), missing, known_before=before is not None)
    return replace(
        result,
        continues=continue_restores(app, org),
        is_backup_user=user == _backup_user(app, org),
    )


@action("org.writer-settings", Right.MANAGE, where=Where.HOME)
def writer_settings(app: Application, org: str) -> WriterSettings:
    """Show the write user of an org; raises NotFound for an unknown org."""
    known = get_org(org)
    connector = app.connector(known.identity.connector)
    config, store = find_writer(known.oid), app.writer_secrets(known.oid)
    names = [secret.name for secret in connector.secrets(None)] if config is not None else []
    return WriterSettings(
        known.name,
        known.identity.connector,
        config is not None,
        {**known.config, **(config or {})},
        frozenset(name for name in names if store.get(name) is not None),
        tuple(connector.write_permissions()),
    )


@action("org.writer-check", Right.MANAGE, where=Where.HOME)
def check_writer(app: Application, org: str) -> WriterResult:
    """Sign in as the write user and list its missing permissions, without writing anything.

    Raises NotFound for an unknown org, NotAllowed (``writer-missing``), and errors of the sign-in.
    """
    known = get_org(org)
    head = app.vault.newest_backup(known.oid)
    tables = head.schema().tables if head is not None else ()
    with app.open_writer(known) as writer:
        identity, missing = writer.identity(), tuple(writer.missing(tables))
        user = writer.user_id()
    result = _result(known, identity, len(tables), missing, known_before=True)
    return replace(result, is_backup_user=user == _backup_user(app, known))


def _backup_user(app: Application, org: ProtectedOrg) -> str | None:
    """Return the org's id of the backup user; None if it cannot sign in, as backups then say."""
    connector = app.connector(org.identity.connector)
    context = app.context(secrets=app.secrets(org.oid), budget=UnlimitedBudget())
    with (
        suppress(UnlostError),
        connector.open_planning(read_config(connector, org.config), context) as access,
    ):
        return access.user_id()
    return None


def _result(
    org: ProtectedOrg,
    identity: OrgIdentity,
    tables: int,
    missing: tuple[MissingPermission, ...],
    *,
    known_before: bool,
) -> WriterResult:
    return WriterResult(
        org.name,
        org.identity.connector,
        identity.label,
        identity.tenant,
        known_before,
        tables,
        missing,
    )


def _secrets(
    app: Application,
    connector: Connector,
    config: object,
    *,
    org: ProtectedOrg,
    new: NewWriter,
    ask: Ask,
) -> MemorySecrets:
    secrets = MemorySecrets()
    before = find_writer(org.oid)
    store = app.writer_secrets(org.oid) if before is not None else None
    known = {**org.config, **(before or {})}
    if leads_elsewhere(connector, known, msgspec.to_builtins(config)):
        store = None
    for wanted in connector.secrets(config):
        value = new.secrets.get(wanted.name) or (store.get(wanted.name) if store else None)
        value = value or ask(wanted)
        if value:
            secrets.put(wanted.name, value)
        elif wanted.required:
            option = wanted.name.replace("_", "-")
            raise NotAllowed(
                "secret-missing",
                "The {label} of the write user is missing.",
                next_step="Enter it when prompted, or pass it with `--{option}-file` or in the "
                "variable UNLOST_WRITER_{variable}.",
                label=wanted.label.lower(),
                option=option,
                variable=wanted.name.upper(),
            )
    return secrets

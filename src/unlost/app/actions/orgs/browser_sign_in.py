"""Sign in to an org by browser: start, and finish when the browser returns with a code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from unlost.app.access import Where, action
from unlost.app.actions.orgs.orgs import NewOrg, check_name
from unlost.app.compose import Application, MemorySecrets, UnlimitedBudget, read_config
from unlost.app.orgs.connector_settings import leads_elsewhere
from unlost.app.orgs.sign_in_state import (
    SECRET_BYTES,
    SignInReply,
    StartedSignIn,
    challenge_of,
    check_reply,
    secret_text,
)
from unlost.catalog.orgs.orgs import find_org
from unlost.catalog.orgs.writers import find_writer
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.ports.source import BrowserSignIn, Connector
from unlost.model.ports.system import SecretStore
from unlost.model.source.sign_in import SignInCode, SignInRequest


class OrgUser(StrEnum):
    """The user of an org as which Unlost signs in."""

    BACKUP = "backup"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The secrets that open an org after a sign-in by browser."""

    org: str
    secrets: Mapping[str, str] = field(repr=False)


@action("org.start-sign-in", Right.MANAGE, where=Where.HOME)
def start_sign_in(app: Application, new: NewOrg, *, redirect: str) -> StartedSignIn:
    """Start a sign-in by browser: returns the address to open, and what checks the reply.

    ``redirect`` is the address of the console to which the browser returns. Makes no call. Raises
    UsageError for invalid settings, and (``sign-in-no-browser``) for a method without browser.
    """
    check_name(new.name)
    connector = app.connector(new.connector)
    config = read_config(connector, dict(new.config))
    state = secret_text(app.entropy.bytes(SECRET_BYTES))
    verifier = secret_text(app.entropy.bytes(SECRET_BYTES))
    request = SignInRequest(redirect, state, challenge_of(verifier))
    address = _browser(connector).address(config, request)
    return StartedSignIn(address, redirect, state, verifier, app.clock.now())


@action(
    "org.finish-sign-in",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.HOME,
    subject=("user",),
    detail=lambda signed_in: {"org": signed_in.org},
)
def finish_sign_in(
    app: Application,
    new: NewOrg,
    *,
    started: StartedSignIn,
    reply: SignInReply,
    user: OrgUser = OrgUser.BACKUP,
) -> SignedIn:
    """Exchange the code of a sign-in by browser for the secrets of the org. Stores nothing.

    Raises NotAllowed: ``sign-in-foreign``, ``sign-in-late``, and the refusals of the connector.
    """
    check_reply(started, reply, now=app.clock.now())
    connector = app.connector(new.connector)
    config = read_config(connector, dict(new.config))
    browser = _browser(connector)
    if not reply.code:
        raise browser.refusal(config, error=reply.error, description=reply.description)
    secrets = _known_secrets(app, connector, config, new=new, user=user)
    context = app.context(secrets=secrets, budget=UnlimitedBudget())
    browser.redeem(config, context, SignInCode(reply.code, started.redirect, started.verifier))
    return SignedIn(new.name, secrets.every())


def _browser(connector: Connector) -> BrowserSignIn:
    browser = connector.browser_sign_in()
    if browser is None:
        raise UsageError(
            "sign-in-no-browser",
            "Sign-in by browser is not available for orgs of {connector}.",
            next_step="Choose another way to sign in.",
            connector=connector.name,
        )
    return browser


def _known_secrets(
    app: Application, connector: Connector, config: object, *, new: NewOrg, user: OrgUser
) -> MemorySecrets:
    """Return the secrets that were typed, completed by the stored ones of the same user."""
    secrets = MemorySecrets()
    store = _store(app, connector, config, org=new.name, user=user)
    for wanted in connector.secrets(config):
        value = new.secrets.get(wanted.name) or (store.get(wanted.name) if store else None)
        if value:
            secrets.put(wanted.name, value)
    return secrets


def _store(
    app: Application, connector: Connector, config: object, *, org: str, user: OrgUser
) -> SecretStore | None:
    """Return the stored secrets of the org's user, if they may be sent where ``config`` leads."""
    present = find_org(org)
    if present is None:
        return None
    writer = find_writer(present.oid) if user is OrgUser.WRITE else {}
    if writer is None:
        return None
    # Stored secrets must not be sent to another address than the one they were given for.
    if leads_elsewhere(connector, {**present.config, **writer}, msgspec.to_builtins(config)):
        return None
    return app.writer_secrets(present.oid) if user is OrgUser.WRITE else app.secrets(present.oid)

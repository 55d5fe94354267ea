"""Single sign-on with a company's identity providers: list, add and remove them."""

import re
from dataclasses import dataclass

from unlost.app.access import Where, action, check_no_token
from unlost.app.compose import Application
from unlost.app.people.saml import IdentityProvider, described, read_metadata, require_saml
from unlost.app.people.sso import seal_secret, sign_in_origin
from unlost.app.vault.home_copy import after_change
from unlost.catalog.people.sso import (
    Provider,
    SsoProtocol,
    add_provider,
    list_providers,
    remove_provider,
)
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LONGEST_TITLE = 40
LONGEST_CLIENT = 191


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers of this home, by name; without their secrets."""

    providers: tuple[Provider, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProvider:
    """An OpenID Connect provider as typed by an admin."""

    name: str
    title: str
    issuer: str
    client_id: str
    secret: str
    vouches: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSaml:
    """A SAML identity provider as typed by an admin.

    Either ``metadata``, as an address or as text, or its three parts.
    """

    name: str
    title: str = ""
    metadata: str = ""
    entity: str = ""
    sign_in: str = ""
    certificate: str = ""
    vouches: bool = False


@action("sso.list", Right.MANAGE, where=Where.HOME)
def providers(app: Application) -> Providers:  # noqa: ARG001 (every action takes it)
    """List the identity providers."""
    return Providers(tuple(list_providers()))


@action(
    "sso.add",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.HOME,
    detail=lambda new_provider: {"issuer": new_provider.issuer},
)
def add(app: Application, new: NewProvider) -> Provider:
    """Add an OpenID Connect provider, after checking that it answers at its issuer address.

    Raises UsageError (``sso-name``, ``sso-invalid``, ``sso-issuer``), Conflict (``sso-exists``),
    TransientError.
    """
    check_no_token(app)
    _check_name(new.name, new.title)
    _check_client(new)
    # The origin is needed for the Content-Security-Policy of the sign-in page.
    origin = sign_in_origin(new.issuer)
    provider = Provider(
        new.name, new.title or new.name, new.issuer.rstrip("/"), new.client_id, origin, new.vouches
    )
    add_provider(provider, kept={"sealed": seal_secret(app, new.name, new.secret)})
    after_change(app)
    return provider


@action(
    "sso.add-saml",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.HOME,
    detail=lambda new_provider: {"issuer": new_provider.issuer},
)
def add_saml(app: Application, new: NewSaml) -> Provider:
    """Add a SAML identity provider.

    Raises UsageError (``saml-missing``, ``sso-name``, ``saml-metadata``, ``saml-certificate``),
    Conflict (``sso-exists``), TransientError.
    """
    check_no_token(app)
    require_saml()
    _check_name(new.name, new.title)
    identity_provider = _identity_provider(new)
    provider = Provider(
        new.name,
        new.title or new.name,
        identity_provider.entity,
        "",
        identity_provider.origin,
        new.vouches,
        SsoProtocol.SAML,
    )
    add_provider(
        provider,
        kept={
            "sign_in": identity_provider.sign_in,
            "certificates": list(identity_provider.certificates),
        },
    )
    after_change(app)
    return provider


@action("sso.remove", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def remove(app: Application, name: str) -> Provider:
    """Remove an identity provider; raises NotFound (``sso-unknown``)."""
    removed = remove_provider(name)
    after_change(app)
    return removed


def _identity_provider(new: NewSaml) -> IdentityProvider:
    if new.metadata.strip():
        return read_metadata(new.metadata)
    return described(new.entity, new.sign_in, (new.certificate,))


def _check_name(name: str, title: str) -> None:
    if not NAME.fullmatch(name) or len(title) > LONGEST_TITLE:
        raise UsageError(
            "sso-name",
            "A provider needs a short name of lowercase letters, digits and hyphens, and a "
            "title of at most {longest_title} characters.",
            next_step="Use a name such as `entra`.",
            longest_title=LONGEST_TITLE,
        )


def _check_client(new: NewProvider) -> None:
    if not 0 < len(new.client_id) <= LONGEST_CLIENT or not new.secret:
        raise UsageError(
            "sso-invalid",
            "An OpenID Connect provider needs a client id and a client secret.",
            next_step="Copy both from the provider's settings.",
        )

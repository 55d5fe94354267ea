"""The company's single sign-on: providers with OpenID Connect or SAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.db import transaction

from unlost.catalog.connection import returned_connection
from unlost.model.errors import Conflict, NotFound


class SsoProtocol(StrEnum):
    """The protocol of a provider."""

    OIDC = "openid_connect"
    SAML = "saml"


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider. ``name`` is part of URLs, ``title`` is shown on the button.

    ``issuer``: its own identifier. ``client_id``: this console's id at the provider; empty for
    SAML. ``origin``: the site where people sign in. ``vouches``: each address from it counts as
    verified, although it does not send that claim.
    """

    name: str
    title: str
    issuer: str
    client_id: str
    origin: str
    vouches: bool = False
    kind: SsoProtocol = SsoProtocol.OIDC


def list_providers() -> Sequence[Provider]:
    """All providers, by name."""
    with returned_connection():
        return [_provider(row) for row in _rows().order_by("provider_id")]


def add_provider(provider: Provider, *, kept: Mapping[str, object]) -> None:
    """Save a provider; raises Conflict (``sso-exists``).

    ``kept``: further values, the sealed secret of OpenID Connect or SAML's data about its provider.
    """
    with returned_connection(), transaction.atomic():
        if _rows().filter(provider_id=provider.name).exists():
            raise Conflict(
                "sso-exists",
                "There is already a provider named {provider!r}.",
                next_step="Choose another name, or remove the existing provider with `unlost "
                "sso remove {provider}`.",
                provider=provider.name,
            )
        SocialApp.objects.create(
            provider=provider.kind.value,
            provider_id=provider.name,
            name=provider.title,
            client_id=provider.client_id,
            settings={
                "server_url": provider.issuer,
                "origin": provider.origin,
                "verified_email": provider.vouches,
                # Advised for clients with a secret, too (RFC 9700, 2.1.1).
                "oauth_pkce_enabled": True,
                **kept,
            },
        )


def sealed_secret(name: str) -> str:
    """A provider's sealed secret; raises NotFound (``sso-unknown``)."""
    with returned_connection():
        row = _rows().filter(provider_id=name, provider=SsoProtocol.OIDC.value).first()
    if row is None:
        raise _unknown(name)
    return str(row.settings["sealed"])


def remove_provider(name: str) -> Provider:
    """Delete a provider and its links to people; raises NotFound (``sso-unknown``).

    Another provider of this name may use the same ids for other people.
    """
    with returned_connection(), transaction.atomic():
        row = _rows().filter(provider_id=name).first()
        if row is None:
            raise _unknown(name)
        provider = _provider(row)
        SocialAccount.objects.filter(provider=name).delete()
        row.delete()
        return provider


def _rows() -> Any:
    return SocialApp.objects.filter(provider__in=[protocol.value for protocol in SsoProtocol])


def _provider(row: SocialApp) -> Provider:
    settings = row.settings
    return Provider(
        row.provider_id,
        row.name,
        settings["server_url"],
        row.client_id,
        settings["origin"],
        settings["verified_email"],
        SsoProtocol(row.provider),
    )


def _unknown(name: str) -> NotFound:
    return NotFound(
        "sso-unknown",
        "There is no provider named {name!r}.",
        next_step="List the providers with `unlost sso list`.",
        name=name,
    )

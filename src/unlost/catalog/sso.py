"""The company's single sign-on: providers that speak OpenID Connect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.db import transaction

from unlost.catalog.connection import own_connection
from unlost.model.errors import Conflict, NotFound

KIND = "openid_connect"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who vouches for people. ``name`` stands in addresses, ``title`` on the button.

    ``origin``: the site where people sign in. ``vouches``: every address that it tells is taken as
    verified, though it does not say so.
    """

    name: str
    title: str
    issuer: str
    client_id: str
    origin: str
    vouches: bool = False


def list_providers() -> Sequence[Provider]:
    """All of them, by name."""
    with own_connection():
        return [_provider(row) for row in _rows().order_by("provider_id")]


def add_provider(provider: Provider, *, sealed: str) -> None:
    """Keep a provider and its sealed secret; raises Conflict (``sso-exists``)."""
    with own_connection(), transaction.atomic():
        if _rows().filter(provider_id=provider.name).exists():
            raise Conflict(
                "sso-exists",
                f"There is a provider named {provider.name!r} already.",
                next_step=f"Choose another name, or remove it first: unlost sso remove {provider.name}",
            )
        SocialApp.objects.create(
            provider=KIND,
            provider_id=provider.name,
            name=provider.title,
            client_id=provider.client_id,
            settings={
                "server_url": provider.issuer,
                "origin": provider.origin,
                "verified_email": provider.vouches,
                "oauth_pkce_enabled": True,
                "sealed": sealed,
            },
        )


def sealed_secret(name: str) -> str:
    """A provider's secret as it was sealed; raises NotFound (``sso-unknown``)."""
    with own_connection():
        row = _rows().filter(provider_id=name).first()
    if row is None:
        raise _unknown(name)
    return str(row.settings["sealed"])


def remove_provider(name: str) -> Provider:
    """Forget a provider, and whom it vouched for; raises NotFound (``sso-unknown``).

    Another provider of this name may call other people by the same ids.
    """
    with own_connection(), transaction.atomic():
        row = _rows().filter(provider_id=name).first()
        if row is None:
            raise _unknown(name)
        told = _provider(row)
        SocialAccount.objects.filter(provider=name).delete()
        row.delete()
        return told


def _rows() -> Any:
    return SocialApp.objects.filter(provider=KIND)


def _provider(row: SocialApp) -> Provider:
    held = row.settings
    return Provider(
        row.provider_id,
        row.name,
        held["server_url"],
        row.client_id,
        held["origin"],
        held["verified_email"],
    )


def _unknown(name: str) -> NotFound:
    return NotFound(
        "sso-unknown",
        f"There is no provider named {name!r}.",
        next_step="See which there are with `unlost sso list`.",
    )

"""Single sign-on of your company: which providers there are, add one, remove one."""

import re
from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.home_copy import after_change
from unlost.app.sso import seal_secret, sign_in_origin
from unlost.catalog.sso import Provider, add_provider, list_providers, remove_provider
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
    """What an admin tells of a provider."""

    name: str
    title: str
    issuer: str
    client_id: str
    secret: str
    vouches: bool = False


@action("sso.list", Right.MANAGE, where=Where.HOME)
def providers(app: Application) -> Providers:  # noqa: ARG001 (every action takes it)
    """All providers."""
    return Providers(tuple(list_providers()))


@action(
    "sso.add",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.HOME,
    told=lambda one: {"issuer": one.issuer},
)
def add(app: Application, new: NewProvider) -> Provider:
    """Let a provider of OpenID Connect sign people in; it is asked who it is before it is kept.

    Raises UsageError (``sso-invalid``, ``sso-issuer``), Conflict (``sso-exists``), TransientError.
    """
    _check(new)
    origin = sign_in_origin(new.issuer)
    provider = Provider(
        new.name, new.title or new.name, new.issuer.rstrip("/"), new.client_id, origin, new.vouches
    )
    add_provider(provider, sealed=seal_secret(app, new.name, new.secret))
    after_change(app)
    return provider


@action("sso.remove", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("name",))
def remove(app: Application, name: str) -> Provider:
    """Let nobody in by a provider any more; raises NotFound (``sso-unknown``)."""
    removed = remove_provider(name)
    after_change(app)
    return removed


def _check(new: NewProvider) -> None:
    right = (
        NAME.fullmatch(new.name)
        and len(new.title) <= LONGEST_TITLE
        and 0 < len(new.client_id) <= LONGEST_CLIENT
        and new.secret
    )
    if not right:
        raise UsageError(
            "sso-invalid",
            "A provider needs a short name of small letters, digits and hyphens, a client id and "
            "a client secret.",
            next_step="Name it such as `entra`, and copy id and secret from the provider's page.",
        )

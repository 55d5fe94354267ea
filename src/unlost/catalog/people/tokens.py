"""API tokens for programs, and links that sign a person in once. Only hashes of them are stored."""

from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import LinkRow, Org, TokenRow, User
from unlost.catalog.people.people import actor_of
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotFound
from unlost.model.ports.system import Entropy

PREFIX = "unl_"
SECRET_BYTES = 32
USED_EVERY = timedelta(minutes=1)  # precision of a token's last use


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token for programs; ``org`` is a name, None for every org."""

    id: int
    name: str
    owner: str
    role: Role
    org: str | None
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None


def make_token(
    *,
    owner: int,
    name: str,
    role: Role,
    org: str | None,
    at: datetime,
    expires: datetime,
    entropy: Entropy,
) -> tuple[ApiToken, str]:
    """Create a token; returns it with its text, which is shown only this once."""
    text = PREFIX + _secret(entropy)
    with returned_connection():
        row = TokenRow.objects.create(
            name=name,
            owner_id=owner,
            digest=_digest(text),
            role=role.value,
            org=Org.objects.get(name=org) if org is not None else None,
            made_at=at,
            expires_at=expires,
        )
        return _token(row), text


def list_tokens(owner: int | None = None) -> Sequence[ApiToken]:
    """The tokens of one person, or of all, the newest first."""
    with returned_connection():
        rows = TokenRow.objects.select_related("owner", "org").order_by("-id")
        return [_token(row) for row in (rows if owner is None else rows.filter(owner_id=owner))]


def drop_token(token: int) -> ApiToken:
    """Delete a token: it opens nothing from now on. Raises NotFound (``token-unknown``)."""
    with returned_connection():
        row = TokenRow.objects.select_related("owner", "org").filter(pk=token).first()
        if row is None:
            raise NotFound(
                "token-unknown",
                "There is no token {token}.",
                next_step="List the tokens with `unlost token list`.",
                token=token,
            )
        api_token = _token(row)
        row.delete()
        return api_token


def actor_of_token(text: str, *, at: datetime) -> Actor | None:
    """The actor for a token; None if it is unknown, has expired or lost its owner."""
    with returned_connection():
        rows = TokenRow.objects.select_related("org", "owner")
        row = rows.filter(digest=_digest(text), expires_at__gt=at).first()
        if row is None:
            return None
        owner = actor_of(row.owner_id)
        if owner is None:
            return None
        if row.used_at is None or at - row.used_at >= USED_EVERY:
            TokenRow.objects.filter(pk=row.pk).update(used_at=at)
        name = f"{owner.name}/{row.name}"
        return Actor(ActorKind.TOKEN, name, owner.grants, (_bound(row),), person=owner.name)


def acting_for(asked_by: str, *, at: datetime) -> Actor | None:
    """The actor for a person, or for PERSON/TOKEN, as the roles are now.

    None if the person was removed, or if the token was deleted or has expired.
    """
    name, _, token = asked_by.partition("/")  # a person's name has no slash
    with returned_connection():
        user = User.objects.filter(username=name).first()
        if user is None:
            return None
        owner = actor_of(user)
        if owner is None or not token:
            return owner
        rows = TokenRow.objects.select_related("org").filter(
            owner_id=user.pk, name=token, expires_at__gt=at
        )
        bounds = tuple(map(_bound, rows))
    return Actor(ActorKind.TOKEN, asked_by, owner.grants, bounds, owner.name) if bounds else None


def make_link(user: int | None, *, at: datetime, lasts: timedelta, entropy: Entropy) -> str:
    """Create a link that signs a person in once; without a user it creates the first admin."""
    text = _secret(entropy)
    with returned_connection():
        # One link a person: a new one ends the one before.
        LinkRow.objects.filter(Q(expires_at__lte=at) | Q(user_id=user)).delete()
        LinkRow.objects.create(
            digest=_digest(text), user_id=user, made_at=at, expires_at=at + lasts
        )
    return text


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A valid link; ``user`` is None if it creates the first admin."""

    user: int | None


def find_link(text: str, *, at: datetime) -> OneTimeLink | None:
    """The link of this text, if it is valid."""
    with returned_connection():
        row = LinkRow.objects.filter(digest=_digest(text), expires_at__gt=at).first()
        return OneTimeLink(row.user_id) if row is not None else None


def use_link(text: str, *, at: datetime) -> OneTimeLink | None:
    """Use up the link of this text; None if it is not valid."""
    with returned_connection(), transaction.atomic():
        row = (
            # Two clicks on one link must not both sign in.
            LinkRow.objects.select_for_update()
            .filter(digest=_digest(text), expires_at__gt=at)
            .first()
        )
        if row is None:
            return None
        row.delete()
        return OneTimeLink(row.user_id)


def _bound(row: TokenRow) -> Grant:
    return Grant(Role(row.role), row.org.oid if row.org is not None else None)


def _secret(entropy: Entropy) -> str:
    return b32encode(entropy.bytes(SECRET_BYTES)).decode().rstrip("=").lower()


def _digest(text: str) -> str:
    """The stored hash of a secret of 256 random bits: it needs neither a salt nor a slow hash."""
    return sha256(text.encode()).hexdigest()


def _token(row: TokenRow) -> ApiToken:
    return ApiToken(
        row.pk,
        row.name,
        row.owner.username,
        Role(row.role),
        row.org.name if row.org is not None else None,
        row.made_at,
        row.expires_at,
        row.used_at,
    )

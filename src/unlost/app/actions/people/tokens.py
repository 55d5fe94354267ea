"""API tokens for programs: list, create and delete them."""

from dataclasses import dataclass
from datetime import timedelta

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.people import get_person
from unlost.catalog.people.tokens import ApiToken, drop_token, list_tokens, make_token
from unlost.model.access import ActorKind, Right, Role, Trace
from unlost.model.errors import NotAllowed, NotFound, UsageError

MOST_DAYS = 366
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Tokens:
    """API tokens, newest first."""

    tokens: tuple[ApiToken, ...]


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just created; ``text`` is shown only once."""

    token: ApiToken
    text: str


@action("token.list", Right.LOOK)
def tokens(app: Application) -> Tokens:
    """List the actor's own tokens; for users who manage the home, those of all people."""
    if app.actor.may(Right.MANAGE):
        return Tokens(tuple(list_tokens()))
    return Tokens(tuple(list_tokens(get_person(app.actor.person).user)))


@action("token.make", Right.LOOK, trace=Trace.WRITE, subject=("name",))
def make(
    app: Application,
    name: str,
    *,
    role: Role,
    org: str | None = None,
    days: int = 90,
    owner: str | None = None,
) -> NewToken:
    """Create a token with a role in one org or in all, which never exceeds that of its owner.

    ``owner`` defaults to the actor; users who manage the home may name another person. Raises
    UsageError (``token-invalid``), NotFound, NotAllowed (``token-owner``).
    """
    if not name.strip() or len(name) > LONGEST_NAME or not 0 < days <= MOST_DAYS:
        raise UsageError(
            "token-invalid",
            "A token needs a name, and a lifetime between 1 day and 1 year.",
            next_step="Name it after the program that uses it. A lifetime of 90 days is a good "
            "choice.",
        )
    if org is not None:
        get_org(org)
    person = get_person(_owner(app, owner))
    now = app.clock.now()
    token, text = make_token(
        owner=person.user,
        name=name,
        role=role,
        org=org,
        at=now,
        expires=now + timedelta(days=days),
        entropy=app.entropy,
    )
    after_change(app)
    return NewToken(token, text)


@action("token.drop", Right.LOOK, trace=Trace.WRITE, subject=("token",))
def drop(app: Application, token: int) -> ApiToken:
    """Delete a token, which ends its access; raises NotFound (``token-unknown``)."""
    token_ids = {api_token.id for api_token in tokens(app).tokens}
    if token not in token_ids:
        raise NotFound(
            "token-unknown",
            "There is no token {token}.",
            next_step="List the tokens with `unlost token list`.",
            token=token,
        )
    dropped = drop_token(token)
    after_change(app)
    return dropped


def _owner(app: Application, owner: str | None) -> str:
    # A leaked token could otherwise extend its own life.
    if app.actor.kind is ActorKind.TOKEN:
        raise NotAllowed(
            "token-owner",
            "A token cannot create tokens.",
            next_step="Sign in to the console, and create the token there.",
        )
    if app.actor.kind is ActorKind.PERSON and owner in (None, app.actor.name):
        return app.actor.name
    if owner is None or not app.actor.may(Right.MANAGE):
        raise NotAllowed(
            "token-owner",
            "The owner of the token is missing.",
            next_step="Choose a user of this home as the owner.",
        )
    return owner

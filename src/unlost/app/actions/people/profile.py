"""The console preferences of a person."""

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change
from unlost.catalog.people.people import Profile, set_profile
from unlost.model.access import ActorKind, Right, Trace
from unlost.model.errors import UsageError


@action("profile.set", Right.LOOK, trace=Trace.WRITE)
def keep(app: Application, profile: Profile) -> Profile:
    """Save the actor's console preferences; raises UsageError (``profile-nobody``)."""
    if app.actor.kind is not ActorKind.PERSON:
        raise UsageError(
            "profile-nobody",
            "Only users have a profile. Tokens do not.",
            next_step="Sign in to the console, and change it there.",
        )
    set_profile(app.actor.name, profile)
    after_change(app)
    return profile

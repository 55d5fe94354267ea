"""Authentication of API requests with tokens."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from unlost.catalog.people.tokens import actor_of_token
from unlost.model.access import Actor
from unlost.web.served_home import application


class TokenSignIn(HttpBearer):
    """Authentication by ``Authorization: Bearer unl_…``."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        """Return the actor if the token is valid now."""
        app = application()
        actor = actor_of_token(token, at=app.clock.now())
        if actor is not None:
            request.unlost = app.acting(actor)  # type: ignore[attr-defined]
        return actor

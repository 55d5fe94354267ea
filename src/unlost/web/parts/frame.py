"""The context of every page: the orgs, the number of open alerts, and the actor's rights."""

from typing import Any

from django.http import HttpRequest

from unlost.catalog.alerts import list_alerts
from unlost.model.access import Right

THEME = "theme"  # the cookie with the colour theme for the sign-in page


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the context for templates; nearly empty without a sign-in."""
    app = getattr(request, "unlost", None)
    if app is None:
        return {"may": {}, "frame_orgs": (), "theme": request.COOKIES.get(THEME, "")}
    orgs = app.orgs()
    seen = {"", *(org.name for org in orgs)}
    lasting = [
        alert for alert in list_alerts() if alert.resolved_at is None and alert.raised.org in seen
    ]
    return {
        "actor": app.actor,
        "may": {right.value: app.actor.may(right) for right in Right}
        | {f"{right.value}_somewhere": app.actor.may_somewhere(right) for right in Right},
        "frame_orgs": orgs,
        "frame_alerts": len(lasting),
        "theme": getattr(request.user, "theme", ""),
        "compact": getattr(request.user, "compact", False),
    }

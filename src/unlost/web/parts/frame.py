"""What every page has around it: the orgs to choose from, open alerts, what the actor may do."""

from typing import Any

from django.http import HttpRequest

from unlost.catalog.alerts import list_alerts
from unlost.model.access import Right

THEME = "theme"  # the cookie by which the page of the sign-in looks as its reader likes


def frame(request: HttpRequest) -> dict[str, Any]:
    """For templates; nothing for who did not sign in."""
    app = getattr(request, "unlost", None)
    if app is None:
        return {"may": {}, "frame_orgs": (), "theme": request.COOKIES.get(THEME, "")}
    orgs = app.orgs()
    seen = {"", *(org.name for org in orgs)}
    lasting = [
        alert for alert in list_alerts() if alert.resolved_at is None and alert.alarm.org in seen
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

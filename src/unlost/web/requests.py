"""The type of requests in the console."""

from django.http import HttpRequest, QueryDict
from django_htmx.middleware import HtmxDetails

from unlost.app.compose import Application


class UserRequest(HttpRequest):
    """A request of a signed-in user; ``unlost`` is the application that acts for them."""

    unlost: Application
    htmx: HtmxDetails


def sent(request: UserRequest) -> QueryDict | None:
    """Return the data of a sent form; None for a GET."""
    return request.POST if request.method == "POST" else None

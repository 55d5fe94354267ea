"""What a request is here: one that acts in the home for somebody."""

from django.http import HttpRequest, QueryDict
from django_htmx.middleware import HtmxDetails

from unlost.app.compose import Application


class UserRequest(HttpRequest):
    """A request of somebody who signed in."""

    unlost: Application
    htmx: HtmxDetails


def sent(request: UserRequest) -> QueryDict | None:
    """What a form sent; None where a page is only looked at."""
    return request.POST if request.method == "POST" else None

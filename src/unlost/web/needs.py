"""Decorators that check a page's rights before it reads any input."""

from collections.abc import Callable
from functools import wraps

from django.http.response import HttpResponseBase

from unlost.app.access import check_home, check_org, check_somewhere
from unlost.model.access import Right
from unlost.web.requests import UserRequest

type View = Callable[..., HttpResponseBase]

OPEN = "open_to_all"  # the attribute of a view that needs no sign-in


def open_to_all[V: View](view: V) -> V:
    """Mark a view that needs no sign-in."""
    # Read by ``ActorMiddleware.process_view``.
    setattr(view, OPEN, True)
    return view


def needs(right: Right) -> Callable[[View], View]:
    """Require a right in the org of the address, or else in the whole home."""

    def marked(view: View) -> View:
        @wraps(view)
        def checked(request: UserRequest, **named: str) -> HttpResponseBase:
            if "org" in named:
                check_org(request.unlost, right, named["org"])
            else:
                check_home(request.unlost, right)
            return view(request, **named)

        return checked

    return marked


def needs_somewhere(right: Right) -> Callable[[View], View]:
    """Require a right in at least one org."""

    def marked(view: View) -> View:
        @wraps(view)
        def checked(request: UserRequest, **named: str) -> HttpResponseBase:
            check_somewhere(request.unlost, right)
            return view(request, **named)

        return checked

    return marked

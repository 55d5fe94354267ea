"""The URLs of the API, which are built with the first request to it.

Most consoles are used by people alone. The API's parsers and descriptions take 25 MB of memory and
a part of the start.
"""

from functools import cache, cached_property
from threading import Lock
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

_building = Lock()  # django-ninja refuses a second API of the same name


class LazyAPI(URLResolver):
    """The addresses below a prefix; they have no names for other pages until they are built."""

    def __init__(self, prefix: str) -> None:
        super().__init__(
            RoutePattern(prefix, is_endpoint=False), [], app_name="ninja", namespace="api"
        )

    @cached_property
    def url_patterns(self) -> list[URLResolver | URLPattern]:
        """The addresses; the first call builds them."""
        with _building:
            patterns: list[URLResolver | URLPattern] = _built()
            return patterns

    def _populate(self) -> None:
        # Django calls this for all addresses when the first page makes a link.
        if "url_patterns" in self.__dict__:
            super()._populate()


@cache
def _built() -> Any:
    from unlost.web.api.building import build

    patterns, _, _ = build().urls
    return patterns

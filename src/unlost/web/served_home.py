"""The home that this process serves, in which each request acts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlost.app.compose import Application

_applications: list["Application"] = []


def application() -> "Application":
    """Return the home that this process serves."""
    return _applications[-1]


@contextmanager
def serving(app: "Application") -> Iterator[None]:
    """Serve this home while the context is open."""
    _applications.append(app)
    try:
        yield
    finally:
        _applications.pop()

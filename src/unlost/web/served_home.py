"""The home that this process serves: each request acts in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlost.app.compose import Application

_applications: list["Application"] = []


def application() -> "Application":
    """The home that this process serves."""
    return _applications[-1]


@contextmanager
def serving(app: "Application") -> Iterator[None]:
    """Let requests act in this home inside."""
    _applications.append(app)
    try:
        yield
    finally:
        _applications.pop()

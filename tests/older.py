"""Vaults as releases wrote them before format 1: all that is written inside carries the number 0.

That this is the only difference is pinned byte for byte by the golden files of format 0.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from unlost.vault.format import number


@contextmanager
def written_before() -> Iterator[None]:
    """What is written inside has format 0; nothing newer is read."""
    newest, number.FORMAT = number.FORMAT, 0  # type: ignore[misc]
    try:
        yield
    finally:
        number.FORMAT = newest  # type: ignore[misc]

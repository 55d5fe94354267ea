"""Files for their owner alone: outside the vault, data is not encrypted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

FOR_ITS_OWNER = 0o600
OTHERS = 0o077  # the bits of everyone else


def for_its_owner(path: str, flags: int) -> int:
    """Open a file that, if it is new, only its owner may read; an opener for ``open``."""
    return os.open(path, flags, FOR_ITS_OWNER)


@contextmanager
def all_for_their_owner() -> Iterator[None]:
    """Let whatever this process creates be for its owner alone, also what libraries create."""
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)

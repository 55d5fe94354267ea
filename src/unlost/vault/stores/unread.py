"""What a store does not give now, and what it has lost: only the latter is damage."""

import errno

from unlost.model.errors import StoreError

_LOST = frozenset({errno.ENOENT, errno.EIO})


def is_lost(error: OSError) -> bool:
    """True where a file is gone, or its device cannot read it any more.

    And where the error has no number: that is Arrow's, of bytes that cannot be decrypted or decoded.
    """
    return error.errno is None or error.errno in _LOST


def device_failed(error: StoreError) -> bool:
    """True where a store failed because the device cannot read those bytes any more."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.EIO


def unread(name: str, error: OSError) -> StoreError:
    """The error for an object that cannot be read now, whatever is in it."""
    return StoreError(
        "store-unread",
        f"“{name}” cannot be read now: {error.strerror or error}. That does not mean that it is damaged.",
        next_step="Look at the rights to the vault's place and at the machine's limits, and run it again.",
    )


def unsteady(name: str) -> StoreError:
    """The error for an object of which a store says one thing, and a moment later another."""
    return StoreError(
        "store-unsteady",
        f"The store gave different bytes of “{name}” when it was asked twice.",
        next_step="Look at the network and at the machine's memory, and run it again when nothing else "
        "is under way.",
    )

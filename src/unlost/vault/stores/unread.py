"""Distinguishes data that a store cannot return now from data that is lost: only loss is damage.

See docs/adr/0032.
"""

import errno

from unlost.model.errors import StoreError

_LOST = frozenset({errno.ENOENT, errno.EIO})


def is_lost(error: OSError) -> bool:
    """True if a file is gone, or its device can no longer read it.

    Also true for an error without a number: Arrow raises it for bytes that it cannot decrypt or
    decode.
    """
    return error.errno is None or error.errno in _LOST


def device_failed(error: StoreError) -> bool:
    """True if a store failed because the device can no longer read the bytes."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.EIO


def unread(name: str, error: OSError) -> StoreError:
    """The error for an object that cannot be read now, whether or not it is damaged."""
    return StoreError(
        "store-unread",
        "“{name}” cannot be read now: {strerror}. That does not mean that it is damaged.",
        next_step="Look at the rights to the vault's place and at the machine's limits, and run it again.",
        name=name,
        strerror=error.strerror or error,
    )


def unsteady(name: str) -> StoreError:
    """The error for a store that returned different bytes for the same object."""
    return StoreError(
        "store-unsteady",
        "The store gave different bytes of “{name}” when it was asked twice.",
        next_step="Look at the network and at the machine's memory, and run it again when nothing else "
        "is under way.",
        name=name,
    )

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
        "“{name}” cannot be read at the moment: {strerror}. It may be undamaged.",
        next_step="Check the permissions of the vault's location and the limits of the "
        "machine, then run it again.",
        name=name,
        strerror=error.strerror or error,
    )


def unsteady(name: str) -> StoreError:
    """The error for a store that returned different bytes for the same object."""
    return StoreError(
        "store-unsteady",
        "The store returned different bytes of “{name}” when it was read twice.",
        next_step="Check the network and the memory of the machine. Then run it again when "
        "nothing else is running.",
        name=name,
    )

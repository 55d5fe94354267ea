"""The rules for objects' names, and the errors that all stores share.

The port itself is ``unlost.model.vault.store.Store``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from unlost.model.errors import NotFound, StoreError, UsageError
from unlost.model.vault.store import ListedObject, Store, StoreProperties

_PART = r"[a-z0-9_][a-z0-9._-]*"
_NAME = re.compile(rf"{_PART}(/{_PART})*")
_LONGEST_NAME = 512
MAY_NOT_DELETE = "store-may-not-delete"  # the error code


def is_name(name: str) -> bool:
    """True for a name that stores do not refuse. Others may have put other names there."""
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """The name, unchanged; raises UsageError (``object-name``) if stores would refuse it."""
    if not is_name(name):
        raise UsageError(
            "object-name", "“{name}” is not a valid name of an object in a vault.", name=name
        )
    return name


@contextmanager
def where_allowed() -> Iterator[None]:
    """Skip a deletion that these credentials do not allow: a later sweep with others does it."""
    try:
        yield
    except StoreError as error:
        if error.code != MAY_NOT_DELETE:
            raise


def missing(name: str) -> NotFound:
    """The error for an object that does not exist."""
    return NotFound(
        "object-missing",
        "The vault has no object “{name}”.",
        next_step="Run `unlost verify --level full` to find out whether other objects are missing.",
        name=name,
    )


def not_atomic(properties: StoreProperties, why: str) -> StoreError:
    """The error for a place that cannot create an object exactly once."""
    versions = (
        " Its bucket has versioning, with which some servers do not guarantee this."
        * properties.versions
    )
    return StoreError(
        "store-not-atomic",
        "{address} cannot store a vault: {why}.{versions} If two writers use one name, exactly "
        "one must succeed. Otherwise one backup could overwrite another.",
        next_step="Choose a local disk, an NFS or SMB share that supports hard links, or a "
        "bucket with conditional writes. On Ceph, use a bucket without versioning.",
        address=properties.address,
        why=why,
        versions=versions,
    )


__all__ = [
    "MAY_NOT_DELETE",
    "ListedObject",
    "Store",
    "StoreProperties",
    "check_name",
    "is_name",
    "missing",
    "not_atomic",
    "where_allowed",
]

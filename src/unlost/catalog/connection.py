"""The database connection of a thread: kept in the main thread, closed in all others after use.

Django keeps one connection a thread. Worker threads end without notice to Django, so each piece of
work in them closes its connection itself.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import OperationalError, connection, transaction

from unlost.model.errors import StoreError, database_away

_kept: ContextVar[bool] = ContextVar("kept", default=False)


@contextmanager
def keep_connection() -> Iterator[None]:
    """Keep the thread's connection for all work inside, and close it at the end."""
    before = _kept.set(True)
    try:
        yield
    finally:
        _kept.reset(before)
        with returned_connection():
            pass


@contextmanager
def one_transaction() -> Iterator[None]:
    """Run all writes inside in one transaction."""
    with returned_connection(), transaction.atomic():
        yield


@contextmanager
def returned_connection() -> Iterator[None]:
    """Close the thread's connection at the end, unless the thread goes on using it.

    Raises StoreError (``database-away``, ``database-unusable``) if it cannot be used now.
    """
    try:
        yield
    except OperationalError as error:
        if not connection.in_atomic_block:
            connection.close()  # a broken connection would stay broken
        raise (database_away if connection.vendor == "postgresql" else _unusable)(
            str(error)
        ) from error
    finally:
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main and not _kept.get() and not connection.in_atomic_block:
            connection.close()


def _unusable(why: str) -> StoreError:
    return StoreError(
        "database-unusable",
        "The home's database file cannot be used: {why}.",
        next_step="Check whether its disk is full or read-only, and whether another program "
        "has locked it.",
        why=why,
    )

"""The database connection of a thread: kept in the main thread, closed in all others after use.

Django keeps one connection a thread. Worker threads end without notice to Django, so each piece of
work in them closes its connection itself.

Importing this module sets up Django, without which its models cannot be imported: every module that
imports models imports this one first.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import django
from django.db import OperationalError, connection, connections, transaction

from unlost.catalog.home_file import close_home_file, database_unusable
from unlost.catalog.settings import SQLITE
from unlost.model.errors import database_away

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unlost.catalog.settings")
django.setup()

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
        raise (database_away if connection.vendor == "postgresql" else database_unusable)(
            str(error)
        ) from error
    finally:
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main and not _kept.get() and not connection.in_atomic_block:
            connection.close()


def point_at(settings: Mapping[str, Any]) -> None:
    """Have Django use the database with these settings."""
    database = connections.settings["default"]
    if all(database[name] == value for name, value in settings.items()):
        return
    connections["default"].close()
    del connections["default"]  # its class belongs to the previous engine
    database.update(settings)


def point_at_file(file: Path) -> None:
    """Have Django use a database file."""
    no_server = {"HOST": "", "PORT": "", "USER": "", "CONN_HEALTH_CHECKS": False}
    point_at({**no_server, **SQLITE, "NAME": str(file)})


# A command that read the home without Django goes on with it.
_read_until_now = close_home_file()
if _read_until_now is not None:
    point_at_file(_read_until_now)

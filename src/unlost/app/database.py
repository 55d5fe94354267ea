"""Django, set up for one home: which database file, and whether its tables are up to date.

A process serves one home at a time; opening another one moves the connection there.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import django

from unlost.model.errors import IntegrityError, StoreError

SCHEMA = 5  # number of the newest migration; written to the file as SQLite's user_version
SETTINGS = "unlost.app.settings"

# Django wants to be set up before any of its models is imported; all modules that import models
# import this one first.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
django.setup()


def connect(file: Path) -> None:
    """Open the application database, made or brought up to date where needed.

    Raises StoreError (``catalog-newer``), IntegrityError (``catalog-damaged``).
    """
    present = _version(file)
    if present > SCHEMA:
        raise StoreError(
            "catalog-newer",
            f"The application database {file} was made by a newer Unlost.",
            next_step="Update Unlost on this machine; nothing was changed.",
        )
    _point_django_at(file)
    if present < SCHEMA:
        _migrate(file)


def disconnect() -> None:
    """Let go of the database in this thread."""
    from django.db import connections

    connections.close_all()


def _point_django_at(file: Path) -> None:
    from django.db import connections

    connection = connections["default"]
    if connection.settings_dict["NAME"] != str(file):
        connection.close()
        connection.settings_dict["NAME"] = str(file)


def _migrate(file: Path) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    file.chmod(0o600)
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version={SCHEMA}")


def _version(file: Path) -> int:
    """The number that the file carries; 0 where there is no file."""
    if not file.exists():
        return 0
    try:
        with closing(sqlite3.connect(file)) as database:
            return int(database.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise IntegrityError(
            "catalog-damaged",
            f"The application database {file} cannot be read: {error}.",
            next_step="Put back a copy of the file, or make a new home for the same vault; the "
            "backups themselves are not in it.",
        ) from error

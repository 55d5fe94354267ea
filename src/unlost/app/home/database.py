"""The database of one home: choose it, and migrate its tables.

A process serves one home at a time; opening another one moves the connection there. A command that
only reads the vault reads the file of its home without Django (``unlost.catalog.home_file``).
"""

import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from unlost.catalog.home_file import close_home_file, only_reads, open_home_file
from unlost.catalog.schema import SCHEMA, check_schema, schema_applied
from unlost.model.errors import IntegrityError

MIGRATING = 0x756E_6C6F_7374  # the advisory lock under which one process migrates: "unlost"


# Django must be set up before any of its models is imported; all modules that import models
# import this one first.
if not only_reads():
    import unlost.catalog.connection  # noqa: F401


def connect(place: Path | str) -> None:
    """Open the application database, and create or migrate its tables if needed.

    ``place`` is a file, or the URL of a PostgreSQL database. Raises StoreError (``catalog-newer``, ``catalog-development``,
    ``database-away``), IntegrityError (``catalog-damaged``).
    """
    if isinstance(place, str):
        _connect_server(place)
        return
    present = _version(place)
    check_schema(present, what=f"The application database {place}")
    if present == SCHEMA and only_reads() and "unlost.catalog.connection" not in sys.modules:
        open_home_file(place)
        return
    from unlost.catalog.connection import point_at_file

    point_at_file(place)
    # SQLite's user_version saves the check of all migrations at every start.
    if present < SCHEMA:
        migrate(place)


def disconnect() -> None:
    """Close this thread's database connections."""
    close_home_file()
    if "unlost.catalog.connection" in sys.modules:
        from django.db import connections

        connections.close_all()


def migrate(file: Path) -> None:
    """Create or migrate the tables of the file that Django is connected to."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    file.chmod(0o600)
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version={SCHEMA}")


def _server(url: str) -> Mapping[str, Any]:
    """Return Django's settings for a libpq URL; libpq itself looks up the password."""
    from psycopg.conninfo import conninfo_to_dict

    parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    named = {
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": parts,
        **named,
    }


def _connect_server(url: str) -> None:
    """Connect to a server, and migrate the tables if needed, in one process while others wait."""
    from django.core.management import call_command
    from django.db import connection

    from unlost.catalog.connection import point_at, returned_connection

    point_at(_server(url))
    with returned_connection():
        if schema_applied("default") == SCHEMA:
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
            try:
                check_schema(
                    schema_applied("default"), what="The application database of this home"
                )
                call_command("migrate", verbosity=0, interactive=False)
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])


def _version(file: Path) -> int:
    """Return the schema version of the file; 0 without a file."""
    if not file.exists():
        return 0
    try:
        with closing(sqlite3.connect(file)) as database:
            return int(database.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise IntegrityError(
            "catalog-damaged",
            "The application database {file} cannot be read: {error}.",
            next_step="Restore a copy of the file, or create a new home for the same vault. "
            "The file contains no backups.",
            file=file,
            error=error,
        ) from error

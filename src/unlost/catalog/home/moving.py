"""Move the application database into a SQLite file, or out of one.

A home in files already is a SQLite file. A home in PostgreSQL is copied row by row, table by table.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from graphlib import TopologicalSorter
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, connections, models, transaction

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org
from unlost.catalog.schema import schema_applied
from unlost.model.errors import Conflict

COPY = "copy"  # Django's name for the file
# Django's own tables are created anew; sessions and failed sign-ins belong to one machine and day.
MOVED_APPS = ("catalog", "account", "mfa", "socialaccount")
ROWS = 500  # moved at a time
_one = threading.Lock()  # the alias "copy" exists once in a process


@contextmanager
def as_file() -> Iterator[sqlite3.Connection]:
    """The database as an open SQLite connection, to be read."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        yield connection.connection
        return
    empty = _empty_tables()
    with (
        TemporaryDirectory(prefix="unlost-copy-") as folder,
        _copy_at(Path(folder) / "copy") as file,
    ):
        file.write_bytes(empty)
        with transaction.atomic():
            # a consistent view, though other sessions go on writing
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            _move(of="default", to=COPY)
        yield connections[COPY].connection


def fill_from(file: Path) -> None:
    """Put all of a file of this version into an empty database.

    Raises Conflict (``database-in-use``).
    """
    check_unused()
    with returned_connection(), _copy_at(file), transaction.atomic():
        _move(of=COPY, to="default")
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
                cursor.execute(statement)


def check_unused() -> None:
    """Raise Conflict (``database-in-use``) if the database already belongs to a home."""
    with returned_connection():
        used = Org.objects.exists()
    if used:
        raise Conflict(
            "database-in-use",
            "The database already belongs to another home.",
            next_step="Choose an empty database. For another machine of the same home, copy "
            "its unlost.toml and its keys instead.",
        )


def server_version() -> str:
    """The server's version text; raises StoreError (``database-away``)."""
    with returned_connection(), connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        row = cursor.fetchone()
    return str(row[0])


@contextmanager
def _copy_at(file: Path) -> Iterator[Path]:
    with _one:
        connections[COPY].close()
        connections.settings[COPY]["NAME"] = str(file)
        try:
            yield file
        finally:
            connections[COPY].close()


@cache
def _empty_tables() -> bytes:
    """A file with all tables and no rows. To make one takes over a second, so a process makes one."""
    with TemporaryDirectory(prefix="unlost-empty-") as folder:
        file = Path(folder) / "empty"
        with _copy_at(file):
            call_command("migrate", database=COPY, verbosity=0, interactive=False)
            with connections[COPY].cursor() as cursor:
                # A copy must be a single file, without a write-ahead log beside it.
                cursor.execute("PRAGMA journal_mode=DELETE")
                cursor.execute(f"PRAGMA user_version={schema_applied(COPY)}")
        return file.read_bytes()


def _move(*, of: str, to: str) -> None:
    with transaction.atomic(using=to), connections[to].constraint_checks_disabled():
        for model in _models():
            rows = model._base_manager.using(of).order_by("pk").iterator(chunk_size=ROWS)
            for some in batched(rows, ROWS):
                model._base_manager.using(to).bulk_create(some)


def _models() -> Sequence[type[models.Model]]:
    """All tables of the catalog and of sign-ins, each after the tables that it refers to."""
    kinds = [
        model
        for app in MOVED_APPS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    ]
    order: TopologicalSorter[type[models.Model]] = TopologicalSorter()
    for model in kinds:
        related = {field.related_model for field in model._meta.concrete_fields}
        order.add(model, *(kind for kind in kinds if kind in related and kind is not model))
    return list(order.static_order())

"""Migrations: complete, and all that a new home needs."""

from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from unlost.catalog.models import User
from unlost.catalog.schema import BEFORE_RELEASES, SCHEMA


def test_no_change_of_a_model_lacks_its_migration() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_number_in_the_database_is_that_of_the_newest_migration() -> None:
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("catalog")
    assert BEFORE_RELEASES + int(newest[1][:4]) == SCHEMA


def test_people_are_our_own_model() -> None:
    assert get_user_model() is User
    person = User.objects.create_user("ada", password="correct horse")
    assert person.check_password("correct horse")


def test_the_database_survives_a_power_cut(database: Path | str) -> None:
    with connection.cursor() as cursor:
        if isinstance(database, str):
            assert cursor.execute("SHOW synchronous_commit").fetchone() == ("on",)
            return
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL

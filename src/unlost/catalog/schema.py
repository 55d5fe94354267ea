"""The schema number of the application database, and the numbers that can be opened.

Development versions before the first release wrote the numbers 1 to 11, so releases begin above
100.
"""

from unlost.model.errors import StoreError

BEFORE_RELEASES = 100
SCHEMA = BEFORE_RELEASES + 18  # the newest migration; a file has it as SQLite's user_version
DEVELOPMENT = "0002_writer"  # a migration that no release has


def schema_applied(alias: str) -> int:
    """The schema number of a database; 0 for none."""
    from django.db import connections
    from django.db.migrations.recorder import MigrationRecorder

    applied = MigrationRecorder(connections[alias]).applied_migrations()
    names = {name for app, name in applied if app == "catalog"}
    if not names or DEVELOPMENT in names:
        return len(names)
    return BEFORE_RELEASES + max(int(name[:4]) for name in names)


def check_schema(number: int, *, what: str) -> None:
    """Raise StoreError (``catalog-newer``, ``catalog-development``) unless this version can use it.

    ``what`` is the subject of a sentence. An older schema of a release, or none, is migrated.
    """
    if number > SCHEMA:
        raise StoreError(
            "catalog-newer",
            "{database} was created by a newer version of Unlost.",
            next_step="Install that version or a newer one. Nothing was changed.",
            database=what,
        )
    if 0 < number <= BEFORE_RELEASES:
        raise StoreError(
            "catalog-development",
            "{database} was created by a development version from before the first release.",
            next_step="Create a new home for the same vault with `unlost init DIR --vault "
            "PLACE --from-sheet FILE`, and add the orgs again. The backups are in the vault. "
            "Nothing was changed.",
            database=what,
        )

"""The application database as bytes, for a copy elsewhere, and back.

A copy holds no record of an org: settings, runs, backups due, alerts, and secrets in sealed form.
See docs/adr/0013.
"""

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
from allauth.socialaccount.models import SocialApp
from blake3 import blake3
from django.db import connection, models
from django.db.models import Q

from unlost.catalog.archive_models import ArchivePeriodRow, ArchivePolicyRow
from unlost.catalog.conclusion_models import AcceptedGapRow, MassLimitsRow, SilenceRow
from unlost.catalog.connection import returned_connection
from unlost.catalog.home.moving import as_file
from unlost.catalog.models import (
    AlertRow,
    ApprovalPolicyRow,
    BypassRow,
    ChannelRow,
    HiddenColumnRow,
    HomeCopy,
    HomeSettingRow,
    KeepRow,
    MembershipRow,
    Org,
    Run,
    ScheduleRow,
    SearchedColumnRow,
    Secret,
    TokenRow,
    User,
    WriterRow,
)
from unlost.catalog.orgs.secrets import place_of, sealing_key, unseal
from unlost.model.errors import IntegrityError
from unlost.model.message import message
from unlost.model.ports.removals import RemovalDecision
from unlost.model.runs.night import NightState

SETTINGS: tuple[type[models.Model], ...] = (
    Org, WriterRow, Secret, ScheduleRow, ChannelRow, User, MembershipRow, TokenRow, HiddenColumnRow,
    KeepRow, SocialApp, AcceptedGapRow, HomeSettingRow, MassLimitsRow, SilenceRow, SearchedColumnRow,
    ApprovalPolicyRow, BypassRow, ArchivePolicyRow, ArchivePeriodRow,
)  # fmt: skip
# Columns of settings that change with each backup; a sign-in that renews a secret seals it again.
MOVING = frozenset({
    "after", "next_at", "hour_at", "digested", "sealed", "last_login", "used_at",
})  # fmt: skip
PASSING = (
    "catalog_runitem", "catalog_leaserow", "catalog_apibudget", "catalog_apihour",
    "catalog_homecopy", "catalog_linkrow", "catalog_planrow", "catalog_previewrow",
    "catalog_selectionrow", "catalog_scrubrow", "catalog_mirrorrow", "catalog_removalrequestrow",
    "django_session",
    "usersessions_usersession", "axes_accessattempt", "axes_accesslog", "axes_accessfailurelog",
    "axes_accessattemptexpiration",
)  # fmt: skip
_TRUSTING = frozenset({"catalog_owncommitrow", "catalog_examinedrow"})
_HEAD = b"SQLite format 3\x00"
MACHINE_LOST = message("machine-lost", "The machine was lost during this run.")


@dataclass(frozen=True, slots=True)
class NewestCopy:
    """The newest copy that this home made."""

    number: int
    settings: str
    at: datetime


def settings_digest() -> str:
    """A hash that changes with each change of settings, and with nothing else."""
    hasher = blake3()
    with returned_connection(), connection.cursor() as cursor:
        for model in SETTINGS:
            names, query = _settings_query(model, vendor=connection.vendor)
            cursor.execute(query)
            rows = [list(row) for row in cursor.fetchall()]
            hasher.update(msgspec.json.encode([model.__name__, names, rows]))
    return hasher.hexdigest(length=16)


@cache
def _settings_query(model: type[models.Model], *, vendor: str) -> tuple[list[str], str]:
    """The columns of a table of settings, and the SQL for one kind of database that reads them.

    Making the SQL of all tables takes ten times as long as running it, and each change runs it.
    """
    names = [f.attname for f in model._meta.concrete_fields if f.attname not in MOVING]
    rows = model._default_manager.order_by("pk").values_list(*names)
    query, parameters = rows.query.sql_with_params()
    assert not parameters, f"the settings of {model.__name__} on {vendor} need no parameters"
    return names, query


def dump() -> bytes:
    """The database as it is now, without data that only matters to this machine's processes."""
    with returned_connection(), closing(sqlite3.connect(":memory:")) as copy:
        with as_file() as database:
            # SQLite's backup reads a consistent state, though others go on writing.
            database.backup(copy)
        for table in PASSING:
            copy.execute(f"DELETE FROM {table}")  # noqa: S608 (our own names)
        copy.commit()
        # Deleted rows would otherwise remain readable in free pages of the copy.
        copy.execute("VACUUM")
        return bytes(copy.serialize())


def write_database(content: bytes, file: Path) -> None:
    """Write a copy as a database file; raises IntegrityError (``home-copy-damaged``)."""
    if not content.startswith(_HEAD):
        raise _damaged("it is not a database")
    file.touch(mode=0o600)
    file.write_bytes(content)
    try:
        with closing(sqlite3.connect(file)) as database:
            (result,) = database.execute("PRAGMA quick_check").fetchone()
    except sqlite3.DatabaseError as error:
        result = str(error)
    if result != "ok":
        file.unlink()
        raise _damaged(result)


def names_any(content: bytes, oids: Collection[str]) -> bool:
    """True if a copy has the settings of one of these orgs."""
    if not content.startswith(_HEAD):
        return False
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(content)
        rows = database.execute("SELECT oid FROM catalog_org").fetchall()
    return not {oid for (oid,) in rows}.isdisjoint(oids)


def check_key(content: bytes, key: bytes) -> None:
    """Raise NotAllowed (``home-key-wrong``) unless this home key opens the secrets of a copy."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(content)
        rows = database.execute(
            "SELECT o.oid, s.name, s.sealed FROM catalog_secret s "
            "JOIN catalog_org o ON o.id = s.org_id"
        ).fetchall()
    for oid, name, sealed in rows:
        unseal(bytes(sealed), key=sealing_key(key), place=place_of(oid, name))


def settle_copy(file: Path, *, keep_secrets: bool, at: datetime) -> Sequence[str]:
    """Adapt a copy's file to a new machine; returns the names of channels whose secret is gone.

    Secrets that no key can open are removed. Runs in progress ended with their machine; their
    backups are tried again. Of the commits of others only rejections stay: a thief of the service
    key can make a copy that calls the thief's commits the home's own, or confirmed.
    """
    with closing(sqlite3.connect(file)) as database, database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        for table in _TRUSTING & tables:
            database.execute(f"DELETE FROM {table}")  # noqa: S608 (our own names)
        if "catalog_foreigncommitrow" in tables:
            rejected = RemovalDecision.REJECTED.value
            database.execute(
                "DELETE FROM catalog_foreigncommitrow WHERE decision != ?", (rejected,)
            )
        silent: list[str] = []
        if not keep_secrets:
            sealed = "FROM catalog_channelrow WHERE sealed IS NOT NULL ORDER BY name"
            silent = [name for (name,) in database.execute(f"SELECT name {sealed}")]
            database.execute("DELETE FROM catalog_secret")
            database.execute("UPDATE catalog_channelrow SET sealed = NULL")
        database.execute(
            "UPDATE catalog_night SET state = ?, next_at = ? WHERE state = ?",
            (NightState.WAITING.value, _sql(at), NightState.RUNNING.value),
        )
        database.execute(
            "UPDATE catalog_run SET state = 'failed', ended_at = ?, error = ? "
            "WHERE state IN ('running', 'parked', 'waiting')",
            (_sql(at), msgspec.json.encode(MACHINE_LOST).decode()),
        )
    return silent


def schema_of(content: bytes) -> int:
    """The schema number of a copy."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(content)
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def _sql(at: datetime) -> str:
    """An instant in the form in which Django writes it to SQLite."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def happened_since(at: datetime) -> bool:
    """True if a run ended, or an alert began or ended, since an instant.

    Hourly backups do not count: a copy for each would displace the copies of earlier days.
    """
    with returned_connection():
        alerts = AlertRow.objects.filter(Q(opened_at__gte=at) | Q(resolved_at__gte=at))
        runs = Run.objects.filter(ended_at__gte=at, hourly=False)
        return runs.exists() or alerts.exists()


def last_copy() -> NewestCopy | None:
    """The newest copy that this home made."""
    with returned_connection():
        row = HomeCopy.objects.order_by("-at", "-id").first()
    return NewestCopy(row.number, row.settings, row.at) if row is not None else None


def note_copy(copied: NewestCopy) -> None:
    """Record a copy; only the newest matters."""
    with returned_connection():
        copy_row = HomeCopy.objects.create(
            number=copied.number, settings=copied.settings, at=copied.at
        )
        HomeCopy.objects.exclude(id=copy_row.id).delete()


def _damaged(why: str) -> IntegrityError:
    return IntegrityError(
        "home-copy-damaged",
        "The copy of the home's data cannot be used: {why}.",
        next_step="Use an earlier copy with `unlost vault rebuild --copy NUMBER`.",
        why=why,
    )

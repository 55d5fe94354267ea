"""The audit log: actions of people, row by row, each proving the row before.

``digest`` is a hash that covers the row and the hash before it, so that a changed or removed row
breaks the chain from there on:

  digest(n) = BLAKE3(digest(n - 1) + row n as canonical JSON)

A change has two rows: its intent, which is written before it starts, and its outcome, which has the
number of the intent. Lists show the intent only while there is no outcome.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3

from unlost.catalog.home_file import HomeFile, home_file, instant_column
from unlost.model.access import ActorKind, Trace

if TYPE_CHECKING:
    from unlost.catalog.models import AuditRow

FIRST = "0" * 64  # the hash before row 1
CHAINING = 0x756E_6C61_7564  # the advisory lock that serialises new rows: "unlaud"
ROWS = 1_000  # read at a time
BEGUN = "begun"  # the outcome in the row of an intent


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """An action, or an attempt at it. ``outcome`` is ``done``, ``begun`` or the code of the error.

    ``subject`` names the object of the action: a record as ``Account/001…``, a run, a person.
    Neither it nor ``detail`` holds a value of a record. ``begun`` is the outcome of an intent.
    ``intent`` is the number of the entry of the intent, in the entry of its outcome.
    """

    at: datetime
    kind: ActorKind
    actor: str
    act: str
    trace: Trace
    org: str
    subject: str
    outcome: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    intent: int | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A row of the audit log. ``digest`` is hex, a hash over event, number and the hash before."""

    number: int
    deed: AuditEvent
    digest: str


@dataclass(frozen=True, slots=True)
class AuditProof:
    """The result of checking the whole chain. ``broken``: the first wrong row, or None."""

    rows: int
    digest: str
    broken: int | None


def note(event: AuditEvent) -> AuditEntry:
    """Append an event to the chain, durable on return.

    Raises RuntimeError for an intent inside a transaction, which could remove it with the change.
    """
    file = home_file()
    if file is not None:
        return _note_in(file, event)
    from django.db import transaction

    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import AuditRow

    with returned_connection(), transaction.atomic(durable=event.outcome == BEGUN):
        _serialized()
        # Read under the lock: two rows with one predecessor would fork the chain.
        last = AuditRow.objects.order_by("-number").values_list("number", "digest").first()
        entry = _after(last or (0, FIRST), event)
        AuditRow.objects.create(number=entry.number, digest=entry.digest, **asdict(event))
    return entry


def _note_in(file: HomeFile, event: AuditEvent) -> AuditEntry:
    """Append an event in a home's file."""
    with file.transaction():
        last = file.rows("SELECT number, digest FROM catalog_auditrow ORDER BY number DESC LIMIT 1")
        entry = _after(last[0] if last else (0, FIRST), event)
        columns = {
            **asdict(event),
            "number": entry.number,
            "digest": entry.digest,
            "at": instant_column(event.at),
            "detail": json.dumps(event.detail),
        }
        marks = ", ".join(f":{name}" for name in columns)
        statement = f"INSERT INTO catalog_auditrow ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 (names of columns)
        file.rows(statement, columns)
    return entry


def _after(last: tuple[int, str], event: AuditEvent) -> AuditEntry:
    """Return the row that follows a row with this number and digest."""
    number, before = last
    return AuditEntry(number + 1, event, digest_of(event, number=number + 1, before=before))


def digest_of(event: AuditEvent, *, number: int, before: str) -> str:
    """The hash of a row: BLAKE3 over the hash before it and the row as canonical JSON."""
    fields_written = {**asdict(event), "number": number, "at": event.at.astimezone(UTC).isoformat()}
    # Rows without an intent have the hash that they had before there were intents.
    if event.intent is None:
        del fields_written["intent"]
    content = msgspec.json.encode(fields_written, order="sorted")
    return blake3(before.encode() + b"\n" + content).hexdigest()


def newest(
    *, most: int, before: int | None = None, org: str | None = None, actor: str | None = None
) -> Sequence[AuditEntry]:
    """The newest rows; optionally only rows before a number, of one org or of one actor.

    Intents that have an outcome are left out, so that each action is there once.
    """
    from django.db.models import Exists, OuterRef

    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import AuditRow

    with returned_connection():
        outcomes = AuditRow.objects.filter(intent=OuterRef("number"))
        rows = AuditRow.objects.order_by("-number").exclude(Exists(outcomes), outcome=BEGUN)
        rows = rows.filter(number__lt=before) if before is not None else rows
        rows = rows.filter(org=org) if org is not None else rows
        rows = rows.filter(actor=actor) if actor is not None else rows
        return [_entry(row) for row in rows[:most]]


def newest_times(acts: Iterable[str], *, outcome: str) -> Mapping[str, datetime]:
    """The newest time at which each of these actions had an outcome; without those that never had."""
    from django.db.models import Max

    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import AuditRow

    with returned_connection():
        rows = AuditRow.objects.filter(act__in=list(acts), outcome=outcome).values_list("act")
        return dict(rows.annotate(newest=Max("at")))


def every() -> Iterator[AuditEntry]:
    """All rows, oldest first, a thousand at a time."""
    after = 0
    while rows := _following(after):
        yield from rows
        after = rows[-1].number


def prove() -> AuditProof:
    """Check the whole chain. A cut end can be noticed only with an earlier hash."""
    number, digest = 0, FIRST
    for entry in every():
        fits = entry.number == number + 1 and entry.digest == digest_of(
            entry.deed, number=entry.number, before=digest
        )
        if not fits:
            return AuditProof(number, digest, entry.number)
        number, digest = entry.number, entry.digest
    return AuditProof(number, digest, None)


def _following(after: int) -> Sequence[AuditEntry]:
    from unlost.catalog.connection import returned_connection
    from unlost.catalog.models import AuditRow

    with returned_connection():
        rows = AuditRow.objects.filter(number__gt=after).order_by("number")[:ROWS]
        return [_entry(row) for row in rows]


def _serialized() -> None:
    """Serialise writers: SQLite's transaction already locks the file; PostgreSQL needs a lock."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAINING])


def _entry(row: "AuditRow") -> AuditEntry:
    event = AuditEvent(
        row.at,
        ActorKind(row.kind),
        row.actor,
        row.act,
        Trace(row.trace),
        row.org,
        row.subject,
        row.outcome,
        row.detail,
        row.intent,
    )
    return AuditEntry(row.number, event, row.digest)
